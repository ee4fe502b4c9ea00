import Alula
import CAlula
import CSupport

private typealias Managed = csupport_dl_managed_tensor

private let readOnly: UInt64 = 1
private let cpu: Int32 = 1
private let codes: [DType: (code: UInt8, bits: UInt8)] = [
  .int8: (0, 8), .int16: (0, 16), .int32: (0, 32), .int64: (0, 64),
  .uint8: (1, 8), .uint16: (1, 16), .uint32: (1, 32), .uint64: (1, 64),
  .float16: (2, 16), .float32: (2, 32), .float64: (2, 64), .bfloat16: (4, 16),
  .complex64: (5, 64), .complex128: (5, 128), .bool: (6, 8),
]

/// What an exported capsule owns.
private final class Export {
  let tensor: Tensor
  let managed: UnsafeMutablePointer<Managed>
  /// Shape, then strides.
  let extents: UnsafeMutablePointer<Int64>
  let data: UnsafeMutableRawPointer

  init(_ tensor: Tensor) {
    self.tensor = tensor
    data = tensor.exposedData
    managed = .allocate(capacity: 1)
    extents = .allocate(capacity: max(1, 2 * tensor.rank))
  }

  deinit {
    tensor.storage.conceal()
    managed.deallocate()
    extents.deallocate()
  }
}

@_cdecl("alula_tensor_to_dlpack") @implementation
public func alula_tensor_to_dlpack(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ tensor: OpaquePointer?)
  -> alula_status
{
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_to_dlpack"
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    let tensor = try AlulaC.tensor(tensor, name)
    guard !tensor.requiresGradient else {
      throw .autograd("\(name): the tensor requires a gradient, which other libraries would not see; detach it")
    }
    guard let type = codes[tensor.dtype] else { throw .unsupported("\(name): dtype \(tensor.dtype)") }

    let export = Export(tensor)
    let (rank, layout) = (tensor.rank, tensor.layout)
    for i in 0..<rank {
      export.extents[i] = Int64(layout.shape[i])
      export.extents[rank + i] = Int64(layout.strides[i])
    }
    var managed = Managed()
    managed.version.major = 1
    managed.version.minor = 0
    managed.manager_ctx = Unmanaged.passRetained(export).toOpaque()
    managed.deleter = { managed in
      guard let context = managed?.pointee.manager_ctx else { return }
      Unmanaged<Export>.fromOpaque(context).release()
    }
    managed.dl_tensor.data = layout.count == 0 ? nil : export.data
    managed.dl_tensor.device.type = cpu
    managed.dl_tensor.ndim = Int32(rank)
    managed.dl_tensor.dtype.code = type.code
    managed.dl_tensor.dtype.bits = type.bits
    managed.dl_tensor.dtype.lanes = 1
    managed.dl_tensor.shape = export.extents
    managed.dl_tensor.strides = export.extents + rank
    export.managed.initialize(to: managed)
    out.pointee = OpaquePointer(export.managed)
  }
}

@_cdecl("alula_tensor_from_dlpack") @implementation
public func alula_tensor_from_dlpack(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ managed: OpaquePointer?)
  -> alula_status
{
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_from_dlpack"
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    guard let managed else { throw .invalidArgument("\(name): the capsule is NULL") }
    let capsule = UnsafeMutablePointer<Managed>(managed)
    guard capsule.pointee.version.major == 1 else {
      throw .unsupported("\(name): DLPack version \(capsule.pointee.version.major), where 1 is known")
    }
    let isCopied = capsule.pointee.flags & readOnly != 0
    let owner = Capsule(capsule)
    do throws(AlulaError) {
      let tensor = try importTensor(capsule.pointee.dl_tensor, owner, name)
      // Alula has no tensors that refuse writes: what must not be written is copied.
      try store(isCopied ? try tensor.copy() : tensor, out, name)
    } catch {
      owner.disown()
      throw error
    }
  }
}

/// A capsule that was handed to the library; its deleter is called when the last tensor over its memory is gone.
private final class Capsule: @unchecked Sendable {
  // Unchecked: DLPack's deleters may be called on any thread.
  private var managed: UnsafeMutablePointer<Managed>?

  init(_ managed: UnsafeMutablePointer<Managed>) { self.managed = managed }
  func disown() { managed = nil }
  deinit { managed?.pointee.deleter?(managed) }
}

private func importTensor(_ source: csupport_dl_tensor, _ owner: Capsule, _ name: String) throws(AlulaError) -> Tensor {
  guard source.device.type == cpu else {
    throw .unsupported(
      "\(name): memory on a device of DLPack type \(source.device.type); only the cpu (1) is supported")
  }
  let type = source.dtype
  guard type.lanes == 1, let dtype = codes.first(where: { $0.value == (type.code, type.bits) })?.key else {
    throw .invalidDType(
      "\(name): DLPack type code \(type.code) with \(type.bits) bits and \(type.lanes) lanes is not supported")
  }
  let shape = try readShape(source.shape, Int(source.ndim), name)
  let strides = source.strides == nil ? nil : try readShape(source.strides, Int(source.ndim), name)
  guard let offset = Int(exactly: source.byte_offset), let data = source.data.map({ $0 + offset }) ?? emptyData(shape)
  else { throw .invalidArgument("\(name): data is NULL") }
  return try Tensor(borrowing: data, shape: shape, strides: strides, dtype: dtype) {
    withExtendedLifetime(owner) {}
  }
}
