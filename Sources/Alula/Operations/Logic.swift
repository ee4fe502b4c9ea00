extension Operation {
  static let logic = [
    logicalNot, logicalAnd, logicalOr, logicalXor, bitwiseInvert, bitwiseAnd, bitwiseOr, bitwiseXor, bitwiseLeftShift,
    bitwiseRightShift, isnan, isinf, isfinite, signbit,
  ]

  // MARK: - Truth

  public static let logicalNot = unary(
    "logical_not", "Whether the element is zero.",
    dtypes: [.bool, .real], output: .bool, gradient: .notDifferentiable,
    samples: [Sample(.integers(0, 2, 3, 4)), Sample(.normal())],
    reference: "np.logical_not(x)")

  public static let logicalAnd = logical("logical_and", "Whether neither element is zero.")
  public static let logicalOr = logical("logical_or", "Whether either element is not zero.")
  public static let logicalXor = logical("logical_xor", "Whether just one element is not zero.")

  private static func logical(_ name: String, _ documentation: String) -> Operation {
    binary(
      name, documentation, dtypes: [.bool, .real], output: .bool, gradient: .notDifferentiable,
      samples: [
        Sample(.integers(0, 2, 3, 4), .integers(0, 2, 3, 4)), Sample(.integers(0, 2, 2, 1, 4), .integers(0, 2, 3, 1)),
      ],
      reference: "np.\(name)(a, b)")
  }

  // MARK: - Bits

  public static let bitwiseInvert = unary(
    "bitwise_invert", "Every bit inverted; of bool, the other value.",
    dtypes: [.bool, .integer], inPlace: true, gradient: .notDifferentiable, reference: "np.invert(x)")

  public static let bitwiseAnd = bitwise("bitwise_and", "The bits set in both elements.", [.bool, .integer])
  public static let bitwiseOr = bitwise("bitwise_or", "The bits set in either element.", [.bool, .integer])
  public static let bitwiseXor = bitwise("bitwise_xor", "The bits set in just one element.", [.bool, .integer])
  public static let bitwiseLeftShift = bitwise(
    "bitwise_left_shift", "a·2ᵇ, bits lost at the top. A negative or too large distance loses them all.", .integer)
  public static let bitwiseRightShift = bitwise(
    "bitwise_right_shift",
    "a / 2ᵇ rounded down. A negative or too large distance leaves copies of the sign only.", .integer)

  private static func bitwise(_ name: String, _ documentation: String, _ dtypes: DTypeSet) -> Operation {
    binary(
      name, documentation, dtypes: dtypes, inPlace: true, gradient: .notDifferentiable,
      samples: [
        Sample(.normal(3, 4), .integers(0, 7, 3, 4)), Sample(.normal(2, 1, 4), .integers(0, 70, 3, 1)),
      ],
      reference: name.hasSuffix("_shift") ? "np.\(name.dropFirst(8))(a, b)" : "np.\(name)(a, b)")
  }

  // MARK: - Kinds of numbers

  public static let isnan = test("isnan", "Whether the element is NaN.")
  public static let isinf = test("isinf", "Whether the element is infinite.")
  public static let isfinite = test("isfinite", "Whether the element is neither infinite nor NaN.")
  public static let signbit = test("signbit", "Whether the sign bit is set, as in -0.0 and all that is less.")

  private static func test(_ name: String, _ documentation: String) -> Operation {
    unary(
      name, documentation, dtypes: .real, output: .bool, gradient: .notDifferentiable,
      reference: name == "signbit" ? "np.signbit(x) if x.dtype.kind == 'f' else x < 0" : "np.\(name)(x)")
  }
}
