extension Operation {
  static let classification = [crossEntropy, nllLoss]

  private static let ignoreIndex: Attribute = .int(
    "ignore_index", default: -100, "A class whose elements count for nothing.")

  private static let smoothing: Attribute = .float(
    "label_smoothing", default: 0, "The share of the target that is spread over all classes, in 0...1.")

  public static let crossEntropy = Operation(
    "cross_entropy",
    "The cross-entropy of logits of shape (N, C, ...) or (C,) and targets: classes as integers of shape (N, ...) or (), or "
      + "probabilities of the logits' shape.\nWith reduction mean, losses of classes are averaged with the classes' weights. A class "
      + "outside 0..<C that is not `ignore_index` is an error.",
    source: .pytorch, inputs: [.value("logits"), .any("target"), .optional("weight", "One per class: (C,).")],
    attributes: [reduction, ignoreIndex, smoothing], dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      let smoothing = c.float("label_smoothing")
      guard smoothing >= 0, smoothing <= 1 else {
        throw .invalidArgument("cross_entropy: label_smoothing must lie in 0...1, not \(smoothing)")
      }
      if c[1].dtype.isFloatingPoint { return [try c.crossEntropyOfProbabilities()] }
      let rows = try c.classRows()
      let losses = try crossEntropyRows(
        [rows.logits, rows.targets, c.optional(2)], [.int(c.int("ignore_index")), .float(smoothing)])
      return [try c.reducedClasses(losses[0], rows)]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(5, 4), .indices(4, 5), nil),
      Sample(.normal(5, 4), .indices(4, 5), .uniform(0.5, 2, 4), attributes: ["label_smoothing": .float(0.1)]),
      Sample(.normal(2, 3, 4), .indices(3, 2, 4), .uniform(0.5, 2, 3), attributes: ["reduction": .string("none")]),
      Sample(.normal(6, 3), .indices(3, 6), nil, attributes: ["ignore_index": .int(1), "reduction": .string("sum")]),
      Sample(.normal(6, 3), .indices(3, 6), .uniform(0.5, 2, 3), attributes: ["ignore_index": .int(2)]),
      Sample(.normal(4), .indices(4), nil), Sample(.normal(3, 37), .indices(37, 3), nil),
      Sample(.normal(5, 4), .uniform(0, 0.5, 5, 4), .uniform(0.5, 2, 4)),
      Sample(.normal(2, 3, 4), .uniform(0, 0.5, 2, 3, 4), nil, attributes: ["label_smoothing": .float(0.2)]),
    ],
    reference: "reference.cross_entropy(logits, target, weight, reduction, ignore_index, label_smoothing)")

  public static let nllLoss = Operation(
    "nll_loss",
    "The negative of each element's logarithmic probability of its class: of shape (N, C, ...) or (C,), with integer classes of "
      + "shape (N, ...) or ().\nWith reduction mean, losses are averaged with the classes' weights. A class outside 0..<C that is "
      + "not `ignore_index` is an error.",
    source: .pytorch,
    inputs: [.value("log_probabilities"), .index("target"), .optional("weight", "One per class: (C,).")],
    attributes: [reduction, ignoreIndex], dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      let rows = try c.classRows()
      var losses = try classElements.first(Operands(rows.logits, rows.targets), [.int(c.int("ignore_index"))])
        .negative()
      if let weights = try c.classWeights(rows) { losses = try losses * weights }
      return [try c.reducedClasses(losses, rows)]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(5, 4), .indices(4, 5), nil),
      Sample(.normal(2, 3, 4), .indices(3, 2, 4), .uniform(0.5, 2, 3), attributes: ["reduction": .string("none")]),
      Sample(.normal(6, 3), .indices(3, 6), .uniform(0.5, 2, 3), attributes: ["ignore_index": .int(2)]),
      Sample(.normal(6, 3), .indices(3, 6), nil, attributes: ["reduction": .string("sum")]),
      Sample(.normal(4), .indices(4), nil),
    ],
    reference: "reference.nll_loss(log_probabilities, target, weight, reduction, ignore_index)")

  // MARK: - What they are made of

  /// The cross-entropy of each row of logits (R, C) with its class, and the logarithm of its sum of exponentials.
  static let crossEntropyRows: Operation = .init(
    "cross_entropy", "The cross-entropy of each row of logits with its class.",
    source: .alula, inputs: [.value("logits"), .index("target"), .optional("weight")],
    attributes: [ignoreIndex, smoothing], outputs: ["losses", "log_sums"], dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in
      let rows: Dims = [c[0].layout.shape[0]]
      return [TensorSpec(c[0].dtype, rows), TensorSpec(c[0].dtype == .float64 ? .float64 : .float32, rows)]
    },
    gradient: .rule(saves: [.inputs, .output(1)]) { (c) throws(AlulaError) in
      let (logits, targets, weight) = (try c.input(0), try c.input(1), try c.optionalInput(2))
      let attributes: [AttributeValue] = [.int(c.int("ignore_index")), .float(c.float("label_smoothing"))]
      if GradientMode.isEnabled || c.needsGradient(2) {
        return try crossEntropyGradient(c, logits, targets, weight)
      }
      return [
        try crossEntropyBackward.first([c.gradient, logits, c.output(1), targets, weight], attributes), nil, nil,
      ]
    },
    samples: [], reference: nil)

  /// The gradient in terms of operations, which can be differentiated again.
  private static func crossEntropyGradient(
    _ c: GradientContext, _ logits: Tensor, _ targets: Tensor, _ weight: Tensor?
  ) throws(AlulaError) -> [Tensor?] {
    let classes = logits.shape[1]
    let smoothing = c.float("label_smoothing")
    let ignored: AttributeValue = .int(c.int("ignore_index"))
    // The target as weights of the classes' losses: w_t (1 - ε) at the class and ε w / C everywhere; nothing where ignored.
    let units = try Tensor.ones(shape: [targets.count], dtype: logits.dtype)
    let hot = try classScatter.first(Operands(units, targets), [.int(classes), ignored])
    let counted = try hot.sum(axis: [1], keepdims: true)
    let share = try hot * (1 - smoothing) + counted * (smoothing / Double(classes))
    let weighted = try weight.map { (weight) throws(AlulaError) in try share * weight } ?? share
    let g = try c.gradient.reshape(shape: [targets.count, 1])
    let logProbabilities = try logits.logSoftmax()
    let gradient = try g * (weighted.sum(axis: [1], keepdims: true) * logProbabilities.exp() - weighted)
    return [gradient, nil, c.needsGradient(2) ? try (g * share * logProbabilities).negative() : nil]
  }

  /// The fused form of that gradient.
  static let crossEntropyBackward: Operation = .init(
    "cross_entropy_backward", "A gradient taken back through the cross-entropy of rows.",
    source: .alula,
    inputs: [.value("g"), .value("logits"), .any("log_sums"), .index("target"), .optional("weight")],
    attributes: [ignoreIndex, smoothing], dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[1].dtype, c[1].layout.shape)] },
    gradient: .unsupported("it runs only where no further gradient is recorded"),
    samples: [], reference: nil)

  /// The element of each row (R, C) at its class; 0 for the ignored one.
  static let classElements: Operation = .init(
    "class_elements", "The element of each row at its class.",
    source: .alula, inputs: [.value("rows"), .index("target")], attributes: [ignoreIndex], dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, [c[0].layout.shape[0]])] },
    gradient: .rule(saves: .input(1)) { (c) throws(AlulaError) in
      [
        try classScatter.first(Operands(c.gradient, c.input(1)), [.int(c.shape(0)[1]), .int(c.int("ignore_index"))]),
        nil,
      ]
    },
    samples: [], reference: nil)

  /// How many rows count: a 0-d tensor of the losses' dtype.
  static let classCount: Operation = .init(
    "class_count", "How many rows' classes are not the ignored one.",
    source: .alula, inputs: [.value("losses"), .index("target")], attributes: [ignoreIndex], dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, [])] },
    gradient: .notDifferentiable, samples: [], reference: nil)

  /// Rows (R, C) of zeros, but for one element each at its class; nothing for the ignored one.
  static let classScatter: Operation = .init(
    "class_scatter", "Rows that are zero but for the element at their class.",
    source: .alula, inputs: [.value("elements"), .index("target")],
    attributes: [.int("classes", "The length of a row."), ignoreIndex], dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      [TensorSpec(c[0].dtype, [c[0].count, c.int("classes")])]
    },
    gradient: .rule(saves: .input(1)) { (c) throws(AlulaError) in
      [try classElements.first(Operands(c.gradient, c.input(1)), [.int(c.int("ignore_index"))]), nil]
    },
    samples: [], reference: nil)
}

