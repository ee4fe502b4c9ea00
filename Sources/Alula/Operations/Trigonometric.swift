extension Operation {
  static let trigonometric = [
    sin, cos, tan, asin, acos, atan, atan2, sinh, cosh, tanh, asinh, acosh, atanh,
  ]

  private static func function(
    _ name: String, _ documentation: String, gradient: Gradient,
    samples: [Sample] = [Sample(.normal(3, 4)), Sample(.normal())], reference: String
  ) -> Operation {
    unary(
      name, documentation, dtypes: .floating, promotion: .floating, gradient: gradient, samples: samples,
      reference: reference)
  }

  /// Samples well inside -1...1.
  private static var bounded: [Sample] { [Sample(.uniform(-0.9, 0.9, 3, 4)), Sample(.uniform(-0.9, 0.9))] }

  // MARK: - Of angles in radians

  public static let sin = function(
    "sin", "The sine.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g * x.cos() },
    reference: "np.sin(x)")

  public static let cos = function(
    "cos", "The cosine.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try -(g * x.sin()) },
    reference: "np.cos(x)")

  public static let tan = function(
    "tan", "The tangent.",
    gradient: .ofOutput { (g, y) throws(AlulaError) in try g * (y.square() + 1) },
    samples: [Sample(.uniform(-1.2, 1.2, 3, 4)), Sample(.uniform(-1.2, 1.2))],
    reference: "np.tan(x)")

  public static let asin = function(
    "asin", "The inverse of the sine, in -π/2...π/2; NaN outside of -1...1.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g * (1 - x.square()).rsqrt() },
    samples: bounded, reference: "np.arcsin(x)")

  public static let acos = function(
    "acos", "The inverse of the cosine, in 0...π; NaN outside of -1...1.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try -(g * (1 - x.square()).rsqrt()) },
    samples: bounded, reference: "np.arccos(x)")

  public static let atan = function(
    "atan", "The inverse of the tangent, in -π/2...π/2.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g / (x.square() + 1) },
    reference: "np.arctan(x)")

  public static let atan2 = binary(
    "atan2", "The angle of the point (b, a), in -π...π: the arc tangent of a / b in the right quadrant.",
    dtypes: .floating, promotion: .floating,
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      let (a, b) = (try c.input(0), try c.input(1))
      let ratio = try c.gradient / (a.square() + b.square())
      return [c.needsGradient(0) ? try ratio * b : nil, c.needsGradient(1) ? try -(ratio * a) : nil]
    },
    reference: "np.arctan2(a, b)")

  // MARK: - Hyperbolic

  public static let sinh = function(
    "sinh", "The hyperbolic sine.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g * x.cosh() },
    reference: "np.sinh(x)")

  public static let cosh = function(
    "cosh", "The hyperbolic cosine.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g * x.sinh() },
    reference: "np.cosh(x)")

  public static let tanh = function(
    "tanh", "The hyperbolic tangent.",
    gradient: .ofOutput { (g, y) throws(AlulaError) in
      if let fused = try fusedGradient(tanhBackward, g, y) { return fused }
      return try g * (1 - y.square())
    },
    reference: "np.tanh(x)")

  public static let asinh = function(
    "asinh", "The inverse of the hyperbolic sine.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g * (x.square() + 1).rsqrt() },
    reference: "np.arcsinh(x)")

  public static let acosh = function(
    "acosh", "The inverse of the hyperbolic cosine, not negative; NaN below 1.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g * (x.square() - 1).rsqrt() },
    samples: [Sample(.uniform(1.5, 4, 3, 4)), Sample(.uniform(1.5, 4))], reference: "np.arccosh(x)")

  public static let atanh = function(
    "atanh", "The inverse of the hyperbolic tangent; NaN outside of -1...1.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g / (1 - x.square()) },
    samples: bounded, reference: "np.arctanh(x)")
}
