// Operations that bring elements into order or use it. NaN counts as larger than every number.

extension Operation {
  static let sorting = [sort, argsort, topk, searchsorted]

  private static let orderAttributes: [Attribute] = [
    .int("axis", default: -1, "The axis to sort along."),
    .bool("descending", default: false, "Whether the largest come first."),
    .bool("stable", default: true, "Whether equal elements must stay in order; they do in any case."),
  ]
  private static let orderSamples = [
    Sample(.spread(3, 5)), Sample(.spread(3, 5), attributes: ["axis": .int(0), "descending": .bool(true)]),
    Sample(.spread(2, 70, 2), attributes: ["axis": .int(1)]),
    Sample(.spread(0, 3)), Sample(.spread(3, 0)), Sample(.spread(1)),
  ]

  public static let sort = Operation(
    "sort", "The elements in order along an axis. NaN comes after all numbers, or before them when descending.",
    source: .arrayAPI, inputs: [.value("x", "At least one axis.")], attributes: orderAttributes,
    dtypes: [.bool, .real],
    body: .composite { (c) throws(AlulaError) in
      [try order.first(Operands(c[0]), [.int(c.int("axis")), .bool(c.bool("descending"))])]
    },
    gradient: .composed, samples: orderSamples,
    reference: "reference.sort(x, axis, descending)")

  public static let argsort = Operation(
    "argsort", "The positions (int64) that bring the elements into order along an axis; equal ones stay in order.",
    source: .arrayAPI, inputs: [.value("x", "At least one axis.")], attributes: orderAttributes,
    dtypes: [.bool, .real],
    body: .composite { (c) throws(AlulaError) in
      [try order([c[0].detach()], [.int(c.int("axis")), .bool(c.bool("descending"))])[1]]
    },
    gradient: .notDifferentiable,
    samples: orderSamples + [
      Sample(.integers(0, 3, 4, 60)), Sample(.integers(0, 3, 9), attributes: ["descending": .bool(true)]),
    ],
    reference: "reference.argsort(x, axis, descending)")

  /// What `sort` and `argsort` run.
  static let order = Operation(
    "sort", "The elements in order along an axis, and where they were.",
    source: .alula, inputs: [.value("x")],
    attributes: [.int("axis", "The axis."), .bool("descending", "Whether the largest come first.")],
    outputs: ["values", "indices"],
    dtypes: [.bool, .real],
    body: .primitive { (c) throws(AlulaError) in
      _ = try c.axis(c.int("axis"), rank: c[0].rank)
      return [TensorSpec(c[0].dtype, c[0].layout.shape), TensorSpec(.int64, c[0].layout.shape)]
    },
    gradient: .rule(saves: .output(1)) { (c) throws(AlulaError) in try c.scatteredBack() },
    samples: [], reference: nil)

  public static let topk = Operation(
    "topk",
    "The k largest (or smallest) elements along an axis in order, and their positions; of equal ones the first.",
    source: .pytorch, inputs: [.value("x", "At least one axis.")],
    attributes: [
      .int("k", "How many."), .int("axis", default: -1, "The axis."),
      .bool("largest", default: true, "Whether the largest are wanted. NaN is larger than every number."),
      .bool("sorted", default: true, "Whether they must be in order; they are in any case."),
    ],
    outputs: ["values", "indices"],
    dtypes: [.bool, .real],
    body: .primitive { (c) throws(AlulaError) in
      var shape = c[0].layout.shape
      let axis = try c.axis(c.int("axis"), rank: shape.count)
      guard c.int("k") >= 0, c.int("k") <= shape[axis] else {
        throw .outOfRange("topk: k = \(c.int("k")) is out of range for axis \(axis) with size \(shape[axis])")
      }
      shape[axis] = c.int("k")
      return [TensorSpec(c[0].dtype, shape), TensorSpec(.int64, shape)]
    },
    gradient: .rule(saves: .output(1)) { (c) throws(AlulaError) in try c.scatteredBack() },
    samples: [
      Sample(.spread(3, 5), attributes: ["k": .int(2)]),
      Sample(.spread(3, 5), attributes: ["k": .int(3), "axis": .int(0), "largest": .bool(false)]),
      Sample(.spread(300), attributes: ["k": .int(7)]), Sample(.spread(4), attributes: ["k": .int(0)]),
      Sample(.spread(4), attributes: ["k": .int(4)]),
      Sample(.spread(200, 2), attributes: ["k": .int(100), "axis": .int(0)]),
    ],
    reference: "reference.topk(x, k, axis, largest)")

  public static let searchsorted = Operation(
    "searchsorted", "The positions (int64) in a sorted vector at which values would be inserted to keep it sorted.",
    source: .arrayAPI, inputs: [.value("x1", "A vector in ascending order."), .value("x2", "Values, of any shape.")],
    attributes: [
      .choice("side", ["left", "right"], "Whether the position is before elements equal to the value or after them.")
    ],
    dtypes: [.bool, .real], promotion: .common,
    body: .primitive { (c) throws(AlulaError) in
      guard c[0].rank == 1 else {
        throw .invalidArgument("searchsorted: x1 of shape \(c[0].layout.shape) is no vector")
      }
      return [TensorSpec(.int64, c[1].layout.shape)]
    },
    gradient: .notDifferentiable,
    samples: [
      Sample(.literal([1, 2, 2, 4, 7], 5), .literal([0, 2, 3, 7, 8, 4], 2, 3)),
      Sample(
        .literal([1, 2, 2, 4, 7], 5), .literal([0, 2, 3, 7, 8, 4], 2, 3), attributes: ["side": .string("right")]),
      Sample(.literal([], 0), .literal([3], 1)),
    ],
    reference: "np.searchsorted(x1, x2, side)")
}

extension GradientContext {
  /// The gradient of values that were taken from the places along an axis that the second result names.
  fileprivate func scatteredBack() throws(AlulaError) -> [Tensor?] {
    let gradient = try gradient
    let zeros = try Tensor.zeros(shape: shape(0), dtype: gradient.dtype, device: gradient.device)
    try Operation.scatterAdd.callInPlace([zeros, output(1), gradient], [.int(int("axis"))])
    return [zeros]
  }
}
