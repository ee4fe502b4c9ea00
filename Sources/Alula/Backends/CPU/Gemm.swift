import CSupport
import Synchronization

/// C = A B, or C += A B, with an optional bias per row and column of C.
///
/// Both operands are packed into panels, then C is computed in tiles that each walk the whole depth. The
/// cut into tiles depends on the sizes only, so the result does not depend on the number of threads.
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
  /// Whether this is one piece of the depth of a larger product.
  private var isPiece = false

  /// The depth of a block: a panel of B that deep fits the first-level cache.
  static let depthBlock = 256
  /// The most rows of a tile: a block of A that tall fits the second-level cache.
  private static let rowBlock = 192
  private static let columnBlock = 512
  /// Multiply-adds worth a task of its own.
  private static let taskSize = 2 << 20
  /// The most memory, in bytes, that one operand's panels take.
  private static let slabSize = 64 << 20

  init(_ kernels: GemmKernels, m: Int, n: Int, k: Int) {
    self.kernels = kernels
    self.m = m
    self.n = n
    self.k = k
  }

  /// Computes C, whose rows are contiguous and `rowStride` elements apart. False, with C undefined, when there
  /// is no memory for panels.
  func run(_ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int) -> Bool {
    if m == 0 || n == 0 { return true }
    if let done = runSplit(a, b, c, rowStride: rowStride) { return done }
    // Pairs exist in panels only.
    if kernels.depthUnit == 1 {
      if runVector(a, b, c, rowStride: rowStride) { return true }
      if let done = runUnpacked(a, b, c, rowStride: rowStride) { return done }
    }
    let (size, resultSize, depth) = (kernels.itemSize, kernels.resultSize, kernels.paddedDepth(k))
    // Slabs bound the memory that panels take.
    let rowsAtOnce = Self.slab(m, k, size)
    let columnsAtOnce = Self.slab(n, k, size)
    guard let panelsA = Scratch(elements: [kernels.paddedRows(rowsAtOnce), depth], size: size),
      let panelsB = Scratch(elements: [kernels.paddedColumns(columnsAtOnce), depth], size: size)
    else { return false }
    for column in stride(from: 0, to: n, by: columnsAtOnce) {
      for row in stride(from: 0, to: m, by: rowsAtOnce) {
        var part = Gemm(kernels, m: min(rowsAtOnce, m - row), n: min(columnsAtOnce, n - column), k: k)
        part.accumulate = accumulate
        part.rowBias = rowBias.map { $0 + row * resultSize }
        part.columnBias = columnBias.map { $0 + column * resultSize }
        part.pack(
          a.moved(rows: row, size: size), panelsA.pointer, b.moved(columns: column, size: size),
          row == 0 ? panelsB.pointer : nil)
        part.multiply(
          panelsA.pointer, panelsB.pointer, c + (row * rowStride + column) * resultSize, rowStride: rowStride)
      }
    }
    return true
  }

  /// How many of `count` vectors of `depth` elements are packed at once.
  private static func slab(_ count: Int, _ depth: Int, _ size: Int) -> Int {
    min(count, max(slabSize / size / max(depth, 1) / 768 * 768, 768))
  }

  /// One row or one column: the matrix is read where it lies. False when this does not apply.
  private func runVector(
    _ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) -> Bool {
    guard m == 1 || (n == 1 && rowStride == 1), !accumulate, rowBias == nil, columnBias == nil else { return false }
    // c = x M for a row; for a column its transpose, cᵀ = bᵀ aᵀ.
    let count = m == 1 ? n : m
    let (x, xStride) = m == 1 ? (a.pointer, a.columnStride) : (b.pointer, b.rowStride)
    let (matrix, rowStep, columnStep) =
      m == 1 ? (b.pointer, b.rowStride, b.columnStride) : (a.pointer, a.columnStride, a.rowStride)
    let size = kernels.itemSize
    if columnStep == 1, count < 4096, let sums = runVectorByRows(count, x, xStride, matrix, rowStep, c) { return sums }
    let grain = max(64, (1 << 17) / max(k, 1) / 64 * 64)
    ThreadPool.parallelFor(count, grain: grain) { range in
      kernels.vector(
        range.count, k, x, xStride, matrix + range.lowerBound * columnStep * size, rowStep, columnStep,
        c + range.lowerBound * size)
    }
    return true
  }

  /// A matrix whose rows are contiguous and not long is read in blocks of whole rows, as it lies, and their sums are
  /// added in order. nil when it is too small to be shared out.
  private func runVectorByRows(
    _ count: Int, _ x: UnsafeRawPointer, _ xStride: Int, _ matrix: UnsafeRawPointer, _ rowStep: Int,
    _ c: UnsafeMutableRawPointer
  ) -> Bool? {
    let rows = max(64, (1 << 17) / count)
    let pieces = (k + rows - 1) / rows
    let size = kernels.itemSize
    guard pieces > 1, let partial = Scratch(elements: [pieces - 1, count], size: size) else { return nil }
    let sums = partial.pointer
    ThreadPool.parallelFor(pieces, grain: 1) { range in
      for piece in range {
        let first = piece * rows
        kernels.vector(
          count, min(rows, k - first), x + first * xStride * size, xStride, matrix + first * rowStep * size, rowStep, 1,
          piece == 0 ? c : sums + (piece - 1) * count * size)
      }
    }
    for piece in 1..<pieces { kernels.add(count, c, sums + (piece - 1) * count * size) }
    return true
  }

  // MARK: - Small products

  /// A small A is read where it lies, and so is a small B; panels of a larger B are packed right before they are used.
  /// nil when the product is not of that kind.
  private func runUnpacked(
    _ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) -> Bool? {
    // Elements of one depth that lie apart fill the first-level cache with what is not used.
    guard Dims([m, k]).saturatedProduct <= (a.columnStride == 1 ? 1 << 17 : 1 << 12) else { return nil }
    let size = kernels.itemSize
    let lanes = kernels.columns
    let work = Self.taskSize / 8
    let columnsAtOnce = max(1, work / max(m * k * lanes, 1), n / lanes / 16) * lanes
    let columnTasks = (n + columnsAtOnce - 1) / columnsAtOnce
    let rowsAtOnce = columnTasks >= 8 ? m : max(24, work / max(k * min(n, columnsAtOnce), 1) / 6 * 6)
    let rowTasks = (m + rowsAtOnce - 1) / rowsAtOnce
    let whole =
      b.columnStride == 1 && (m <= 2 * kernels.rows || k &* b.rowStride &* size <= 1 << 16) ? n / lanes * lanes : 0
    let deepest = min(k, Self.depthBlock)
    if whole == n, columnTasks * rowTasks == 1, k <= Self.depthBlock {
      // One call, and no memory.
      var product = gemm_product(rows: m, columns: n, depth: k, rowStride: rowStride, accumulate: accumulate)
      product.a_row = a.rowStride
      product.a0 = a.columnStride
      product.b_panel = lanes
      product.b0 = b.rowStride
      kernels.block(&product, a.pointer, b.pointer, c, rowBias, columnBias)
      return true
    }
    let failed = Atomic(false)
    ThreadPool.parallelFor(columnTasks * rowTasks, grain: 1) { range in
      guard
        let panels = Scratch(
          elements: [whole == n ? 0 : kernels.paddedColumns(min(n, columnsAtOnce)), deepest], size: size)
      else { return failed.store(true, ordering: .relaxed) }
      for task in range {
        let row = task % rowTasks * rowsAtOnce
        let rows = min(rowsAtOnce, m - row)
        let columns = (task / rowTasks * columnsAtOnce)..<min(n, (task / rowTasks + 1) * columnsAtOnce)
        let lying = columns.lowerBound..<max(columns.lowerBound, min(columns.upperBound, whole))
        let rest = lying.upperBound..<columns.upperBound
        var depth = 0
        repeat {
          let deep = min(Self.depthBlock, k - depth)
          var product = gemm_product(
            rows: rows, columns: 0, depth: deep, rowStride: rowStride, accumulate: accumulate || depth > 0)
          product.a_row = a.rowStride
          product.a0 = a.columnStride
          let from = a.moved(rows: row, columns: depth, size: size).pointer
          func multiply(_ columns: Range<Int>, _ panels: UnsafeRawPointer) {
            product.columns = columns.count
            kernels.block(
              &product, from, panels, c + (row * rowStride + columns.lowerBound) * size,
              depth == 0 ? rowBias.map { $0 + row * size } : nil,
              depth == 0 ? columnBias.map { $0 + columns.lowerBound * size } : nil)
          }
          let matrix = b.moved(rows: depth, columns: lying.lowerBound, size: size)
          if !lying.isEmpty {
            product.b_panel = lanes
            product.b0 = b.rowStride
            multiply(lying, matrix.pointer)
          }
          if !rest.isEmpty {
            kernels.packB(
              rest.count, deep, matrix.moved(columns: lying.count, size: size).pointer, b.columnStride, b.rowStride,
              panels.pointer)
            product.b_panel = lanes * deep
            product.b0 = lanes
            multiply(rest, panels.pointer)
          }
          depth += Self.depthBlock
        } while depth < k
      }
    }
    return !failed.load(ordering: .relaxed)
  }

  // MARK: - Packing

  /// Panels hold the blocks of depth one after another.
  private func pack(
    _ a: MatrixOperand, _ panelsA: UnsafeMutableRawPointer, _ b: MatrixOperand, _ panelsB: UnsafeMutableRawPointer?
  ) {
    if k == 0 { return }
    // Vectors that one task packs: whole panels of either operand.
    let chunk = 192
    let depthBlocks = (k + Self.depthBlock - 1) / Self.depthBlock
    let tasksA = (m + chunk - 1) / chunk * depthBlocks
    let tasksB = panelsB == nil ? 0 : (n + chunk - 1) / chunk * depthBlocks
    let size = kernels.itemSize
    let grain = max(1, (1 << 15) / (chunk * min(k, Self.depthBlock)))
    ThreadPool.parallelFor(tasksA + tasksB, grain: grain) { range in
      for task in range {
        let forA = task < tasksA
        let index = forA ? task : task - tasksA
        let depth = index % depthBlocks * Self.depthBlock
        let vector = index / depthBlocks * chunk
        let deep = min(Self.depthBlock, k - depth)
        if forA {
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

  private func multiply(
    _ panelsA: UnsafeRawPointer, _ panelsB: UnsafeRawPointer, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) {
    let size = kernels.resultSize
    let rowTiles = (m + Self.rowBlock - 1) / Self.rowBlock
    let tileRows = kernels.paddedRows((m + rowTiles - 1) / rowTiles)
    // Narrower tiles where wide ones would be too few to share out.
    var tileColumns = Self.columnBlock
    while tileColumns > 64, rowTiles * (n / tileColumns) < 8,
      Dims([tileRows, tileColumns, k]).saturatedProduct > Self.taskSize
    {
      tileColumns /= 2
    }
    let columnTiles = (n + tileColumns - 1) / tileColumns
    let grain = max(1, Self.taskSize / 4 / max(Dims([tileRows, min(tileColumns, n), k]).saturatedProduct, 1))
    ThreadPool.parallelFor(rowTiles * columnTiles, grain: grain) { range in
      for tile in range {
        let row = tile % rowTiles * tileRows
        let column = tile / rowTiles * tileColumns
        let rows = min(tileRows, m - row)
        let columns = min(tileColumns, n - column)
        if rows <= 0 { continue }
        multiplyTile(
          panelsA, panelsB, row..<(row + rows), column..<(column + columns), c + (row * rowStride + column) * size,
          rowStride: rowStride)
      }
    }
  }

  /// One tile of C, through all blocks of depth.
  private func multiplyTile(
    _ panelsA: UnsafeRawPointer, _ panelsB: UnsafeRawPointer, _ rows: Range<Int>, _ columns: Range<Int>,
    _ c: UnsafeMutableRawPointer, rowStride: Int
  ) {
    let (size, resultSize) = (kernels.itemSize, kernels.resultSize)
    var depth = 0
    repeat {
      let deep = min(Self.depthBlock, k - depth)
      let padded = kernels.paddedDepth(deep)
      let first = depth == 0
      var product = kernels.packed(
        rows: rows.count, columns: columns.count, depth: deep, rowStride: rowStride, accumulate: accumulate || !first)
      kernels.block(
        &product, panelsA + (depth * kernels.paddedRows(m) + rows.lowerBound * padded) * size,
        panelsB + (depth * kernels.paddedColumns(n) + columns.lowerBound * padded) * size, c,
        first ? rowBias.map { $0 + rows.lowerBound * resultSize } : nil,
        first ? columnBias.map { $0 + columns.lowerBound * resultSize } : nil)
      depth += Self.depthBlock
    } while depth < k
  }

  // MARK: - Deep and narrow products

  /// A small C of great depth: pieces of the depth are multiplied apart and their sums added in order. nil when
  /// the product is not of that kind.
  private func runSplit(
    _ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) -> Bool? {
    let pieceDepth = max((k / 16 + Self.depthBlock) / Self.depthBlock * Self.depthBlock, 1024)
    guard !isPiece, m * n <= 128 * 128, k >= 2 * pieceDepth, !accumulate,
      Dims([m, n, k]).saturatedProduct > 4 * Self.taskSize
    else { return nil }
    let (size, resultSize) = (kernels.itemSize, kernels.resultSize)
    let pieces = (k + pieceDepth - 1) / pieceDepth
    guard let partial = Scratch(elements: [pieces, m, n], size: resultSize) else { return false }
    let sums = partial.pointer
    let failed = Atomic(false)
    ThreadPool.parallelFor(pieces, grain: 1) { range in
      for piece in range {
        let start = piece * pieceDepth
        var part = Gemm(kernels, m: m, n: n, k: min(pieceDepth, k - start))
        part.isPiece = true
        if piece == 0 {
          part.rowBias = rowBias
          part.columnBias = columnBias
        }
        if !part.run(
          a.moved(columns: start, size: size), b.moved(rows: start, size: size), sums + piece * m * n * resultSize,
          rowStride: n)
        {
          failed.store(true, ordering: .relaxed)
        }
      }
    }
    if failed.load(ordering: .relaxed) { return false }
    for piece in 1..<pieces { kernels.add(m * n, sums, sums + piece * m * n * resultSize) }
    for row in 0..<m {
      (c + row * rowStride * resultSize).copyMemory(from: sums + row * n * resultSize, byteCount: n * resultSize)
    }
    return true
  }
}
