extension Operation {
  static let softmaxFamily = [softmax, logSoftmax]

  private static let axis: Attribute = .int("axis", default: -1, "The axis whose elements compete.")

  private static let samples: [Sample] = [
    Sample(.normal(3, 5)), Sample(.normal(3, 4, 2), attributes: ["axis": .int(1)]), Sample(.normal(2, 37)),
    Sample(.normal(4, 3), attributes: ["axis": .int(0)]), Sample(.normal(2, 0)), Sample(.normal()),
  ]

  public static let softmax = Operation(
    "softmax", "Exponentials along an axis, divided by their sum. Computed without overflow.",
    source: .pytorch, inputs: [.value("x")], attributes: [axis], dtypes: .floating, promotion: .floating,
    body: .primitive { (c) throws(AlulaError) in [try c.competitionSpec()] },
    gradient: .rule(saves: .outputs) { (c) throws(AlulaError) in
      [try softmaxBackward.first(Operands(c.gradient, c.output()), [.int(c.int("axis"))])]
    },
    samples: samples, reference: "special.softmax(x, axis=axis) if x.size and x.ndim else np.ones(x.shape)")

  public static let logSoftmax = Operation(
    "log_softmax", "The logarithm of `softmax`, computed without loss where that is small.",
    source: .pytorch, inputs: [.value("x")], attributes: [axis], dtypes: .floating, promotion: .floating,
    body: .primitive { (c) throws(AlulaError) in [try c.competitionSpec()] },
    gradient: .rule(saves: .outputs) { (c) throws(AlulaError) in
      [try logSoftmaxBackward.first(Operands(c.gradient, c.output()), [.int(c.int("axis"))])]
    },
    samples: samples, reference: "special.log_softmax(x, axis=axis) if x.size and x.ndim else np.zeros(x.shape)")

  /// y (g - Σ g y), for the softmax y.
  static let softmaxBackward: Operation = .init(
    "softmax_backward", "A gradient taken back through softmax.",
    source: .alula, inputs: [.value("g"), .value("y")], attributes: [axis], dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[1].dtype, c[1].layout.shape)] },
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      let (g, y, h) = (try c.input(0), try c.input(1), try c.gradient)
      // The Jacobian is symmetric.
      let first = try softmaxBackward.first(Operands(h, y), [.int(c.int("axis"))])
      guard c.needsGradient(1) else { return [first, nil] }
      let axis = y.rank == 0 ? [] : [c.int("axis")]
      let distance = try g - (g * y).sum(axis: axis, keepdims: true)
      return [first, try h * distance - g * (h * y).sum(axis: axis, keepdims: true)]
    },
    samples: [], reference: nil)

  /// g - exp(y) Σ g, for the log-softmax y.
  static let logSoftmaxBackward: Operation = .init(
    "log_softmax_backward", "A gradient taken back through log-softmax.",
    source: .alula, inputs: [.value("g"), .value("y")], attributes: [axis], dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[1].dtype, c[1].layout.shape)] },
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      let (g, y, h) = (try c.input(0), try c.input(1), try c.gradient)
      let axis = y.rank == 0 ? [] : [c.int("axis")]
      let share = try y.exp() * h
      let first = try h - share.sum(axis: axis, keepdims: true)
      guard c.needsGradient(1) else { return [first, nil] }
      return [first, try (share * g.sum(axis: axis, keepdims: true)).negative()]
    },
    samples: [], reference: nil)
}

extension Call {
  fileprivate func competitionSpec() throws(AlulaError) -> TensorSpec {
    _ = try axis(int("axis"), rank: Swift.max(self[0].rank, 1))
    return TensorSpec(self[0].dtype, self[0].layout.shape)
  }
}
