typealias BlockKernel =
  @convention(c) (
    Int, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?, UnsafePointer<Int>?, Int, UnsafePointer<Int>?
  ) -> Void
typealias ElementKernel =
  @convention(c) (
    Int, UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<CChar>?, Int, UnsafePointer<Int64>?, Int
  ) -> Void

extension CPUBackend {
  static let indexLowerings: [(Operation, Lowering)] = [
    (
      .index,
      { (call, outputs) throws(AlulaError) in
        let kernel = try blockKernel("gather_blocks", slot: outputs[0].dtype.itemSize)
        let plan = try BlockPlan(call, call[0])
        plan.run(kernel, packed: outputs[0], inOrder: false)
      }
    ),
    (
      .indexPut,
      { (call, outputs) throws(AlulaError) in
        let kernel = try blockKernel("scatter_blocks", slot: outputs[0].dtype.itemSize)
        try write(kernel, call, outputs[0])
      }
    ),
    (
      .indexPutAdd,
      { (call, outputs) throws(AlulaError) in
        try write(blockKernel("add_blocks", slot: outputs[0].dtype.code), call, outputs[0])
      }
    ),
    (
      .gather,
      { (call, outputs) throws(AlulaError) in
        let kernel = try elementKernel("gather_elements", slot: outputs[0].dtype.itemSize)
        try runElements(kernel, call, base: call[0], row: outputs[0], inOrder: false)
      }
    ),
    (
      .scatter,
      { (call, outputs) throws(AlulaError) in
        let kernel = try elementKernel("scatter_elements", slot: outputs[0].dtype.itemSize)
        try runElements(kernel, call, base: outputs[0], row: scattered(call, outputs[0]), inOrder: true)
      }
    ),
    (
      .scatterAdd,
      { (call, outputs) throws(AlulaError) in
        let kernel = try elementKernel("add_elements", slot: outputs[0].dtype.code)
        try runElements(kernel, call, base: outputs[0], row: scattered(call, outputs[0]), inOrder: true)
      }
    ),
    (
      .joinIndices,
      { (call, outputs) throws(AlulaError) in
        let (extents, named) = (call.ints("extents"), call.ints("named"))
        if outputs[0].count == 0 { return }
        let shape = outputs[0].shape
        let joined = outputs[0].data.assumingMemoryBound(to: Int.self)
        for (k, index) in call.list.enumerated() {
          let positions = try checkedPositions(index, extents[k], axis: named[k], operation: "index")
            .broadcastTo(shape: shape).contiguous()
          let values = positions.data.assumingMemoryBound(to: Int.self)
          let extent = extents[k]
          for i in 0..<positions.count { joined[i] = k == 0 ? values[i] : joined[i] &* extent &+ values[i] }
        }
      }
    ),
    (
      .maskedFill,
      { (call, outputs) throws(AlulaError) in
        guard let kernel = KernelTable.shared.row("masked_store")[slot: outputs[0].dtype.itemSize] else {
          throw .internal("masked_fill: no kernel for \(outputs[0].dtype)")
        }
        let value = call[2]
        StridedLoop.run(
          unsafeBitCast(kernel, to: ElementwiseKernel.self), outputs[0], call[1],
          value.dtype == outputs[0].dtype ? value : try value.cast(dtype: outputs[0].dtype), updates: true)
      }
    ),
  ]

  private static func blockKernel(_ name: String, slot: Int) throws(AlulaError) -> BlockKernel {
    guard let kernel = KernelTable.shared.function(name, slot: slot, as: BlockKernel.self) else {
      throw .internal("index: no kernel '\(name)' in slot \(slot)")
    }
    return kernel
  }

  private static func elementKernel(_ name: String, slot: Int) throws(AlulaError) -> ElementKernel {
    guard let kernel = KernelTable.shared.function(name, slot: slot, as: ElementKernel.self) else {
      throw .internal("gather: no kernel '\(name)' in slot \(slot)")
    }
    return kernel
  }

  /// Positions in 0..<extent as contiguous int64, after a check of each; negative ones count from the end.
  private static func checkedPositions(_ index: Tensor, _ extent: Int, axis: Int, operation: String)
    throws(AlulaError) -> Tensor
  {
    // Positions beyond int64 do not exist, and wrap to negative ones that do not either.
    let given = try index.cast(dtype: .int64).contiguous()
    let count = given.count
    let source = given.data.assumingMemoryBound(to: Int.self)
    var hasNegative = false
    for i in 0..<count {
      let position = source[i]
      guard position >= -extent, position < extent else {
        throw .outOfRange("\(operation): index \(position) is out of range for axis \(axis) with size \(extent)")
      }
      hasNegative = hasNegative || position < 0
    }
    if !hasNegative { return given }
    let result = try Tensor(uninitialized: given.layout.shape, dtype: .int64)
    let target = result.data.assumingMemoryBound(to: Int.self)
    for i in 0..<count { target[i] = source[i] < 0 ? source[i] + extent : source[i] }
    return result
  }

