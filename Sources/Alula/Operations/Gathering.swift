// Operations that read and write the elements that an index tensor names.

extension Operation {
  static let gathering = [
    take, takeAlongAxis, gather, scatter, scatterAdd, indexAdd, maskedFill, maskedSelect, argwhere,
  ]

  // MARK: - Positions along an axis

  public static let take = Operation(
    "take", "The elements at given positions along an axis. Negative positions count from the end.",
    source: .arrayAPI, inputs: [.any("x"), .index("indices", "Of any shape, which takes the place of the axis.")],
    attributes: [.optionalInt("axis", "The axis; when left out, x is flattened.")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let x = c.optionalInt("axis") == nil ? try c[0].reshape(shape: [-1]) : c[0]
      let axis = try c.axis(c.optionalInt("axis") ?? 0, rank: x.rank)
      return [try index.first(Operands(x, c[1]), [.int(axis), .int(1), .int(axis)])]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(5), .indices(5, 7), attributes: ["axis": .int(0)]),
      Sample(.normal(4, 3), .literal([-1, 0, 2, 2], 2, 2, dtype: .int64), attributes: ["axis": .int(1)]),
      Sample(.normal(4, 3), .indices(12, 5)), Sample(.normal(4, 3), .indices(4), attributes: ["axis": .int(0)]),
      Sample(.normal(4, 3), .indices(4, 0), attributes: ["axis": .int(0)]),
    ],
    reference: "np.take(x, indices, axis=axis)")

  private static let indexAttributes: [Attribute] = [
    .int("axis", "The first axis that the index replaces."),
    .int("axes", "How many axes it replaces; it counts their elements in row-major order."),
    .int("named", "The axis that messages name."),
  ]

  /// What `take` and advanced indices run.
  static let index: Operation = Operation(
    "index", "The blocks that an index names.",
    source: .alula, inputs: [.any("x"), .index("index")], attributes: indexAttributes,
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, c.indexedShape)] },
    gradient: .part(adding: indexPutAdd),
    samples: [], reference: nil)

  /// What is written through advanced indices; where places repeat, the last value stays.
  static let indexPut: Operation = Operation(
    "index_put", "A copy of x with other values in the blocks that an index names.",
    source: .alula, inputs: [.any("x"), .index("index"), .any("value")], attributes: indexAttributes,
    dtypes: .all,
    body: .update { (c) throws(AlulaError) in try c.checkIndexedValue() },
    gradient: .rule(saves: .input(1)) { (c) throws(AlulaError) in
      let zero = try Tensor.zeros(shape: [], dtype: c.gradient.dtype, device: c.gradient.device)
      return [
        c.needsGradient(0) ? try indexPut.first(Operands(c.gradient, c.input(1), zero), c.indexArguments) : nil, nil,
        c.needsGradient(2) ? try index.first(Operands(c.gradient, c.input(1)), c.indexArguments) : nil,
      ]
    },
    samples: [], reference: nil)

  /// Adds in the order of the index, so that sums of floats do not depend on the number of threads.
  static let indexPutAdd: Operation = Operation(
    "index_put_add", "A copy of x with values added to the blocks that an index names.",
    source: .alula, inputs: [.any("x"), .index("index"), .any("value")], attributes: indexAttributes,
    dtypes: .all,
    body: .update { (c) throws(AlulaError) in try c.checkIndexedValue() },
    gradient: .rule(saves: .input(1)) { (c) throws(AlulaError) in
      [
        try c.gradient, nil,
        c.needsGradient(2) ? try index.first(Operands(c.gradient, c.input(1)), c.indexArguments) : nil,
      ]
    },
    samples: [], reference: nil)

  public static let indexAdd = Operation(
    "index_add", "A copy of x with slices of a tensor added at given positions along an axis, in their order.",
    source: .pytorch,
    inputs: [
      .any("x"), .index("index", "One position for each slice."),
      .any("source", "Shaped like x, but along the axis as long as the index."),
    ],
    attributes: [.int("axis", "The axis.")],
    dtypes: .all, inPlace: true,
    body: .composite { (c) throws(AlulaError) in
      let axis = try c.axis(c.int("axis"), rank: c[0].rank)
      guard c[1].rank <= 1 else {
        throw .invalidArgument("index_add: the index has shape \(c[1].layout.shape); it must be a vector")
      }
      let positions = try c[1].reshape(shape: [-1])
      return [try indexPutAdd.first(Operands(c[0], positions, c[2]), [.int(axis), .int(1), .int(axis)])]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(4, 3), .literal([1, 3, 1], 3, dtype: .int64), .normal(3, 3), attributes: ["axis": .int(0)]),
      Sample(.normal(4, 3), .literal([-1, 0], 2, dtype: .int64), .normal(4, 2), attributes: ["axis": .int(1)]),
    ],
    reference: "reference.index_add(x, index, source, axis)")

  // MARK: - One position per element

  public static let takeAlongAxis = Operation(
    "take_along_axis", "For each element of an index, the element of x at that position along an axis.",
    source: .arrayAPI, inputs: [.any("x"), .index("indices", "Broadcasts with x but along the axis.")],
    attributes: [.int("axis", default: -1, "The axis.")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let (x, indices) = (c[0].layout.shape, c[1].layout.shape)
      guard x.count == indices.count else {
        throw .invalidArgument("take_along_axis: shapes \(x) and \(indices) differ in rank")
      }
      let axis = try c.axis(c.int("axis"), rank: x.count)
      var (source, target) = (x, indices)
      source[axis] = 1
      target[axis] = 1
      guard let common = Dims.broadcast(source, target) else {
        throw .invalidArgument("take_along_axis: shapes \(x) and \(indices) do not broadcast beside axis \(axis)")
      }
      (source, target) = (common, common)
      source[axis] = x[axis]
      target[axis] = indices[axis]
      return [
        try c[0].broadcastTo(shape: source.array).gather(c[1].broadcastTo(shape: target.array), axis: axis)
      ]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(4, 3), .indices(3, 4, 2)), Sample(.normal(4, 3), .indices(4, 2, 3), attributes: ["axis": .int(0)]),
      Sample(.normal(4, 3), .indices(3, 1, 5)),
      Sample(.normal(4, 3), .literal([-1, 1], 2, 1, dtype: .int64), attributes: ["axis": .int(0)]),
    ],
    reference: "np.take_along_axis(x, indices, axis=axis)")

  public static let gather: Operation = Operation(
    "gather",
    "For each element of an index, the element of x at that position along an axis and at its own along the others.",
    source: .pytorch,
    inputs: [.any("x"), .index("index", "Of x's rank, and no longer than x but along the axis.")],
    attributes: [.int("axis", "The axis.")],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      _ = try c.gatheredAxis(c[0].layout.shape)
      return [TensorSpec(c[0].dtype, c[1].layout.shape)]
    },
    gradient: .part(adding: scatterAdd),
    samples: [
      Sample(.normal(4, 3), .indices(3, 2, 5), attributes: ["axis": .int(1)]),
      Sample(.normal(4, 3), .indices(4, 6, 2), attributes: ["axis": .int(0)]),
      Sample(.normal(2, 3, 4), .indices(3, 2, 2, 3), attributes: ["axis": .int(-2)]),
      Sample(.normal(4, 3), .indices(3, 0, 3), attributes: ["axis": .int(1)]),
    ],
    reference: "reference.gather(x, index, axis)")

  public static let scatter: Operation = Operation(
    "scatter",
    "A copy of x with each element of a value written at its index's position along an axis and at its own along the "
      + "others. Where places repeat, the last value stays, and the gradient counts them all.",
    source: .pytorch, inputs: scatterInputs, attributes: [.int("axis", "The axis.")],
    dtypes: .all, inPlace: true,
    body: .update { (c) throws(AlulaError) in try c.checkScatteredValue() },
    gradient: .rule(saves: .input(1)) { (c) throws(AlulaError) in
      let zero = try Tensor.zeros(shape: [], dtype: c.gradient.dtype, device: c.gradient.device)
      return [
        c.needsGradient(0) ? try c.gradient.scatter(c.input(1), zero, axis: c.int("axis")) : nil, nil,
        c.needsGradient(2) ? try c.gradient.gather(c.input(1), axis: c.int("axis")) : nil,
      ]
    },
    samples: [
      Sample(
        .normal(3, 4), .literal([2, 0, 1, 3, 2, 0], 2, 3, dtype: .int64), .normal(2, 3), attributes: ["axis": .int(1)]),
      Sample(.normal(3, 4), .literal([-1, 0, 1, 2], 1, 4, dtype: .int64), .normal(), attributes: ["axis": .int(0)]),
    ],
    reference: "reference.scatter(x, index, value, axis)")

  public static let scatterAdd: Operation = Operation(
    "scatter_add",
    "A copy of x with each element of a value added at its index's position along an axis and at its own along the "
      + "others, in the index's order.",
    source: .pytorch, inputs: scatterInputs, attributes: [.int("axis", "The axis.")],
    dtypes: .all, inPlace: true,
    body: .update { (c) throws(AlulaError) in try c.checkScatteredValue() },
    gradient: .rule(saves: .input(1)) { (c) throws(AlulaError) in
      [
        try c.gradient, nil,
        c.needsGradient(2) ? try c.gradient.gather(c.input(1), axis: c.int("axis")) : nil,
      ]
    },
    samples: [
      Sample(.normal(3, 4), .indices(4, 2, 5), .normal(2, 5), attributes: ["axis": .int(1)]),
      Sample(.normal(3, 4), .indices(3, 5, 3), .normal(5, 3), attributes: ["axis": .int(0)]),
    ],
    reference: "reference.scatter_add(x, index, value, axis)")

  private static let scatterInputs: [Input] = [
    .any("x"), .index("index", "Of x's rank, and no longer than x but along the axis."),
    .any("value", "Broadcasts to the index's shape."),
  ]

  // MARK: - Masks

  public static let maskedFill: Operation = Operation(
    "masked_fill", "A copy of x with another value where a mask is true.",
    source: .pytorch,
    inputs: [
      .any("x"), .condition("mask", "Broadcasts to x's shape."), .any("value", "Broadcasts to x's shape."),
    ],
    dtypes: .all, inPlace: true,
    body: .update { (c) throws(AlulaError) in
      for i in [1, 2] where c[i].layout.broadcast(to: c[0].layout.shape) == nil {
        throw .invalidArgument(
          "masked_fill: \(c.operation.inputs[i].name) of shape \(c[i].layout.shape) does not broadcast to shape "
            + "\(c[0].layout.shape)")
      }
    },
    gradient: .rule(saves: .input(1)) { (c) throws(AlulaError) in
      let zero = try Tensor.zeros(shape: [], dtype: c.gradient.dtype, device: c.gradient.device)
      var value: Tensor?
      if c.needsGradient(2) {
        value = try Tensor.zeros(shape: c.shape(0), dtype: c.gradient.dtype, device: c.gradient.device)
          .maskedFill(c.input(1), c.gradient)
      }
      return [c.needsGradient(0) ? try c.gradient.maskedFill(c.input(1), zero) : nil, nil, value]
    },
    samples: [
      Sample(.normal(3, 4), .bool(3, 4), .normal()), Sample(.normal(3, 4), .bool(4), .normal(3, 1)),
      Sample(.normal(2, 0), .bool(2, 1), .normal()),
    ],
    reference: "np.where(mask, value, x)")

  public static let maskedSelect = Operation(
    "masked_select", "The elements where a mask is true, in row-major order.",
    source: .pytorch, inputs: [.any("x"), .condition("mask", "Broadcasts with x.")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      guard let shape = Dims.broadcast(c[0].layout.shape, c[1].layout.shape)?.array else {
        throw .invalidArgument(
          "masked_select: shapes \(c[0].layout.shape) and \(c[1].layout.shape) do not broadcast")
      }
      return [try c[0].broadcastTo(shape: shape).at([.tensor(c[1].broadcastTo(shape: shape))])]
    },
    gradient: .composed,
    samples: [Sample(.normal(3, 4), .bool(3, 4)), Sample(.normal(3, 1), .bool(4)), Sample(.normal(), .bool())],
    reference: "reference.masked_select(x, mask)")

  public static let argwhere = Operation(
    "argwhere", "The positions of the elements that are not zero, in row-major order: one row of int64 per element.",
    source: .numpy, inputs: [.any("x")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let mask = try c[0].cast(dtype: .bool)
      let count = try countTrue.first(Operands(mask)).values(as: Int.self)[0]
      return [try positions.first(Operands(mask), [.int(count)])]
    },
    gradient: .notDifferentiable,
    samples: [Sample(.integers(0, 2, 3, 4)), Sample(.bool(2, 3, 2)), Sample(.integers(1, 2)), Sample(.normal(0, 2))],
    reference: "np.argwhere(x)")

  /// The number of true elements.
  static let countTrue = Operation(
    "count_true", "The number of true elements.",
    source: .alula, inputs: [.condition("mask")], dtypes: .all,
    body: .primitive { (_) throws(AlulaError) in [TensorSpec(.int64, [])] },
    gradient: .notDifferentiable, samples: [], reference: nil)

  /// What `argwhere` runs when it knows how many rows there are.
  static let positions = Operation(
    "positions", "The positions of the true elements.",
    source: .alula, inputs: [.condition("mask")], attributes: [.int("count", "How many there are.")], dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(.int64, [c.int("count"), c[0].rank])] },
    gradient: .notDifferentiable, samples: [], reference: nil)

  /// What several advanced indices are brought to: one that counts the elements of all their axes.
  static let joinIndices = Operation(
    "join_indices", "Row-major positions from positions along several axes, which broadcast.",
    source: .alula, inputs: [.list("indices")],
    attributes: [.ints("extents", "The lengths of the axes."), .ints("named", "The axes that messages name.")],
    dtypes: .integer,
    body: .primitive { (c) throws(AlulaError) in
      var shape = c[0].layout.shape
      for index in c.list.dropFirst() {
        guard let common = Dims.broadcast(shape, index.layout.shape) else {
          let shapes = c.list.map { $0.layout.shape.description }.joined(separator: " and ")
          throw .invalidArgument("index: index tensors of shapes \(shapes) do not broadcast")
        }
        shape = common
      }
      return [TensorSpec(.int64, shape)]
    },
    gradient: .notDifferentiable, samples: [], reference: nil)
}

