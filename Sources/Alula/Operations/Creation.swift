extension Operation {
  static let creation = [full, zeros, ones, arange]

  public static let full = Operation(
    "full", "A tensor filled with one value.",
    source: .arrayAPI, inputs: [],
    attributes: [
      .ints("shape", "The shape of the result."), .scalar("fill_value", "The value of every element."),
      .optionalDType("dtype", "By default the value's kind: bool, int64, float32 or complex64."), .device(),
    ],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      [TensorSpec(c.dtype() ?? c.scalar("fill_value").defaultDType, Dims(c.ints("shape")))]
    },
    gradient: .notDifferentiable,
    samples: [Sample(attributes: ["shape": .ints([2, 3]), "fill_value": .scalar(.float(2.5))])],
    reference: "np.full(shape, fill_value)")

  public static let zeros = Operation(
    "zeros", "A tensor of zeros.",
    source: .arrayAPI, inputs: [],
    attributes: [.ints("shape", "The shape of the result."), .optionalDType("dtype", "float32 by default."), .device()],
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
    attributes: [.ints("shape", "The shape of the result."), .optionalDType("dtype", "float32 by default."), .device()],
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
    "arange", "Evenly spaced values from start (included) to stop (excluded).",
    source: .arrayAPI, inputs: [],
    attributes: [
      .scalar("start", "The first value."), .scalar("stop", "The end of the interval, not included."),
      .scalar("step", default: .int(1), "The distance of two values; not zero."),
      .optionalDType("dtype", "By default int64 if all three are integers, else float32."), .device(),
    ],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      let start = try c.real("start")
      let stop = try c.real("stop")
      let step = try c.real("step")
      guard step != 0, step.isFinite, start.isFinite, stop.isFinite else {
        throw .invalidArgument("arange: start \(start), stop \(stop) and step \(step) must be finite, step not 0")
      }
      let count = ((stop - start) / step).rounded(.up)
      guard count < 0x1p56 else {
        throw .invalidArgument("arange: \(count) elements are too many")
      }
      let integers = ["start", "stop", "step"].allSatisfy { c.scalar($0).defaultDType == .defaultInteger }
      return [TensorSpec(c.dtype() ?? (integers ? .defaultInteger : .defaultFloat), [max(0, Int(count))])]
    },
    gradient: .notDifferentiable,
    samples: [
      Sample(attributes: ["start": .scalar(.int(2)), "stop": .scalar(.int(11)), "step": .scalar(.int(3))]),
      Sample(attributes: ["start": .scalar(.float(1)), "stop": .scalar(.float(0)), "step": .scalar(.float(-0.25))]),
    ],
    reference: "np.arange(start, stop, step)")
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
}
