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
          let positions = try checkedPositions(index.detach(), extents[k], axis: named[k], operation: "index")
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
        let value = call[2].detach()
        try StridedLoop.run(
          unsafeBitCast(kernel, to: ElementwiseKernel.self), outputs[0],
          [call[1], value.dtype == outputs[0].dtype ? value : value.cast(dtype: outputs[0].dtype)])
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
    var value = call[2].detach()
    if value.dtype != output.dtype { value = try value.cast(dtype: output.dtype) }
    value = try value.broadcastTo(shape: call.indexedShape.array).contiguous()
    plan.run(kernel, packed: value, inOrder: true)
  }

  /// Where the blocks of a tensor that an index names lie: axes before the indexed ones, the index, axes after.
  private struct BlockPlan {
    private let base: UnsafeMutableRawPointer
    /// Byte offsets of the positions along the axes before, of the blocks, and of a block's elements.
    private let outer: [Int]
    private let blocks: [Int]
    private let inner: [Int]
    /// Whether a block's elements lie side by side.
    private let isInnerFlat: Bool
    private let innerCount: Int
    private let itemSize: Int

    var isEmpty: Bool { outer.isEmpty || blocks.isEmpty || innerCount == 0 }

    init(_ call: Call, _ tensor: Tensor) throws(AlulaError) {
      let layout = tensor.layout
      let (axis, end) = (call.int("axis"), call.int("axis") + call.int("axes"))
      itemSize = tensor.dtype.itemSize
      base = tensor.data
      let indexed = layout.part(axis..<end)
      let positions = try CPUBackend.checkedPositions(
        call[1].detach(), indexed.count, axis: call.int("named"), operation: call.operation.name)
      let after = layout.part(end..<layout.rank)
      innerCount = after.count
      if layout.count == 0 || positions.count == 0 {
        (outer, blocks, inner, isInnerFlat) = ([], [], [], true)
        return
      }
      outer = layout.part(0..<axis).byteOffsets(itemSize)
      isInnerFlat = after.isContiguous
      inner = isInnerFlat ? [] : after.byteOffsets(itemSize)
      let values = UnsafeBufferPointer(start: positions.data.assumingMemoryBound(to: Int.self), count: positions.count)
      if let step = indexed.evenStep {
        let bytes = step * tensor.dtype.itemSize
        blocks = values.map { $0 * bytes }
      } else {
        // Several axes with gaps between them: from row-major positions to positions along each.
        let size = itemSize
        blocks = values.map { position in
          var rest = position
          var offset = 0
          for i in stride(from: indexed.rank - 1, through: 0, by: -1) {
            offset += rest % indexed.shape[i] * indexed.strides[i]
            rest /= indexed.shape[i]
          }
          return offset * size
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
            call(kernel, run, rows + row * rowBytes, base + outer[place], first, 0, innerCount)
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
              call(kernel, count, source, base + outer[place], 0, start, length)
            } else {
              for i in 0..<count { call(kernel, 1, source + i * rowBytes, base + outer[place], i, start, length) }
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
      blocks.withUnsafeBufferPointer { blocks in
        guard let blocks = blocks.baseAddress else { return }
        if isInnerFlat {
          kernel(count, rows, base + start * itemSize, blocks + first, length, nil)
        } else {
          inner.withUnsafeBufferPointer { inner in
            guard let inner = inner.baseAddress else { return }
            kernel(count, rows, base, blocks + first, length, inner + start)
          }
        }
      }
    }
  }

  // MARK: - Elements

  /// The value of a scatter, broadcast to the index's shape.
  private static func scattered(_ call: Call, _ output: Tensor) throws(AlulaError) -> Tensor {
    let value = call[2].detach()
    let converted = value.dtype == output.dtype ? value : try value.cast(dtype: output.dtype)
    return try converted.broadcastTo(shape: call[1].shape)
  }

  /// Moves single elements between `row`, shaped like the index, and `base`. `inOrder` when places may repeat
  /// and are written: then axes before the indexed one are shared out among threads, and nothing else.
  private static func runElements(_ kernel: ElementKernel, _ call: Call, base: Tensor, row: Tensor, inOrder: Bool)
    throws(AlulaError)
  {
    let axis = try call.gatheredAxis(base.layout.shape)
    let index = call[1].detach()
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
    let (rowStrides, axisStride) = (row.layout.strides, base.layout.strides[axis] * itemSize)
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
        kernel(
          length, rowData + from * itemSize, rowStrides[last] * itemSize, baseData + to * itemSize,
          steps[last] * itemSize, values + i * length, axisStride)
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

  /// Where every element lies, in row-major order.
  fileprivate func byteOffsets(_ itemSize: Int) -> [Int] {
    var offsets = [0]
    for i in shape.indices where shape[i] != 1 {
      var next: [Int] = []
      next.reserveCapacity(offsets.count * shape[i])
      let step = strides[i] * itemSize
      for offset in offsets {
        for k in 0..<shape[i] { next.append(offset + k * step) }
      }
      offsets = next
    }
    return offsets
  }
}
