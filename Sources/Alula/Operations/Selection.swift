extension Operation {
  static let selection = [`where`]

  public static let `where` = Operation(
    "where", "The elements of x where the condition holds, else those of y.",
    source: .arrayAPI, inputs: [.condition("condition"), .value("x"), .value("y")],
    dtypes: .all, promotion: .common,
    body: .elementwise(),
    gradient: .rule(saves: .input(0)) { (c) throws(AlulaError) in
      let (gradient, condition) = (try c.gradient, try c.input(0))
      let zero = try Tensor(scalar: .int(0), dtype: gradient.dtype, weak: true, device: gradient.device)
      return [
        nil, c.needsGradient(1) ? try condition.where(gradient, zero) : nil,
        c.needsGradient(2) ? try condition.where(zero, gradient) : nil,
      ]
    },
    samples: [
      Sample(.bool(3, 4), .normal(3, 4), .normal(3, 4)), Sample(.bool(4), .normal(2, 1, 4), .normal(3, 1)),
      Sample(.bool(), .normal(5), .normal()),
    ],
    reference: "np.where(condition, x, y)")
}
