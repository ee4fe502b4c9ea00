import CSupport

/// Products in which a tile would mostly be empty.
extension Gemm {
  /// One row or one column: the matrix is read where it lies. False when this does not apply.
  func runVector(
    _ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) -> Bool {
    guard m == 1 || (n == 1 && rowStride == 1 && columnBias == nil), !accumulate, rowBias == nil else { return false }
    // c = x M for a row; for a column its transpose, cᵀ = bᵀ aᵀ.
    let count = m == 1 ? n : m
    let (x, xStride) = m == 1 ? (a.pointer, a.columnStride) : (b.pointer, b.rowStride)
    let (matrix, rowStep, columnStep) =
      m == 1 ? (b.pointer, b.rowStride, b.columnStride) : (a.pointer, a.columnStride, a.rowStride)
    let size = kernels.itemSize
    if columnStep != 1 || count >= 4096 || !runVectorByRows(count, x, xStride, matrix, rowStep, c) {
      let grain = max(64, Self.smallestTask / max(k, 1) / 64 * 64)
      ThreadPool.parallelFor(count, grain: grain) { range in
        kernels.vector(
          range.count, k, x, xStride, matrix + range.lowerBound * columnStep * size, rowStep, columnStep,
          c + range.lowerBound * size)
      }
    }
    if let columnBias { kernels.add(n, c, columnBias) }
    return true
  }

  /// A matrix whose rows are contiguous and not long is read in blocks of whole rows, as it lies, and their sums are
  /// added in order. False when it is too small to be shared out.
  private func runVectorByRows(
    _ count: Int, _ x: UnsafeRawPointer, _ xStride: Int, _ matrix: UnsafeRawPointer, _ rowStep: Int,
    _ c: UnsafeMutableRawPointer
  ) -> Bool {
    let rows = max(64, Self.smallestTask / count)
    let pieces = (k + rows - 1) / rows
    let size = kernels.itemSize
    guard pieces > 1, let partial = Scratch(pieces - 1, count, size: size) else { return false }
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

  /// Few rows or few columns, all of them contiguous along the depth, as a small batch and a weight, or many activations and
  /// a last layer's weight: both are read where they lie (2×1024×1024: 225 to 62 µs). False when this does not apply.
  func runDots(
    _ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) -> Bool {
    let size = kernels.itemSize
    guard let dots = kernels.dots, k >= 32, a.columnStride == 1, b.rowStride == 1, !accumulate, rowBias == nil
    else { return false }
    func multiply(_ rows: Range<Int>, _ columns: Range<Int>) {
      var shape = gemm_dots(
        rows: rows.count, columns: columns.count, depth: k, a_row: a.rowStride, b_row: b.columnStride, c_row: rowStride)
      dots(
        &shape, a.moved(rows: rows.lowerBound, size: size).pointer,
        b.moved(columns: columns.lowerBound, size: size).pointer,
        c + (rows.lowerBound * rowStride + columns.lowerBound) * size, columnBias.map { $0 + columns.lowerBound * size }
      )
    }
    // A meets every four columns anew; what packing B costs is shared by the rows, and what it costs to add up the lanes
    // by the depth.
    if m <= 4 || (m <= max(8, min(32, k / 16)) && m * k * size <= 1 << 19) {
      ThreadPool.parallelFor(n, grain: max(4, Self.smallestTask / (m * k) / 4 * 4)) { multiply(0..<m, $0) }
    } else if n == 1, rowStride == 1, columnBias == nil {
      // cᵀ = bᵀ aᵀ.
      return Gemm(kernels, m: 1, n: m, k: k).runDots(b.transposed, a.transposed, c, rowStride: m)
    } else if 2 * n <= kernels.columns, n * k * size <= 1 << 15 {
      ThreadPool.parallelFor(m, grain: max(4, Self.smallestTask / (n * k))) { multiply($0, 0..<n) }
    } else {
      return false
    }
    return true
  }
}
