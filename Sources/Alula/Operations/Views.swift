// Operations that look at the same elements in another order or a part of them.

extension Operation {
  static let views = [
    expandDims, squeeze, moveaxis, swapaxes, matrixTranspose, flatten, unflatten, expand, narrow, stridedSlice, flip,
    diagonal, diagonalScatter,
  ]

  // MARK: - Axes

  public static let expandDims = Operation(
    "expand_dims", "A view with new axes of extent 1.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: [.ints("axis", "Where the new axes are, counted in the result.")],
    dtypes: .all,
    body: .view { (c) throws(AlulaError) in
      let layout = c[0].layout
      let rank = layout.rank + c.ints("axis").count
      guard rank <= Dims.maximumRank else {
        throw .invalidArgument("expand_dims: rank \(rank) exceeds the limit of \(Dims.maximumRank)")
      }
      let added = try c.axes(c.ints("axis"), rank: rank)
      var shape = Dims(repeating: 1, count: rank)
      var strides = Dims(repeating: 0, count: rank)
      var from = 0
      for i in 0..<rank where !added.contains(i) {
        shape[i] = layout.shape[from]
        strides[i] = layout.strides[from]
        from += 1
      }
      return Layout(shape: shape, strides: strides, offset: layout.offset)
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in [try c.gradient.reshape(shape: c.shape(0))] },
    samples: [
      Sample(.normal(2, 3), attributes: ["axis": .ints([0])]),
      Sample(.normal(2, 3), attributes: ["axis": .ints([-1, 1])]),
      Sample(.normal(), attributes: ["axis": .ints([0])]), Sample(.normal(2, 0), attributes: ["axis": .ints([-2])]),
    ],
    reference: "np.expand_dims(x, tuple(axis))")

  public static let squeeze = Operation(
    "squeeze", "A view without axes of extent 1.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: [.optionalInts("axis", "The axes to remove, all of extent 1; every such axis by default.")],
    dtypes: .all,
    body: .view { (c) throws(AlulaError) in
      let layout = c[0].layout
      let removed =
        c.optionalInts("axis") == nil
        ? layout.shape.indices.filter { layout.shape[$0] == 1 } : try c.axes(c.ints("axis"), rank: layout.rank)
      for axis in removed where layout.shape[axis] != 1 {
        throw .invalidArgument("squeeze: axis \(axis) of shape \(layout.shape) does not have extent 1")
      }
      var shape = Dims()
      var strides = Dims()
      for i in layout.shape.indices where !removed.contains(i) {
        shape.append(layout.shape[i])
        strides.append(layout.strides[i])
      }
      return Layout(shape: shape, strides: strides, offset: layout.offset)
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in [try c.gradient.reshape(shape: c.shape(0))] },
    samples: [
      Sample(.normal(1, 3, 1)), Sample(.normal(1, 3, 1), attributes: ["axis": .ints([-1])]),
      Sample(.normal(1, 1), attributes: ["axis": .ints([1, 0])]), Sample(.normal(3), attributes: ["axis": .ints([])]),
    ],
    reference: "np.squeeze(x, None if axis is None else tuple(axis))")

