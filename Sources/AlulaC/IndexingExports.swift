import Alula
import CAlula

@_cdecl("alula_tensor_get") @implementation
public func alula_tensor_get(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ tensor: OpaquePointer?, _ items: UnsafePointer<alula_index>?,
  _ count: Int
) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_get"
    let source = try AlulaC.tensor(tensor, name)
    try store(try source.at(try indexItems(items, count, name)), out, name)
  }
}

@_cdecl("alula_tensor_split") @implementation
public func alula_tensor_split(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ tensor: OpaquePointer?, _ lengths: UnsafePointer<Int64>?,
  _ count: Int, _ axis: Int64
) -> alula_status {
  boundary { () throws(AlulaError) in
    let name = "alula_tensor_split"
    guard let out else { throw .invalidArgument("\(name): the pointer for the results is NULL") }
    let lengths = try copyList(lengths, count, name)
    for i in 0..<count { out[i] = nil }
    let parts = try AlulaC.tensor(tensor, name).split(lengths: lengths.map { Int($0) }, axis: Int(axis))
    do throws(AlulaError) {
      for (i, part) in parts.enumerated() { try store(part, out + i, name) }
    } catch {
      for i in 0..<count {
        _ = Handles.release(out[i], as: Tensor.self)
        out[i] = nil
      }
      throw error
    }
  }
}

@_cdecl("alula_tensor_set_") @implementation
public func alula_tensor_set_(
  _ tensor: OpaquePointer?, _ items: UnsafePointer<alula_index>?, _ count: Int, _ value: OpaquePointer?
) -> alula_status {
  boundary { () throws(AlulaError) in
    let name = "alula_tensor_set_"
    let target = try AlulaC.tensor(tensor, name)
    try target.set(try indexItems(items, count, name), to: try AlulaC.tensor(value, name))
  }
}

private func indexItems(_ items: UnsafePointer<alula_index>?, _ count: Int, _ name: String) throws(AlulaError)
  -> [TensorIndex]
{
  // Every axis an item, as many new ones, an ellipsis, and masks that take no axis.
  guard count <= 4 * Dims.maximumRank else { throw .invalidArgument("\(name): an index of \(count) items") }
  var result: [TensorIndex] = []
  for item in try copyList(items, count, name) {
    switch item.kind {
    case ALULA_INDEX_INTEGER: result.append(.integer(Int(item.start)))
    case ALULA_INDEX_SLICE:
      result.append(.slice(start: optional(item.start), stop: optional(item.stop), step: optional(item.step)))
    case ALULA_INDEX_ELLIPSIS: result.append(.ellipsis)
    case ALULA_INDEX_NEW_AXIS: result.append(.newAxis)
    case ALULA_INDEX_TENSOR: result.append(.tensor(try AlulaC.tensor(item.tensor, name)))
    default: throw .invalidArgument("\(name): \(item.kind.rawValue) is no alula_index_kind")
    }
  }
  return result
}

/// `ALULA_NONE` is the smallest integer.
private func optional(_ value: Int64) -> Int? { value == .min ? nil : Int(value) }
