extension Operation {
  static let cumulative = [cumulativeSum, cumulativeProd]

  private static let cumulativeAttributes: [Attribute] = [
    .optionalInt("axis", "The axis to go along; may be left out only for a 1-d tensor."),
    .optionalDType("dtype", "The dtype to compute in; by default that of `sum`."),
    .bool(
      "include_initial", default: false, "Whether the result begins with the value of nothing, and is longer by 1."),
  ]

  private static let cumulativeSamples: [Sample] = [
    Sample(.normal(5)), Sample(.normal(3, 4), attributes: ["axis": .int(0)]),
    Sample(.normal(2, 3, 4), attributes: ["axis": .int(-2)]), Sample(.normal(2, 0), attributes: ["axis": .int(1)]),
    Sample(.normal(3, 4), attributes: ["axis": .int(1), "include_initial": .bool(true)]),
  ]

  public static let cumulativeSum = Operation(
    "cumulative_sum", "The sums of all elements up to each one along an axis.",
    source: .arrayAPI, inputs: [.any("x")], attributes: cumulativeAttributes, dtypes: .all,
    body: .composite { (c) throws(AlulaError) in [try c.cumulative(scanSum, initial: 0)] },
    gradient: .composed, samples: cumulativeSamples,
    reference: "reference.cumulative(np.cumsum, 0, x, axis, include_initial)")

  public static let cumulativeProd = Operation(
    "cumulative_prod", "The products of all elements up to each one along an axis.",
    source: .arrayAPI, inputs: [.any("x")], attributes: cumulativeAttributes, dtypes: [.bool, .real],
    body: .composite { (c) throws(AlulaError) in
      guard !c[0].dtype.isComplex else { throw .invalidDType("cumulative_prod: dtype \(c[0].dtype) is not supported") }
      return [try c.cumulative(scanProduct, initial: 1)]
    },
    gradient: .composed,
    samples: cumulativeSamples + [Sample(.literal([2, 0, 3, 0, 5], 5)), Sample(.literal([0, 2, 3], 3))],
    reference: "reference.cumulative(np.cumprod, 1, x, axis, include_initial)")

  // MARK: - What they are made of

  private static let scanAttributes: [Attribute] = [
    .int("axis", "In 0..<rank."), .bool("reverse", default: false, "Whether to start from the last element."),
  ]

  /// sᵢ = xᵢ + sᵢ₋₁.
  static let scanSum: Operation = .init(
    "cumulative_sum", "Sums along an axis.",
    source: .alula, inputs: [.any("x")], attributes: scanAttributes, dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, c[0].layout.shape)] },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      [try scanSum.first(Operands(c.gradient), [.int(c.int("axis")), .bool(!c.bool("reverse"))])]
    },
    samples: [], reference: nil)

  /// pᵢ = xᵢ pᵢ₋₁.
  static let scanProduct: Operation = .init(
    "cumulative_prod", "Products along an axis.",
    source: .alula, inputs: [.any("x")], attributes: scanAttributes, dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, c[0].layout.shape)] },
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      // Without a division, so that zeros do no harm: what stands before each element, times the sum over all
      // behind it of their gradients and the products in between, which is a recurrence itself.
      let (axis, reverse) = (c.int("axis"), c.bool("reverse"))
      let x = try c.input(0)
      let behind = try linearRecurrence.first(
        [x.shifted(reverse ? 1 : -1, axis: axis, fill: 0), c.gradient], [.int(axis), .bool(!reverse)])
      return [try x.exclusiveProducts(axis: axis, reverse: reverse) * behind]
    },
    samples: [], reference: nil)

  /// sᵢ = bᵢ + aᵢ sᵢ₋₁.
  static let linearRecurrence: Operation = .init(
    "linear_recurrence", "A first-order recurrence along an axis.",
    source: .alula, inputs: [.value("a"), .value("b")], attributes: scanAttributes, dtypes: .floating,
    promotion: .common,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[1].dtype, c[1].layout.shape)] },
    gradient: .rule(saves: [.inputs, .outputs]) { (c) throws(AlulaError) in
      let (axis, reverse) = (c.int("axis"), c.bool("reverse"))
      let following = try c.input(0).shifted(reverse ? 1 : -1, axis: axis, fill: 0)
      let gradient = try linearRecurrence.first(Operands(following, c.gradient), [.int(axis), .bool(!reverse)])
      return [try gradient * c.output().shifted(reverse ? -1 : 1, axis: axis, fill: 0), gradient]
    },
    samples: [], reference: nil)

  /// The elements moved along an axis; `fill` where none comes.
  static let shift: Operation = .init(
    "shift", "The elements moved along an axis.",
    source: .alula, inputs: [.any("x")],
    attributes: [
      .int("axis", "In 0..<rank."), .int("distance", "How far, towards the end."),
      .int("growth", "How much longer the axis becomes."),
      .float("fill", default: 0, "The value of elements that none moves to."),
    ], dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      var shape = c[0].layout.shape
      shape[c.int("axis")] += c.int("growth")
      return [TensorSpec(c[0].dtype, shape)]
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      let back: [AttributeValue] = [.int(c.int("axis")), .int(-c.int("distance")), .int(-c.int("growth")), .float(0)]
      return [try shift.first(Operands(c.gradient), back)]
    },
    samples: [], reference: nil)
}

extension Call {
  /// The first input scanned along attribute `axis`.
  fileprivate func cumulative(_ scan: Operation, initial: Double) throws(AlulaError) -> Tensor {
    let x = self[0]
    guard x.rank > 0 else { throw .invalidArgument("\(operation.name): a tensor of shape () has no axis") }
    let given = optionalInt("axis")
    if given == nil, x.rank != 1 {
      throw .invalidArgument("\(operation.name): axis must be given for shape \(x.layout.shape)")
    }
    let axis = try self.axis(given ?? 0, rank: x.rank)
    // Narrow integers are scanned in 64 bits, which wraps around to the same.
    let result = dtype() ?? x.dtype.accumulated
    let scanned = try scan.first(Operands(x.cast(dtype: result.accumulated)), [.int(axis), .bool(false)]).cast(
      dtype: result)
    guard bool("include_initial") else { return scanned }
    return try Operation.shift.first(Operands(scanned), [.int(axis), .int(1), .int(1), .float(initial)])
  }
}

extension Tensor {
  /// The elements moved by `distance` along an axis.
  fileprivate func shifted(_ distance: Int, axis: Int, fill: Double) throws(AlulaError) -> Tensor {
    try Operation.shift.first(Operands(self), [.int(axis), .int(distance), .int(0), .float(fill)])
  }

  /// The product of all elements before each one along an axis, or behind it.
  func exclusiveProducts(axis: Int, reverse: Bool) throws(AlulaError) -> Tensor {
    try Operation.scanProduct.first(
      [shifted(reverse ? -1 : 1, axis: axis, fill: 1)], [.int(axis), .bool(reverse)])
  }
}
