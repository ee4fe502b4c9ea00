extension Operation {
  static let attention = [scaledDotProductAttention]

  public static let scaledDotProductAttention = Operation(
    "scaled_dot_product_attention",
    "softmax(q kᵀ scale + mask) v for q (..., L, E), k (..., S, E) and v (..., S, V), giving (..., L, V).\nA mask of bool, "
      + "broadcast to (..., L, S), is true where attention is allowed; one of floats is added. `causal` lets each position see itself and "
      + "those before it.",
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
      let (q, k, v) = (c[0], c[1], c[2])
      let shapes = "shapes \(q.layout.shape), \(k.layout.shape) and \(v.layout.shape)"
      guard q.rank >= 2, k.rank >= 2, v.rank >= 2 else {
        throw .invalidArgument("scaled_dot_product_attention: \(shapes); (..., length, size) is expected")
      }
      guard q.shape.last == k.shape.last, k.shape[k.rank - 2] == v.shape[v.rank - 2] else {
        throw .invalidArgument(
          "scaled_dot_product_attention: \(shapes); q and k must agree in their last extent, k and v in the one before")
      }
      let (length, sources, size) = (q.shape[q.rank - 2], k.shape[k.rank - 2], q.shape[q.rank - 1])
      let given = c.float("scale")
      let scale = given == 0 ? 1 / Double(Swift.max(size, 1)).squareRoot() : given
      var scores = try (q * scale).matmul(k.matrixTranspose())
      let never = try scores.number(-.infinity)
      if c.bool("causal") {
        let allowed = try Tensor.arange(start: .int(0), stop: .int(Int64(length))).reshape(shape: [length, 1])
          .greaterEqual(Tensor.arange(start: .int(0), stop: .int(Int64(sources))))
        scores = try allowed.where(scores, never)
      }
      if let mask = c.optional(3) {
        guard mask.dtype == .bool || mask.dtype.isFloatingPoint else {
          throw .invalidDType("scaled_dot_product_attention: mask must hold bool or floats, not \(mask.dtype)")
        }
        guard mask.layout.broadcast(to: scores.layout.shape) != nil else {
          throw .invalidArgument(
            "scaled_dot_product_attention: mask of shape \(mask.layout.shape) does not broadcast to \(scores.layout.shape)"
          )
        }
        scores = mask.dtype == .bool ? try mask.where(scores, never) : try scores + mask.cast(dtype: scores.dtype)
      }
      return [try scores.softmax(axis: -1).matmul(v)]
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
    ],
    reference: "reference.attention(q, k, v, mask, causal, scale)")
}
