// How element-wise operations are declared: their families differ in dtypes and promotion, and hardly in shape.

extension Operation {
  /// An operation of one tensor.
  static func unary(
    _ name: String, _ documentation: String, source: Source = .arrayAPI, attributes: [Attribute] = [],
    dtypes: DTypeSet, promotion: Promotion = .none, output: ElementwiseOutput = .same, inPlace: Bool = false,
    gradient: Gradient, samples: [Sample] = [Sample(.normal(3, 4)), Sample(.normal())], reference: String
  ) -> Operation {
    Operation(
      name, documentation, source: source, inputs: [.value("x")], attributes: attributes,
      dtypes: dtypes, promotion: promotion, inPlace: inPlace,
      body: .elementwise(output: output, parameters: attributes.map(\.name)),
      gradient: gradient, samples: samples, reference: reference)
  }

  /// An operation of two tensors that broadcast to one shape.
  static func binary(
    _ name: String, _ documentation: String, source: Source = .arrayAPI,
    dtypes: DTypeSet, promotion: Promotion = .common, output: ElementwiseOutput = .same, inPlace: Bool = false,
    gradient: Gradient,
    samples: [Sample] = [
      Sample(.normal(3, 4), .normal(3, 4)), Sample(.normal(2, 1, 4), .normal(3, 1)), Sample(.normal(5), .normal()),
    ],
    reference: String
  ) -> Operation {
    Operation(
      name, documentation, source: source, inputs: [.value("a"), .value("b")],
      dtypes: dtypes, promotion: promotion, inPlace: inPlace,
      body: .elementwise(output: output), gradient: gradient, samples: samples, reference: reference)
  }
}

extension Gradient {
  /// The rule of an operation of one tensor, from the result's gradient and the tensor.
  static func ofInput(_ rule: @escaping @Sendable (_ gradient: Tensor, _ x: Tensor) throws(AlulaError) -> Tensor)
    -> Gradient
  {
    .rule(saves: .input(0)) { (c) throws(AlulaError) in [try rule(try c.gradient, try c.input(0))] }
  }

  /// The rule of an operation of one tensor, from the result's gradient and the result.
  static func ofOutput(_ rule: @escaping @Sendable (_ gradient: Tensor, _ y: Tensor) throws(AlulaError) -> Tensor)
    -> Gradient
  {
    .rule(saves: .output(0)) { (c) throws(AlulaError) in [try rule(try c.gradient, try c.output())] }
  }
}
