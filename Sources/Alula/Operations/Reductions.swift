extension Operation {
  static let reductions = [sum]

  public static let sum = Operation(
    "sum", "The sum over axes, in pairwise order. Small integers and bool are summed as int64.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: [
      .optionalInts("axis", "The axes to sum over; all of them by default."),
      .bool("keepdims", default: false, "Whether summed axes stay, with extent 1."),
    ],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      [TensorSpec(c[0].dtype.accumulated, try c.reducedShape())]
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      [try c.expandReduced(c.gradient).broadcastTo(shape: c.shape(0))]
    },
    samples: [
      Sample(.normal(3, 4)), Sample(.normal(3, 4, 2), attributes: ["axis": .ints([-1, 0])]),
      Sample(.normal(3, 4), attributes: ["axis": .ints([1]), "keepdims": .bool(true)]),
    ],
    reference: "np.sum(x, axis=axis, keepdims=keepdims)")
}

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
  /// The shape that is left of the first input after its reduction over `axis`.
  func reducedShape() throws(AlulaError) -> Dims {
    let shape = self[0].layout.shape
    let reduced = try axes(optionalInts("axis"), rank: shape.count)
    let keepdims = bool("keepdims")
    var result = Dims()
    for i in shape.indices {
      if !reduced.contains(i) { result.append(shape[i]) } else if keepdims { result.append(1) }
    }
    return result
  }
}

extension GradientContext {
  /// A reduction's gradient (or result) with its reduced axes back as extent 1.
  func expandReduced(_ tensor: Tensor) throws(AlulaError) -> Tensor {
    var shape = shape(0)
    for axis in try Call(node.operation, [], []).axes(optionalInts("axis"), rank: shape.count) { shape[axis] = 1 }
    return try tensor.reshape(shape: shape)
  }
}
