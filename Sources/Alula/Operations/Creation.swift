extension Operation {
  static let creation = [
    empty, full, zeros, ones, emptyLike, fullLike, zerosLike, onesLike, arange, linspace, eye, tril, triu,
  ]

  public static let empty = Operation(
    "empty", "A tensor whose elements are whatever its memory holds.",
    source: .arrayAPI, inputs: [],
    attributes: [
      .ints("shape", "The shape of the result."), .optionalDType("dtype", "float32 by default."), .device(),
    ],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c.dtype() ?? .defaultFloat, Dims(c.ints("shape")))] },
    gradient: .notDifferentiable,
    samples: [Sample(attributes: ["shape": .ints([2, 3])])],
    reference: nil)

  public static let full = Operation(
    "full", "A tensor filled with one value.",
    source: .arrayAPI, inputs: [],
    attributes: [
      .ints("shape", "The shape of the result."), .scalar("fill_value", "The value of every element."),
      .optionalDType("dtype", "By default the value's kind: bool, int64, float32 or complex64."), .device(),
    ],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      let value = c.scalar("fill_value")
      let dtype = c.dtype() ?? value.defaultDType
      guard value.fits(dtype) else { throw .outOfRange("full: \(value.text) is out of range for \(dtype)") }
      return [TensorSpec(dtype, Dims(c.ints("shape")))]
    },
    gradient: .notDifferentiable,
    samples: [
      Sample(attributes: ["shape": .ints([2, 3]), "fill_value": .scalar(.float(2.5))]),
      Sample(attributes: ["shape": .ints([2]), "fill_value": .scalar(.int(1 << 53 + 1))]),
      Sample(attributes: ["shape": .ints([]), "fill_value": .scalar(.bool(true))]),
    ],
    reference: "np.full(shape, fill_value)")

  public static let zeros = Operation(
    "zeros", "A tensor of zeros.",
    source: .arrayAPI, inputs: [],
    attributes: [
      .ints("shape", "The shape of the result."), .optionalDType("dtype", "float32 by default."), .device(),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      [
        try Tensor.full(
          shape: c.ints("shape"), fillValue: .int(0), dtype: c.dtype() ?? .defaultFloat, device: c.device())
      ]
    },
    gradient: .composed,
    samples: [Sample(attributes: ["shape": .ints([2, 0, 3])]), Sample(attributes: ["shape": .ints([3])])],
    reference: "np.zeros(shape)")

  public static let ones = Operation(
    "ones", "A tensor of ones.",
    source: .arrayAPI, inputs: [],
    attributes: [
      .ints("shape", "The shape of the result."), .optionalDType("dtype", "float32 by default."), .device(),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      [
        try Tensor.full(
          shape: c.ints("shape"), fillValue: .int(1), dtype: c.dtype() ?? .defaultFloat, device: c.device())
      ]
    },
    gradient: .composed,
    samples: [Sample(attributes: ["shape": .ints([4, 2])])],
    reference: "np.ones(shape)")

  public static let arange = Operation(
    "arange", "Evenly spaced values from start (included) to stop (excluded). Integers are exact.",
    source: .arrayAPI, inputs: [],
    attributes: [
      .scalar("start", "The first value."), .scalar("stop", "The end of the interval, not included."),
      .scalar("step", default: .int(1), "The distance of two values; not zero."),
      .optionalDType("dtype", "By default int64 if all three are integers, else float32."), .device(),
    ],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      let dtype = c.dtype() ?? (c.integerRange == nil ? .defaultFloat : .defaultInteger)
      return [TensorSpec(dtype, [try c.rangeCount()])]
    },
    gradient: .notDifferentiable,
    samples: [
      Sample(attributes: ["start": .scalar(.int(2)), "stop": .scalar(.int(11)), "step": .scalar(.int(3))]),
      Sample(attributes: ["start": .scalar(.float(1)), "stop": .scalar(.float(0)), "step": .scalar(.float(-0.25))]),
      Sample(attributes: ["start": .scalar(.int(1 << 60 + 1)), "stop": .scalar(.int(1 << 60 + 9))]),
      Sample(attributes: ["start": .scalar(.int(3)), "stop": .scalar(.int(3))]),
    ],
    reference: "np.arange(start, stop, step)")

  public static let linspace = Operation(
    "linspace", "Evenly spaced values from start to stop, a given number of them. Integer results are rounded down.",
    source: .arrayAPI, inputs: [],
    attributes: [
      .scalar("start", "The first value."), .scalar("stop", "The end of the interval."),
      .int("num", "How many values."), .optionalDType("dtype", "float32 by default."), .device(),
      .bool("endpoint", default: true, "Whether stop is the last value."),
    ],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      let (start, stop) = (try c.real("start"), try c.real("stop"))
      guard start.isFinite, stop.isFinite else {
        throw .invalidArgument("linspace: start \(start) and stop \(stop) must be finite")
      }
      return [TensorSpec(c.dtype() ?? .defaultFloat, [c.int("num")])]
    },
    gradient: .notDifferentiable,
    samples: [
      Sample(attributes: ["start": .scalar(.float(-1)), "stop": .scalar(.float(2)), "num": .int(7)]),
      Sample(
        attributes: [
          "start": .scalar(.int(0)), "stop": .scalar(.int(3)), "num": .int(5), "endpoint": .bool(false),
        ]),
      Sample(attributes: ["start": .scalar(.int(4)), "stop": .scalar(.int(5)), "num": .int(1)]),
      Sample(attributes: ["start": .scalar(.int(4)), "stop": .scalar(.int(5)), "num": .int(0)]),
    ],
    reference: "np.linspace(start, stop, num, endpoint=endpoint)")

  public static let eye = Operation(
    "eye", "A matrix with ones on one diagonal and zeros elsewhere.",
    source: .arrayAPI, inputs: [],
    attributes: [
      .int("n_rows", "The number of rows."),
      .optionalInt("n_cols", "The number of columns; that of the rows by default."),
      .int("k", default: 0, "The diagonal: above the main one when positive, below it when negative."),
      .optionalDType("dtype", "float32 by default."), .device(),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let rows = c.int("n_rows")
      let result = try Tensor.zeros(
        shape: [rows, c.optionalInt("n_cols") ?? rows], dtype: c.dtype(), device: c.device())
      try result.diagonal(offset: c.int("k")).assign(Tensor(scalar: .int(1)), operation: "eye")
      return [result]
    },
    gradient: .composed,
    samples: [
      Sample(attributes: ["n_rows": .int(3)]),
      Sample(attributes: ["n_rows": .int(3), "n_cols": .int(5), "k": .int(-1)]),
      Sample(attributes: ["n_rows": .int(2), "n_cols": .int(3), "k": .int(2)]), Sample(attributes: ["n_rows": .int(0)]),
    ],
    reference: "np.eye(n_rows, n_cols, k)")

  // MARK: - Like another tensor

  public static let emptyLike = like(
    "empty_like", "A tensor shaped like another, whose elements are whatever its memory holds.", reference: nil
  ) { (x, dtype) throws(AlulaError) in try Tensor.empty(shape: x.shape, dtype: dtype, device: x.device) }

  public static let zerosLike = like(
    "zeros_like", "A tensor of zeros, shaped like another.", reference: "np.zeros_like(x)"
  ) { (x, dtype) throws(AlulaError) in try Tensor.zeros(shape: x.shape, dtype: dtype, device: x.device) }

  public static let onesLike = like(
    "ones_like", "A tensor of ones, shaped like another.", reference: "np.ones_like(x)"
  ) { (x, dtype) throws(AlulaError) in try Tensor.ones(shape: x.shape, dtype: dtype, device: x.device) }

  public static let fullLike = Operation(
    "full_like", "A tensor filled with one value, shaped like another.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: [
      .scalar("fill_value", "The value of every element."), .optionalDType("dtype", "That of x by default."),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      [
        try Tensor.full(
          shape: c[0].shape, fillValue: c.scalar("fill_value"), dtype: c.dtype() ?? c[0].dtype, device: c[0].device)
      ]
    },
    gradient: .notDifferentiable,
    samples: [Sample(.normal(2, 3), attributes: ["fill_value": .scalar(.int(7))])],
    reference: "np.full_like(x, fill_value)")

  private static func like(
    _ name: String, _ documentation: String, reference: String?,
    _ body: @escaping @Sendable (Tensor, DType) throws(AlulaError) -> Tensor
  ) -> Operation {
    Operation(
      name, documentation, source: .arrayAPI, inputs: [.any("x")],
      attributes: [.optionalDType("dtype", "That of x by default.")], dtypes: .all,
      body: .composite { (c) throws(AlulaError) in [try body(c[0], c.dtype() ?? c[0].dtype)] },
      gradient: .notDifferentiable,
      samples: [Sample(.normal(2, 3)), Sample(.normal(2, 0)), Sample(.normal())],
      reference: reference)
  }

  // MARK: - Triangles

  public static let tril = triangle(
    "tril", "The lower triangle of each matrix: elements above a diagonal become zero.", reference: "np.tril(x, k)"
  ) { (g, k) throws(AlulaError) in try g.tril(k: k) }

  public static let triu = triangle(
    "triu", "The upper triangle of each matrix: elements below a diagonal become zero.", reference: "np.triu(x, k)"
  ) { (g, k) throws(AlulaError) in try g.triu(k: k) }

  private static func triangle(
    _ name: String, _ documentation: String, reference: String,
    gradient: @escaping @Sendable (Tensor, Int) throws(AlulaError) -> Tensor
  ) -> Operation {
    Operation(
      name, documentation, source: .arrayAPI, inputs: [.any("x", "At least two axes.")],
      attributes: [.int("k", default: 0, "The diagonal: above the main one when positive, below it when negative.")],
      dtypes: .all,
      body: .primitive { (c) throws(AlulaError) in
        guard c[0].rank >= 2 else {
          throw .invalidArgument("\(c.operation.name): shape \(c[0].layout.shape) has no two axes")
        }
        return [TensorSpec(c[0].dtype, c[0].layout.shape)]
      },
      gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in [try gradient(c.gradient, c.int("k"))] },
      samples: [
        Sample(.normal(3, 4)), Sample(.normal(2, 4, 3), attributes: ["k": .int(1)]),
        Sample(.normal(3, 3), attributes: ["k": .int(-2)]), Sample(.normal(3, 3), attributes: ["k": .int(9)]),
        Sample(.normal(0, 3)),
      ],
      reference: reference)
  }
}

