extension Operation {
  static let normalization = [layerNorm, rmsNorm, groupNorm, instanceNorm, batchNorm]

  private static let eps: Attribute = .float("eps", default: 1e-5, "Added to the variance.")

  private static let normalizedShape: Attribute = .ints(
    "normalized_shape", "The extents of x's last axes, which are normalised together.")

  // MARK: - Over trailing axes

  public static let layerNorm = Operation(
    "layer_norm",
    "x over its last axes with mean 0 and variance 1, times the weight, plus the bias.\nWeight and bias have the shape "
      + "`normalized_shape`.",
    source: .pytorch, inputs: [.value("x"), .optional("weight"), .optional("bias")],
    attributes: [normalizedShape, eps], dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      let axes = try c.checkNormalizedShape()
      return [
        try layerNormRows.first(Operands(c[0], c.optional(1), c.optional(2)), [.int(axes), .float(c.float("eps"))])
      ]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(4, 6), .normal(6), .normal(6), attributes: ["normalized_shape": .ints([6])]),
      Sample(
        .normal(2, 3, 4), .normal(3, 4), nil, attributes: ["normalized_shape": .ints([3, 4]), "eps": .float(0.1)]),
      Sample(.normal(3, 5), nil, .normal(5), attributes: ["normalized_shape": .ints([5])]),
      Sample(.normal(3, 37), nil, nil, attributes: ["normalized_shape": .ints([37])]),
      Sample(.normal(0, 3), .normal(3), .normal(3), attributes: ["normalized_shape": .ints([3])]),
    ],
    reference: "reference.layer_norm(x, weight, bias, normalized_shape, eps)")

  public static let rmsNorm = Operation(
    "rms_norm", "x over its last axes divided by the root of its mean square, times the weight.",
    source: .pytorch, inputs: [.value("x"), .optional("weight", "Of shape `normalized_shape`.")],
    attributes: [normalizedShape, eps], dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      let axes = try c.checkNormalizedShape()
      return [try rmsNormRows.first(Operands(c[0], c.optional(1), nil), [.int(axes), .float(c.float("eps"))])]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(4, 6), .normal(6), attributes: ["normalized_shape": .ints([6])]),
      Sample(.normal(2, 3, 4), nil, attributes: ["normalized_shape": .ints([3, 4]), "eps": .float(0.1)]),
    ],
    reference: "reference.rms_norm(x, weight, normalized_shape, eps)")

  static let layerNormRows = normalizedRows("layer_norm", centered: true)
  static let rmsNormRows = normalizedRows("rms_norm", centered: false)

  /// Normalised rows with the statistics that their gradient needs.
  private static func normalizedRows(_ name: String, centered: Bool) -> Operation {
    Operation(
      name, "Normalised rows, and their mean and reciprocal deviation.",
      source: .alula, inputs: [.value("x"), .optional("weight"), .optional("bias")],
      attributes: [.int("axes", "How many axes make up a row."), eps], outputs: ["out", "mean", "rstd"],
      dtypes: .floating, promotion: .common,
      body: .primitive { (c) throws(AlulaError) in
        let shape = c[0].layout.shape
        let lead = Dims((0..<shape.count - c.int("axes")).map { shape[$0] })
        let statistics: DType = c[0].dtype == .float64 ? .float64 : .float32
        return [TensorSpec(c[0].dtype, shape), TensorSpec(statistics, lead), TensorSpec(statistics, lead)]
      },
      gradient: .rule(saves: [.input(0), .input(1), .output(1), .output(2)]) { (c) throws(AlulaError) in
        let (x, weight, g) = (try c.input(0), try c.optionalInput(1), try c.gradient)
        if GradientMode.isEnabled {
          return try normalizedRowsGradient(c, g, x, weight, centered: centered)
        }
        let isAffine = c.needsGradient(1) || c.needsGradient(2)
        let found = try normBackward(
          [g, x, c.output(1), c.output(2), weight],
          [.int(c.int("axes")), .bool(centered), .bool(isAffine)])
        func ifNeeded(_ i: Int) throws(AlulaError) -> Tensor? {
          c.needsGradient(i) ? try found[i].reshape(shape: c.shape(i)) : nil
        }
        return [found[0], try ifNeeded(1), try ifNeeded(2)]
      },
      samples: [], reference: nil)
  }

  /// The gradient in terms of operations, which can be differentiated again.
  private static func normalizedRowsGradient(
    _ c: GradientContext, _ g: Tensor, _ x: Tensor, _ weight: Tensor?, centered: Bool
  ) throws(AlulaError) -> [Tensor?] {
    let rank = x.rank
    let axes = Array(rank - c.int("axes")..<rank)
    let distance = centered ? try x - x.mean(axis: axes, keepdims: true) : x
    let scale = try ((distance * distance).mean(axis: axes, keepdims: true) + c.float("eps")).rsqrt()
    let normal = try distance * scale
    let h = try weight.map { (weight) throws(AlulaError) in try g * weight } ?? g
    let meanProduct = try (h * normal).mean(axis: axes, keepdims: true)
    var inner = try h - normal * meanProduct
    if centered { inner = try inner - h.mean(axis: axes, keepdims: true) }
    // Summed to the weight's and the bias's shape centrally.
    return [try inner * scale, c.needsGradient(1) ? try g * normal : nil, c.needsGradient(2) ? g : nil]
  }

  /// The gradients of rows, weight and bias together; the latter two empty when not wanted.
  static let normBackward: Operation = .init(
    "norm_backward", "A gradient taken back through a normalisation of rows.",
    source: .alula,
    inputs: [.any("g"), .any("x"), .any("mean"), .any("rstd"), .optional("weight")],
    attributes: [
      .int("axes", "How many axes make up a row."), .bool("centered", "Whether the mean was subtracted."),
      .bool("affine", "Whether the gradients of weight and bias are wanted."),
    ],
    outputs: ["dx", "dweight", "dbias"], dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      let shape = c[1].layout.shape
      let length = (shape.count - c.int("axes")..<shape.count).reduce(1) { $0 * shape[$1] }
      let row: Dims = [c.bool("affine") ? length : 0]
      return [TensorSpec(c[1].dtype, shape), TensorSpec(c[1].dtype, row), TensorSpec(c[1].dtype, row)]
    },
    gradient: .unsupported("it runs only where no further gradient is recorded"),
    samples: [], reference: nil)

  // MARK: - Over channels

  public static let groupNorm = Operation(
    "group_norm",
    "x of shape (N, C, ...) with mean 0 and variance 1 over groups of adjacent channels, times a weight and plus a bias per channel.",
    source: .pytorch, inputs: [.value("x"), .optional("weight", "(C,)"), .optional("bias", "(C,)")],
    attributes: [.int("num_groups", "Divides the number of channels."), eps], dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      let x = c[0]
      let channels = try c.checkChannels(1, 2)
      let groups = c.int("num_groups")
      guard groups > 0, channels % groups == 0 else {
        throw .invalidArgument(
          "group_norm: \(channels) channels in shape \(x.layout.shape) do not divide into \(groups) groups")
      }
      return [try c.groupNorm(groups, weight: c.optional(1), bias: c.optional(2))]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 6, 3), .normal(6), .normal(6), attributes: ["num_groups": .int(2)]),
      Sample(.normal(3, 4, 2, 2), nil, nil, attributes: ["num_groups": .int(4)]),
      Sample(.normal(3, 4), .normal(4), nil, attributes: ["num_groups": .int(1)]),
    ],
    reference: "reference.group_norm(x, weight, bias, num_groups, eps)")

  public static let instanceNorm = Operation(
    "instance_norm",
    "x of shape (N, C, ...) with mean 0 and variance 1 over each channel of each sample, times a weight and plus a bias per channel.",
    source: .pytorch, inputs: [.value("x"), .optional("weight", "(C,)"), .optional("bias", "(C,)")],
    attributes: [eps], dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      [try c.groupNorm(try c.checkChannels(1, 2), weight: c.optional(1), bias: c.optional(2))]
    },
    gradient: .composed,
    samples: [Sample(.normal(2, 3, 4, 2), .normal(3), .normal(3)), Sample(.normal(2, 3, 5), nil, nil)],
    reference: "reference.group_norm(x, weight, bias, x.shape[1], eps)")

  public static let batchNorm = Operation(
    "batch_norm",
    "x of shape (N, C, ...) with mean 0 and variance 1 per channel, times the weight, plus the bias; all of shape (C,).\nIn "
      + "training the statistics are the batch's, and the second and third result are what the running statistics become: "
      + "(1 - momentum) running + momentum batch, or the batch's where there is no running one; their variance is "
      + "divided by one less than the number of elements. Otherwise the statistics are the running ones, which must be given.",
    source: .pytorch,
    inputs: [
      .value("x"), .optional("running_mean"), .optional("running_var"), .optional("weight"), .optional("bias"),
    ],
    attributes: [
      .bool("training", default: false, "Whether to use the batch's own statistics."),
      .float("momentum", default: 0.1, "The batch's share of the new running statistics."), eps,
    ],
    outputs: ["out", "new_mean", "new_var"], dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in try c.batchNorm() },
    gradient: .composed,
    samples: [
      Sample(.normal(4, 3), nil, nil, .normal(3), .normal(3), attributes: ["training": .bool(true)]),
      Sample(
        .normal(2, 3, 2, 2), .normal(3), .uniform(0.5, 2, 3), .normal(3), .normal(3),
        attributes: ["training": .bool(true)]),
      Sample(.normal(2, 3, 4), .normal(3), .uniform(0.5, 2, 3), .normal(3), .normal(3)),
      Sample(.normal(2, 3, 4), .normal(3), .uniform(0.5, 2, 3), nil, nil, attributes: ["eps": .float(0.01)]),
    ],
    reference: "reference.batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps)")
}

