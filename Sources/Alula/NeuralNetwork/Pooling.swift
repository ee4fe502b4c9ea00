extension Operation {
  static let pooling = [
    maxPool1d, maxPool2d, maxPool2dScatter, maxPool2dGather, avgPool1d, avgPool2d, avgPool2dInputGradient,
  ]

  private static func windows(_ axes: Int) -> [Attribute] {
    [
      .spatial("kernel_size", axes, "Extents of a window."),
      .optionalInts("stride", "Distance between neighbouring windows; kernel_size by default."),
      .spatial("padding", axes, default: 0, "Elements added on either side; at most half of kernel_size."),
    ]
  }

  private static func dilation(_ axes: Int) -> Attribute {
    .spatial("dilation", axes, default: 1, "Distance between neighbouring elements of a window.")
  }

  private static let includePad = Attribute.bool(
    "count_include_pad", default: true, "Whether padding counts in the number that a sum is divided by.")

  public static let maxPool1d = Operation(
    "max_pool1d",
    "The greatest element of each window along the last axis, and its position there. NaN counts as greatest.",
    source: .pytorch, inputs: [.value("x", "Shape (N, C, L) or (C, L).")],
    attributes: windows(1) + [dilation(1)], outputs: ["values", "indices"],
    dtypes: .floating,
    body: .composite { (c) throws(AlulaError) in
      let image = try c.imageOfOneRow()
      let results = try maxPool2d(
        [image],
        [
          .ints([1] + c.ints("kernel_size")), .ints([1] + (try c.poolingStride(c.ints("kernel_size")))),
          .ints([0] + c.ints("padding")), .ints([1] + c.ints("dilation")),
        ])
      return [try results[0].withoutAxis(image.rank - 2), try results[1].withoutAxis(image.rank - 2)]
    },
    gradient: .composed,
    samples: [
      Sample(.spread(2, 3, 9), attributes: ["kernel_size": .ints([2])]),
      Sample(
        .spread(3, 10),
        attributes: ["kernel_size": .ints([3]), "stride": .ints([2]), "padding": .ints([1]), "dilation": .ints([2])]),
    ],
    reference: "reference.max_pool1d(x, kernel_size, stride, padding, dilation)")

  public static let maxPool2d: Operation = Operation(
    "max_pool2d",
    "The greatest element of each window, and its index in its image's pixels, row-major. NaN counts as greatest.",
    source: .pytorch, inputs: [.value("x", "Shape (N, C, H, W) or (C, H, W).")],
    attributes: windows(2) + [dilation(2)], outputs: ["values", "indices"],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      let shape = try PoolingShape(c[0].layout.shape, c).outputShape
      return [TensorSpec(c[0].dtype, shape), TensorSpec(.int64, shape)]
    },
    gradient: .rule(saves: .output(1)) { (c) throws(AlulaError) in
      [try maxPool2dScatter.first(Operands(c.gradient(0), c.output(1)), [.ints(Array(c.shape(0).suffix(2)))])]
    },
    samples: [
      Sample(.spread(2, 3, 6, 19), attributes: ["kernel_size": .ints([2, 2])]),
      Sample(.spread(3, 7, 5), attributes: ["kernel_size": .ints([2, 2])]),
      Sample(
        .spread(1, 2, 7, 8),
        attributes: ["kernel_size": .ints([3, 2]), "stride": .ints([2, 1]), "padding": .ints([1, 1])]),
      Sample(
        .spread(1, 2, 7, 8),
        attributes: ["kernel_size": .ints([2, 3]), "stride": .ints([1]), "dilation": .ints([3, 2])]),
    ],
    reference: "reference.max_pool2d(x, kernel_size, stride, padding, dilation)")

  public static let maxPool2dScatter: Operation = Operation(
    "max_pool2d_scatter",
    "Each element added, in an image of zeros, to the pixel at its index: the gradient of max_pool2d.",
    source: .alula,
    inputs: [.value("x", "Shape (..., H', W')."), .index("indices", "Of the same shape; each below H · W.")],
    attributes: [.spatial("output_size", 2, "H and W.")],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      let shape = c[0].layout.shape
      let size = c.ints("output_size")
      guard shape.count >= 2, size.count == 2, size.allSatisfy({ $0 >= 0 }) else {
        throw .invalidArgument("max_pool2d_scatter: \(shape) cannot be scattered to images of \(Dims(size))")
      }
      try c.expect(c[1].layout.shape, shape, "indices")
      return [TensorSpec(c[0].dtype, Dims(shape.array.dropLast(2) + size))]
    },
    gradient: .rule(saves: .input(1)) { (c) throws(AlulaError) in
      [try maxPool2dGather.first(Operands(c.gradient, c.input(1))), nil]
    },
    samples: [
      Sample(.normal(2, 3, 2, 3), .indices(20, 2, 3, 2, 3), attributes: ["output_size": .ints([4, 5])])
    ],
    reference: "reference.max_pool2d_scatter(x, indices, output_size)")

  public static let maxPool2dGather: Operation = Operation(
    "max_pool2d_gather", "The pixels at the indices that max_pool2d returned.",
    source: .alula,
    inputs: [.value("x", "Shape (..., H, W)."), .index("indices", "Shape (..., H', W'); each below H · W.")],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      let (shape, indices) = (c[0].layout.shape, c[1].layout.shape)
      guard shape.count >= 2, indices.count == shape.count, indices.array.dropLast(2) == shape.array.dropLast(2) else {
        throw .invalidArgument("max_pool2d_gather: indices \(indices) do not go with images \(shape)")
      }
      return [TensorSpec(c[0].dtype, indices)]
    },
    gradient: .rule(saves: .input(1)) { (c) throws(AlulaError) in
      [try maxPool2dScatter.first(Operands(c.gradient, c.input(1)), [.ints(Array(c.shape(0).suffix(2)))]), nil]
    },
    samples: [Sample(.normal(2, 3, 4, 5), .indices(20, 2, 3, 2, 3))],
    reference: "reference.max_pool2d_gather(x, indices)")

  public static let avgPool1d = Operation(
    "avg_pool1d", "The mean of each window along the last axis.",
    source: .pytorch, inputs: [.value("x", "Shape (N, C, L) or (C, L).")],
    attributes: windows(1) + [includePad],
    dtypes: .floating,
    body: .composite { (c) throws(AlulaError) in
      let image = try c.imageOfOneRow()
      let result = try avgPool2d.first(
        [image],
        [
          .ints([1] + c.ints("kernel_size")), .ints([1] + (try c.poolingStride(c.ints("kernel_size")))),
          .ints([0] + c.ints("padding")), .bool(c.bool("count_include_pad")),
        ])
      return [try result.withoutAxis(image.rank - 2)]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3, 9), attributes: ["kernel_size": .ints([2])]),
      Sample(
        .normal(3, 10), attributes: ["kernel_size": .ints([3]), "stride": .ints([2]), "padding": .ints([1])]),
    ],
    reference: "reference.avg_pool1d(x, kernel_size, stride, padding, count_include_pad)")

  public static let avgPool2d: Operation = Operation(
    "avg_pool2d", "The mean of each window.",
    source: .pytorch, inputs: [.value("x", "Shape (N, C, H, W) or (C, H, W).")],
    attributes: windows(2) + [includePad],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      [TensorSpec(c[0].dtype, try PoolingShape(c[0].layout.shape, c).outputShape)]
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      [
        try avgPool2dInputGradient.first(
          [c.gradient],
          [
            .ints(Array(c.shape(0).suffix(2))), .ints(c.ints("kernel_size")),
            c.optionalInts("stride").map { .ints($0) } ?? .none, .ints(c.ints("padding")),
            .bool(c.bool("count_include_pad")),
          ])
      ]
    },
    samples: [
      Sample(.normal(2, 3, 6, 7), attributes: ["kernel_size": .ints([2, 2])]),
      Sample(
        .normal(2, 7, 8),
        attributes: ["kernel_size": .ints([3, 2]), "stride": .ints([2, 1]), "padding": .ints([1, 1])]),
      Sample(
        .normal(1, 2, 6, 6),
        attributes: [
          "kernel_size": .ints([3, 3]), "stride": .ints([2]), "padding": .ints([1, 1]),
          "count_include_pad": .bool(false),
        ]),
    ],
    reference: "reference.avg_pool2d(x, kernel_size, stride, padding, count_include_pad)")

  public static let avgPool2dInputGradient: Operation = Operation(
    "avg_pool2d_input_gradient", "Each element spread evenly over its window: the gradient of avg_pool2d.",
    source: .alula, inputs: [.value("gradient", "Of avg_pool2d's result: shape (..., H', W').")],
    attributes: [.spatial("input_size", 2, "H and W of avg_pool2d's input.")] + windows(2) + [includePad],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      let gradient = c[0].layout.shape
      let shape = try PoolingShape(Dims(gradient.array.dropLast(2) + c.ints("input_size")), c)
      try c.expect(gradient, shape.outputShape, "gradient")
      return [TensorSpec(c[0].dtype, shape.inputShape)]
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      [
        try avgPool2d.first(
          [c.gradient],
          [
            .ints(c.ints("kernel_size")), c.optionalInts("stride").map { .ints($0) } ?? .none,
            .ints(c.ints("padding")), .bool(c.bool("count_include_pad")),
          ])
      ]
    },
    samples: [
      Sample(.normal(2, 3, 3, 3), attributes: ["input_size": .ints([6, 7]), "kernel_size": .ints([2, 2])]),
      Sample(
        .normal(2, 3, 3),
        attributes: [
          "input_size": .ints([6, 6]), "kernel_size": .ints([3, 3]), "stride": .ints([2]), "padding": .ints([1, 1]),
          "count_include_pad": .bool(false),
        ]),
    ],
    reference:
      "reference.avg_pool2d_input_gradient(gradient, input_size, kernel_size, stride, padding, count_include_pad)")
}

extension Call {
  /// The first input (..., L) as an image (..., 1, L).
  fileprivate func imageOfOneRow() throws(AlulaError) -> Tensor {
    guard self[0].rank == 2 || self[0].rank == 3 else {
      throw .invalidArgument("\(operation.name): needs signals (N, C, L) or (C, L), not \(self[0].layout.shape)")
    }
    var shape = self[0].shape
    shape.insert(1, at: shape.count - 1)
    return try self[0].reshape(shape: shape)
  }
}
