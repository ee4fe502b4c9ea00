// Exponentials, logarithms, roots, and the functions of probability that come with them.

extension Operation {
  static let exponential = [exp, expm1, log, log1p, log2, log10, logaddexp, sqrt, rsqrt, erf, erfc]

  private static func function(
    _ name: String, _ documentation: String, source: Source = .arrayAPI, inPlace: Bool = false, gradient: Gradient,
    samples: [Sample] = [Sample(.normal(3, 4)), Sample(.normal())], reference: String
  ) -> Operation {
    unary(
      name, documentation, source: source, dtypes: .floating, promotion: .floating, inPlace: inPlace,
      gradient: gradient, samples: samples, reference: reference)
  }

  /// Samples where logarithms and roots are defined.
  private static var positive: [Sample] { [Sample(.uniform(0.1, 4, 3, 4)), Sample(.uniform(0.1, 4))] }

  public static let exp = function(
    "exp", "eˣ.", inPlace: true,
    gradient: .ofOutput { (g, y) throws(AlulaError) in try g * y },
    reference: "np.exp(x)")

  public static let expm1 = function(
    "expm1", "eˣ - 1, exact for small x.",
    gradient: .ofOutput { (g, y) throws(AlulaError) in try g * (y + 1) },
    reference: "np.expm1(x)")

  public static let log = function(
    "log", "The natural logarithm.", inPlace: true,
    gradient: .ofInput { (g, x) throws(AlulaError) in try g / x },
    samples: positive, reference: "np.log(x)")

  public static let log1p = function(
    "log1p", "The natural logarithm of 1 + x, exact for small x.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g / (x + 1) },
    samples: positive, reference: "np.log1p(x)")

  public static let log2 = function(
    "log2", "The logarithm to base 2.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g / (x * 0.6931471805599453) },
    samples: positive, reference: "np.log2(x)")

  public static let log10 = function(
    "log10", "The logarithm to base 10.",
    gradient: .ofInput { (g, x) throws(AlulaError) in try g / (x * 2.302585092994046) },
    samples: positive, reference: "np.log10(x)")

  public static let logaddexp = binary(
    "logaddexp", "log(eᵃ + eᵇ), without overflow on the way.",
    dtypes: .floating, promotion: .floating,
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      let share = try (c.input(0) - c.input(1)).sigmoid()
      return [
        c.needsGradient(0) ? try c.gradient * share : nil,
        c.needsGradient(1) ? try c.gradient * (1 - share) : nil,
      ]
    },
    reference: "np.logaddexp(a, b)")

  public static let sqrt = function(
    "sqrt", "The square root; NaN for negative elements.", inPlace: true,
    gradient: .ofOutput { (g, y) throws(AlulaError) in try g / (y * 2) },
    samples: positive, reference: "np.sqrt(x)")

  public static let rsqrt = function(
    "rsqrt", "1 / √x.", source: .pytorch,
    gradient: .ofOutput { (g, y) throws(AlulaError) in try g * (y * y.square() * -0.5) },
    samples: positive, reference: "1 / np.sqrt(x)")

  public static let erf = function(
    "erf", "The error function: 2/√π times the integral of exp(-t²) from 0 to x.", source: .scipy,
    gradient: .ofInput { (g, x) throws(AlulaError) in try g * ((-x.square()).exp() * 1.1283791670955126) },
    reference: "special.erf(x)")

  public static let erfc = function(
    "erfc", "1 - erf(x), without cancellation for large x.", source: .scipy,
    gradient: .ofInput { (g, x) throws(AlulaError) in try g * ((-x.square()).exp() * -1.1283791670955126) },
    reference: "special.erfc(x)")
}
