// A tensor taken apart into several views. In C these are `alula_tensor_split` and calls of `alula_tensor_get`.

extension Tensor {
  /// Views of consecutive runs along an axis, of the given lengths, which make up the whole axis.
  public func split(lengths: [Int], axis: Int = 0) throws(AlulaError) -> [Tensor] {
    guard axis >= -rank, axis < rank else {
      throw .outOfRange("split: axis \(axis) is out of range for rank \(rank)")
    }
    let extent = layout.shape[axis < 0 ? axis + rank : axis]
    var parts: [Tensor] = []
    var start = 0
    for length in lengths {
      guard length >= 0, length <= extent - start else { break }
      parts.append(try narrow(axis: axis, start: start, length: length))
      start += length
    }
    guard parts.count == lengths.count, start == extent else {
      throw .invalidArgument("split: lengths \(Dims(lengths)) do not make up axis \(axis) with size \(extent)")
    }
    return parts
  }

  /// A view for every position along an axis, without that axis.
  public func unstack(axis: Int = 0) throws(AlulaError) -> [Tensor] {
    guard axis >= -rank, axis < rank else {
      throw .outOfRange("unstack: axis \(axis) is out of range for rank \(rank)")
    }
    let front = Array(repeating: TensorIndex.all, count: axis < 0 ? axis + rank : axis)
    var parts: [Tensor] = []
    for i in 0..<layout.shape[front.count] { parts.append(try at(front + [.integer(i)])) }
    return parts
  }
}
