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
  var elementSize: Int { rounding?.itemSize ?? kernels.resultSize }
  /// Whether this is one piece of the depth of a larger product.
  var isPiece = false

  /// The depth of a block where callers cut it: a panel of B that deep fits the first-level cache.
  static let depthBlock = 256
  /// The most depth of a block where it is cut evenly, since a shallow rest would be slow. A panel of B then streams
  /// from the second-level cache, which costs less than to add to C more often.
  static let deepestBlock = 512
  /// The most rows of a tile: a block of A that tall fits the second-level cache.
  private static let rowBlock = 192
  private static let columnBlock = 512
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

  /// The depth of blocks, but for the last.
  private var deepest: Int { evenDepth(atMost: Self.deepestBlock) }
  func evenDepth(atMost most: Int) -> Int {
    if k <= most { return kernels.paddedDepth(k) }
    let blocks = (k + most - 1) / most
    return kernels.paddedDepth((k + blocks - 1) / blocks)
  }

  /// Computes C, whose rows are contiguous and `rowStride` elements apart. False, with C undefined, when there
  /// is no memory for panels.
  func run(_ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int) -> Bool {
    if m == 0 || n == 0 { return true }
    // Pairs and tiles exist in panels only.
    let isPlain = kernels.depthUnit == 1
    if isPlain, runDots(a, b, c, rowStride: rowStride) || runVector(a, b, c, rowStride: rowStride) { return true }
    if let done = runSmall(a, b, c, rowStride: rowStride) { return done }
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
  var roundedDownToPowerOfTwo: Int { 1 << (Int.bitWidth - 1 - leadingZeroBitCount) }
}