extension Scalar {
  /// Whether an integer's value exists in `dtype`; other conversions round or lose parts, as casts do.
  func fits(_ dtype: DType) -> Bool {
    let value: Int128
    switch self {
    case .int(let number): value = Int128(number)
    case .unsigned(let number): value = Int128(number)
    default: return true
    }
    let bits = dtype.itemSize * 8
    if dtype.isSignedInteger { return value >= -(Int128(1) << (bits - 1)) && value < Int128(1) << (bits - 1) }
    if dtype.isUnsignedInteger { return value >= 0 && value < Int128(1) << bits }
    return true
  }

  var text: String {
    switch self {
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .unsigned(let value): "\(value)"
    case .float(let value): "\(value)"
    case .complex(let real, let imaginary): "(\(real), \(imaginary))"
    }
  }
}

extension Call {
  /// A scalar attribute as a real number.
  package func real(_ name: String) throws(AlulaError) -> Double {
    switch scalar(name) {
    case .bool(let value): return value ? 1 : 0
    case .int(let value): return Double(value)
    case .unsigned(let value): return Double(value)
    case .float(let value): return value
    case .complex: throw .invalidDType("\(operation.name): '\(name)' must be real")
    }
  }

  /// `start`, `stop` and `step` when all three are integers.
  package var integerRange: (start: Int128, stop: Int128, step: Int128)? {
    guard let start = integer("start"), let stop = integer("stop"), let step = integer("step") else { return nil }
    return (start, stop, step)
  }

  private func integer(_ name: String) -> Int128? {
    switch scalar(name) {
    case .int(let value): Int128(value)
    case .unsigned(let value): Int128(value)
    default: nil
    }
  }

  /// The number of values from `start` to `stop`.
  fileprivate func rangeCount() throws(AlulaError) -> Int {
    if let (start, stop, step) = integerRange {
      guard step != 0 else { throw .invalidArgument("arange: step is zero") }
      let span = step > 0 ? stop - start : start - stop
      let count = span <= 0 ? 0 : (span - 1) / (step > 0 ? step : -step) + 1
      guard count < 1 << 56 else { throw .invalidArgument("arange: \(count) elements are too many") }
      return Int(count)
    }
    let (start, stop, step) = (try real("start"), try real("stop"), try real("step"))
    guard step != 0, step.isFinite, start.isFinite, stop.isFinite else {
      throw .invalidArgument("arange: start \(start), stop \(stop) and step \(step) must be finite, step not 0")
    }
    let count = ((stop - start) / step).rounded(.up)
    guard count < 0x1p56 else { throw .invalidArgument("arange: \(count) elements are too many") }
    // Not below zero, where it may be as low as minus infinity.
    return count > 0 ? Int(count) : 0
  }
}
