extension Operation {
  static let losses = [
    mseLoss, l1Loss, smoothL1Loss, huberLoss, binaryCrossEntropy, binaryCrossEntropyWithLogits, klDiv,
  ]

  /// What becomes of the losses of single elements.
  static let reduction: Attribute = .choice(
    "reduction", ["mean", "sum", "none"], "What is returned of the elements' losses: their mean, their sum, or all.")

  public static let mseLoss = regression(
    "mse_loss", "The squared distance from the target.", reference: "(prediction - target) ** 2"
  ) { (_, distance) throws(AlulaError) in try distance * distance }

  public static let l1Loss = regression(
    "l1_loss", "The absolute distance from the target.", reference: "np.abs(prediction - target)"
  ) { (_, distance) throws(AlulaError) in try distance.abs() }

  public static let smoothL1Loss = regression(
    "smooth_l1_loss", "d² / 2β where the distance d from the target is below β, else |d| - β/2.",
    attributes: [.float("beta", default: 1, "Where the square ends; not negative.")],
    reference: "reference.huber(prediction - target, beta) / beta"
  ) { (c, distance) throws(AlulaError) in
    let beta = c.float("beta")
    guard beta >= 0 else { throw .invalidArgument("smooth_l1_loss: beta must not be negative, not \(beta)") }
    return beta == 0 ? try distance.abs() : try huber(distance, beta) * (1 / beta)
  }

  public static let huberLoss = regression(
    "huber_loss", "d² / 2 where the distance d from the target is below δ, else δ (|d| - δ/2).",
    attributes: [.float("delta", default: 1, "Where the square ends; positive.")],
    reference: "reference.huber(prediction - target, delta)"
  ) { (c, distance) throws(AlulaError) in
    let delta = c.float("delta")
    guard delta > 0 else { throw .invalidArgument("huber_loss: delta must be positive, not \(delta)") }
    return try huber(distance, delta)
  }

  /// d² / 2 below δ, else δ (|d| - δ/2).
  private static func huber(_ distance: Tensor, _ delta: Double) throws(AlulaError) -> Tensor {
    let size = try distance.abs()
    // With m = min(|d|, δ): m (|d| - m/2).
    let inner = try size.minimum(size.number(delta))
    return try inner * (size - inner * 0.5)
  }