/// Logits or the like as rows of classes, with one target each.
private struct ClassRows {
  /// (R, C)
  let logits: Tensor
  /// (R,)
  let targets: Tensor
  /// The target's own shape.
  let shape: [Int]
}

extension Call {
  /// The first input as rows of classes, after a check that the targets and the weight fit.
  fileprivate func classRows() throws(AlulaError) -> ClassRows {
    let (logits, target) = (self[0], self[1])
    let shape = logits.layout.shape
    guard target.dtype.isInteger else {
      throw .invalidDType("\(operation.name): target must hold integers or probabilities, not \(target.dtype)")
    }
    guard shape.count > 0 else {
      throw .invalidArgument("\(operation.name): \(operation.inputs[0].name) of shape () have no axis of classes")
    }
    let axis = shape.count == 1 ? 0 : 1
    var rest = shape.array
    let classes = rest.remove(at: axis)
    guard classes > 0 || logits.count == target.count else {
      throw .invalidArgument("\(operation.name): \(operation.inputs[0].name) of shape \(shape) have no classes")
    }
    guard target.shape == rest else {
      throw .invalidArgument(
        "\(operation.name): target of shape \(target.layout.shape) for \(operation.inputs[0].name) of shape \(shape); "
          + "\(Dims(rest)) is expected")
    }
    if let weight = optional(2), weight.layout.shape != [classes] {
      throw .invalidArgument(
        "\(operation.name): weight of shape \(weight.layout.shape) for \(classes) classes in shape \(shape)")
    }
    let rows = shape.count > 2 ? try logits.movedToLast(axis) : logits
    return ClassRows(
      logits: try rows.rank == 2 ? rows : rows.reshape(shape: [target.count, classes]),
      targets: try target.rank == 1 ? target : target.reshape(shape: [target.count]), shape: rest)
  }

