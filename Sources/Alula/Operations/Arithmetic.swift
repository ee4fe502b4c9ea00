extension Operation {
  static let arithmetic = [
    add, subtract, multiply, divide, floorDivide, remainder, pow, negative, abs, sign, square, reciprocal, maximum,
    minimum, clip, copysign, hypot,
  ]

  // MARK: - Two tensors

  public static let add = binary(
    "add", "The sum, element by element. Integers wrap around.",
    dtypes: .real, inPlace: true,
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in [try c.gradient, try c.gradient] },
    reference: "np.add(a, b)")

  public static let subtract = binary(
    "subtract", "The difference a - b. Integers wrap around.",
    dtypes: .real, inPlace: true,
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      [try c.gradient, c.needsGradient(1) ? try -c.gradient : nil]
    },
    reference: "np.subtract(a, b)")

  public static let multiply = binary(
    "multiply", "The product, element by element. Integers wrap around.",
    dtypes: .real, inPlace: true,
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      [
        c.needsGradient(0) ? try c.gradient * c.input(1) : nil,
        c.needsGradient(1) ? try c.gradient * c.input(0) : nil,
      ]
    },
    reference: "np.multiply(a, b)")

  public static let divide = binary(
    "divide", "The quotient a / b. Integers and bool are divided as float32.",
    dtypes: .floating, promotion: .floating, inPlace: true,
    gradient: .rule(saves: [.input(1), .output(0)]) { (c) throws(AlulaError) in
      let ratio = try c.gradient / c.input(1)
      return [ratio, c.needsGradient(1) ? try -(ratio * c.output()) : nil]
    },
    samples: [
      Sample(.normal(3, 4), .uniform(0.5, 3, 3, 4)), Sample(.normal(2, 1, 4), .uniform(-3, -0.5, 3, 1)),
      Sample(.normal(5), .uniform(0.5, 3)),
    ],
    reference: "np.divide(a, b)")

  public static let floorDivide = binary(
    "floor_divide", "The quotient rounded down. Integers divided by zero give 0.",
    dtypes: .real, inPlace: true,
    gradient: .notDifferentiable,
    samples: [
      Sample(.normal(3, 4), .normal(3, 4)), Sample(.uniform(-9, 9, 2, 1, 4), .uniform(1, 4, 3, 1)),
    ],
    reference: "np.floor_divide(a, b)")

  public static let remainder = binary(
    "remainder",
    "What floor_divide leaves, with the sign of b, as in Python. Integers divided by zero give 0.",
    dtypes: .real, inPlace: true,
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      [
        try c.gradient,
        c.needsGradient(1) ? try -(c.gradient * c.input(0).floorDivide(c.input(1))) : nil,
      ]
    },
    samples: [
      Sample(.normal(3, 4), .normal(3, 4)), Sample(.uniform(-9, 9, 2, 1, 4), .uniform(1, 4, 3, 1)),
    ],
    reference: "np.remainder(a, b)")

  public static let pow = binary(
    "pow",
    """
    The power aᵇ. Integers wrap around, and negative exponents give them the integer part of the power. The \
    gradient takes 0⁰ for a constant, and for no slope in b where a is 0.
    """,
    dtypes: .real, inPlace: true,
    gradient: .rule(saves: [.inputs, .output(0)]) { (c) throws(AlulaError) in
      let (a, b) = (try c.input(0), try c.input(1))
      var (gradientA, gradientB): (Tensor?, Tensor?)
      if c.needsGradient(0) {
        // The formula says 0·∞ for 0⁰.
        let constant = try a.equal(a.number(0)).logicalAnd(b.equal(b.number(0)))
        let slope = try b * a.pow(constant.where(b.number(1), b - 1))
        gradientA = try c.gradient * slope
      }
      if c.needsGradient(1) {
        let zero = try a.equal(a.number(0))
        let logarithm = try zero.where(a.number(1), a).log()
        gradientB = try c.gradient * zero.where(a.number(0), c.output() * logarithm)
      }
      return [gradientA, gradientB]
    },
    samples: [
      Sample(.uniform(0.5, 3, 3, 4), .uniform(0, 3, 3, 4)), Sample(.uniform(0.5, 3, 2, 1, 4), .uniform(0, 3, 3, 1)),
      Sample(.uniform(0.5, 3, 5), .literal([3])), Sample(.uniform(0.5, 3, 4), .literal([2, 1, 0, 4], 4)),
    ],
    reference: "np.power(a, b)")

  public static let maximum = binary(
    "maximum", "The larger element; NaN when either is. The gradient is split evenly between equal elements.",
    dtypes: .real, inPlace: true,
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      try extremumGradient(c, share(c.input(0), of: c.input(1)))
    },
    reference: "np.maximum(a, b)")

  public static let minimum = binary(
    "minimum", "The smaller element; NaN when either is. The gradient is split evenly between equal elements.",
    dtypes: .real, inPlace: true,
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      try extremumGradient(c, share(c.input(1), of: c.input(0)))
    },
    reference: "np.minimum(a, b)")

  /// 1 where a is larger, ½ where both are equal, else 0.
  private static func share(_ a: Tensor, of b: Tensor) throws(AlulaError) -> Tensor {
    let tie = try a.equal(b).where(a.number(0.5), a.number(0))
    return try a.greater(b).where(a.number(1), tie)
  }

  private static func extremumGradient(_ c: GradientContext, _ share: Tensor) throws(AlulaError) -> [Tensor?] {
    [
      c.needsGradient(0) ? try c.gradient * share : nil,
      c.needsGradient(1) ? try c.gradient * (1 - share) : nil,
    ]
  }

  public static let copysign = binary(
    "copysign", "The magnitude of a with the sign of b.",
    dtypes: .floating, promotion: .floating,
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      let sign = try c.input(1).number(1).copysign(c.input(1))
      return [c.needsGradient(0) ? try c.gradient * (c.input(0).sign() * sign) : nil, nil]
    },
    reference: "np.copysign(a, b)")

  public static let hypot = binary(
    "hypot", "√(a² + b²), without overflow on the way.",
    dtypes: .floating, promotion: .floating,
    gradient: .rule(saves: [.inputs, .output(0)]) { (c) throws(AlulaError) in
      let ratio = try c.gradient / c.output()
      return [
        c.needsGradient(0) ? try ratio * c.input(0) : nil, c.needsGradient(1) ? try ratio * c.input(1) : nil,
      ]
    },
    reference: "np.hypot(a, b)")

  // MARK: - One tensor

  public static let negative = unary(
    "negative", "The negated element. Integers wrap around.",
    dtypes: .real, inPlace: true,
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in [try -c.gradient] },
    reference: "np.negative(x)")

  public static let abs = unary(
    "abs", "The magnitude. The gradient at 0 is 0.",
    dtypes: .real, inPlace: true,
    gradient: .ofInput { (g, x) throws(AlulaError) in try g * x.sign() },
    reference: "np.abs(x)")

  public static let sign = unary(
    "sign", "-1, 0 or 1; NaN for NaN.",
    dtypes: .real, gradient: .notDifferentiable, reference: "np.sign(x)")

  public static let square = unary(
    "square", "The square. Integers wrap around.",
    dtypes: .real, inPlace: true,
    gradient: .ofInput { (g, x) throws(AlulaError) in try g * (x * 2) },
    reference: "np.square(x)")

  public static let reciprocal = unary(
    "reciprocal", "1 / x.",
    dtypes: .floating, promotion: .floating, inPlace: true,
    gradient: .ofOutput { (g, y) throws(AlulaError) in try -(g * y.square()) },
    samples: [Sample(.uniform(0.5, 3, 3, 4)), Sample(.uniform(-3, -0.5))],
    reference: "np.divide(1, x)")

  // MARK: - Limits

  public static let clip = Operation(
    "clip",
    """
    The elements of x, those below `min` replaced by it and then those above `max`. NaN stays. An element equal to a \
    limit keeps its gradient.
    """,
    source: .arrayAPI,
    inputs: [
      .value("x"), .optional("min", "The lower limits, broadcast; none by default."),
      .optional("max", "The upper limits, broadcast; none by default."),
    ],
    dtypes: .real, promotion: .common, inPlace: true,
    body: .composite { (c) throws(AlulaError) in
      if let low = c.optional(1), let high = c.optional(2) { return [try between.first(Operands(c[0], low, high))] }
      var result = c[0]
      if let low = c.optional(1) { result = try result.less(low).where(low, result) }
      if let high = c.optional(2) { result = try result.greater(high).where(high, result) }
      return [result]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(3, 4), .uniform(-1, 0, 3, 4), .uniform(0, 1, 4)), Sample(.normal(3, 4), nil, .literal([0])),
      Sample(.normal(3, 4), .literal([0]), nil), Sample(.normal(3), nil, nil),
    ],
    reference: "np.array(x) if min is None and max is None else np.clip(x, min, max)")
}
