extension Operation {
  static let reductions = [
    sum, prod, mean, `var`, std, max, min, argmax, argmin, any, all, countNonzero, logsumexp, vectorNorm,
  ]

  private static let axes: [Attribute] = [
    .optionalInts("axis", "The axes to reduce; all of them by default."),
    .bool("keepdims", default: false, "Whether reduced axes stay, with extent 1."),
  ]

  private static let reductionSamples: [Sample] = [
    Sample(.normal(3, 4)), Sample(.normal(3, 4, 2), attributes: ["axis": .ints([-1, 0])]),
    Sample(.normal(3, 4), attributes: ["axis": .ints([1]), "keepdims": .bool(true)]),
    Sample(.normal(5, 2, 3), attributes: ["axis": .ints([1])]),
    Sample(.normal(40, 19), attributes: ["axis": .ints([0])]),
    Sample(.normal()), Sample(.normal(3, 2), attributes: ["axis": .ints([])]),
  ]

  private static let emptySamples: [Sample] = [
    Sample(.normal(0)), Sample(.normal(3, 0), attributes: ["axis": .ints([1])]),
    Sample(.normal(3, 0), attributes: ["axis": .ints([0])]),
  ]

  // MARK: - Sums and products

  public static let sum = Operation(
    "sum",
    "The sum over axes.\nBool and small integers are summed as int64 or uint64, which wrap around; float16 to float32 "
      + "accumulate in a wider dtype. The sum of nothing is 0.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: axes + [.optionalDType("dtype", "The dtype to sum in.")],
    dtypes: .all,
    body: .reduction { (x, _, dtype) throws(AlulaError) in dtype ?? x.dtype.accumulated },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      [try c.expandReduced(c.gradient).broadcastTo(shape: c.shape(0))]
    },
    samples: reductionSamples + emptySamples,
    reference: "np.sum(x, axis=reference.axes(axis), keepdims=keepdims)")

  public static let prod = Operation(
    "prod",
    "The product over axes.\nBool and small integers are multiplied as int64 or uint64, which wrap around. The product "
      + "of nothing is 1.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: axes + [.optionalDType("dtype", "The dtype to multiply in.")],
    dtypes: [.bool, .real],
    body: .reduction { (x, _, dtype) throws(AlulaError) in
      let dtype = dtype ?? x.dtype.accumulated
      guard !x.dtype.isComplex, !dtype.isComplex else {
        throw .invalidDType("prod: dtype \(x.dtype) to \(dtype) is not supported; integers and floats are")
      }
      return dtype
    },
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      // The product of all others is that of those before and of those behind: right for zeros, too.
      let x = try c.input(0)
      let axes = try c.reducedAxes()
      let kept = x.layout.shape.indices.filter { !axes.contains($0) }
      let order = kept + axes
      let moved = try x.permuteDims(axes: order)
      let flat = try moved.reshape(shape: kept.map { x.shape[$0] } + [x.reducedCount(AxisSet(axes))])
      let others =
        try flat.exclusiveProducts(axis: kept.count, reverse: false)
        * flat.exclusiveProducts(axis: kept.count, reverse: true)
      var inverse = order
      for (i, axis) in order.enumerated() { inverse[axis] = i }
      let back = try others.reshape(shape: moved.shape).permuteDims(axes: inverse)
      return [try c.expandReduced(c.gradient) * back]
    },
    samples: reductionSamples + emptySamples + [
      Sample(.literal([2, 0, 3, 0, 5, 1], 2, 3), attributes: ["axis": .ints([0])])
    ],
    reference: "np.prod(x, axis=reference.axes(axis), keepdims=keepdims)")

  // MARK: - Moments

  public static let mean = Operation(
    "mean",
    "The arithmetic mean over axes.\nIntegers and bool give the default float dtype. The mean of nothing is NaN.",
    source: .arrayAPI, inputs: [.any("x")], attributes: axes, dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let attributes = c.attributes
      if c[0].dtype.isDifferentiable { return try meanFloating([c[0]], attributes) }
      // float64 holds the sum of integers that float32 does not.
      return [try meanFloating.first(Operands(c[0].cast(dtype: .float64)), attributes).cast(dtype: .defaultFloat)]
    },
    gradient: .composed,
    samples: reductionSamples + emptySamples,
    reference: "reference.mean(x, axis, keepdims)")

  static let meanFloating = Operation(
    "mean", "The arithmetic mean of floats.",
    source: .arrayAPI, inputs: [.any("x")], attributes: axes, dtypes: [.floating, .complex],
    body: .reduction { (x, _, _) throws(AlulaError) in x.dtype },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      let count = try c.reducedAxes().reduce(1) { $0 * c.shape(0)[$1] }
      return [try c.expandReduced(c.gradient / Double(count)).broadcastTo(shape: c.shape(0))]
    },
    samples: [], reference: nil)

  public static let `var` = Operation(
    "var",
    "The variance over axes: the sum of squared distances from the mean, divided by the number of elements less "
      + "`correction`.\nIntegers and bool are converted to the default float dtype. NaN where nothing is left to divide by.",
    source: .arrayAPI, inputs: [.value("x")],
    attributes: correctedAxes, dtypes: [.floating], promotion: .floating,
    body: .composite { (c) throws(AlulaError) in try variance([c[0]], c.varianceAttributes) },
    gradient: .composed,
    samples: varianceSamples,
    reference: "np.var(x, axis=reference.axes(axis), ddof=correction, keepdims=keepdims)")

  public static let std = Operation(
    "std", "The standard deviation over axes: the square root of `var`.",
    source: .arrayAPI, inputs: [.value("x")],
    attributes: correctedAxes, dtypes: [.floating], promotion: .floating,
    body: .composite { (c) throws(AlulaError) in [try variance.first(Operands(c[0]), c.varianceAttributes).sqrt()] },
    gradient: .composed,
    samples: varianceSamples.filter { $0.inputs[0]?.shape.isEmpty == false },
    reference: "np.std(x, axis=reference.axes(axis), ddof=correction, keepdims=keepdims)")

  static let variance = Operation(
    "var", "The variance of floats.",
    source: .arrayAPI, inputs: [.value("x")],
    attributes: axes + [.float("correction", default: 0, "Subtracted from the number of elements.")], dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, try c.reducedShape())] },
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      let x = try c.input(0)
      let axes = try c.reducedAxes()
      let divisor = Swift.max(0, Double(x.reducedCount(AxisSet(axes))) - c.float("correction"))
      let distance = try x - x.mean(axis: axes, keepdims: true)
      return [try c.expandReduced(c.gradient * (2 / divisor)) * distance]
    },
    samples: [], reference: nil)

  private static let correctedAxes: [Attribute] = [
    axes[0],
    .float("correction", default: 0, "Subtracted from the number of elements: 1 for a sample's unbiased estimate."),
    axes[1],
  ]

  private static let varianceSamples: [Sample] =
    reductionSamples.filter { $0.attributes["axis"] != .ints([]) } + [
      Sample(.normal(3, 4), attributes: ["axis": .ints([1]), "correction": .float(1)])
    ]

  // MARK: - Extrema

  public static let max = extremum("max", "largest")
  public static let min = extremum("min", "smallest")

  private static func extremum(_ name: String, _ which: String) -> Operation {
    Operation(
      name,
      "The \(which) element over axes; NaN where there is one.\nEqual elements share the gradient. An error where there is "
        + "no element.",
      source: .arrayAPI, inputs: [.any("x")], attributes: axes, dtypes: [.bool, .real],
      body: .reduction { (x, axes, _) throws(AlulaError) in
        guard !x.dtype.isComplex else {
          throw .invalidDType("\(name): dtype \(x.dtype) is not supported; complex numbers have no order")
        }
        try x.checkNotEmpty(axes, name)
        return x.dtype
      },
      gradient: .rule(saves: [.inputs, .outputs]) { (c) throws(AlulaError) in
        let x = try c.input(0).detach()
        let isExtreme = try x.equal(c.expandReduced(c.output().detach())).cast(dtype: x.dtype)
        let share = try isExtreme / isExtreme.sum(axis: c.reducedAxes(), keepdims: true)
        return [try c.expandReduced(c.gradient) * share]
      },
      samples: reductionSamples.map { sample in
        Sample(.init(values: .spread, shape: sample.inputs[0]?.shape ?? [], dtype: nil), attributes: sample.attributes)
      },
      reference: "np.\(name)(x, axis=reference.axes(axis), keepdims=keepdims)")
  }

  public static let argmax = argument("argmax", "largest")
  public static let argmin = argument("argmin", "smallest")

  private static func argument(_ name: String, _ which: String) -> Operation {
    Operation(
      name,
      "The position of the \(which) element along an axis, as int64; of the first one among equals, of the first NaN when "
        + "there is one.\nWithout an axis the position in row-major order.",
      source: .arrayAPI, inputs: [.any("x")],
      attributes: [
        .optionalInt("axis", "The axis to search; all elements in row-major order by default."),
        .bool("keepdims", default: false, "Whether reduced axes stay, with extent 1."),
      ],
      dtypes: [.bool, .real],
      body: .primitive { (c) throws(AlulaError) in
        guard !c[0].dtype.isComplex else {
          throw .invalidDType("\(name): dtype \(c[0].dtype) is not supported; complex numbers have no order")
        }
        let rank = c[0].rank
        var reduced = AxisSet.all(rank)
        if let axis = c.optionalInt("axis") {
          let axis = try c.axis(axis, rank: Swift.max(rank, 1))
          reduced = rank == 0 ? [] : [axis]
        }
        try c[0].checkNotEmpty(reduced, name)
        return [TensorSpec(.int64, c[0].layout.shape.reduced(over: reduced, keepdims: c.bool("keepdims")))]
      },
      gradient: .notDifferentiable,
      samples: [
        Sample(.normal(3, 4)), Sample(.normal(3, 4), attributes: ["axis": .int(1)]),
        Sample(.integers(0, 3, 4, 5), attributes: ["axis": .int(-2), "keepdims": .bool(true)]), Sample(.normal()),
        Sample(.normal(2, 37), attributes: ["axis": .int(1)]),
      ],
      reference: "np.\(name)(x, axis=axis, keepdims=keepdims)")
  }

  // MARK: - Truth

  public static let any = truth("any", "Whether any element over axes is not zero. False for nothing.")
  public static let all = truth("all", "Whether all elements over axes are not zero. True for nothing.")

  private static func truth(_ name: String, _ documentation: String) -> Operation {
    Operation(
      name, documentation, source: .arrayAPI, inputs: [.any("x")], attributes: axes, dtypes: .all,
      body: .reduction { (_, _, _) throws(AlulaError) in .bool },
      gradient: .notDifferentiable,
      samples: [
        Sample(.integers(0, 2, 3, 4)), Sample(.integers(0, 2, 3, 4), attributes: ["axis": .ints([0])]),
        Sample(.integers(0, 2, 3, 2, 2), attributes: ["axis": .ints([1, -1]), "keepdims": .bool(true)]),
      ] + emptySamples,
      reference: "np.\(name)(x, axis=reference.axes(axis), keepdims=keepdims)")
  }

  public static let countNonzero = Operation(
    "count_nonzero", "The number of elements over axes that are not zero, as int64.",
    source: .arrayAPI, inputs: [.any("x")], attributes: axes, dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      [try c[0].cast(dtype: .bool).sum(axis: c.optionalInts("axis"), keepdims: c.bool("keepdims"))]
    },
    gradient: .composed,
    samples: [
      Sample(.integers(0, 3, 3, 4)), Sample(.integers(0, 2, 3, 4), attributes: ["axis": .ints([0])]),
      Sample(.integers(0, 2, 3, 4), attributes: ["axis": .ints([1]), "keepdims": .bool(true)]),
    ],
    reference: "np.count_nonzero(x, axis=reference.axes(axis), keepdims=keepdims)")

  // MARK: - Norms

  public static let logsumexp = Operation(
    "logsumexp", "The logarithm of the sum of exponentials over axes, computed without overflow; -inf for nothing.",
    source: .scipy, inputs: [.value("x")], attributes: axes, dtypes: .floating, promotion: .floating,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, try c.reducedShape())] },
    gradient: .rule(saves: [.inputs, .outputs]) { (c) throws(AlulaError) in
      let x = try c.input(0)
      let result = try c.expandReduced(c.output())
      // Where all elements are -inf their difference from the result is NaN, and their share 0.
      let base = try result.isfinite().where(result, result.number(0))
      return [try c.expandReduced(c.gradient) * (x - base).exp()]
    },
    samples: reductionSamples,
    reference: "special.logsumexp(x, axis=reference.axes(axis), keepdims=keepdims)")

  public static let vectorNorm = Operation(
    "vector_norm",
    "The norm of vectors that lie along axes: (Σ|x|^ord)^(1/ord); the largest or smallest |x| for an infinite `ord`, the number of "
      + "elements that are not zero for 0.\nAt zero the gradient of the Euclidean norm is 0.",
    source: .arrayAPI, inputs: [.value("x")],
    attributes: axes + [.float("ord", default: 2, "The order of the norm.")], dtypes: .floating, promotion: .floating,
    body: .composite { (c) throws(AlulaError) in
      let (axis, keepdims, order) = (c.optionalInts("axis"), c.bool("keepdims"), c.float("ord"))
      let x = c[0]
      switch order {
      case 1: return [try x.abs().sum(axis: axis, keepdims: keepdims)]
      case .infinity: return [try x.abs().max(axis: axis, keepdims: keepdims)]
      case -.infinity: return [try x.abs().min(axis: axis, keepdims: keepdims)]
      case 0: return [try x.countNonzero(axis: axis, keepdims: keepdims).cast(dtype: x.dtype)]
      default:
        // Powers leave the range of half precision long before their root does.
        let wide = x.dtype.itemSize < 4 ? try x.cast(dtype: .float32) : x
        return [try wide.powerNorm(order, axis, keepdims).cast(dtype: x.dtype)]
      }
    },
    gradient: .composed,
    samples: [
      Sample(.normal(3, 4)), Sample(.normal(3, 4), attributes: ["axis": .ints([1]), "keepdims": .bool(true)]),
      Sample(.normal(3, 4, 2), attributes: ["axis": .ints([0, 2]), "ord": .float(1)]),
      Sample(.spread(3, 4), attributes: ["axis": .ints([0]), "ord": .float(.infinity)]),
      Sample(.uniform(0.5, 2, 3, 4), attributes: ["axis": .ints([0]), "ord": .float(3)]),
    ],
    reference: "reference.vector_norm(x, axis, keepdims, ord)")
}

extension Tensor {
  fileprivate func powerNorm(_ order: Double, _ axis: [Int]?, _ keepdims: Bool) throws(AlulaError) -> Tensor {
    guard order == 2 else {
      let powers = try abs().pow(number(order)).sum(axis: axis, keepdims: keepdims)
      return try powers.pow(number(1 / order))
    }
    let squares = try (self * self).sum(axis: axis, keepdims: keepdims)
    // Away from zero, where the root has no slope.
    let isZero = try squares.equal(squares.number(0))
    return try isZero.where(squares.number(0), isZero.where(squares.number(1), squares).sqrt())
  }
}
