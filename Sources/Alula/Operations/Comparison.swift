extension Operation {
  static let comparison = [equal, notEqual, less, lessEqual, greater, greaterEqual]

  public static let equal = compare("equal", "Whether a = b. NaN differs from everything.")
  public static let notEqual = compare("not_equal", "Whether a ≠ b. NaN differs from everything.")
  public static let less = compare("less", "Whether a < b. Never with NaN.")
  public static let lessEqual = compare("less_equal", "Whether a ≤ b. Never with NaN.")
  public static let greater = compare("greater", "Whether a > b. Never with NaN.")
  public static let greaterEqual = compare("greater_equal", "Whether a ≥ b. Never with NaN.")

  private static func compare(_ name: String, _ documentation: String) -> Operation {
    binary(
      name, documentation, dtypes: [.bool, .real], output: .bool, gradient: .notDifferentiable,
      samples: [
        Sample(.integers(0, 3, 3, 4), .integers(0, 3, 3, 4)), Sample(.normal(2, 1, 4), .normal(3, 1)),
        Sample(.normal(5), .normal()),
      ],
      reference: "np.\(name)(a, b)")
  }
}