  public static let klDiv = Operation(
    "kl_div",
    "The Kullback-Leibler divergence of the prediction from the target, element by element: target (log target - prediction), "
      + "where the prediction holds logarithms.\nWith reduction mean it is averaged over all elements.",
    source: .pytorch, inputs: [.value("prediction"), .value("target", "Probabilities, of the prediction's shape.")],
    attributes: [reduction, .bool("log_target", default: false, "Whether the target holds logarithms, too.")],
    dtypes: .floating, promotion: .floating,
    body: .composite { (c) throws(AlulaError) in
      try c.checkSameShape(1)
      let (prediction, target) = (c[0], c[1])
      let losses =
        c.bool("log_target")
        ? try target.exp() * (target - prediction) : try target.timesLogarithm() - target * prediction
      return [try c.reduced(losses)]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(3, 4), .uniform(0.1, 1, 3, 4)),
      Sample(.normal(3, 4), .normal(3, 4), attributes: ["log_target": .bool(true), "reduction": .string("sum")]),
    ],
    reference: "reference.kl_div(prediction, target, reduction, log_target)")

  // MARK: - Yes or no

  public static let binaryCrossEntropy = Operation(
    "binary_cross_entropy",
    "-(t log p + (1 - t) log(1 - p)) for probabilities p and targets t in 0...1. Logarithms are taken to be at least -100.",
    source: .pytorch,
    inputs: [
      .value("prediction", "Probabilities."), .value("target", "Of the prediction's shape."),
      .optional("weight", "Broadcasts to the prediction's shape."),
    ],
    attributes: [reduction], dtypes: .floating, promotion: .floating,
    body: .composite { (c) throws(AlulaError) in
      try c.checkSameShape(1)
      try c.checkBroadcasts(2)
      let (p, t) = (c[0], c[1])
      let floor = try p.number(-100)
      let yes = try p.log().maximum(floor)
      let no = try p.negative().log1p().maximum(floor)
      // t (log p - log(1 - p)) + log(1 - p)
      var losses = try (t * (yes - no) + no).negative()
      if let weight = c.optional(2) { losses = try losses * weight }
      return [try c.reduced(losses)]
    },
    gradient: .composed,
    samples: [
      Sample(.uniform(0.1, 0.9, 3, 4), .uniform(0, 1, 3, 4), nil),
      Sample(
        .uniform(0.1, 0.9, 3, 4), .uniform(0, 1, 3, 4), .uniform(0.5, 2, 4), attributes: ["reduction": .string("sum")]),
    ],
    reference: "reference.binary_cross_entropy(prediction, target, weight, reduction)")

  public static let binaryCrossEntropyWithLogits = Operation(
    "binary_cross_entropy_with_logits",
    "The binary cross-entropy of the sigmoid of logits x, computed without overflow: (1 - t) x + log(1 + exp(-x)) for targets t in "
      + "0...1.",
    source: .pytorch,
    inputs: [
      .value("prediction", "Logits."), .value("target", "Of the prediction's shape."),
      .optional("weight", "Broadcasts to the prediction's shape."),
      .optional("pos_weight", "Multiplies the loss of positive targets; broadcasts to the prediction's shape."),
    ],
    attributes: [reduction], dtypes: .floating, promotion: .floating,
    body: .composite { (c) throws(AlulaError) in
      try c.checkSameShape(1)
      try c.checkBroadcasts(2)
      try c.checkBroadcasts(3)
      let (x, t) = (c[0], c[1])
      var soft = try x.negative().softplus()
      if let positive = c.optional(3) { soft = try soft * (t * (positive - 1) + 1) }
      var losses = try (1 - t) * x + soft
      if let weight = c.optional(2) { losses = try losses * weight }
      return [try c.reduced(losses)]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(3, 4), .uniform(0, 1, 3, 4), nil, nil),
      Sample(
        .normal(3, 4), .uniform(0, 1, 3, 4), .uniform(0.5, 2, 3, 1), .uniform(0.5, 2, 4),
        attributes: ["reduction": .string("none")]),
      Sample(
        .literal([-800, 900, 30, -40], 4), .literal([0, 1, 0, 1], 4), nil, nil,
        attributes: ["reduction": .string("sum")]),
    ],
    reference: "reference.binary_cross_entropy_with_logits(prediction, target, weight, pos_weight, reduction)")

  // MARK: - Helpers

  /// A loss that depends on the distance of prediction and target.
  private static func regression(
    _ name: String, _ documentation: String, attributes: [Attribute] = [], reference: String,
    _ losses: @escaping @Sendable (Call, Tensor) throws(AlulaError) -> Tensor
  ) -> Operation {
    Operation(
      name, documentation, source: .pytorch,
      inputs: [.value("prediction"), .value("target", "Of the prediction's shape; it does not broadcast.")],
      attributes: [reduction] + attributes, dtypes: .floating, promotion: .floating,
      body: .composite { (c) throws(AlulaError) in
        try c.checkSameShape(1)
        return [try c.reduced(try losses(c, try c[0] - c[1]))]
      },
      gradient: .composed,
      samples: [
        Sample(.spread(3, 4), .normal(3, 4)),
        Sample(.spread(3, 4), .normal(3, 4), attributes: ["reduction": .string("sum")]),
        Sample(.spread(2, 3), .normal(2, 3), attributes: ["reduction": .string("none")]),
      ],
      reference: "reference.reduce(\(reference), reduction)")
  }
}

extension Tensor {
  /// x log x, and 0 where x is 0.
  fileprivate func timesLogarithm() throws(AlulaError) -> Tensor {
    let isZero = try equal(number(0))
    return try self * isZero.where(number(1), self).log()
  }
}

extension Call {
  /// The losses' mean or sum, or all of them, after attribute `reduction`.
  func reduced(_ losses: Tensor) throws(AlulaError) -> Tensor {
    switch string("reduction") {
    case "mean": try losses.mean()
    case "sum": try losses.sum()
    default: losses
    }
  }

  /// Refuses a target that would broadcast against the prediction: the usual cause is a mistake.
  func checkSameShape(_ target: Int) throws(AlulaError) {
    guard self[0].layout.shape == self[target].layout.shape else {
      throw .invalidArgument(
        "\(operation.name): \(operation.inputs[target].name) of shape \(self[target].layout.shape) for "
          + "\(operation.inputs[0].name) of shape \(self[0].layout.shape); they must be equal")
    }
  }

  /// Refuses a weight that does not broadcast to the prediction.
  fileprivate func checkBroadcasts(_ i: Int) throws(AlulaError) {
    guard let weight = optional(i) else { return }
    guard weight.layout.broadcast(to: self[0].layout.shape) != nil else {
      throw .invalidArgument(
        "\(operation.name): \(operation.inputs[i].name) of shape \(weight.layout.shape) does not broadcast to "
          + "\(operation.inputs[0].name) of shape \(self[0].layout.shape)")
    }
  }
}
