// The axes of a reduction, and the shapes before and after it.

extension DType {
  /// The dtype of a sum: wide enough for many small integers.
  package var accumulated: DType {
    switch self {
    case .bool, .int8, .int16, .int32: .int64
    case .uint8, .uint16, .uint32: .uint64
    default: self
    }
  }
}

extension Call {
  /// The shape that is left of the first input after its reduction over attribute `axis`.
  func reducedShape() throws(AlulaError) -> Dims {
    reducedShape(try axes(optionalInts("axis"), rank: self[0].rank))
  }

  /// The shape that is left of the first input after its reduction over `axes`.
  func reducedShape(_ axes: [Int]) -> Dims {
    let shape = self[0].layout.shape
    let keepdims = bool("keepdims")
    var result = Dims()
    for i in shape.indices {
      if !axes.contains(i) { result.append(shape[i]) } else if keepdims { result.append(1) }
    }
    return result
  }

  /// The attributes of `var` in the order of the primitive behind it.
  var varianceAttributes: [AttributeValue] { [attributes[0], attributes[2], attributes[1]] }

  /// Refuses to reduce axes without elements to results that exist.
  func checkNotEmpty(_ axes: [Int]) throws(AlulaError) {
    let shape = self[0].layout.shape
    let reducesNothing = axes.contains { shape[$0] == 0 }
    let hasResults = shape.indices.allSatisfy { axes.contains($0) || shape[$0] != 0 }
    if reducesNothing && hasResults {
      throw .invalidArgument("\(operation.name): shape \(shape) has no element along axis \(Dims(axes))")
    }
  }
}

extension GradientContext {
  /// The axes of attribute `axis`, or all of them.
  func reducedAxes() throws(AlulaError) -> [Int] {
    try Call(node.operation, Operands()).axes(optionalInts("axis"), rank: shape(0).count)
  }

  /// A reduction's gradient (or result) with its reduced axes back as extent 1.
  func expandReduced(_ tensor: Tensor) throws(AlulaError) -> Tensor {
    var shape = shape(0)
    for axis in try reducedAxes() { shape[axis] = 1 }
    return try tensor.reshape(shape: shape)
  }
}

extension Tensor {
  /// The number of elements over `axes`.
  func reducedCount(_ axes: [Int]) -> Int {
    axes.reduce(1) { $0 * layout.shape[$1] }
  }
}
