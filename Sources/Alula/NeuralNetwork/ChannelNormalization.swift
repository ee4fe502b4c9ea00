extension Operation {
  /// What `batch_norm` does in training, with the statistics that its gradient needs.
  static let channelNorm: Operation = .init(
    "batch_norm", "Normalised channels, and their means and variances.",
    source: .alula, inputs: [.value("x"), .optional("weight"), .optional("bias")],
    attributes: [.float("eps", "Added to the variance.")], outputs: ["out", "mean", "var"], dtypes: .floating,
    promotion: .common,
    body: .primitive { (c) throws(AlulaError) in
      let shape = c[0].layout.shape
      let statistics: DType = c[0].dtype == .float64 ? .float64 : .float32
      return [TensorSpec(c[0].dtype, shape), TensorSpec(statistics, [shape[1]]), TensorSpec(statistics, [shape[1]])]
    },
    gradient: .rule(saves: [.input(0), .input(1), .output(1), .output(2)]) { (c) throws(AlulaError) in
      let (x, weight, g) = (try c.input(0), try c.optionalInput(1), try c.gradient)
      if GradientMode.isEnabled { return try channelGradient(c, g, x, weight) }
      let found = try channelNormBackward([g, x, c.output(1), c.output(2), weight], [.float(c.float("eps"))])
      return [found[0], c.needsGradient(1) ? found[1] : nil, c.needsGradient(2) ? found[2] : nil]
    },
    samples: [], reference: nil)

  /// The gradient in terms of operations, which can be differentiated again.
  private static func channelGradient(
    _ c: GradientContext, _ g: Tensor, _ x: Tensor, _ weight: Tensor?
  ) throws(AlulaError) -> [Tensor?] {
    let axes = [0] + Array(2..<x.rank)
    let column = [x.shape[1]] + Array(repeating: 1, count: x.rank - 2)
    let distance = try x - x.mean(axis: axes, keepdims: true)
    let scale = try ((distance * distance).mean(axis: axes, keepdims: true) + c.float("eps")).rsqrt()
    let normal = try distance * scale
    let h = try weight.map { (weight) throws(AlulaError) in try g * weight.reshape(shape: column) } ?? g
    let inner = try h - normal * (h * normal).mean(axis: axes, keepdims: true) - h.mean(axis: axes, keepdims: true)
    return [
      try inner * scale, c.needsGradient(1) ? try (g * normal).sum(axis: axes) : nil,
      c.needsGradient(2) ? try g.sum(axis: axes) : nil,
    ]
  }

  /// The fused form of that gradient.
  static let channelNormBackward: Operation = .init(
    "batch_norm_backward", "A gradient taken back through a normalisation of channels.",
    source: .alula, inputs: [.any("g"), .any("x"), .any("mean"), .any("var"), .optional("weight")],
    attributes: [.float("eps", "Added to the variance.")], outputs: ["dx", "dweight", "dbias"], dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      let shape = c[1].layout.shape
      return [
        TensorSpec(c[1].dtype, shape), TensorSpec(c[1].dtype, [shape[1]]), TensorSpec(c[1].dtype, [shape[1]]),
      ]
    },
    gradient: .unsupported("it runs only where no further gradient is recorded"),
    samples: [], reference: nil)
}