  public static let moveaxis = Operation(
    "moveaxis", "A view with some axes at other places; the others stay in order.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: [
      .ints("source", "The axes to move."), .ints("destination", "Where each of them goes."),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let (source, destination) = (c.ints("source"), c.ints("destination"))
      guard source.count == destination.count else {
        throw .invalidArgument("moveaxis: \(source.count) axes to move to \(destination.count) places")
      }
      let rank = c[0].rank
      let moved = try c.axes(source, rank: rank)
      _ = try c.axes(destination, rank: rank)
      var order = Array(repeating: -1, count: rank)
      for (from, to) in zip(source, destination) {
        order[try c.axis(to, rank: rank)] = try c.axis(from, rank: rank)
      }
      var others = (0..<rank).filter { !moved.contains($0) }.makeIterator()
      for i in order.indices where order[i] < 0 { order[i] = others.next() ?? 0 }
      return [try c[0].permuteDims(axes: order)]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3, 4), attributes: ["source": .ints([0]), "destination": .ints([-1])]),
      Sample(.normal(2, 3, 4), attributes: ["source": .ints([2, 0]), "destination": .ints([0, 1])]),
    ],
    reference: "np.moveaxis(x, source, destination)")

  public static let swapaxes = Operation(
    "swapaxes", "A view with two axes exchanged.",
    source: .numpy, inputs: [.any("x")],
    attributes: [.int("axis1", "One axis."), .int("axis2", "The other.")],
    dtypes: .all,
    body: .view { (c) throws(AlulaError) in
      let layout = c[0].layout
      return layout.swapping(
        try c.axis(c.int("axis1"), rank: layout.rank), try c.axis(c.int("axis2"), rank: layout.rank))
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      [try c.gradient.swapaxes(axis1: c.int("axis1"), axis2: c.int("axis2"))]
    },
    samples: [Sample(.normal(2, 3, 4), attributes: ["axis1": .int(0), "axis2": .int(-1)])],
    reference: "np.swapaxes(x, axis1, axis2)")

  public static let matrixTranspose = Operation(
    "matrix_transpose", "A view with the last two axes exchanged.",
    source: .arrayAPI, inputs: [.any("x", "At least two axes.")],
    dtypes: .all,
    body: .view { (c) throws(AlulaError) in
      let layout = c[0].layout
      guard layout.rank >= 2 else {
        throw .invalidArgument("matrix_transpose: shape \(layout.shape) has no two axes")
      }
      return layout.swapping(layout.rank - 2, layout.rank - 1)
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in [try c.gradient.matrixTranspose()] },
    samples: [Sample(.normal(3, 4)), Sample(.normal(2, 3, 4))],
    reference: "np.swapaxes(x, -1, -2)")

  // MARK: - Shapes

  public static let flatten = Operation(
    "flatten", "A run of axes joined to one; a view where strides allow, else a copy.",
    source: .pytorch, inputs: [.any("x", "A 0-d tensor becomes one of shape (1,).")],
    attributes: [
      .int("start_axis", default: 0, "The first axis to join."),
      .int("end_axis", default: -1, "The last one, included."),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let shape = c[0].shape
      if shape.isEmpty { return [try c[0].reshape(shape: [1])] }
      let first = try c.axis(c.int("start_axis"), rank: shape.count)
      let last = try c.axis(c.int("end_axis"), rank: shape.count)
      guard first <= last else {
        throw .invalidArgument("flatten: start_axis \(first) comes after end_axis \(last)")
      }
      // Within the count of all elements, which does not overflow, unless an axis beside them is empty.
      guard let joined = Dims(shape[first...last]).checkedProduct else {
        throw .invalidArgument("flatten: axes \(first) to \(last) of shape \(Dims(shape)) hold too many elements")
      }
      return [try c[0].reshape(shape: shape[..<first] + [joined] + shape[(last + 1)...])]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3, 4)), Sample(.normal(2, 3, 4), attributes: ["start_axis": .int(1)]),
      Sample(.normal(2, 3, 4), attributes: ["start_axis": .int(0), "end_axis": .int(-2)]), Sample(.normal()),
    ],
    reference: "reference.flatten(x, start_axis, end_axis)")

  public static let unflatten = Operation(
    "unflatten", "One axis split into several.",
    source: .pytorch, inputs: [.any("x")],
    attributes: [
      .int("axis", "The axis to split."), .ints("sizes", "The new extents; one may be -1 and follows from the others."),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let shape = c[0].shape
      let axis = try c.axis(c.int("axis"), rank: shape.count)
      var sizes = c.ints("sizes")
      if let unknown = sizes.firstIndex(of: -1) {
        sizes[unknown] = 1
        guard let known = Dims(sizes).checkedProduct, known > 0, shape[axis] % known == 0 else {
          throw .invalidArgument("unflatten: extent \(shape[axis]) does not split into \(Dims(c.ints("sizes")))")
        }
        sizes[unknown] = shape[axis] / known
      }
      guard sizes.allSatisfy({ $0 >= 0 }), Dims(sizes).checkedProduct == shape[axis] else {
        throw .invalidArgument("unflatten: extent \(shape[axis]) does not split into \(Dims(c.ints("sizes")))")
      }
      return [try c[0].reshape(shape: shape[..<axis] + sizes + shape[(axis + 1)...])]
    },
    gradient: .composed,
    samples: [Sample(.normal(2, 6), attributes: ["axis": .int(1), "sizes": .ints([2, -1])])],
    reference: "np.reshape(x, x.shape[:axis] + tuple(sizes) + x.shape[axis + 1:])")

  public static let expand = Operation(
    "expand", "A view in which extents of 1, and new axes in front, repeat up to a shape.",
    source: .pytorch, inputs: [.any("x")],
    attributes: [.ints("shape", "The shape of the result; -1 keeps an extent.")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      var shape = c.ints("shape")
      let lead = shape.count - c[0].rank
      for i in shape.indices where shape[i] == -1 {
        guard i >= lead, lead >= 0 else {
          throw .invalidArgument("expand: -1 in \(Dims(shape)) stands for no axis of shape \(c[0].layout.shape)")
        }
        shape[i] = c[0].layout.shape[i - lead]
      }
      return [try c[0].broadcastTo(shape: shape)]
    },
    gradient: .composed,
    samples: [Sample(.normal(3, 1), attributes: ["shape": .ints([2, -1, 4])])],
    reference: "np.broadcast_to(x, (2, 3, 4))")

  // MARK: - Parts

  public static let narrow = Operation(
    "narrow", "A view of a run of positions along one axis.",
    source: .pytorch, inputs: [.any("x")],
    attributes: [
      .int("axis", "The axis."), .int("start", "The first position; negative counts from the end."),
      .int("length", "How many positions."),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let shape = c[0].layout.shape
      let axis = try c.axis(c.int("axis"), rank: shape.count)
      let (extent, length) = (shape[axis], c.int("length"))
      let given = c.int("start")
      guard given >= -extent, given <= extent else {
        throw .outOfRange("narrow: start \(given) is out of range for axis \(axis) with size \(extent)")
      }
      let start = given < 0 ? given + extent : given
      guard length >= 0, length <= extent - start else {
        throw .outOfRange(
          "narrow: \(length) positions from \(start) are out of range for axis \(axis) with size \(extent)")
      }
      var index = BasicIndex(all: shape)
      index.start[axis] = start
      index.extents[axis] = length
      return [try c[0].sliced(index)]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(3, 5), attributes: ["axis": .int(1), "start": .int(1), "length": .int(3)]),
      Sample(.normal(3, 5), attributes: ["axis": .int(-2), "start": .int(-1), "length": .int(1)]),
      Sample(.normal(3, 5), attributes: ["axis": .int(0), "start": .int(3), "length": .int(0)]),
    ],
    reference: "np.take(x, np.arange(start, start + length), axis=axis)")

  public static let stridedSlice = Operation(
    "strided_slice", "A view of evenly spaced positions along every axis: x[start : start + length * step : step].",
    source: .alula, inputs: [.any("x")],
    attributes: [
      .ints("start", "The first position along each axis."),
      .ints("length", "The number of positions along each axis."),
      .ints("step", "The distance of two positions along each axis; may be negative, not zero."),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let shape = c[0].layout.shape
      let (start, length, step) = (c.ints("start"), c.ints("length"), c.ints("step"))
      guard start.count == shape.count, length.count == shape.count, step.count == shape.count else {
        throw .invalidArgument(
          "strided_slice: start, length and step need \(shape.count) values each for shape \(shape), not "
            + "\(start.count), \(length.count) and \(step.count)")
      }
      var index = BasicIndex(all: shape)
      for i in shape.indices {
        guard length[i] >= 0, step[i] != 0 else {
          throw .invalidArgument("strided_slice: length \(length[i]) with step \(step[i]) on axis \(i)")
        }
        index.extents[i] = length[i]
        if length[i] == 0 { continue }
        let (span, overflow) = (length[i] - 1).multipliedReportingOverflow(by: step[i])
        let (last, beyond) = start[i].addingReportingOverflow(span)
        guard !overflow, !beyond, start[i] >= 0, start[i] < shape[i], last >= 0, last < shape[i] else {
          throw .outOfRange(
            "strided_slice: \(length[i]) positions from \(start[i]) with step \(step[i]) are out of range for axis \(i) "
              + "with size \(shape[i])")
        }
        index.start[i] = start[i]
        index.steps[i] = step[i]
      }
      return [try c[0].sliced(index)]
    },
    gradient: .composed,
    samples: [
      Sample(
        .normal(4, 6), attributes: ["start": .ints([1, 5]), "length": .ints([2, 3]), "step": .ints([2, -2])]),
      Sample(
        .normal(3, 2), attributes: ["start": .ints([0, 0]), "length": .ints([0, 2]), "step": .ints([1, 1])]),
    ],
    reference: "reference.strided_slice(x, start, length, step)")

  public static let flip = Operation(
    "flip", "A view with the order of the elements reversed along some axes.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: [.optionalInts("axis", "The axes; all by default.")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let shape = c[0].layout.shape
      var index = BasicIndex(all: shape)
      for axis in try c.axes(c.optionalInts("axis"), rank: shape.count) where shape[axis] > 0 {
        index.start[axis] = shape[axis] - 1
        index.steps[axis] = -1
      }
      return [try c[0].sliced(index)]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3)), Sample(.normal(2, 3, 2), attributes: ["axis": .ints([1, -1])]),
      Sample(.normal(2, 0)), Sample(.normal()),
    ],
    reference: "np.flip(x, None if axis is None else tuple(axis))")

  // MARK: - Diagonals

  private static let diagonalAttributes: [Attribute] = [
    .int("offset", default: 0, "Above the main diagonal when positive, below it when negative."),
    .int("axis1", default: 0, "The axis of the rows."), .int("axis2", default: 1, "The axis of the columns."),
  ]

  public static let diagonal = Operation(
    "diagonal", "A view of the elements on a diagonal of two axes, along a new last axis.",
    source: .numpy, inputs: [.any("x", "At least two axes.")],
    attributes: diagonalAttributes,
    dtypes: .all,
    body: .view { (c) throws(AlulaError) in try c.diagonal() },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      let zeros = try Tensor.zeros(shape: c.shape(0), dtype: c.gradient.dtype, device: c.gradient.device)
      return [
        try zeros.diagonalScatter(
          c.gradient, offset: c.int("offset"), axis1: c.int("axis1"), axis2: c.int("axis2"))
      ]
    },
    samples: [
      Sample(.normal(3, 4)), Sample(.normal(3, 4), attributes: ["offset": .int(2)]),
      Sample(.normal(2, 3, 4), attributes: ["offset": .int(-1), "axis1": .int(-1), "axis2": .int(0)]),
      Sample(.normal(3, 4), attributes: ["offset": .int(9)]),
    ],
    reference: "np.diagonal(x, offset, axis1, axis2)")

  public static let diagonalScatter = Operation(
    "diagonal_scatter", "A copy of x with another value on a diagonal of two axes.",
    source: .pytorch, inputs: [.any("x", "At least two axes."), .any("value", "Broadcasts to the diagonal's shape.")],
    attributes: diagonalAttributes,
    dtypes: .all,
    body: .update { (c) throws(AlulaError) in
      let target = try c.diagonal().shape
      guard c[1].layout.broadcast(to: target) != nil else {
        throw .invalidArgument(
          "diagonal_scatter: a value of shape \(c[1].layout.shape) does not fit into the diagonal's shape \(target)")
      }
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      let (offset, axis1, axis2) = (c.int("offset"), c.int("axis1"), c.int("axis2"))
      let zero = try Tensor.zeros(shape: [], dtype: c.gradient.dtype, device: c.gradient.device)
      return [
        c.needsGradient(0) ? try c.gradient.diagonalScatter(zero, offset: offset, axis1: axis1, axis2: axis2) : nil,
        c.needsGradient(1) ? try c.gradient.diagonal(offset: offset, axis1: axis1, axis2: axis2) : nil,
      ]
    },
    samples: [
      Sample(.normal(3, 4), .normal(3)),
      Sample(
        .normal(2, 3, 3), .normal(), attributes: ["offset": .int(1), "axis1": .int(1), "axis2": .int(2)]),
    ],
    reference: "reference.diagonal_scatter(x, value, offset, axis1, axis2)")
}