  // MARK: - Blocks

  private static func write(_ kernel: BlockKernel, _ call: Call, _ output: Tensor) throws(AlulaError) {
    let plan = try BlockPlan(call, output)
    if plan.isEmpty { return }
    var value = call[2]
    if value.dtype != output.dtype { value = try value.cast(dtype: output.dtype) }
    value = try value.broadcastTo(shape: call.indexedShape.array).contiguous()
    plan.run(kernel, packed: value, inOrder: true)
  }

  /// Where the blocks of a tensor that an index names lie: axes before the indexed ones, the index, axes after.
  private struct BlockPlan {
    private let base: UnsafeMutableRawPointer
    /// Byte offsets of the positions along the axes before, of the blocks, and of a block's elements; the last are
    /// missing when these lie side by side.
    private let outer: ByteOffsets
    private let blocks: ByteOffsets
    private let inner: ByteOffsets?
    private let innerCount: Int
    private let itemSize: Int

    var isEmpty: Bool { outer.count == 0 || blocks.count == 0 || innerCount == 0 }

    init(_ call: Call, _ tensor: Tensor) throws(AlulaError) {
      let layout = tensor.layout
      let (axis, end) = (call.int("axis"), call.int("axis") + call.int("axes"))
      itemSize = tensor.dtype.itemSize
      base = tensor.data
      let indexed = layout.part(axis..<end)
      let positions = try CPUBackend.checkedPositions(
        call[1], indexed.count, axis: call.int("named"), operation: call.operation.name)
      let after = layout.part(end..<layout.rank)
      innerCount = after.count
      if layout.count == 0 || positions.count == 0 {
        (outer, blocks, inner) = (try ByteOffsets(count: 0), try ByteOffsets(count: 0), nil)
        return
      }
      outer = try ByteOffsets(of: layout.part(0..<axis), itemSize)
      inner = after.isContiguous ? nil : try ByteOffsets(of: after, itemSize)
      blocks = try ByteOffsets(count: positions.count)
      let values = positions.data.assumingMemoryBound(to: Int.self)
      if let step = indexed.evenStep {
        for i in 0..<blocks.count { blocks.pointer[i] = values[i] * step * itemSize }
      } else {
        // Several axes with gaps between them: from row-major positions to positions along each.
        for i in 0..<blocks.count {
          var rest = values[i]
          var offset = 0
          for k in stride(from: indexed.rank - 1, through: 0, by: -1) {
            offset += rest % indexed.shape[k] * indexed.strides[k]
            rest /= indexed.shape[k]
          }
          blocks.pointer[i] = offset * itemSize
        }
      }
    }

    /// Calls `kernel` on packed rows, which are contiguous; `inOrder` when blocks may repeat and are written.
    func run(_ kernel: BlockKernel, packed: Tensor, inOrder: Bool) {
      if isEmpty { return }
      let rows = packed.data.assumingMemoryBound(to: CChar.self)
      let base = base.assumingMemoryBound(to: CChar.self)
      let rowBytes = innerCount * itemSize
      let count = blocks.count
      // Bytes per chunk, so that a further thread is worth it.
      let grain = 64 * 1024
      if !inOrder || count == 1 || outer.count * count * rowBytes <= grain {
        // Every row is a place of its own.
        ThreadPool.parallelFor(outer.count * count, grain: inOrder ? .max : max(1, grain / rowBytes)) { range in
          var row = range.lowerBound
          while row < range.upperBound {
            let (place, first) = (row / count, row % count)
            let run = min(count - first, range.upperBound - row)
            call(kernel, run, rows + row * rowBytes, base + outer.pointer[place], first, 0, innerCount)
            row += run
          }
        }
      } else {
        // Rows may meet in one block, so one thread does them all in order, for one place of the outer axes and
        // some columns. Columns of packed rows do not lie side by side: rows are taken one by one.
        let columns = max(1, min(innerCount, max(grain / max(count * itemSize, 1), 16)))
        let cuts = (innerCount - 1) / columns + 1
        ThreadPool.parallelFor(outer.count * cuts, grain: 1) { range in
          for piece in range {
            let (place, cut) = (piece / cuts, piece % cuts)
            let start = cut * columns
            let length = min(columns, innerCount - start)
            let source = rows + place * count * rowBytes + start * itemSize
            if cuts == 1 {
              call(kernel, count, source, base + outer.pointer[place], 0, start, length)
            } else {
              for i in 0..<count {
                call(kernel, 1, source + i * rowBytes, base + outer.pointer[place], i, start, length)
              }
            }
          }
        }
      }
    }

