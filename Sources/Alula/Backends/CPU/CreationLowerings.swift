extension CPUBackend {
  static let creationLowerings: [(Operation, Lowering)] = [
    (.empty, { (_, _) throws(AlulaError) in }),
    (
      .full,
      { (call, outputs) throws(AlulaError) in
        let value = try Tensor(scalar: call.scalar("fill_value"), dtype: outputs[0].dtype)
        let (size, total) = (outputs[0].dtype.itemSize, outputs[0].count * outputs[0].dtype.itemSize)
        if total <= 1 << 16, (0..<size).allSatisfy({ value.data.load(fromByteOffset: $0, as: UInt8.self) == 0 }) {
          // A small result of zeros: less work than a copy.
          outputs[0].data.initializeMemory(as: UInt8.self, repeating: 0, count: total)
        } else {
          try outputs[0].copyElements(from: value)
        }
      }
    ),
    (
      .arange,
      { (call, outputs) throws(AlulaError) in
        if let (start, stop, step) = call.integerRange {
          // Every value lies between start and stop, so one of the two dtypes holds them all.
          let dtype: DType = max(start, stop) > Int128(Int64.max) ? .uint64 : .int64
          let (first, distance) = (Int64(truncatingIfNeeded: start), Int64(truncatingIfNeeded: step))
          try fill(outputs[0], dtype) { (i) -> Int64 in first &+ Int64(i) &* distance }
        } else {
          let (start, step) = (try call.real("start"), try call.real("step"))
          try fill(outputs[0], .float64) { start + Double($0) * step }
        }
      }
    ),
    (
      .linspace,
      { (call, outputs) throws(AlulaError) in
        let (start, stop) = (try call.real("start"), try call.real("stop"))
        let last = outputs[0].count - (call.bool("endpoint") ? 1 : 0)
        let rounds = outputs[0].dtype.isInteger
        let step = (stop - start) / Double(max(last, 1))
        try fill(outputs[0], .float64) { i in
          // The end is met exactly, whatever the step was rounded to.
          let value = i == last && i > 0 ? stop : start + Double(i) * step
          return rounds ? value.rounded(.down) : value
        }
      }
    ),
    (.tril, { (call, outputs) throws(AlulaError) in try triangle(call, outputs[0], lower: true) }),
    (.triu, { (call, outputs) throws(AlulaError) in try triangle(call, outputs[0], lower: false) }),
  ]

  /// Fills a vector with a function of the position, computed in `dtype` and converted.
  private static func fill<T>(_ output: Tensor, _ dtype: DType, _ value: (Int) -> T) throws(AlulaError) {
    let values = output.dtype == dtype ? output : try Tensor(uninitialized: output.layout.shape, dtype: dtype)
    let elements = values.data.assumingMemoryBound(to: T.self)
    for i in 0..<values.count { elements[i] = value(i) }
    if output.dtype != dtype { try output.copyElements(from: values.cast(dtype: output.dtype)) }
  }

  private static func triangle(_ call: Call, _ output: Tensor, lower: Bool) throws(AlulaError) {
    if output.count == 0 { return }
    try output.copyElements(from: call[0])
    let (rows, columns) = (output.layout.shape[output.rank - 2], output.layout.shape[output.rank - 1])
    let k = min(max(call.int("k"), -rows), columns)
    let (data, itemSize) = (output.data, output.dtype.itemSize)
    ThreadPool.parallelFor(output.count / columns, grain: max(1, 32768 / columns)) { range in
      for row in range {
        // The first column above the diagonal, or the first on it.
        let edge = min(max(row % rows + k + (lower ? 1 : 0), 0), columns)
        let zeros = lower ? edge..<columns : 0..<edge
        let start = data + (row * columns + zeros.lowerBound) * itemSize
        start.initializeMemory(as: UInt8.self, repeating: 0, count: zeros.count * itemSize)
      }
    }
  }
}
