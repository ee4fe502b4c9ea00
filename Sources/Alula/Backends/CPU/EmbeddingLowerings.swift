extension CPUBackend {
  static let embeddingLowerings: [(Operation, Lowering)] = [
    (.embeddingRows, { (call, outputs) throws(AlulaError) in try gatherRows(call, outputs[0]) }),
    (.embeddingScatter, { (call, outputs) throws(AlulaError) in try scatterRows(call, outputs[0]) }),
    (
      .oneHotRows,
      { (call, outputs) throws(AlulaError) in
        let output = outputs[0]
        let count = call.int("num_classes")
        let indices = try checkedIndices(call, 0, count)
        let itemSize = output.dtype.itemSize
        let one = try Tensor(scalar: .int(1), dtype: output.dtype)
        output.data.initializeMemory(as: UInt8.self, repeating: 0, count: output.count * itemSize)
        let positions = indices.data.assumingMemoryBound(to: Int64.self)
        for i in 0..<indices.count {
          (output.data + (i * count + Int(positions[i])) * itemSize).copyMemory(from: one.data, byteCount: itemSize)
        }
        withExtendedLifetime((indices, one)) {}
      }
    ),
  ]

  /// The i-th input as contiguous int64, every element in 0..<count.
  private static func checkedIndices(_ call: Call, _ i: Int, _ count: Int) throws(AlulaError) -> Tensor {
    let indices = try call[i].cast(dtype: .int64).contiguous()
    let positions = indices.data.assumingMemoryBound(to: Int64.self)
    for k in 0..<indices.count where positions[k] < 0 || positions[k] >= Int64(count) {
      throw .outOfRange("\(call.operation.name): index \(positions[k]) is out of range for \(count)")
    }
    return indices
  }

  private static func gatherRows(_ call: Call, _ output: Tensor) throws(AlulaError) {
    let weight = try call[0].contiguous()
    let indices = try checkedIndices(call, 1, weight.layout.shape[0])
    let size = weight.layout.shape[1] * weight.dtype.itemSize
    let positions = indices.data.assumingMemoryBound(to: Int64.self)
    let masked = call.bool("masked") ? Int64(call.int("padding")) : -1
    let (source, target) = (weight.data, output.data)
    ThreadPool.parallelFor(indices.count, grain: max(1, 128 * 1024 / max(1, size))) { range in
      for i in range {
        let row = target + i * size
        if positions[i] == masked {
          row.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        } else {
          row.copyMemory(from: source + Int(positions[i]) * size, byteCount: size)
        }
      }
    }
    withExtendedLifetime((weight, indices)) {}
  }

  /// Adds rows up at their indices. Threads own ranges of the table, and go through all indices in order.
  private static func scatterRows(_ call: Call, _ output: Tensor) throws(AlulaError) {
    let count = call.int("count")
    let indices = try checkedIndices(call, 1, count)
    let rows = try call[0].widenedHalf().contiguous()
    let direct = rows.dtype == output.dtype
    let target = direct ? output : try Tensor(uninitialized: output.layout.shape, dtype: rows.dtype)
    guard let kernel = KernelTable.shared.function("add", slot: rows.dtype.code, as: ElementwiseKernel.self) else {
      throw .invalidDType("embedding: dtype \(rows.dtype) is not supported on cpu")
    }
    let (width, itemSize) = (output.layout.shape[1], rows.dtype.itemSize)
    let size = width * itemSize
    let positions = indices.data.assumingMemoryBound(to: Int64.self)
    let padding = Int64(call.int("padding"))
    let (source, sums) = (rows.data, target.data)
    let steps = [itemSize, itemSize, itemSize, 0, 0]
    // At most 16 ranges, as each reads all indices.
    let grain = indices.count * width < 32 * 1024 ? max(1, count) : (count + 15) / 16
    ThreadPool.parallelFor(count, grain: grain) { range in
      (sums + range.lowerBound * size).initializeMemory(as: UInt8.self, repeating: 0, count: range.count * size)
      for i in 0..<indices.count {
        let index = Int(positions[i])
        guard range.contains(index), positions[i] != padding else { continue }
        let row = (sums + index * size).assumingMemoryBound(to: CChar.self)
        var operands: [UnsafeMutablePointer<CChar>?] = [
          row, row, (source + i * size).assumingMemoryBound(to: CChar.self),
        ]
        kernel(width, &operands, steps, nil)
      }
    }
    withExtendedLifetime((rows, indices)) {}
    if !direct { try output.copyElements(from: target.cast(dtype: output.dtype)) }
  }
}
