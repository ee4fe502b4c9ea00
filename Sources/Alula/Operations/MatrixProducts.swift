extension Operation {
  static let matrixProducts = [matmul, vecdot, tensordot, outer]

  public static let matmul: Operation = Operation(
    "matmul",
    """
    The matrix product. Operands of rank 1 act as a row (a) or a column (b), and their axis is dropped from the \
    result; axes before the last two are broadcast. Integers wrap around.
    """,
    source: .arrayAPI,
    inputs: [.value("a", "Shape (..., m, k) or (k,)."), .value("b", "Shape (..., k, n) or (k,).")],
    dtypes: .real, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in
      [TensorSpec(c[0].dtype, try matmulShape(c[0].layout.shape, c[1].layout.shape))]
    },
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      let (a, b) = (try c.input(0), try c.input(1))
      let rowsA = a.rank == 1 ? try a.reshape(shape: [1, -1]) : a
      let columnsB = b.rank == 1 ? try b.reshape(shape: [-1, 1]) : b
      // The gradient with the axes that rank 1 dropped.
      var gradient = try c.gradient
      if a.rank == 1 || b.rank == 1 {
        var shape = gradient.shape
        if b.rank == 1 { shape.append(1) }
        if a.rank == 1 { shape.insert(1, at: shape.count - 1) }
        gradient = try gradient.reshape(shape: shape)
      }
      var (gradientA, gradientB): (Tensor?, Tensor?)
      if c.needsGradient(0) {
        let product = try gradient.matmul(columnsB.matrixTranspose())
        gradientA = a.rank == 1 ? try product.withoutAxis(product.rank - 2) : product
      }
      if c.needsGradient(1) {
        if b.rank <= 2, rowsA.rank > 2, rowsA.count > 0 {
          // One matrix met a batch: its gradient is one product over all rows, not a sum of many.
          let rows = try rowsA.reshape(shape: [-1, rowsA.shape[rowsA.rank - 1]])
          let product = try rows.matrixTranspose().matmul(gradient.reshape(shape: [rows.shape[0], -1]))
          gradientB = try product.reshape(shape: b.shape)
        } else {
          let product = try rowsA.matrixTranspose().matmul(gradient)
          gradientB = b.rank == 1 ? try product.withoutAxis(product.rank - 1) : product
        }
      }
      return [gradientA, gradientB]
    },
    samples: [
      Sample(.normal(3, 4), .normal(4, 5)), Sample(.normal(4), .normal(4)), Sample(.normal(4), .normal(2, 4, 3)),
      Sample(.normal(2, 3, 4), .normal(4)), Sample(.normal(2, 1, 3, 4), .normal(3, 4, 2)),
      Sample(.normal(2, 3, 4), .normal(4, 2)), Sample(.normal(3, 0), .normal(0, 2)),
      Sample(.normal(7, 20), .normal(20, 33)),
    ],
    reference: "np.matmul(a, b)")

  public static let vecdot = Operation(
    "vecdot", "The sum of products along one axis, after broadcasting. Integers wrap around.",
    source: .arrayAPI, inputs: [.value("a"), .value("b")],
    attributes: [.int("axis", default: -1, "The axis to sum over, counted from the end of both operands.")],
    dtypes: .real, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      let (shapeA, shapeB) = (c[0].layout.shape, c[1].layout.shape)
      guard shapeA.count > 0, shapeB.count > 0, let shape = Dims.broadcast(shapeA, shapeB) else {
        throw .invalidArgument("vecdot: shapes \(shapeA) and \(shapeB) do not broadcast to rank 1 or more")
      }
      let axis = try c.axis(c.int("axis"), rank: shape.count)
      let last = shape.count - 1 - axis
      guard last < shapeA.count, last < shapeB.count,
        shapeA[shapeA.count - 1 - last] == shapeB[shapeB.count - 1 - last]
      else {
        throw .invalidArgument("vecdot: shapes \(shapeA) and \(shapeB) differ along axis \(c.int("axis"))")
      }
      let rows = try c[0].movedToLast(c[0].rank - 1 - last)
      let columns = try c[1].movedToLast(c[1].rank - 1 - last)
      let product = try rows.reshape(shape: rows.shape.dropLast() + [1, rows.shape.last ?? 1])
        .matmul(columns.reshape(shape: columns.shape + [1]))
      return [try product.reshape(shape: Array(product.shape.dropLast(2)))]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(4), .normal(4)), Sample(.normal(2, 3, 4), .normal(3, 4)),
      Sample(.normal(2, 3, 4), .normal(2, 3, 1), attributes: ["axis": .int(-2)]),
    ],
    reference: "np.sum(a * b, axis=axis, dtype=np.result_type(a, b))")

  public static let tensordot = Operation(
    "tensordot", "The sum of products over pairs of axes; the result has the other axes of a, then those of b.",
    source: .arrayAPI, inputs: [.value("a"), .value("b")],
    attributes: [
      .ints("axes_a", "The axes of a to sum over."),
      .ints("axes_b", "The axis of b that goes with each."),
    ],
    dtypes: .real, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      let (axesA, axesB) = (c.ints("axes_a"), c.ints("axes_b"))
      let (shapeA, shapeB) = (c[0].shape, c[1].shape)
      guard axesA.count == axesB.count else {
        throw .invalidArgument("tensordot: \(axesA.count) axes of a and \(axesB.count) of b do not pair up")
      }
      _ = try (c.axes(axesA, rank: shapeA.count), c.axes(axesB, rank: shapeB.count))
      var (summedA, summedB): ([Int], [Int]) = ([], [])
      for (i, j) in zip(axesA, axesB) {
        summedA.append(try c.axis(i, rank: shapeA.count))
        summedB.append(try c.axis(j, rank: shapeB.count))
      }
      for (i, j) in zip(summedA, summedB) where shapeA[i] != shapeB[j] {
        throw .invalidArgument(
          "tensordot: axis \(i) of shape \(Dims(shapeA)) and axis \(j) of shape \(Dims(shapeB)) differ in extent")
      }
      let keptA = shapeA.indices.filter { !summedA.contains($0) }
      let keptB = shapeB.indices.filter { !summedB.contains($0) }
      // Extents written out: -1 would be ambiguous beside an empty axis.
      let depth = summedA.reduce(1) { $0 &* shapeA[$1] }
      let rows = keptA.reduce(1) { $0 &* shapeA[$1] }
      let columns = keptB.reduce(1) { $0 &* shapeB[$1] }
      let product = try c[0].permuteDims(axes: keptA + summedA).reshape(shape: [rows, depth])
        .matmul(c[1].permuteDims(axes: summedB + keptB).reshape(shape: [depth, columns]))
      return [try product.reshape(shape: keptA.map { shapeA[$0] } + keptB.map { shapeB[$0] })]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(3, 4), .normal(4, 5), attributes: ["axes_a": .ints([1]), "axes_b": .ints([0])]),
      Sample(.normal(2, 3, 4), .normal(4, 2, 5), attributes: ["axes_a": .ints([0, -1]), "axes_b": .ints([1, 0])]),
      Sample(.normal(2), .normal(3), attributes: ["axes_a": .ints([]), "axes_b": .ints([])]),
    ],
    reference: "np.tensordot(a, b, axes=(axes_a, axes_b))")

  public static let outer = Operation(
    "outer", "The products of each element of one vector with each of another.",
    source: .numpy, inputs: [.value("a", "Shape (m,)."), .value("b", "Shape (n,).")],
    dtypes: .real, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      guard c[0].rank == 1, c[1].rank == 1 else {
        throw .invalidArgument("outer: needs two vectors, not shapes \(c[0].layout.shape) and \(c[1].layout.shape)")
      }
      return [try c[0].reshape(shape: [c[0].count, 1]) * c[1]]
    },
    gradient: .composed,
    samples: [Sample(.normal(3), .normal(4))],
    reference: "np.outer(a, b)")

  /// The shape of a matrix product.
  static func matmulShape(_ a: Dims, _ b: Dims) throws(AlulaError) -> Dims {
    guard a.count > 0, b.count > 0 else {
      throw .invalidArgument("matmul: operands must have rank 1 or more: \(a) @ \(b)")
    }
    let depthB = b.count == 1 ? b[0] : b[b.count - 2]
    guard a[a.count - 1] == depthB else {
      throw .invalidArgument("matmul: inner dimensions differ: \(a) @ \(b)")
    }
    if a.count == 2, b.count == 2 {
      // What a list literal would allocate memory for.
      var shape = a
      shape[1] = b[1]
      return shape
    }
    guard var shape = Dims.broadcast(a.prefix(a.count - 2), b.prefix(b.count - 2)) else {
      throw .invalidArgument("matmul: leading axes do not broadcast: \(a) @ \(b)")
    }
    if a.count > 1 { shape.append(a[a.count - 2]) }
    if b.count > 1 { shape.append(b[b.count - 1]) }
    return shape
  }
}

extension Tensor {
  /// This tensor without an axis of extent 1.
  func withoutAxis(_ axis: Int) throws(AlulaError) -> Tensor {
    var shape = shape
    shape.remove(at: axis)
    return try reshape(shape: shape)
  }

  /// A view with `axis` behind all others.
  func movedToLast(_ axis: Int) throws(AlulaError) -> Tensor {
    if axis == rank - 1 { return self }
    return try permuteDims(axes: (0..<rank).filter { $0 != axis } + [axis])
  }
}