    /// `count` rows from block `first` on, columns from `start` on.
    private func call(
      _ kernel: BlockKernel, _ count: Int, _ rows: UnsafeMutablePointer<CChar>, _ base: UnsafeMutablePointer<CChar>,
      _ first: Int, _ start: Int, _ length: Int
    ) {
      if let inner {
        kernel(count, rows, base, blocks.pointer + first, length, inner.pointer + start)
      } else {
        kernel(count, rows, base + start * itemSize, blocks.pointer + first, length, nil)
      }
    }
  }

  /// A list of byte offsets in memory from the pool, whose lack is an error like any other.
  private struct ByteOffsets {
    private let memory: Tensor
    let pointer: UnsafeMutablePointer<Int>
    var count: Int { memory.count }

    init(count: Int) throws(AlulaError) {
      memory = try Tensor(uninitialized: [count], dtype: .int64, operation: "index")
      pointer = memory.data.assumingMemoryBound(to: Int.self)
    }

    /// Where every element lies, in row-major order, from the first.
    init(of layout: Layout, _ itemSize: Int) throws(AlulaError) {
      try self.init(count: layout.count)
      if count == 0 { return }
      pointer[0] = 0
      var filled = 1
      for i in stride(from: layout.rank - 1, through: 0, by: -1) where layout.shape[i] != 1 {
        let step = layout.strides[i] * itemSize
        for k in 1..<layout.shape[i] {
          for j in 0..<filled { pointer[k * filled + j] = pointer[j] + k * step }
        }
        filled *= layout.shape[i]
      }
    }
  }

  // MARK: - Elements

  /// The value of a scatter, broadcast to the index's shape.
  private static func scattered(_ call: Call, _ output: Tensor) throws(AlulaError) -> Tensor {
    let value = call[2]
    let converted = value.dtype == output.dtype ? value : try value.cast(dtype: output.dtype)
    return try converted.broadcastTo(shape: call[1].shape)
  }

  /// Moves single elements between `row`, shaped like the index, and `base`. `inOrder` when places may repeat
  /// and are written: then axes before the indexed one are shared out among threads, and nothing else.
  private static func runElements(_ kernel: ElementKernel, _ call: Call, base: Tensor, row: Tensor, inOrder: Bool)
    throws(AlulaError)
  {
    let axis = try call.gatheredAxis(base.layout.shape)
    let index = call[1]
    let shape = index.layout.shape
    let positions = try checkedPositions(
      index, base.layout.shape[axis], axis: axis, operation: call.operation.name)
    if positions.count == 0 { return }
    let itemSize = base.dtype.itemSize
    let last = shape.count - 1
    let values = positions.data.assumingMemoryBound(to: Int64.self)
    if last < 0 { return }
    let length = shape[last]
    let rows = positions.count / length
    // Along the indexed axis the index says where to go, not the place in the row.
    var steps = base.layout.strides
    steps[axis] = 0
    let (rowStrides, axisStride) = (row.layout.strides, base.layout.strides[axis] &* itemSize)
    let (rowData, baseData) = (
      row.data.assumingMemoryBound(to: CChar.self), base.data.assumingMemoryBound(to: CChar.self)
    )
    // Rows that share the positions before the axis belong together.
    let together = inOrder ? (axis..<last).reduce(1) { $0 * shape[$1] } : 1
    let groups = rows / together
    ThreadPool.parallelFor(groups, grain: max(1, 16384 / max(1, together * length))) { range in
      for i in (range.lowerBound * together)..<(range.upperBound * together) {
        var (rest, from, to) = (i, 0, 0)
        for k in stride(from: last - 1, through: 0, by: -1) {
          let position = rest % shape[k]
          rest /= shape[k]
          from += position * rowStrides[k]
          to += position * steps[k]
        }
        // Beside an extent of one a stride may be anything.
        kernel(
          length, rowData + from * itemSize, rowStrides[last] &* itemSize, baseData + to * itemSize,
          steps[last] &* itemSize, values + i * length, axisStride)
      }
    }
  }
}

extension Layout {
  /// Some of the axes alone, from the start.
  fileprivate func part(_ axes: Range<Int>) -> Layout {
    Layout(shape: Dims(axes.map { shape[$0] }), strides: Dims(axes.map { strides[$0] }), offset: 0)
  }

  /// The distance of two elements in row-major order, or nil when it is not the same everywhere.
  fileprivate var evenStep: Int? {
    var step: Int?
    var expected = 0
    for i in stride(from: rank - 1, through: 0, by: -1) where shape[i] != 1 {
      if step == nil {
        step = strides[i]
        expected = strides[i]
      }
      if strides[i] != expected { return nil }
      expected = expected &* shape[i]
    }
    return step ?? 0
  }
}
