extension Operation {
  static let embeddings = [embedding, oneHot, cosineSimilarity]

  public static let embedding = Operation(
    "embedding",
    "The rows of a table (count, size) at indices: of the indices' shape with one more axis.\nThe row `padding_idx` gets no "
      + "gradient. An index outside the table is an error; negative ones are.",
    source: .pytorch, inputs: [.value("weight"), .index("indices")],
    attributes: [.optionalInt("padding_idx", "A row that is not trained; negative ones count from the end.")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      guard c[0].rank == 2 else {
        throw .invalidArgument("embedding: weight of shape \(c[0].layout.shape); (count, size) is expected")
      }
      let count = c[0].shape[0]
      var padding = -1
      if let given = c.optionalInt("padding_idx") {
        guard given >= -count, given < count else {
          throw .outOfRange("embedding: padding_idx \(given) is out of range for \(count) rows")
        }
        padding = given < 0 ? given + count : given
      }
      return try embeddingRows([c[0], c[1]], [.int(padding), .bool(false)])
    },
    gradient: .composed,
    samples: [
      Sample(.normal(5, 3), .indices(5, 4)), Sample(.normal(5, 3), .indices(5, 2, 6)),
      Sample(.normal(4, 2), .literal([0, 2, 3, 2, 0], 5, dtype: .int64), attributes: ["padding_idx": .int(-3)]),
      Sample(.normal(4, 2), .indices(4)),
      Sample(.normal(4, 2), .indices(4, 0)),
    ],
    reference: "weight[indices]")

  /// The rows of a table at indices.
  static let embeddingRows: Operation = .init(
    "embedding", "The rows of a table at indices.",
    source: .alula, inputs: [.value("weight"), .index("indices")],
    attributes: [
      .int("padding", "The row without a gradient, or -1."), .bool("masked", "Whether that row gives zeros."),
    ], dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      var shape = c[1].layout.shape
      shape.append(c[0].layout.shape[1])
      return [TensorSpec(c[0].dtype, shape)]
    },
    gradient: .rule(saves: .input(1)) { (c) throws(AlulaError) in
      [
        try embeddingScatter.first(Operands(c.gradient, c.input(1)), [.int(c.shape(0)[0]), .int(c.int("padding"))]),
        nil,
      ]
    },
    samples: [], reference: nil)

  /// A table (count, size) to whose rows gradients were added, in the order of the indices.
  static let embeddingScatter: Operation = .init(
    "embedding_scatter", "Rows added up at their indices.",
    source: .alula, inputs: [.value("rows"), .index("indices")],
    attributes: [
      .int("count", "The number of rows of the table."), .int("padding", "The row that stays zero, or -1."),
    ],
    dtypes: [.floating, .complex],
    body: .primitive { (c) throws(AlulaError) in
      [TensorSpec(c[0].dtype, [c.int("count"), c[0].layout.shape[c[0].rank - 1]])]
    },
    gradient: .rule(saves: .input(1)) { (c) throws(AlulaError) in
      [try embeddingRows.first(Operands(c.gradient, c.input(1)), [.int(c.int("padding")), .bool(true)]), nil]
    },
    samples: [], reference: nil)

  public static let oneHot = Operation(
    "one_hot",
    "Rows of zeros with a one at each index: of the indices' shape with one more axis.\nAn index outside 0..<num_classes is "
      + "an error.",
    source: .pytorch, inputs: [.index("indices")],
    attributes: [
      .int("num_classes", default: -1, "The length of a row; -1: one more than the largest index."),
      .optionalDType("dtype", "int64 by default."),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      var count = c.int("num_classes")
      guard count >= -1 else { throw .invalidArgument("one_hot: num_classes must not be negative, not \(count)") }
      if count == -1 {
        guard c[0].count > 0 else {
          throw .invalidArgument("one_hot: num_classes must be given for indices of shape \(c[0].layout.shape)")
        }
        let largest = try c[0].max().values(as: Int64.self)[0]
        guard largest < Int64.max / 64 else { throw .outOfRange("one_hot: index \(largest) is too large") }
        count = Swift.max(0, Int(largest) + 1)
      }
      return try oneHotRows([c[0]], [.int(count), .dtype(c.dtype() ?? .int64)])
    },
    gradient: .composed,
    samples: [
      Sample(.indices(4, 3), attributes: ["num_classes": .int(4)]),
      Sample(.indices(3, 2, 2), attributes: ["num_classes": .int(5), "dtype": .dtype(.float32)]),
      Sample(.literal([0, 3, 1], 3, dtype: .int64)), Sample(.indices(3), attributes: ["num_classes": .int(3)]),
    ],
    reference: "np.eye(num_classes if num_classes >= 0 else int(indices.max()) + 1, dtype=dtype or np.int64)[indices]")

  static let oneHotRows: Operation = .init(
    "one_hot", "Rows of zeros with a one at each index.",
    source: .alula, inputs: [.index("indices")],
    attributes: [.int("num_classes", "The length of a row."), .dtype("dtype", "The dtype of the result.")],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      var shape = c[0].layout.shape
      shape.append(c.int("num_classes"))
      return [TensorSpec(c.dtype() ?? .int64, shape)]
    },
    gradient: .notDifferentiable, samples: [], reference: nil)

  public static let cosineSimilarity = Operation(
    "cosine_similarity", "The cosine of the angle of vectors that lie along an axis: a·b / max(|a| |b|, eps).",
    source: .pytorch, inputs: [.value("a"), .value("b")],
    attributes: [
      .int("axis", default: 1, "The axis along which vectors lie, after broadcasting."),
      .float("eps", default: 1e-8, "The least product of norms."),
    ], dtypes: .floating, promotion: .floating,
    body: .composite { (c) throws(AlulaError) in
      guard let shape = Dims.broadcast(c[0].layout.shape, c[1].layout.shape) else {
        throw .invalidArgument(
          "cosine_similarity: shapes \(c[0].layout.shape) and \(c[1].layout.shape) do not broadcast")
      }
      let axis = [try c.axis(c.int("axis"), rank: shape.count)]
      let a = try c[0].broadcastTo(shape: shape.array)
      let b = try c[1].broadcastTo(shape: shape.array)
      let norms = try a.vectorNorm(axis: axis) * b.vectorNorm(axis: axis)
      return [try (a * b).sum(axis: axis) / norms.maximum(norms.number(c.float("eps")))]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(3, 4), .normal(3, 4)), Sample(.normal(2, 3, 4), .normal(3, 1), attributes: ["axis": .int(-2)]),
    ],
    reference: "reference.cosine_similarity(a, b, axis, eps)")
}