extension Call {
  /// The number of trailing axes, after a check that x has them and that parameters fit.
  fileprivate func checkNormalizedShape() throws(AlulaError) -> Int {
    let wanted = Dims(ints("normalized_shape"))
    let shape = self[0].layout.shape
    let lead = shape.count - wanted.count
    guard wanted.count > 0, lead >= 0, wanted.indices.allSatisfy({ wanted[$0] == shape[lead + $0] }) else {
      throw .invalidArgument("\(operation.name): shape \(shape) does not end in normalized_shape \(wanted)")
    }
    for i in inputs.indices.dropFirst() {
      if let parameter = optional(i), parameter.layout.shape != wanted {
        throw .invalidArgument(
          "\(operation.name): \(operation.inputs[i].name) of shape \(parameter.layout.shape) for normalized_shape \(wanted)"
        )
      }
    }
    return wanted.count
  }

  /// The number of channels, after a check that x has such an axis and that parameters fit.
  fileprivate func checkChannels(_ parameters: Int...) throws(AlulaError) -> Int {
    let shape = self[0].layout.shape
    guard shape.count >= 2 else {
      throw .invalidArgument("\(operation.name): shape \(shape) has no axis of channels; (N, C, ...) is expected")
    }
    for i in parameters {
      if let parameter = optional(i), parameter.layout.shape != [shape[1]] {
        throw .invalidArgument(
          "\(operation.name): \(operation.inputs[i].name) of shape \(parameter.layout.shape) for \(shape[1]) channels in shape \(shape)"
        )
      }
    }
    return shape[1]
  }

