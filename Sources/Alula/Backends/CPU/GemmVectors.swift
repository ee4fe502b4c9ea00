/// Products in which a tile would mostly be empty.
extension Gemm {
  /// One row or one column: the matrix is read where it lies. False when this does not apply.
  func runVector(
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

  /// Few columns, each contiguous along the depth, as those of a last layer's weight: every row of A meets them one by
  /// one, where a tile would mostly be empty. False when this does not apply.
  func runNarrow(
    _ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) -> Bool {
    let size = kernels.itemSize
    guard 2 * n <= kernels.columns, k >= 64, n * k * size <= 1 << 15, a.columnStride == 1, b.rowStride == 1,
      !accumulate,
      rowBias == nil
    else { return false }
    ThreadPool.parallelFor(m, grain: max(1, Self.smallestTask / (n * k))) { range in
      for row in range {
        let sums = c + row * rowStride * size
        kernels.vector(n, k, a.moved(rows: row, size: size).pointer, 1, b.pointer, 1, b.columnStride, sums)
        if let columnBias { kernels.add(n, sums, columnBias) }
      }
    }
    return true
  }
}
