extension Operation {
  static let arithmetic = [add, multiply]

  public static let add = binary(
    "add", "The sum, element by element. Integers wrap around.",
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in [try c.gradient, try c.gradient] },
    reference: "np.add(a, b)")

  public static let multiply = binary(
    "multiply", "The product, element by element. Integers wrap around.",
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      [
        c.needsGradient(0) ? try c.gradient * c.input(1) : nil,
        c.needsGradient(1) ? try c.gradient * c.input(0) : nil,
      ]
    },
    reference: "np.multiply(a, b)")

  private static func binary(
    _ name: String, _ documentation: String, gradient: Gradient, reference: String
  ) -> Operation {
    Operation(
      name, documentation, source: .arrayAPI, inputs: [.value("a"), .value("b")],
      dtypes: .real, promotion: .common, inPlace: true,
      body: .elementwise(), gradient: gradient,
      samples: [
        Sample(.normal(3, 4), .normal(3, 4)), Sample(.normal(2, 1, 4), .normal(3, 1)), Sample(.normal(5), .normal()),
      ],
      reference: reference)
  }
}