  /// x normalised over groups of channels, with weight and bias per channel.
  fileprivate func groupNorm(_ groups: Int, weight: Tensor?, bias: Tensor?) throws(AlulaError) -> Tensor {
    let x = self[0]
    let shape = x.shape
    if x.count == 0 { return x }
    let rows = try x.reshape(shape: [shape[0], groups, -1])
    var result = try Operation.layerNormRows.first(Operands(rows, nil, nil), [.int(1), .float(float("eps"))])
      .reshape(shape: shape)
    let column = [shape[1]] + Array(repeating: 1, count: shape.count - 2)
    if let weight, let bias {
      return try Operation.affine.first(Operands(result, weight.reshape(shape: column), bias.reshape(shape: column)))
    }
    if let weight { result = try result * weight.reshape(shape: column) }
    if let bias { result = try result + bias.reshape(shape: column) }
    return result
  }

  fileprivate func batchNorm() throws(AlulaError) -> [Tensor] {
    let x = self[0]
    let channels = try checkChannels(1, 2, 3, 4)
    if bool("training") {
      let count = channels == 0 ? 0 : x.count / channels
      guard count > 1 else {
        throw .invalidArgument(
          "batch_norm: more than one element per channel is needed in training, not shape \(x.layout.shape)")
      }
      let found = try Operation.channelNorm([x, optional(3), optional(4)], [.float(float("eps"))])
      let (momentum, factor) = (float("momentum"), Double(count) / Double(count - 1))
      var running = [found[1].detach(), try found[2].detach() * factor]
      for k in running.indices {
        running[k] = try running[k].cast(dtype: x.dtype)
        if let before = optional(1 + k) { running[k] = try before.detach() * (1 - momentum) + running[k] * momentum }
      }
      return [found[0]] + running
    }
    guard let means = optional(1), let variances = optional(2) else {
      throw .invalidArgument("batch_norm: running_mean and running_var must be given outside training")
    }
    let column = [channels] + Array(repeating: 1, count: x.rank - 2)
    var scale = try (variances + float("eps")).rsqrt()
    if let weight = optional(3) { scale = try scale * weight }
    // One step per element.
    var offset = try (means * scale).negative()
    if let bias = optional(4) { offset = try offset + bias }
    let out = try Operation.affine.first(Operands(x, scale.reshape(shape: column), offset.reshape(shape: column)))
    return [out, means.detach(), variances.detach()]
  }
}
