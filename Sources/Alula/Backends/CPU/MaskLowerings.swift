extension CPUBackend {
  static let maskLowerings: [(Operation, Lowering)] = [
    (
      .countTrue,
      { (call, outputs) throws(AlulaError) in
        let mask = try call[0].contiguous()
        let total = chunkCounts(mask).reduce(0, +)
        outputs[0].data.storeBytes(of: total, as: Int.self)
      }
    ),
    (
      .positions,
      { (call, outputs) throws(AlulaError) in
        let mask = try call[0].contiguous()
        let shape = mask.shape
        let rank = shape.count
        // Where each chunk's rows begin follows from the counts of those before it.
        var start = 0
        var starts: [Int] = []
        for count in chunkCounts(mask) {
          starts.append(start)
          start += count
        }
        guard start == outputs[0].layout.shape[0] else {
          throw .internal("positions: \(start) elements are true, not \(outputs[0].layout.shape[0])")
        }
        if rank == 0 || start == 0 { return }
        let elements = mask.data.assumingMemoryBound(to: UInt8.self)
        let rows = outputs[0].data.assumingMemoryBound(to: Int.self)
        ThreadPool.parallelFor(mask.count, grain: chunk) { range in
          var row = rows + starts[range.lowerBound / chunk] * rank
          for i in range where elements[i] != 0 {
            var rest = i
            for axis in stride(from: rank - 1, through: 1, by: -1) {
              row[axis] = rest % shape[axis]
              rest /= shape[axis]
            }
            row[0] = rest
            row += rank
          }
        }
      }
    ),
  ]

  /// Elements that one thread looks at in a row.
  private static let chunk = 64 * 1024

  /// The number of true elements in each chunk of a contiguous mask.
  private static func chunkCounts(_ mask: Tensor) -> [Int] {
    if mask.count == 0 { return [] }
    let elements = mask.data.assumingMemoryBound(to: UInt8.self)
    return Array(unsafeUninitializedCapacity: (mask.count - 1) / chunk + 1) { counts, initialized in
      let counts = counts
      initialized = counts.count
      ThreadPool.parallelFor(mask.count, grain: chunk) { range in
        var count = 0
        for i in range { count &+= Int(elements[i]) }
        counts.initializeElement(at: range.lowerBound / chunk, to: count)
      }
    }
  }
}