extension Tensor {
  /// The positions of the elements that are not zero: one vector of int64 per axis.
  public func nonzero() throws(AlulaError) -> [Tensor] {
    let positions = try argwhere()
    var columns: [Tensor] = []
    for axis in 0..<rank { columns.append(try positions.at([.all, .integer(axis)])) }
    return columns
  }
}

extension Call {
  /// The shape of x with the indexed axes replaced by the index's.
  var indexedShape: Dims {
    let (x, index) = (self[0].layout.shape.array, self[1].layout.shape.array)
    let axis = int("axis")
    return Dims(x[..<axis] + index + x[(axis + int("axes"))...])
  }

  fileprivate func checkIndexedValue() throws(AlulaError) {
    let target = indexedShape
    guard self[2].layout.broadcast(to: target) != nil else {
      throw .invalidArgument(
        "index: a value of shape \(self[2].layout.shape) does not fit into shape \(target)")
    }
  }

  /// The axis of a gather from or a scatter into `shape`, after a check of the index's shape.
  func gatheredAxis(_ shape: Dims) throws(AlulaError) -> Int {
    let index = self[1].layout.shape
    guard index.count == shape.count else {
      throw .invalidArgument("\(operation.name): shapes \(shape) and \(index) differ in rank")
    }
    let axis = try axis(int("axis"), rank: shape.count)
    for i in shape.indices where i != axis && index[i] > shape[i] {
      throw .invalidArgument("\(operation.name): index of shape \(index) exceeds shape \(shape) beside axis \(axis)")
    }
    return axis
  }

  fileprivate func checkScatteredValue() throws(AlulaError) {
    _ = try gatheredAxis(self[0].layout.shape)
    guard self[2].layout.broadcast(to: self[1].layout.shape) != nil else {
      throw .invalidArgument(
        "\(operation.name): a value of shape \(self[2].layout.shape) does not broadcast to the index's shape "
          + "\(self[1].layout.shape)")
    }
  }
}

extension GradientContext {
  fileprivate var indexArguments: [AttributeValue] {
    [.int(int("axis")), .int(int("axes")), .int(int("named"))]
  }
}
