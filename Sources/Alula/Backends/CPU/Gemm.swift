import CSupport
import Synchronization

/// C = A B, or C += A B, with an optional bias per row and column of C.
///
/// C is computed in tiles that each walk the whole depth, of operands that are packed into panels where they cannot
/// be read in place. The cut into tiles depends on the sizes only, so the result does not depend on the number of threads.
struct Gemm {
  let kernels: GemmKernels
  /// C is m × n, the depth of the product k.
  let m: Int
  let n: Int
  let k: Int
  var accumulate = false
  /// m elements, added to the columns of C.
  var rowBias: UnsafeRawPointer?
  /// n elements, added to the rows of C.
  var columnBias: UnsafeRawPointer?
  /// Unless nil, C's elements are narrower than the sums, and nothing is accumulated.
  var rounding: GemmRounding?
  private var elementSize: Int { rounding?.itemSize ?? kernels.resultSize }
  /// Whether this is one piece of the depth of a larger product.
  var isPiece = false

  /// The depth of a block where callers cut it: a panel of B that deep fits the first-level cache.
  static let depthBlock = 256
  /// The most depth of a block where it is cut evenly, since a shallow rest would be slow. A panel of B then streams
  /// from the second-level cache, which costs less than to add to C more often.
  private static let deepestBlock = 512
  /// The most rows of a tile: a block of A that tall fits the second-level cache.
  private static let rowBlock = 192
  private static let columnBlock = 512
  /// The most depth of a strip's blocks: strips are narrow (1024³ beside a busy neighbour: 0.96 of the time of 512).
  private static let deepestStripBlock = 1024
  /// The most elements and rows of A in a strip's blocks; where A is read in place its rows are far apart.
  private static let stripBlock = 48 << 10
  private static let stripRowBlock = 96
  /// Multiply-adds worth a task of its own.
  static let taskSize = 2 << 20
  /// Multiply-adds of the smallest tasks: some microseconds, where handing one over costs up to one.
  static let smallestTask = 1 << 17
  /// The most memory, in bytes, that one operand's panels take.
  private static let slabSize = 64 << 20

  init(_ kernels: GemmKernels, m: Int, n: Int, k: Int) {
    self.kernels = kernels
    self.m = m
    self.n = n
    self.k = k
  }

  /// The depth of blocks, but for the last: of packed operands, and of strips.
  private var deepest: Int { evenDepth(atMost: Self.deepestBlock) }
  private var deepestInStrips: Int { evenDepth(atMost: Self.deepestStripBlock) }
  /// The most rows of a strip's blocks.
  private var rowsInStrips: Int {
    min(Self.stripRowBlock, max(Self.stripBlock / max(deepestInStrips, 1), kernels.rows))
  }

  private func evenDepth(atMost most: Int) -> Int {
    let blocks = max(1, (k + most - 1) / most)
    return kernels.paddedDepth((k + blocks - 1) / blocks)
  }

  /// Computes C, whose rows are contiguous and `rowStride` elements apart. False, with C undefined, when there
  /// is no memory for panels.
  func run(_ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int) -> Bool {
    if m == 0 || n == 0 { return true }
    // Pairs and tiles exist in panels only.
    let isPlain = kernels.depthUnit == 1
    if isPlain, runDots(a, b, c, rowStride: rowStride) || runVector(a, b, c, rowStride: rowStride) { return true }
    if let done = runSplit(a, b, c, rowStride: rowStride) { return done }
    if isPlain, let done = runStrips(a, b, c, rowStride: rowStride) { return done }
    let (size, resultSize, depth) = (kernels.itemSize, kernels.resultSize, kernels.paddedDepth(k))
    // Slabs bound the memory that panels take.
    let rowsAtOnce = Self.slab(m, k, size)
    let columnsAtOnce = Self.slab(n, k, size)
    let readsA = kernels.readsPairs(of: a, depth: k)
    guard let panelsA = Scratch(readsA ? 0 : kernels.paddedRows(rowsAtOnce), depth, size: size),
      let panelsB = Scratch(kernels.paddedColumns(columnsAtOnce), depth, size: size)
    else { return false }
    for column in stride(from: 0, to: n, by: columnsAtOnce) {
      for row in stride(from: 0, to: m, by: rowsAtOnce) {
        var part = Gemm(kernels, m: min(rowsAtOnce, m - row), n: min(columnsAtOnce, n - column), k: k)
        part.accumulate = accumulate
        part.rowBias = rowBias.map { $0 + row * resultSize }
        part.columnBias = columnBias.map { $0 + column * resultSize }
        part.rounding = rounding
        let rows = a.moved(rows: row, size: size)
        part.pack(
          rows, readsA ? nil : panelsA.pointer, b.moved(columns: column, size: size), row == 0 ? panelsB.pointer : nil)
        let done = part.multiply(
          readsA ? .lying(rows) : .packed(panelsA.pointer), panelsB.pointer,
          c + (row * rowStride + column) * elementSize, rowStride: rowStride)
        if !done { return false }
      }
    }
    return true
  }

