extension Operation {
  static let activation = [relu, leakyRelu, elu, sigmoid, softplus, silu, gelu, geluTanh]

  private static func smooth(
    _ name: String, _ documentation: String, attributes: [Attribute] = [], inPlace: Bool = false, gradient: Gradient,
    samples: [Sample] = [Sample(.normal(3, 4)), Sample(.normal())], reference: String
  ) -> Operation {
    unary(
      name, documentation, source: .pytorch, attributes: attributes, dtypes: .floating, promotion: .floating,
      inPlace: inPlace, gradient: gradient, samples: samples, reference: reference)
  }

  public static let relu = unary(
    "relu", "max(x, 0). The gradient at 0 is 0.",
    source: .pytorch, dtypes: .real, inPlace: true,
    gradient: .ofOutput { (g, y) throws(AlulaError) in
      if let fused = try fusedGradient(reluBackward, g, y) { return fused }
      return try y.greater(y.number(0)).where(g, g.number(0))
    },
    reference: "np.maximum(x, 0)")

  public static let leakyRelu = smooth(
    "leaky_relu", "x where it is positive, else x times a slope.",
    attributes: [.float("negative_slope", default: 0.01, "The slope below 0.")], inPlace: true,
    gradient: .rule(saves: .input(0)) { (c) throws(AlulaError) in
      let (gradient, x) = (try c.gradient, try c.input(0))
      return [try x.greater(x.number(0)).where(gradient, gradient * c.float("negative_slope"))]
    },
    samples: [Sample(.normal(3, 4)), Sample(.normal(5), attributes: ["negative_slope": .float(0.25)])],
    reference: "np.where(x < 0, negative_slope * x, x)")

  public static let elu = smooth(
    "elu", "x where it is positive, else α(eˣ - 1).",
    attributes: [.float("alpha", default: 1, "What the result tends to, negated, for very negative x.")], inPlace: true,
    gradient: .rule(saves: [.input(0), .output(0)]) { (c) throws(AlulaError) in
      let (gradient, x) = (try c.gradient, try c.input(0))
      return [
        try x.greater(x.number(0)).where(gradient, gradient * (c.output() + c.float("alpha")))
      ]
    },
    samples: [Sample(.normal(3, 4)), Sample(.normal(5), attributes: ["alpha": .float(0.7)])],
    reference: "np.where(x < 0, alpha * np.expm1(x), x)")

  public static let sigmoid = smooth(
    "sigmoid", "The logistic function 1 / (1 + e⁻ˣ).", inPlace: true,
    gradient: .ofOutput { (g, y) throws(AlulaError) in
      if let fused = try fusedGradient(sigmoidBackward, g, y) { return fused }
      return try g * (y * (1 - y))
    },
    reference: "special.expit(x)")

  public static let softplus = smooth(
    "softplus", "log(1 + eˣ), a smooth max(x, 0).",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g * x.sigmoid() },
    reference: "np.logaddexp(0, x)")

  public static let silu = smooth(
    "silu", "x·sigmoid(x), also called swish (S. Elfwing, E. Uchibe and K. Doya, 2017).",
    gradient: .ofInput { (g, x) throws(AlulaError) in
      if let fused = try fusedGradient(siluBackward, g, x) { return fused }
      let s = try x.sigmoid()
      return try g * (s * (x * (1 - s) + 1))
    },
    reference: "x * special.expit(x)")

  public static let gelu = smooth(
    "gelu", "x·Φ(x) with the standard normal distribution function Φ (D. Hendrycks and K. Gimpel, 2016).",
    gradient: .ofInput { (g, x) throws(AlulaError) in
      if let fused = try fusedGradient(geluBackward, g, x) { return fused }
      let distribution = try (x * -0.7071067811865476).erfc() * 0.5
      let density = try (x.square() * -0.5).exp() * 0.3989422804014327
      return try g * (distribution + x * density)
    },
    reference: "x * special.ndtr(x)")

  public static let geluTanh = smooth(
    "gelu_tanh", "The approximation ½x(1 + tanh(√(2/π)(x + 0.044715x³))) of gelu (D. Hendrycks and K. Gimpel, 2016).",
    gradient: .ofInput { (g, x) throws(AlulaError) in
      // ½(1 + tanh u) is sigmoid(2u).
      let square = try x.square()
      let s = try (x * (square * 0.07135481627260025 + 1.5957691216057308)).sigmoid()
      let slope = try square * 0.21406444881780076 + 1.5957691216057308
      return try g * (s + x * (s * (1 - s)) * slope)
    },
    reference: "x * special.expit(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))")

  // MARK: - Gradients in one pass

  static let fusedGradients = [reluBackward, sigmoidBackward, tanhBackward, siluBackward, geluBackward]

  static let tanhBackward = fused("tanh_backward")
  private static let reluBackward = fused("relu_backward")
  private static let sigmoidBackward = fused("sigmoid_backward")
  private static let siluBackward = fused("silu_backward")
  private static let geluBackward = fused("gelu_backward")

  /// The gradient in one pass, or nil where it is recorded: then it is made of operations that can be differentiated.
  static func fusedGradient(_ operation: Operation, _ gradient: Tensor, _ x: Tensor) throws(AlulaError) -> Tensor? {
    if GradientMode.isEnabled || gradient.dtype != x.dtype { return nil }
    return try operation.first(Operands(gradient, x), [])
  }

  private static func fused(_ name: String) -> Operation {
    Operation(
      name, "A gradient taken back through an activation, given its input or output.",
      source: .alula, inputs: [.any("g"), .any("x")], dtypes: .floating, body: .elementwise(),
      gradient: .unsupported("it runs only where no further gradient is recorded"),
      samples: [], reference: nil)
  }
}
