// Operations that put tensors together or repeat their elements.

extension Operation {
  static let joining = [concat, stack, pad, roll, `repeat`, tile]

  public static let concat = Operation(
    "concat", "Tensors one after the other along an axis.",
    source: .arrayAPI, inputs: [.list("arrays", "Alike in shape but for the axis.")],
    attributes: [.optionalInt("axis", default: 0, "The axis; when left out, all are flattened and joined.")],
    dtypes: .all, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      if let axis = c.optionalInt("axis") { return [try join.first(c.inputs, [.int(axis)])] }
      var parts: [Tensor] = []
      for part in c.list { parts.append(try part.reshape(shape: [-1])) }
      return [try join.first(Operands(parts), [.int(0)])]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3), .normal(1, 3)),
      Sample(.normal(2, 3), .normal(2, 0), .normal(2, 1), attributes: ["axis": .int(-1)]),
      Sample(.normal(2, 3), .normal(4), attributes: ["axis": .none]), Sample(.normal(3)),
    ],
    reference: "np.concatenate(arrays, axis=axis)")

  /// What `concat` runs along an axis.
  static let join = Operation(
    "concat", "Tensors one after the other along an axis.",
    source: .alula, inputs: [.list("arrays")], attributes: [.int("axis", "The axis.")],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in
      var shape = c[0].layout.shape
      guard shape.count > 0 else { throw .invalidArgument("concat: a 0-d tensor has no axis; stack joins those") }
      let axis = try c.axis(c.int("axis"), rank: shape.count)
      for part in c.list.dropFirst() {
        let other = part.layout.shape
        guard other.count == shape.count, shape.indices.allSatisfy({ $0 == axis || other[$0] == shape[$0] }) else {
          throw .invalidArgument("concat: shapes \(c[0].layout.shape) and \(other) differ beside axis \(axis)")
        }
        let (sum, overflow) = shape[axis].addingReportingOverflow(other[axis])
        guard !overflow else { throw .invalidArgument("concat: axis \(axis) becomes too long") }
        shape[axis] = sum
      }
      return [TensorSpec(c[0].dtype, shape)]
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      let axis = try c.axis()
      var gradients: [Tensor?] = []
      var start = 0
      for i in 0..<c.inputCount {
        let length = c.shape(i)[axis]
        gradients.append(c.needsGradient(i) ? try c.gradient.narrow(axis: axis, start: start, length: length) : nil)
        start += length
      }
      return gradients
    },
    samples: [], reference: nil)

  public static let stack = Operation(
    "stack", "Tensors of one shape side by side along a new axis.",
    source: .arrayAPI, inputs: [.list("arrays", "All of one shape.")],
    attributes: [.int("axis", default: 0, "Where the new axis is in the result.")],
    dtypes: .all, promotion: .common,
    body: .composite { (c) throws(AlulaError) in
      let layout = c[0].layout
      let axis = try c.axis(c.int("axis"), rank: layout.rank + 1)
      var parts = [try c[0].expandDims(axis: [axis])]
      for part in c.list.dropFirst() {
        guard part.layout.shape == layout.shape else {
          throw .invalidArgument("stack: shapes \(layout.shape) and \(part.layout.shape) differ")
        }
        // Most lie alike, and without a gradient nothing is to be recorded (64 of 64 elements: half the time).
        let isAlike = part.layout.strides == layout.strides && part.layout.offset == layout.offset
        parts.append(isAlike && part.edge == nil ? part.aliased(parts[0].layout) : try part.expandDims(axis: [axis]))
      }
      return [try join.first(Operands(parts), [.int(axis)])]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3), .normal(2, 3)),
      Sample(.normal(2, 3), .normal(2, 3), .normal(2, 3), attributes: ["axis": .int(-1)]),
      Sample(.normal(), .normal()),
    ],
    reference: "np.stack(arrays, axis=axis)")

  public static let pad = Operation(
    "pad", "The tensor with further elements before and after it along its axes.",
    source: .numpy, inputs: [.any("x")],
    attributes: [
      .ints("pad_width", "How many elements before and after, for each axis in turn: two values per axis."),
      .choice(
        "mode", ["constant", "reflect", "edge", "wrap"],
        "The further elements: one value, the mirror image without the edge itself, the edge, or the other end's."),
      .scalar("value", default: .int(0), "The value of constant padding."),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let shape = c[0].shape
      let width = c.ints("pad_width")
      guard width.count == 2 * shape.count, width.allSatisfy({ $0 >= 0 && $0 < 1 << 56 }) else {
        throw .invalidArgument(
          "pad: shape \(Dims(shape)) needs \(2 * shape.count) widths that are not negative, not \(Dims(width))")
      }
      if c.string("mode") == "constant" {
        var index = BasicIndex(all: c[0].layout.shape)
        var padded = shape
        for i in shape.indices {
          index.start[i] = width[2 * i]
          padded[i] = try c.paddedExtent(i)
        }
        let result = try Tensor.full(
          shape: padded, fillValue: c.scalar("value"), dtype: c[0].dtype, device: c[0].device)
        try Operation.sliceScatter.callInPlace([result, c[0]], index.attributes)
        return [result]
      }
      var result = c[0]
      for (axis, extent) in shape.enumerated() where width[2 * axis] > 0 || width[2 * axis + 1] > 0 {
        guard extent > 0 else {
          throw .invalidArgument(
            "pad: axis \(axis) of shape \(Dims(shape)) is empty; mode '\(c.string("mode"))' needs elements")
        }
        let positions = try Tensor(indexCount: c.paddedExtent(axis)) {
          paddedPosition($0 - width[2 * axis], extent, c.string("mode"))
        }
        result = try result.take(positions, axis: axis)
      }
      return [result]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3), attributes: ["pad_width": .ints([1, 0, 2, 3])]),
      Sample(.normal(2), attributes: ["pad_width": .ints([1, 1]), "value": .scalar(.int(3))]),
      Sample(.normal(3, 4), attributes: ["pad_width": .ints([2, 1, 0, 5]), "mode": .string("reflect")]),
      Sample(.normal(3, 4), attributes: ["pad_width": .ints([2, 1, 0, 3]), "mode": .string("edge")]),
      Sample(.normal(3), attributes: ["pad_width": .ints([4, 2]), "mode": .string("wrap")]),
    ],
    reference: "reference.pad(x, pad_width, mode, value)")

  /// Where an element outside 0..<extent is copied from.
  private static func paddedPosition(_ position: Int, _ extent: Int, _ mode: String) -> Int {
    switch mode {
    case "edge": return Swift.min(Swift.max(position, 0), extent - 1)
    case "wrap": return ((position % extent) + extent) % extent
    default:
      if extent == 1 { return 0 }
      let period = 2 * (extent - 1)
      let phase = Swift.abs(position % period)
      return Swift.min(phase, period - phase)
    }
  }

  public static let roll = Operation(
    "roll", "The elements moved along axes; those that leave at one end come back at the other.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: [
      .ints("shift", "By how many positions: one value per axis, or one for all."),
      .optionalInts("axis", "The axes; when left out, the tensor is rolled as if it were flat."),
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      guard let given = c.optionalInts("axis") else {
        let flat = try c[0].reshape(shape: [-1])
        let shift = c.ints("shift").reduce(0) { $0 &+ $1 % Swift.max(flat.count, 1) }
        return [try flat.rolled(by: shift, axis: 0).reshape(shape: c[0].shape)]
      }
      var shifts = c.ints("shift")
      if shifts.count == 1 { shifts = Array(repeating: shifts[0], count: given.count) }
      guard shifts.count == given.count else {
        throw .invalidArgument("roll: \(shifts.count) shifts for \(given.count) axes")
      }
      var result = c[0]
      for (shift, axis) in zip(shifts, given) {
        result = try result.rolled(by: shift, axis: c.axis(axis, rank: c[0].rank))
      }
      return [result]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3), attributes: ["shift": .ints([2])]),
      Sample(.normal(2, 3), attributes: ["shift": .ints([1, -1]), "axis": .ints([0, 1])]),
      Sample(.normal(2, 3), attributes: ["shift": .ints([4]), "axis": .ints([-1])]),
      Sample(.normal(0, 3), attributes: ["shift": .ints([4]), "axis": .ints([0])]),
    ],
    reference: "np.roll(x, shift, axis=axis)")

  public static let `repeat` = Operation(
    "repeat", "Every element, or every position along an axis, several times in a row.",
    source: .arrayAPI,
    inputs: [.any("x"), .index("repeats", "How often: 0-d, or one value per position; not negative.")],
    attributes: [.optionalInt("axis", "The axis; when left out, x is flattened.")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let x = c.optionalInt("axis") == nil ? try c[0].reshape(shape: [-1]) : c[0]
      let axis = try c.axis(c.optionalInt("axis") ?? 0, rank: x.rank)
      let extent = x.layout.shape[axis]
      guard c[1].rank == 0 || c[1].rank == 1 && (c[1].count == extent || c[1].count == 1) else {
        throw .invalidArgument(
          "repeat: repeats of shape \(c[1].layout.shape) for axis \(axis) with size \(extent)")
      }
      let repeats = try c[1].cast(dtype: .int64).contiguous()
      let counts = UnsafeBufferPointer(start: repeats.data.assumingMemoryBound(to: Int.self), count: repeats.count)
      defer { withExtendedLifetime(repeats) {} }
      var total = 0
      for (i, count) in counts.enumerated() {
        let (sum, overflow) = total.addingReportingOverflow(count)
        guard count >= 0, !overflow, sum < 1 << 48 else {
          throw .invalidArgument("repeat: \(count) repeats at position \(i)")
        }
        total = sum
      }
      if counts.count == 1 {
        // Side by side along a new axis, which is then joined with the one before it.
        var shape = x.shape
        shape.insert(counts[0], at: axis + 1)
        let repeated = try x.expandDims(axis: [axis + 1]).broadcastTo(shape: shape)
        shape.remove(at: axis + 1)
        let (product, overflow) = total.multipliedReportingOverflow(by: extent)
        guard !overflow else { throw .invalidArgument("repeat: \(extent) positions \(total) times are too many") }
        shape[axis] = product
        return [try repeated.reshape(shape: shape)]
      }
      var position = -1
      var left = 0
      let positions = try Tensor(indexCount: total) { _ in
        while left == 0 {
          position += 1
          left = counts[position]
        }
        left -= 1
        return position
      }
      return [try x.take(positions, axis: axis)]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3), .literal([2], dtype: .int64)),
      Sample(.normal(2, 3), .literal([3, 0, 2], 3, dtype: .int64), attributes: ["axis": .int(1)]),
      Sample(.normal(2, 3), .literal([2], 1, dtype: .int64), attributes: ["axis": .int(-2)]),
      Sample(.normal(2, 3), .literal([0], dtype: .int64)),
    ],
    reference: "np.repeat(x, repeats, axis=axis)")

  public static let tile = Operation(
    "tile", "The whole tensor several times along its axes.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: [
      .ints("repetitions", "How often along each axis, the last ones when fewer; more than the rank add axes in front.")
    ],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      var repetitions = c.ints("repetitions")
      var shape = c[0].shape
      guard repetitions.allSatisfy({ $0 >= 0 }) else {
        throw .invalidArgument("tile: repetitions \(Dims(repetitions)) must not be negative")
      }
      while repetitions.count < shape.count { repetitions.insert(1, at: 0) }
      while shape.count < repetitions.count { shape.insert(1, at: 0) }
      var single: [Int] = []
      var several: [Int] = []
      var joined: [Int] = []
      for (extent, times) in zip(shape, repetitions) {
        let (product, overflow) = extent.multipliedReportingOverflow(by: times)
        guard !overflow else { throw .invalidArgument("tile: \(extent) positions \(times) times are too many") }
        joined.append(product)
        // An axis that does not repeat needs no axis of its own beside it.
        single += times == 1 ? [extent] : [1, extent]
        several += times == 1 ? [extent] : [times, extent]
      }
      return [try c[0].reshape(shape: single).broadcastTo(shape: several).reshape(shape: joined)]
    },
    gradient: .composed,
    samples: [
      Sample(.normal(2, 3), attributes: ["repetitions": .ints([2])]),
      Sample(.normal(2, 3), attributes: ["repetitions": .ints([2, 1, 3])]),
      Sample(.normal(), attributes: ["repetitions": .ints([3])]),
      Sample(.normal(2), attributes: ["repetitions": .ints([0])]),
    ],
    reference: "np.tile(x, repetitions)")
}

extension Tensor {
  fileprivate func rolled(by shift: Int, axis: Int) throws(AlulaError) -> Tensor {
    let extent = layout.shape[axis]
    if extent == 0 { return self }
    let moved = shift % extent < 0 ? shift % extent + extent : shift % extent
    if moved == 0 { return self }
    return try Tensor.concat(
      [
        narrow(axis: axis, start: extent - moved, length: moved), narrow(axis: axis, start: 0, length: extent - moved),
      ], axis: axis)
  }

  /// An int64 vector of a function of the position, called in order.
  convenience init(indexCount count: Int, _ index: (Int) -> Int) throws(AlulaError) {
    try self.init(uninitialized: [count], dtype: .int64, operation: "index")
    let elements = data.assumingMemoryBound(to: Int.self)
    for i in 0..<count { elements[i] = index(i) }
  }
}

extension Call {
  /// The length of an axis after padding.
  fileprivate func paddedExtent(_ axis: Int) throws(AlulaError) -> Int {
    let width = ints("pad_width")
    let (extent, overflow) = self[0].layout.shape[axis].addingReportingOverflow(width[2 * axis] + width[2 * axis + 1])
    guard !overflow else { throw .invalidArgument("pad: axis \(axis) becomes too long") }
    return extent
  }
}
