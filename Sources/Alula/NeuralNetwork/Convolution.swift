extension Operation {
  static let convolution = [linear, conv1d, conv2d, conv2dInputGradient, conv2dWeightGradient]

  private static let convolutionAttributes: [Attribute] = [
    .spatial("stride", 2, default: 1, "Distance between neighbouring positions of the kernel."),
    .spatial("padding", 2, default: 0, "Zeros added on either side of each spatial axis."),
    .spatial("dilation", 2, default: 1, "Distance between neighbouring elements of the kernel."),
    .int("groups", default: 1, "Parts into which channels are split; each output channel sees one part."),
  ]

  public static let conv1d = Operation(
    "conv1d", "Cross-correlation of signals (N, C, L) with a kernel (O, C / groups, K), plus a bias (O,).",
    source: .pytorch,
    inputs: [
      .value("x", "Shape (N, C, L)."), .value("weight", "Shape (O, C / groups, K)."),
      .optional("bias", "Shape (O,)."),
    ],
    attributes: [
      .spatial("stride", 1, default: 1, "Distance between neighbouring positions of the kernel."),
      .spatial("padding", 1, default: 0, "Zeros added at either end."),
      .spatial("dilation", 1, default: 1, "Distance between neighbouring elements of the kernel."),
      .int("groups", default: 1, "Parts into which channels are split; each output channel sees one part."),
    ],
    dtypes: .floating, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      guard c[0].rank == 3, c[1].rank == 3 else {
        throw .invalidArgument(
          "conv1d: needs an input (N, C, L) and a weight (O, C / groups, K), not \(c[0].layout.shape) and "
            + "\(c[1].layout.shape)")
      }
      // An image of one row.
      let (x, weight) = (c[0].shape, c[1].shape)
      let result = try conv2d.first(
        [
          c[0].reshape(shape: [x[0], x[1], 1, x[2]]), c[1].reshape(shape: [weight[0], weight[1], 1, weight[2]]),
          c.optional(2),
        ],
        [
          .ints([1] + c.ints("stride")), .ints([0] + c.ints("padding")), .ints([1] + c.ints("dilation")),
          .int(c.int("groups")),
        ])
      return [try result.reshape(shape: [result.shape[0], result.shape[1], result.shape[3]])]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3, 9), .normal(4, 3, 3), .normal(4)),
      Sample(
        .normal(2, 4, 11), .normal(6, 2, 3), nil,
        attributes: ["stride": .ints([2]), "padding": .ints([2]), "dilation": .ints([2]), "groups": .int(2)]),
    ],
    reference: "reference.conv1d(x, weight, bias, stride, padding, dilation, groups)")

  public static let conv2d: Operation = Operation(
    "conv2d", "Cross-correlation of images (N, C, H, W) with a kernel (O, C / groups, kH, kW), plus a bias (O,).",
    source: .pytorch,
    inputs: [
      .value("x", "Shape (N, C, H, W)."), .value("weight", "Shape (O, C / groups, kH, kW)."),
      .optional("bias", "Shape (O,)."),
    ],
    attributes: convolutionAttributes,
    dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in
      let shape = try ConvolutionShape(c[0].layout.shape, c[1].layout.shape, c)
      if let bias = c.optional(2), bias.layout.shape != [shape.outputChannels] {
        throw .invalidArgument(
          "conv2d: bias \(bias.layout.shape) does not match the \(shape.outputChannels) channels of weight "
            + "\(c[1].layout.shape)")
      }
      return [TensorSpec(c[0].dtype, shape.outputShape)]
    },
    gradient: .rule(saves: [.input(0), .input(1)]) { (c) throws(AlulaError) in
      let gradient = try c.gradient
      return [
        c.needsGradient(0)
          ? try conv2dInputGradient.first(
            [gradient, c.input(1)], [.ints(Array(c.shape(0).suffix(2)))] + c.convolutionAttributes) : nil,
        c.needsGradient(1)
          ? try conv2dWeightGradient.first(
            [gradient, c.input(0)], [.ints(Array(c.shape(1).suffix(2)))] + c.convolutionAttributes) : nil,
        c.needsGradient(2) ? try gradient.sum(axis: [0, 2, 3]) : nil,
      ]
    },
    samples: [
      Sample(.normal(2, 3, 6, 6), .normal(4, 3, 3, 2), .normal(4)),
      Sample(.normal(1, 2, 5, 4), .normal(3, 2, 1, 1), nil),
      Sample(
        .normal(2, 4, 7, 8), .normal(6, 2, 2, 3), .normal(6),
        attributes: [
          "stride": .ints([2, 3]), "padding": .ints([1, 2]), "dilation": .ints([2, 1]), "groups": .int(2),
        ]),
      Sample(
        .normal(2, 3, 5, 5), .normal(3, 1, 3, 3), nil, attributes: ["padding": .ints([1, 1]), "groups": .int(3)]),
    ],
    reference: "reference.conv2d(x, weight, bias, stride, padding, dilation, groups)")

  public static let conv2dInputGradient: Operation = Operation(
    "conv2d_input_gradient",
    """
    The gradient of conv2d with respect to its input: each element of the result's gradient spread over the input \
    pixels that its kernel position covered. The linear map transposed to conv2d's.
    """,
    source: .alula,
    inputs: [
      .value("gradient", "Of conv2d's result: shape (N, O, H', W')."),
      .value("weight", "Shape (O, C / groups, kH, kW)."),
    ],
    attributes: [.spatial("input_size", 2, "H and W of conv2d's input.")] + convolutionAttributes,
    dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in
      let (gradient, weight) = (c[0].layout.shape, c[1].layout.shape)
      let size = c.ints("input_size")
      guard gradient.count == 4, weight.count == 4, size.count == 2, size.allSatisfy({ $0 >= 0 }) else {
        throw .invalidArgument(
          "conv2d_input_gradient: needs a gradient (N, O, H, W), a weight (O, C / groups, kH, kW) and an input size, "
            + "not \(gradient), \(weight) and \(Dims(size))")
      }
      let (channels, overflow) = weight[1].multipliedReportingOverflow(by: c.int("groups"))
      guard !overflow, channels >= 0 else {
        throw .invalidArgument("conv2d_input_gradient: groups \(c.int("groups")) do not fit weight \(weight)")
      }
      let shape = try ConvolutionShape([gradient[0], channels, size[0], size[1]], weight, c)
      try c.expect(gradient, shape.outputShape, "gradient")
      return [TensorSpec(c[0].dtype, shape.inputShape)]
    },
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      let gradient = try c.gradient
      return [
        c.needsGradient(0) ? try conv2d.first(Operands(gradient, c.input(1), nil), c.convolutionAttributes) : nil,
        c.needsGradient(1)
          ? try conv2dWeightGradient.first(
            [c.input(0), gradient], [.ints(Array(c.shape(1).suffix(2)))] + c.convolutionAttributes) : nil,
      ]
    },
    samples: [
      Sample(.normal(2, 4, 4, 5), .normal(4, 3, 3, 2), attributes: ["input_size": .ints([6, 6])]),
      Sample(
        .normal(1, 4, 3, 3), .normal(4, 2, 2, 3),
        attributes: [
          "input_size": .ints([6, 5]), "stride": .ints([2, 3]), "padding": .ints([1, 2]), "dilation": .ints([2, 1]),
          "groups": .int(2),
        ]),
    ],
    reference: "reference.conv2d_input_gradient(gradient, weight, input_size, stride, padding, dilation, groups)")

  public static let conv2dWeightGradient: Operation = Operation(
    "conv2d_weight_gradient",
    "The gradient of conv2d with respect to its weight: the correlation of its input with the result's gradient.",
    source: .alula,
    inputs: [
      .value("gradient", "Of conv2d's result: shape (N, O, H', W')."), .value("x", "conv2d's input: (N, C, H, W)."),
    ],
    attributes: [.spatial("kernel_size", 2, "kH and kW of conv2d's weight.")] + convolutionAttributes,
    dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in
      let (gradient, x) = (c[0].layout.shape, c[1].layout.shape)
      let (size, groups) = (c.ints("kernel_size"), c.int("groups"))
      guard gradient.count == 4, x.count == 4, size.count == 2, groups > 0 else {
        throw .invalidArgument(
          "conv2d_weight_gradient: needs a gradient (N, O, H, W) and an input (N, C, H, W) in one or more groups, not "
            + "\(gradient) and \(x) in \(groups)")
      }
      let shape = try ConvolutionShape(x, [gradient[1], x[1] / groups, size[0], size[1]], c)
      try c.expect(gradient, shape.outputShape, "gradient")
      return [TensorSpec(c[0].dtype, shape.weightShape)]
    },
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      let gradient = try c.gradient
      return [
        c.needsGradient(0) ? try conv2d.first(Operands(c.input(1), gradient, nil), c.convolutionAttributes) : nil,
        c.needsGradient(1)
          ? try conv2dInputGradient.first(
            [c.input(0), gradient], [.ints(Array(c.shape(1).suffix(2)))] + c.convolutionAttributes) : nil,
      ]
    },
    samples: [
      Sample(.normal(2, 4, 4, 5), .normal(2, 3, 6, 6), attributes: ["kernel_size": .ints([3, 2])]),
      Sample(
        .normal(3, 4, 3, 3), .normal(3, 4, 6, 5),
        attributes: [
          "kernel_size": .ints([2, 3]), "stride": .ints([2, 3]), "padding": .ints([1, 2]), "dilation": .ints([2, 1]),
          "groups": .int(2),
        ]),
    ],
    reference: "reference.conv2d_weight_gradient(gradient, x, kernel_size, stride, padding, dilation, groups)")
}

extension GradientContext {
  /// Stride, padding, dilation and groups, as the convolutions take them.
  fileprivate var convolutionAttributes: [AttributeValue] {
    [.ints(ints("stride")), .ints(ints("padding")), .ints(ints("dilation")), .int(int("groups"))]
  }
}

extension Call {
  /// Refuses an operand whose shape is not the one that the others ask for.
  func expect(_ shape: Dims, _ expected: Dims, _ name: String) throws(AlulaError) {
    if shape != expected {
      throw .invalidArgument(
        "\(operation.name): \(name) has shape \(shape), and the other arguments ask for \(expected)")
    }
  }
}
