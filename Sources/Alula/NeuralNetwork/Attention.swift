extension Operation {
  static let attention = [scaledDotProductAttention]

  public static let scaledDotProductAttention = Operation(
    "scaled_dot_product_attention",
    "softmax(q kᵀ scale + mask) v for q (..., L, E), k (..., S, E) and v (..., S, V), giving (..., L, V).\nA mask of bool, "
      + "broadcast to (..., L, S), is true where attention is allowed; one of floats is added. `causal` lets each position see itself and "
      + "those before it. A position that sees nothing gets zeros. The scores are never held all at once, unless the "
      + "mask needs a gradient.",
    source: .pytorch,
    inputs: [
      .value("q"), .value("k"), .value("v"),
      Input(name: "mask", role: .any, arity: .optional, documentation: "bool or float."),
    ],
    attributes: [
      .bool("causal", default: false, "Whether to mask what comes after each position."),
      .float("scale", default: 0, "What products are multiplied by; 0 stands for 1/√E."),
    ],
    dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      var (q, k, v) = (c[0], c[1], c[2])
      let shapes = "shapes \(q.layout.shape), \(k.layout.shape) and \(v.layout.shape)"
      guard q.rank >= 2, k.rank >= 2, v.rank >= 2 else {
        throw .invalidArgument("scaled_dot_product_attention: \(shapes); (..., length, size) is expected")
      }
      guard q.shape.last == k.shape.last, k.shape[k.rank - 2] == v.shape[v.rank - 2] else {
        throw .invalidArgument(
          "scaled_dot_product_attention: \(shapes); q and k must agree in their last extent, k and v in the one before")
      }
      guard let scored = Dims.broadcast(q.heads, k.heads), let heads = Dims.broadcast(scored, v.heads) else {
        throw .invalidArgument("scaled_dot_product_attention: \(shapes); leading axes do not broadcast")
      }
      let (length, sources, size) = (q.shape[q.rank - 2], k.shape[k.rank - 2], q.shape[q.rank - 1])
      let given = c.float("scale")
      let scale = given == 0 ? 1 / Double(Swift.max(size, 1)).squareRoot() : given

      let mask = try c.additiveMask(scored.array + [length, sources])
      if let mask, mask.requiresGradient, GradientMode.isEnabled {
        return [try attentionWeights(q, k, mask, causal: c.bool("causal"), scale: scale).matmul(v)]
      }
      q = try q.broadcastTo(shape: heads.array + [length, size])
      k = try k.broadcastTo(shape: heads.array + [sources, size])
      v = try v.broadcastTo(shape: heads.array + [sources, v.shape[v.rank - 1]])
      return [
        try attentionRows.first(
          [q, k, v, mask?.broadcastTo(shape: heads.array + [length, sources])],
          [.bool(c.bool("causal")), .float(scale)])
      ]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3, 4), .normal(2, 5, 4), .normal(2, 5, 6), nil),
      Sample(.normal(2, 2, 4, 3), .normal(2, 2, 4, 3), .normal(2, 2, 4, 3), nil, attributes: ["causal": .bool(true)]),
      Sample(
        .normal(3, 4), .normal(5, 4), .normal(5, 2),
        .literal([1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1], 3, 5, dtype: .bool),
        attributes: ["scale": .float(0.3)]),
      Sample(.normal(2, 3, 4), .normal(2, 5, 4), .normal(2, 5, 6), .normal(3, 5)),
      Sample(
        .normal(2, 1, 19, 3), .normal(3, 17, 3), .normal(3, 17, 16), .literal([0, -0.5, 1], 3, 1, 1),
        attributes: ["causal": .bool(true)]),
      // The second position sees nothing.
      Sample(.normal(2, 4), .normal(3, 4), .normal(3, 8), .literal([1, 1, 0, 0, 0, 0], 2, 3, dtype: .bool)),
      Sample(.normal(2, 3, 4), .normal(2, 0, 4), .normal(2, 0, 5), nil),
    ],
    reference: "reference.attention(q, k, v, mask, causal, scale)")

  /// Attention with equal leading axes, a mask that is added, and a scale; with the logarithm of each position's sum of
  /// exponentials, which its gradient needs.
  static let attentionRows: Operation = .init(
    "scaled_dot_product_attention", "Weighted means of values, and the logarithms of the weights' sums.",
    source: .alula, inputs: [.value("q"), .value("k"), .value("v"), .optional("mask")],
    attributes: [.bool("causal", "Whether later keys are hidden."), .float("scale", "The factor of products.")],
    outputs: ["out", "logarithms"], dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in
      var shape = c[0].layout.shape
      let rows = Dims(shape.array.dropLast())
      shape[shape.count - 1] = c[2].shape[shape.count - 1]
      return [TensorSpec(c[0].dtype, shape), TensorSpec(c[0].dtype == .float64 ? .float64 : .float32, rows)]
    },
    gradient: .rule(saves: [.inputs, .output(0), .output(1)]) { (c) throws(AlulaError) in
      let (q, k, v, mask) = (try c.input(0), try c.input(1), try c.input(2), try c.optionalInput(3))
      let (causal, scale) = (c.bool("causal"), c.float("scale"))
      let g = try c.gradient
      guard GradientMode.isEnabled else {
        let found = try attentionBackward(
          [g, q, k, v, c.output(0), c.output(1), mask], [.bool(causal), .float(scale)])
        return [found[0], found[1], found[2], nil]
      }
      // In terms of operations, which can be differentiated again.
      let weights = try attentionWeights(q, k, mask, causal: causal, scale: scale)
      let scores = try softmaxBackward.first(Operands(g.matmul(v.matrixTranspose()), weights), [.int(-1)]) * scale
      return [
        try scores.matmul(k), try scores.matrixTranspose().matmul(q), try weights.matrixTranspose().matmul(g), nil,
      ]
    },
    samples: [], reference: nil)

  static let attentionBackward: Operation = .init(
    "scaled_dot_product_attention_backward", "A gradient taken back through attention.",
    source: .alula,
    inputs: [.any("g"), .any("q"), .any("k"), .any("v"), .any("out"), .any("logarithms"), .optional("mask")],
    attributes: [.bool("causal", "Whether later keys are hidden."), .float("scale", "The factor of products.")],
    outputs: ["dq", "dk", "dv"], dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in (1...3).map { TensorSpec(c[$0].dtype, c[$0].layout.shape) } },
    gradient: .unsupported("it runs only where no further gradient is recorded"),
    samples: [], reference: nil)

  /// All weights at once, by operations; zeros where a position sees nothing.
  private static func attentionWeights(_ q: Tensor, _ k: Tensor, _ mask: Tensor?, causal: Bool, scale: Double)
    throws(AlulaError) -> Tensor
  {
    var scores = try (q * scale).matmul(k.matrixTranspose())
    if let mask { scores = try scores + mask }
    if causal {
      let allowed = try Tensor.arange(start: .int(0), stop: .int(Int64(q.shape[q.rank - 2]))).reshape(shape: [-1, 1])
        .greaterEqual(Tensor.arange(start: .int(0), stop: .int(Int64(k.shape[k.rank - 2]))))
      scores = try allowed.where(scores, scores.number(-.infinity))
    }
    guard mask != nil, scores.count > 0 else { return try scores.softmax(axis: -1) }
    let seen = try scores.detach().max(axis: [-1], keepdims: true).greater(scores.number(-.infinity))
    let none = try scores.number(0)
    return try seen.where(seen.where(scores, none).softmax(axis: -1), none)
  }
}

extension Tensor {
  /// The axes before the last two.
  fileprivate var heads: Dims { Dims(shape.dropLast(2)) }
}

extension Call {
  /// The mask as what is added to scores of `shape`.
  fileprivate func additiveMask(_ shape: [Int]) throws(AlulaError) -> Tensor? {
    guard let mask = optional(3) else { return nil }
    guard mask.dtype == .bool || mask.dtype.isFloatingPoint else {
      throw .invalidDType("scaled_dot_product_attention: mask must hold bool or floats, not \(mask.dtype)")
    }
    guard mask.layout.broadcast(to: Dims(shape)) != nil else {
      throw .invalidArgument(
        "scaled_dot_product_attention: mask of shape \(mask.layout.shape) does not broadcast to \(Dims(shape))")
    }
    if mask.dtype != .bool { return try mask.cast(dtype: self[0].dtype) }
    return try mask.where(Tensor.zeros(shape: [], dtype: self[0].dtype), self[0].number(-.infinity))
  }
}