  /// The weight of each row's class, 0 for the ignored one; nil when there are no weights.
  fileprivate func classWeights(_ rows: ClassRows) throws(AlulaError) -> Tensor? {
    guard let weight = optional(2) else { return nil }
    let expanded = try weight.broadcastTo(shape: rows.logits.shape)
    return try Operation.classElements.first(Operands(expanded, rows.targets), [.int(int("ignore_index"))])
  }

  /// The rows' losses after attribute `reduction`.
  fileprivate func reducedClasses(_ losses: Tensor, _ rows: ClassRows) throws(AlulaError) -> Tensor {
    switch string("reduction") {
    case "none": return try rows.shape.count == 1 ? losses : losses.reshape(shape: rows.shape)
    case "sum": return try losses.sum()
    default:
      if let weights = try classWeights(rows) { return try losses.sum() / weights.sum() }
      return try losses.sum()
        / Operation.classCount.first(Operands(losses, rows.targets), [.int(int("ignore_index"))])
    }
  }

  /// The cross-entropy with probabilities of the logits' shape.
  fileprivate func crossEntropyOfProbabilities() throws(AlulaError) -> Tensor {
    let logits = self[0]
    let shape = logits.layout.shape
    guard self[1].layout.shape == shape, shape.count > 0 else {
      throw .invalidArgument(
        "cross_entropy: target of probabilities of shape \(self[1].layout.shape) for logits of shape \(shape); they must be equal"
      )
    }
    let axis = shape.count == 1 ? 0 : 1
    let classes = shape[axis]
    var target = try self[1].cast(dtype: logits.dtype)
    let smoothing = float("label_smoothing")
    if smoothing > 0 { target = try target * (1 - smoothing) + smoothing / Double(classes) }
    if let weight = optional(2) {
      guard weight.layout.shape == [classes] else {
        throw .invalidArgument(
          "cross_entropy: weight of shape \(weight.layout.shape) for \(classes) classes in shape \(shape)")
      }
      target = try target * weight.reshape(shape: [classes] + Array(repeating: 1, count: shape.count - 1 - axis))
    }
    let losses = try (target * logits.logSoftmax(axis: axis)).sum(axis: [axis]).negative()
    return try reduced(losses)
  }
}