extension Call {
  /// The layout of the diagonal of the first input.
  func diagonal() throws(AlulaError) -> Layout {
    let layout = self[0].layout
    guard layout.rank >= 2 else {
      throw .invalidArgument("\(operation.name): shape \(layout.shape) has no two axes")
    }
    let row = try axis(int("axis1"), rank: layout.rank)
    let column = try axis(int("axis2"), rank: layout.rank)
    guard row != column else {
      throw .invalidArgument("\(operation.name): axis1 and axis2 are both axis \(row)")
    }
    let offset = int("offset")
    let (rows, columns) = (layout.shape[row], layout.shape[column])
    // An offset beyond the edge leaves nothing.
    let firstRow = offset < 0 ? (offset <= -rows ? rows : -offset) : 0
    let firstColumn = offset > 0 ? min(offset, columns) : 0
    let length = min(rows - firstRow, columns - firstColumn)
    var shape = Dims()
    var strides = Dims()
    for i in layout.shape.indices where i != row && i != column {
      shape.append(layout.shape[i])
      strides.append(layout.strides[i])
    }
    shape.append(length)
    strides.append(layout.strides[row] &+ layout.strides[column])
    let view = Layout(shape: shape, strides: strides, offset: layout.offset)
    if view.count == 0 { return view }
    return Layout(
      shape: shape, strides: strides,
      offset: layout.offset + firstRow * layout.strides[row] + firstColumn * layout.strides[column])
  }
}
