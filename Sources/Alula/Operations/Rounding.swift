extension Operation {
  static let rounding = [floor, ceil, trunc, round]

  public static let floor = toInteger("floor", "The largest integer that is not larger.")
  public static let ceil = toInteger("ceil", "The smallest integer that is not smaller.")
  public static let trunc = toInteger("trunc", "The integer part.")
  public static let round = toInteger("round", "The nearest integer, of two the even one.")

  private static func toInteger(_ name: String, _ documentation: String) -> Operation {
    unary(
      name, documentation + " Integers stay as they are.", dtypes: .real, inPlace: true, gradient: .notDifferentiable,
      samples: [
        Sample(.uniform(-4, 4, 3, 4)), Sample(.uniform(-4, 4)),
        Sample(.literal([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, -0.0, 1000.5], 8)),
      ],
      reference: "np.\(name)(x)")
  }
}