  /// How many of `count` vectors of `depth` elements are packed at once.
  private static func slab(_ count: Int, _ depth: Int, _ size: Int) -> Int {
    min(count, max(slabSize / size / max(depth, 1) / 768 * 768, 768))
  }

  // MARK: - Strips

  /// A whose rows are contiguous is read where it lies, and so is a small B; of a larger B each task packs the strip that
  /// it uses, so that no core waits for what another has packed. Another A is packed by those who take its rows, where
  /// that is once. nil when it would be more often.
  private func runStrips(
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
    // Room of a thread: panels of B, and behind them blocks of A.
    let panelColumns = lying == n ? 0 : kernels.paddedColumns(min(n, columnsAtOnce))
    let blockRows = packsA ? kernels.paddedRows(rowsInStrips) : 0
    func blocks(_ room: borrowing Scratch) -> UnsafeMutableRawPointer? {
      packsA ? room.pointer + panelColumns * deepest * size : nil
    }
    if columnTasks * rowTasks == 1 {
      // Without what a loop over tasks brings: a fifth of the instructions of 8×8×8.
      guard let room = Scratch(panelColumns + blockRows, deepest, size: size) else { return false }
      multiplyStrip(
        a, blocks(room), b, Part(rows: 0..<m, columns: 0..<n), lying: lying, room.pointer, isPacked: false,
        following: nil, c, rowStride: rowStride)
      return true
    }
    let failed = Atomic(false)
    ThreadPool.parallelChunks(columnTasks * rowTasks, grain: 1) { chunks in
      guard let room = Scratch(panelColumns + blockRows, deepest, size: size) else {
        return failed.store(true, ordering: .relaxed)
      }
      func partOf(_ task: Int) -> Part {
        let row = task % rowTasks * rowsAtOnce
        let column = task / rowTasks * columnsAtOnce
        return Part(rows: row..<min(m, row + rowsAtOnce), columns: column..<min(n, column + columnsAtOnce))
      }
      // A thread packs a strip once for all the rows that it takes, unless its panels hold less than the depth.
      var packed: Int?
      while let range = chunks.next() {
        for task in range {
          let part = partOf(task)
          let following = task + chunks.direction
          multiplyStrip(
            a, blocks(room), b, part, lying: lying, room.pointer,
            isPacked: packed == part.columns.lowerBound,
            following: following >= 0 && following < columnTasks * rowTasks ? partOf(following) : nil, c,
            rowStride: rowStride)
          packed = k == deepest ? part.columns.lowerBound : nil
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }

  /// A long A and a short B, as activations and a weight: each thread packs all of B, once, and takes rows, of which its
  /// cache holds what it wrote before (768×512×128 on two threads: 476 to 396 µs).
  private var isLong: Bool { m >= max(n, 192) && saturatedProduct(n, k, kernels.itemSize) <= 1 << 19 }

  /// How many columns and rows one task takes: rows of C where B is read in place; else strips of columns, cut into rows
  /// where they are few, since every cut across B packs it again.
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
    // Strips share what the second-level cache holds of A; from farther away it must not come too often, nor be cut into
    // many rows, for each of which B is packed again (1024³: 14.7 to 13.9 ms).
    let narrowest = max(kernels.tileColumns, m * k * kernels.itemSize <= 1 << 20 ? 0 : 128)
    let columns = max(narrowest, panels / min(tasks, 16) * lanes)
    let columnTasks = (n + columns - 1) / columns
    let rowTasks = min(tasks / columnTasks, m / (columnTasks >= 8 ? 1024 : m < 384 ? 48 : 256))
    return (columns, rowTasks < 2 ? m : (m + rowTasks - 1) / rowTasks)
  }

  /// Some rows and columns of C.
  private struct Part {
    let rows: Range<Int>
    let columns: Range<Int>
  }

  /// A part of C, through the whole depth. Columns below `lying` are read from B itself, others from
  /// panels, which are filled here unless they are packed. A is read where it lies unless there is room to pack blocks.
  /// `following` is what this thread most likely computes next.
  private func multiplyStrip(
    _ a: MatrixOperand, _ blocks: UnsafeMutableRawPointer?, _ b: MatrixOperand, _ part: Part, lying: Int,
    _ panels: UnsafeMutableRawPointer, isPacked: Bool, following: Part?, _ c: UnsafeMutableRawPointer, rowStride: Int
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
      start += deepest
      for row in stride(from: rows.lowerBound, to: rows.upperBound, by: blockRows) {
        let block = blockOfRows(row, of: rows)
        // What is read after this block, and not because it is in the caches already.
        var next: MemoryRuns?
        if block.upperBound < rows.upperBound {
          next = runsOfA(blockOfRows(block.upperBound, of: rows), depth)
        } else if start < k {
          next = b.runs(blockOfDepth(start), rest, size: size)
        } else if let following {
          next =
            following.columns == columns
            ? runsOfA(blockOfRows(following.rows.lowerBound, of: following.rows), blockOfDepth(0))
            : b.runs(blockOfDepth(0), following.columns, size: size)
        }
        let rowsOfA = blockOfA(a, block, depth, packedInto: blocks)
        multiplyBlock(rowsOfA, b, block, lying, depth, nil, isPacked: false, next, c, rowStride: rowStride)
        multiplyBlock(
          rowsOfA, b, block, rest, depth, panels, isPacked: isPacked || row > rows.lowerBound, next, c,
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

  // MARK: - Packing

  /// Panels hold the blocks of depth one after another.
  private func pack(
    _ a: MatrixOperand, _ panelsA: UnsafeMutableRawPointer?, _ b: MatrixOperand, _ panelsB: UnsafeMutableRawPointer?
  ) {
    if k == 0 { return }
    // Vectors that one task packs: whole panels of either operand.
    let chunk = 192
    let deepest = deepest
    let depthBlocks = (k + deepest - 1) / deepest
    let tasksA = panelsA == nil ? 0 : (m + chunk - 1) / chunk * depthBlocks
    let tasksB = panelsB == nil ? 0 : (n + chunk - 1) / chunk * depthBlocks
    let size = kernels.itemSize
    let grain = max(1, (1 << 15) / (chunk * deepest))
    ThreadPool.parallelFor(tasksA + tasksB, grain: grain) { range in
      for task in range {
        let forA = task < tasksA
        let index = forA ? task : task - tasksA
        let depth = index % depthBlocks * deepest
        let vector = index / depthBlocks * chunk
        let deep = min(deepest, k - depth)
        if forA, let panelsA {
          kernels.packA(
            min(chunk, m - vector), deep,
            a.pointer + (vector * a.rowStride + depth * a.columnStride) * size, a.rowStride, a.columnStride,
            panelsA + (depth * kernels.paddedRows(m) + vector * kernels.paddedDepth(deep)) * size)
        } else if let panelsB {
          kernels.packB(
            min(chunk, n - vector), deep,
            b.pointer + (vector * b.columnStride + depth * b.rowStride) * size, b.columnStride, b.rowStride,
            panelsB + (depth * kernels.paddedColumns(n) + vector * kernels.paddedDepth(deep)) * size)
        }
      }
    }
  }

  /// Packs all of A on this thread.
  func packA(_ a: MatrixOperand, _ panels: UnsafeMutableRawPointer) {
    for depth in stride(from: 0, to: k, by: Self.depthBlock) {
      kernels.packA(
        m, min(Self.depthBlock, k - depth), a.pointer + depth * a.columnStride * kernels.itemSize, a.rowStride,
        a.columnStride, panels + depth * kernels.paddedRows(m) * kernels.itemSize)
    }
  }

  // MARK: - Multiplying

  /// All of A: in panels, or as it lies.
  private enum LeftOperand {
    case packed(UnsafeRawPointer)
    case lying(MatrixOperand)
  }

  /// False when there is no memory for sums that are to be rounded.
  private func multiply(
    _ a: LeftOperand, _ panelsB: UnsafeRawPointer, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) -> Bool {
    var rowTiles = (m + Self.rowBlock - 1) / Self.rowBlock
    var tileColumns = Self.columnBlock
    if n * deepest * kernels.itemSize <= 1 << 19 {
      // Whole rows of C where B stays in the second-level cache: what a thread writes lies together, so that it mostly
      // finds its own part when it computes with C next.
      let work = saturatedProduct(m, n, k) / Self.smallestTask
      let tasks = min(16, m / 24, work)
      rowTiles = max(rowTiles, tasks > 1 ? tasks.roundedDownToPowerOfTwo : 1)
      tileColumns = kernels.paddedColumns(n)
    }
    let tileRows = kernels.paddedRows((m + rowTiles - 1) / rowTiles)
    rowTiles = (m + tileRows - 1) / tileRows
    // Narrower tiles where wide ones would be too few to share out.
    while tileColumns > 64, rowTiles * (n / tileColumns) < 8,
      saturatedProduct(tileRows, tileColumns, k) > Self.taskSize
    {
      tileColumns = kernels.paddedColumns(tileColumns / 2)
    }
    let columnTiles = (n + tileColumns - 1) / tileColumns
    let grain = max(1, Self.taskSize / 4 / max(saturatedProduct(tileRows, min(tileColumns, n), k), 1))
    // Rows of sums lie a line farther apart than they are long, which keeps them from sharing the places in the cache of one.
    let sumStride = kernels.paddedColumns(min(tileColumns, n)) + 16
    let failed = Atomic(false)
    ThreadPool.parallelChunks(rowTiles * columnTiles, grain: grain) { chunks in
      guard let sums = Scratch(rounding == nil ? 0 : tileRows, sumStride, size: kernels.resultSize) else {
        return failed.store(true, ordering: .relaxed)
      }
      while let range = chunks.next() {
        for tile in range {
          let row = tile % rowTiles * tileRows
          let column = tile / rowTiles * tileColumns
          let rows = min(tileRows, m - row)
          let columns = min(tileColumns, n - column)
          if rows <= 0 { continue }
          let out = c + (row * rowStride + column) * elementSize
          multiplyTile(
            a, panelsB, row..<(row + rows), column..<(column + columns), rounding == nil ? out : sums.pointer,
            rowStride: rounding == nil ? rowStride : sumStride)
          rounding?.store(
            rows: rows, columns: columns, sums.pointer, sumStride: sumStride, out, rowStride: rowStride)
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }

  /// One tile of C, through all blocks of depth.
  private func multiplyTile(
    _ a: LeftOperand, _ panelsB: UnsafeRawPointer, _ rows: Range<Int>, _ columns: Range<Int>,
    _ c: UnsafeMutableRawPointer, rowStride: Int
  ) {
    let (size, resultSize, deepest) = (kernels.itemSize, kernels.resultSize, deepest)
    var depth = 0
    repeat {
      let deep = min(deepest, k - depth)
      let padded = kernels.paddedDepth(deep)
      let first = depth == 0
      var product = kernels.packed(
        rows: rows.count, columns: columns.count, depth: deep, rowStride: rowStride, accumulate: accumulate || !first)
      let from: UnsafeRawPointer
      switch a {
      case .packed(let panels): from = panels + (depth * kernels.paddedRows(m) + rows.lowerBound * padded) * size
      case .lying(let a):
        from = a.moved(rows: rows.lowerBound, columns: depth, size: size).pointer
        (product.a_row, product.a0, product.a_panel) = (a.rowStride / kernels.depthUnit, 1, 0)
      }
      kernels.block(
        &product, from,
        panelsB + (depth * kernels.paddedColumns(n) + columns.lowerBound * padded) * size, c,
        first ? rowBias.map { $0 + rows.lowerBound * resultSize } : nil,
        first ? columnBias.map { $0 + columns.lowerBound * resultSize } : nil)
      depth += deep
    } while depth < k
  }
}

extension Int {
  /// The largest power of two that a positive number reaches: tasks are shared out evenly then, most often.
  fileprivate var roundedDownToPowerOfTwo: Int { 1 << (Int.bitWidth - 1 - leadingZeroBitCount) }
}
