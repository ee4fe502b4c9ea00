import CSupport
import Synchronization

// Products whose operands are read where they lie, or packed by the thread that uses them.
extension Gemm {
  /// The most depth of a strip's blocks: strips are narrow (1024³ beside a busy neighbour: 0.96 of the time of 512).
  private static let deepestStripBlock = 1024
  /// The most elements and rows of A in a strip's blocks; where A is read in place its rows are far apart.
  private static let stripBlock = 48 << 10
  private static let stripRowBlock = 96

  /// The depth of a strip's blocks, but for the last.
  private var deepestInStrips: Int { evenDepth(atMost: Self.deepestStripBlock) }
  /// The most rows of a strip's blocks.
  private var rowsInStrips: Int {
    min(Self.stripRowBlock, max(Self.stripBlock / max(deepestInStrips, 1), kernels.rows))
  }

  /// A whose rows are contiguous is read where it lies, and so is a small B; of a larger B each task packs the strip that
  /// it uses, so that no core waits for what another has packed. Another A is packed by those who take its rows, where
  /// that is once. nil when it would be more often.
  func runStrips(
    _ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) -> Bool? {
    let elements = saturatedProduct(m, k)
    // Elements of one depth that lie apart fill the first-level cache with what is not used, and rows of a large matrix
    // are far apart.
    let most = a.columnStride == 1 ? 1 << 22 : a.rowStride == 1 && a.columnStride <= 256 ? 1 << 18 : 1 << 12
    let packsA = elements > most
    if packsA, !isLong { return nil }
    let size = kernels.itemSize
    let lanes = kernels.columns
    let readsB = b.columnStride == 1 && (m <= 2 * kernels.rows || k &* b.rowStride &* size <= 1 << 16)
    let (columnsAtOnce, rowsAtOnce) = strips(readsB: readsB)
    let columnTasks = (n + columnsAtOnce - 1) / columnsAtOnce
    let rowTasks = (m + rowsAtOnce - 1) / rowsAtOnce
    let lying = readsB ? n / lanes * lanes : 0
    if !packsA, lying == n, columnTasks * rowTasks == 1, k <= Self.deepestBlock, m <= 2 * Self.stripRowBlock {
      // One call, and no memory.
      var product = kernels.lying(
        rows: m, columns: n, depth: k, aRow: a.rowStride, aDepth: a.columnStride, bRow: b.rowStride,
        rowStride: rowStride, accumulate: accumulate)
      kernels.block(&product, a.pointer, b.pointer, c, rowBias, columnBias)
      return true
    }
    let deepest = deepestInStrips
    // Memory of a thread: panels of B, and behind them blocks of A.
    let panelColumns = lying == n ? 0 : kernels.paddedColumns(min(n, columnsAtOnce))
    let panelDepth = keepsPanels(columns: panelColumns) ? k : deepest
    let blockSize = packsA ? kernels.paddedRows(rowsInStrips) * deepest : 0
    func memory() -> Scratch? { Scratch(panelColumns * panelDepth + blockSize, size: size) }
    func room(in memory: borrowing Scratch) -> Room {
      Room(
        panels: memory.pointer, keepsDepth: panelDepth == k,
        blocks: packsA ? memory.pointer + panelColumns * panelDepth * size : nil)
    }
    if columnTasks * rowTasks == 1 {
      // Without what a loop over tasks brings: a fifth of the instructions of 8×8×8.
      guard let memory = memory() else { return false }
      multiplyStrip(
        a, b, Part(rows: 0..<m, columns: 0..<n), lying: lying, room(in: memory), following: nil, c,
        rowStride: rowStride)
      return true
    }
    guard let tasks = StripTasks(strips: columnTasks, each: rowTasks) else { return false }
    let failed = Atomic(false)
    ThreadPool.parallelChunks(columnTasks * rowTasks, grain: 1) { chunks in
      guard let memory = memory() else { return failed.store(true, ordering: .relaxed) }
      var room = room(in: memory)
      func partOf(_ task: StripTasks.Task) -> Part {
        let (row, column) = (task.index * rowsAtOnce, task.strip * columnsAtOnce)
        return Part(rows: row..<min(m, row + rowsAtOnce), columns: column..<min(n, column + columnsAtOnce))
      }
      var last: StripTasks.Task?
      while let range = chunks.next() {
        for chunk in range {
          guard let task = tasks.take(after: last, chunk: chunk, direction: chunks.direction) else { continue }
          let following = tasks.following(task, direction: chunks.direction)
          room.isPacked = room.keepsDepth && last?.strip == task.strip
          multiplyStrip(
            a, b, partOf(task), lying: lying, room, following: following.map { partOf($0) }, c, rowStride: rowStride)
          last = task
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }

  /// Whether a thread's panels hold so many columns of B through the whole depth; else a block of the depth.
  private func keepsPanels(columns: Int) -> Bool {
    k <= Self.deepestStripBlock || saturatedProduct(columns, k, kernels.itemSize) <= 1 << 20
  }

  /// A long A and a short B, as activations and a weight: each thread packs all of B, once, and takes rows, of which its
  /// cache holds what it wrote before (768×512×128 on two threads: 476 to 396 µs).
  private var isLong: Bool { m >= max(n, 192) && saturatedProduct(n, k, kernels.itemSize) <= 1 << 19 }

  /// How many columns and rows one task takes: rows of C where B is read in place; else strips of columns, cut into rows.
  private func strips(readsB: Bool) -> (columns: Int, rows: Int) {
    let lanes = kernels.columns
    let panels = (n + lanes - 1) / lanes
    let work = saturatedProduct(m, panels * lanes, k) / Self.smallestTask
    // A loop over fewer tasks costs what it brings, as does one that writes much for its work: the other core would first
    // have to take over the lines.
    if work < 3 || (k < 64 && m * n <= 1 << 16) { return (n, m) }
    let tasks = min(64, work.roundedDownToPowerOfTwo)
    if readsB {
      let rowTasks = max(1, min(tasks, m / 48)).roundedDownToPowerOfTwo
      // Whole rows where they make tasks enough: what is written lies together.
      let columns = rowTasks >= min(tasks, 16) ? n : panels * rowTasks / tasks * lanes
      return (max(columns, kernels.tileColumns), (m + rowTasks - 1) / rowTasks)
    }
    if isLong {
      let rowTasks = min(tasks, 16, m / 96).roundedDownToPowerOfTwo
      return (n, kernels.paddedRows((m + rowTasks - 1) / rowTasks))
    }
    // Strips share what the second-level cache holds of A; from farther away it must not come too often (1024³: 14.7 to
    // 13.9 ms).
    let narrowest = max(kernels.tileColumns, m * k * kernels.itemSize <= 1 << 20 ? 0 : 128)
    let columns = max(narrowest, panels / min(tasks, 16) * lanes)
    let columnTasks = (n + columns - 1) / columns
    // Rows are cut finely where that does not pack B anew: beside busy neighbours one core is slower than the other
    // (1024³: 0.95 to 0.97 of the time). Where B comes by blocks of the depth, each should be worth it.
    let rows =
      if keepsPanels(columns: columns) {
        m < 384 ? 48 : k <= Self.deepestStripBlock ? 96 : 512
      } else {
        columnTasks >= 8 ? 1024 : m < 384 ? 48 : 256
      }
    let rowTasks = min(work / columnTasks, m / rows)
    return (columns, rowTasks < 2 ? m : kernels.paddedRows((m + rowTasks - 1) / rowTasks))
  }

  /// Some rows and columns of C.
  private struct Part {
    let rows: Range<Int>
    let columns: Range<Int>
  }

  /// What a thread packs.
  private struct Room {
    /// Panels of B: a strip through the whole depth, or one block of it after the other.
    let panels: UnsafeMutableRawPointer
    let keepsDepth: Bool
    /// Blocks of A, unless it is read where it lies.
    let blocks: UnsafeMutableRawPointer?
    /// Whether the panels hold the strip that is next.
    var isPacked = false
  }

  /// A part of C, through the whole depth. Columns below `lying` are read from B itself, others from
  /// panels, which are filled here unless they are packed. `following` is what this thread most likely computes next.
  private func multiplyStrip(
    _ a: MatrixOperand, _ b: MatrixOperand, _ part: Part, lying: Int, _ room: Room, following: Part?,
    _ c: UnsafeMutableRawPointer, rowStride: Int
  ) {
    let size = kernels.itemSize
    let (rows, columns) = (part.rows, part.columns)
    let lying = columns.lowerBound..<max(columns.lowerBound, min(columns.upperBound, lying))
    let rest = lying.upperBound..<columns.upperBound
    let (deepest, mostRows) = (deepestInStrips, rowsInStrips)
    let rowBlocks = (rows.count + mostRows - 1) / mostRows
    let blockRows = kernels.paddedRows((rows.count + rowBlocks - 1) / rowBlocks)
    func blockOfDepth(_ depth: Int) -> Range<Int> { depth..<min(k, depth + deepest) }
    func blockOfRows(_ row: Int, of rows: Range<Int>) -> Range<Int> { row..<min(rows.upperBound, row + blockRows) }
    /// A's rows, unless they are so long that the processor foresees them (1024³: 0.97 of the time).
    func runsOfA(_ rows: Range<Int>, _ depth: Range<Int>) -> MemoryRuns? {
      a.columnStride == 1 && depth.count * size > 2048 ? nil : a.runs(rows, depth, size: size)
    }
    var start = 0
    repeat {
      let depth = blockOfDepth(start)
      let panels = room.panels + (room.keepsDepth ? start * kernels.paddedColumns(rest.count) * size : 0)
      start += deepest
      for row in stride(from: rows.lowerBound, to: rows.upperBound, by: blockRows) {
        let block = blockOfRows(row, of: rows)
        // What is read after this block, and not because it is in the caches already.
        var next: MemoryRuns?
        if block.upperBound < rows.upperBound {
          next = runsOfA(blockOfRows(block.upperBound, of: rows), depth)
        } else if start < k {
          next = room.isPacked ? nil : b.runs(blockOfDepth(start), rest, size: size)
        } else if let following {
          next =
            following.columns == columns
            ? runsOfA(blockOfRows(following.rows.lowerBound, of: following.rows), blockOfDepth(0))
            : b.runs(blockOfDepth(0), following.columns, size: size)
        }
        let rowsOfA = blockOfA(a, block, depth, packedInto: room.blocks)
        multiplyBlock(rowsOfA, b, block, lying, depth, nil, isPacked: false, next, c, rowStride: rowStride)
        multiplyBlock(
          rowsOfA, b, block, rest, depth, panels, isPacked: room.isPacked || row > rows.lowerBound, next, c,
          rowStride: rowStride)
      }
    } while start < k
  }

  /// Some rows of A through one block of the depth: as they lie, or in panels.
  private struct BlockOfA {
    let pointer: UnsafeRawPointer
    let rowStride: Int
    let depthStride: Int
    /// From one panel to the next; 0 where there are none.
    var panelStride = 0
  }

  private func blockOfA(
    _ a: MatrixOperand, _ rows: Range<Int>, _ depth: Range<Int>, packedInto panels: UnsafeMutableRawPointer?
  ) -> BlockOfA {
    let from = a.moved(rows: rows.lowerBound, columns: depth.lowerBound, size: kernels.itemSize).pointer
    guard let panels else { return BlockOfA(pointer: from, rowStride: a.rowStride, depthStride: a.columnStride) }
    kernels.packA(rows.count, depth.count, from, a.rowStride, a.columnStride, panels)
    return BlockOfA(
      pointer: panels, rowStride: 1, depthStride: kernels.rows, panelStride: kernels.rows * depth.count)
  }

  /// Some rows and columns of C, through one block of the depth, with B as it lies or in panels. These are filled here
  /// unless B is packed.
  private func multiplyBlock(
    _ a: BlockOfA, _ b: MatrixOperand, _ rows: Range<Int>, _ columns: Range<Int>, _ depth: Range<Int>,
    _ panels: UnsafeMutableRawPointer?, isPacked: Bool, _ next: MemoryRuns?, _ c: UnsafeMutableRawPointer,
    rowStride: Int
  ) {
    if columns.isEmpty { return }
    let (size, lanes) = (kernels.itemSize, kernels.columns)
    let first = depth.lowerBound == 0
    let matrix = b.moved(rows: depth.lowerBound, columns: columns.lowerBound, size: size)
    var product = gemm_product(
      rows: rows.count, columns: 0, depth: depth.count, rowStride: rowStride, accumulate: accumulate || !first)
    product.a_row = a.rowStride
    product.a0 = a.depthStride
    product.a_panel = a.panelStride
    if let next { product.setNext(next) }
    func multiply(_ columns: Range<Int>, _ b: UnsafeRawPointer) {
      product.columns = columns.count
      kernels.block(
        &product, a.pointer, b, c + (rows.lowerBound * rowStride + columns.lowerBound) * size,
        first ? rowBias.map { $0 + rows.lowerBound * size } : nil,
        first ? columnBias.map { $0 + columns.lowerBound * size } : nil)
    }
    var packed = columns.lowerBound
    if panels == nil || (!isPacked && b.columnStride == 1 && rows.count >= kernels.rows) {
      // Whole panels are read where they lie; unless that is all, the first rows pack them for the others.
      let whole = columns.lowerBound..<(columns.lowerBound + columns.count / lanes * lanes)
      product.b_panel = lanes
      product.b0 = b.rowStride
      product.kept_panels = panels
      if !whole.isEmpty { multiply(whole, matrix.pointer) }
      product.kept_panels = nil
      packed = whole.upperBound
    }
    guard let panels, packed < columns.upperBound else { return }
    let rest = packed..<columns.upperBound
    let restPanels = panels + (packed - columns.lowerBound) * depth.count * size
    if !isPacked {
      kernels.packB(
        rest.count, depth.count, matrix.moved(columns: packed - columns.lowerBound, size: size).pointer, b.columnStride,
        b.rowStride, restPanels)
    }
    product.b_panel = lanes * depth.count
    product.b0 = lanes
    multiply(rest, restPanels)
  }
}
