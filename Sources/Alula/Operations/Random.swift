extension Operation {
  static let random = [
    randomUniform, randomNormal, randomIntegers, randomPermutation, bernoulli, multinomial, dropout,
  ]

  public static let randomUniform = Operation(
    "random_uniform", "Random numbers spread evenly over the half-open interval from low to high.",
    source: .numpy, inputs: [],
    attributes: [
      .ints("shape", "The shape of the result."), .float("low", default: 0, "The lower end of the interval."),
      .float("high", default: 1, "The upper end of the interval, not included."),
      .optionalDType("dtype", "A float dtype; float32 by default."), .device(), .generator(),
    ],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      let (low, high) = (c.float("low"), c.float("high"))
      guard low.isFinite, high.isFinite, (high - low).isFinite, low <= high else {
        throw .invalidArgument("random_uniform: the interval from \(low) to \(high) must be finite and not reversed")
      }
      return [try c.randomSpec()]
    },
    gradient: .notDifferentiable, samples: [], reference: nil)

  public static let randomNormal = Operation(
    "random_normal", "Random numbers of a normal distribution.",
    source: .numpy, inputs: [],
    attributes: [
      .ints("shape", "The shape of the result."), .float("mean", default: 0, "The mean of the distribution."),
      .float("std", default: 1, "Its standard deviation; not negative."),
      .optionalDType("dtype", "A float dtype; float32 by default."), .device(), .generator(),
    ],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      guard c.float("std") >= 0 else {
        throw .invalidArgument("random_normal: std is \(c.float("std")), but cannot be negative")
      }
      return [try c.randomSpec()]
    },
    gradient: .notDifferentiable, samples: [], reference: nil)

  public static let randomIntegers = Operation(
    "random_integers", "Random integers from low (included) to high (excluded), all equally likely.",
    source: .numpy, inputs: [],
    attributes: [
      .int("low", "The lowest value."), .int("high", "The end of the range, not included."),
      .ints("shape", "The shape of the result."),
      .optionalDType("dtype", "The dtype of the result; int64 by default."), .device(), .generator(),
    ],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      guard c.int("low") < c.int("high") else {
        throw .invalidArgument("random_integers: no integer from low \(c.int("low")) up to high \(c.int("high"))")
      }
      return [TensorSpec(c.dtype() ?? .int64, Dims(c.ints("shape")))]
    },
    gradient: .notDifferentiable, samples: [], reference: nil)

  public static let randomPermutation = Operation(
    "random_permutation", "The integers from 0 to n (excluded) in random order, as int64.",
    source: .numpy, inputs: [],
    attributes: [.int("n", "The number of integers."), .device(), .generator()],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      guard c.int("n") >= 0 else {
        throw .invalidArgument("random_permutation: n is \(c.int("n")), but cannot be negative")
      }
      return [TensorSpec(.int64, [c.int("n")])]
    },
    gradient: .notDifferentiable, samples: [], reference: nil)

  public static let bernoulli = Operation(
    "bernoulli", "Ones with the probabilities in p, else zeros. The result has the shape and dtype of p.",
    source: .pytorch, inputs: [.value("p", "Probabilities from 0 to 1.")],
    attributes: [.generator()],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, c[0].layout.shape)] },
    gradient: .notDifferentiable, samples: [], reference: nil)

  public static let multinomial = Operation(
    "multinomial",
    """
    Indices drawn in proportion to weights, as int64.
    The last axis of the weights holds the alternatives; in the result it has extent count.
    """,
    source: .pytorch, inputs: [.value("weights", "Of shape (n,) or (rows, n); not negative, need not sum to one.")],
    attributes: [
      .int("count", "How many indices to draw from each row."),
      .bool("replacement", default: false, "Whether one index may be drawn several times."), .generator(),
    ],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in
      let (shape, count) = (c[0].layout.shape, c.int("count"))
      guard shape.count == 1 || shape.count == 2 else {
        throw .invalidArgument("multinomial: weights have shape \(shape), but must be (n,) or (rows, n)")
      }
      guard count >= 1 else { throw .invalidArgument("multinomial: count is \(count), but must be positive") }
      guard c.bool("replacement") || count <= shape[shape.count - 1] else {
        throw .invalidArgument(
          "multinomial: \(count) draws without replacement from \(shape[shape.count - 1]) alternatives")
      }
      return [TensorSpec(.int64, shape.count == 1 ? [count] : [shape[0], count])]
    },
    gradient: .notDifferentiable, samples: [], reference: nil)

  public static let dropout = Operation(
    "dropout",
    """
    While training, each element is zeroed with probability p and the others are divided by 1 - p.
    Otherwise the tensor itself.
    """,
    source: .pytorch, inputs: [.value("x")],
    attributes: [
      .float("p", default: 0.5, "The probability with which an element is dropped, from 0 to 1."),
      .bool("training", default: true, "Whether to drop anything."), .generator(),
    ],
    dtypes: .floating,
    body: .composite { (c) throws(AlulaError) in
      let p = c.float("p")
      guard p >= 0, p <= 1 else { throw .invalidArgument("dropout: p is \(p), but must be from 0 to 1") }
      if !c.bool("training") || p == 0 { return [c[0]] }
      let range = c.generator().reserve(c[0].count, perGroup: 32)
      return try dropoutRange(
        [c[0]], [.float(p), .int(Int(bitPattern: UInt(range.key))), .int(Int(bitPattern: UInt(range.group)))])
    },
    gradient: .composed, samples: [], reference: nil)

  /// Dropout with the numbers of a part of a stream. So its gradient, which is the same function, draws the
  /// same numbers again, and no mask is kept.
  static let dropoutRange: Operation = Operation(
    "dropout_range", "Dropout with given random numbers.",
    source: .alula, inputs: [.value("x")],
    attributes: [
      .float("p", "The probability of being dropped."), .int("key", "The stream's key."),
      .int("group", "Where in the stream the numbers begin."),
    ],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, c[0].layout.shape)] },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      [try dropoutRange.first(Operands(c.gradient), [.float(c.float("p")), .int(c.int("key")), .int(c.int("group"))])]
    },
    samples: [], reference: nil)
}

extension Call {
  /// What a factory of random floats makes.
  fileprivate func randomSpec() throws(AlulaError) -> TensorSpec {
    let dtype = dtype() ?? .defaultFloat
    guard dtype.isFloatingPoint else {
      throw .invalidDType("\(operation.name): dtype must be a float, not \(dtype)")
    }
    return TensorSpec(dtype, Dims(ints("shape")))
  }
}
