import Synchronization

/// Deep and narrow products.
extension Gemm {
  /// A small C of great depth: pieces of the depth are multiplied apart and their sums added in order. nil when
  /// the product is not of that kind.
  func runSplit(
    _ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) -> Bool? {
    let pieceDepth = max((k / 16 + Self.depthBlock) / Self.depthBlock * Self.depthBlock, 1024)
    guard !isPiece, m * n <= 128 * 128, k >= 2 * pieceDepth, !accumulate,
      saturatedProduct(m, n, k) > 4 * Self.taskSize
    else { return nil }
    let (size, resultSize) = (kernels.itemSize, kernels.resultSize)
    let pieces = (k + pieceDepth - 1) / pieceDepth
    guard let partial = Scratch(pieces, m, n, size: resultSize) else { return false }
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
    if let rounding {
      rounding.store(rows: m, columns: n, sums, sumStride: n, c, rowStride: rowStride)
      return true
    }
    for row in 0..<m {
      (c + row * rowStride * resultSize).copyMemory(from: sums + row * n * resultSize, byteCount: n * resultSize)
    }
    return true
  }
}
