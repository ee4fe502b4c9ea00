import CSupport

/// Products so small that packing and tiles take longer than the arithmetic, and stacks of them.
extension Gemm {
  /// The most multiply-adds of a small product (40 × 40 × 40, a stack of 20: 46 to 26 µs).
  private static let smallSize = 1 << 16
  /// The largest B, in bytes, whose columns fill no more than a vector: it stays in the first-level cache for any number
  /// of rows, and the tile of a panel would be half empty.
  private static let narrowSize = 1 << 15
  /// Rows that the kernel takes at once.
  private static let smallRows = 8

  private var isNarrow: Bool { 2 * n <= kernels.columns }

  /// Whether the kernel of small products suits this one.
  private var isSmall: Bool {
    kernels.small != nil && k > 0 && !accumulate && rowBias == nil && rounding == nil
      && (saturatedProduct(m, n, k) <= Self.smallSize
        || isNarrow && saturatedProduct(n, k, kernels.itemSize) <= Self.narrowSize)
  }

  /// nil when this product is not small, false when there is no memory to rearrange operands in.
  func runSmall(_ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int) -> Bool? {
    if let done = runTurned(a, b, c, rowStride: rowStride) { return done }
    guard isSmall else { return nil }
    if m / Self.smallRows * saturatedProduct(Self.smallRows, n, k) <= 2 * Self.smallestTask {
      return withUnsafePointer(to: 0) { runSmall(1, a, $0, b, $0, c, rowStride: rowStride) }
    }
    if b.columnStride == 1 {
      runBlocks(a, b, c, rowStride: rowStride)
      return true
    }
    guard let rows = Scratch(n, k, size: kernels.itemSize) else { return false }
    lay(b, rows.pointer)
    runBlocks(
      a, MatrixOperand(pointer: rows.pointer, rowStride: n, columnStride: 1), c, rowStride: rowStride)
    return true
  }

  /// Blocks of rows, shared out; B's rows are contiguous.
  private func runBlocks(_ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int) {
    let blocks = (m + Self.smallRows - 1) / Self.smallRows
    let work = saturatedProduct(Self.smallRows, n, k)
    ThreadPool.parallelFor(blocks, grain: max(1, Self.smallestTask / work)) { range in
      let rows = range.lowerBound * Self.smallRows..<min(m, range.upperBound * Self.smallRows)
      var part = Gemm(kernels, m: rows.count, n: n, k: k)
      part.columnBias = columnBias
      let to = c + rows.lowerBound * rowStride * elementSize
      withUnsafePointer(to: 0) {
        _ = part.runSmall(
          1, a.moved(rows: rows.lowerBound, size: kernels.itemSize), $0, b, $0, to, rowStride: rowStride)
      }
    }
  }

  /// Few columns of an A whose columns lie side by side, as for the gradient of a last layer's weight: cᵀ = bᵀ aᵀ, for which
  /// A is read as it lies. nil when this product is not of that kind.
  private func runTurned(
    _ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) -> Bool? {
    guard isNarrow, a.rowStride == 1, a.columnStride != 1, m >= 64, k >= 32, !accumulate, rounding == nil,
      kernels.depthUnit == 1, saturatedProduct(m, n, k) > Self.smallSize
    else { return nil }
    let size = kernels.resultSize
    guard let turned = Scratch(m, n, size: size) else { return false }
    var product = Gemm(kernels, m: n, n: m, k: k)
    (product.rowBias, product.columnBias) = (columnBias, rowBias)
    if !product.run(b.transposed, a.transposed, turned.pointer, rowStride: m) { return false }
    kernels.transpose(m, n, c, rowStride * size, turned.pointer, m * size)
    return true
  }

  /// Some products of a stack, into matrices that lie one after the other from `c` on. Offsets are those of each
  /// operand, in elements. False, with the results undefined, when there is no memory for panels.
  func runStack(
    _ range: Range<Int>, _ a: MatrixOperand, _ offsetsA: [Int], _ b: MatrixOperand, _ offsetsB: [Int],
    _ c: UnsafeMutableRawPointer
  ) -> Bool {
    let step = m * n * elementSize
    // Vectors and dot products of some length have quicker kernels.
    let isDeep = k >= 32 && (m == 1 || n == 1 || (a.columnStride == 1 && b.rowStride == 1))
    if isSmall, !isDeep {
      return offsetsA.withUnsafeBufferPointer { offsetsA in
        offsetsB.withUnsafeBufferPointer { offsetsB in
          guard let offsetsA = offsetsA.baseAddress, let offsetsB = offsetsB.baseAddress else { return true }
          return runSmall(
            range.count, a, offsetsA + range.lowerBound, b, offsetsB + range.lowerBound, c + range.lowerBound * step,
            rowStride: n)
        }
      }
    }
    let size = kernels.itemSize
    for i in range {
      let (a, b) = (a.moved(by: offsetsA[i], size: size), b.moved(by: offsetsB[i], size: size))
      if !run(a, b, c + i * step, rowStride: n) { return false }
    }
    return true
  }

  private func runSmall(
    _ count: Int, _ a: MatrixOperand, _ offsetsA: UnsafePointer<Int>, _ b: MatrixOperand,
    _ offsetsB: UnsafePointer<Int>, _ c: UnsafeMutableRawPointer, rowStride: Int
  ) -> Bool {
    guard let small = kernels.small else { return false }
    var products = gemm_small(
      count: count, rows: m, columns: n, depth: k, a_row: a.rowStride, a_depth: a.columnStride, b_row: b.rowStride,
      c_row: rowStride, c_step: m * n)
    if b.columnStride == 1 || n == 1 {
      small(&products, a.pointer, offsetsA, b.pointer, offsetsB, c, columnBias)
      return true
    }
    let (size, resultSize) = (kernels.itemSize, kernels.resultSize)
    products.b_row = n
    // Each B in rows first, many in memory that stays in a cache.
    let batch = min(count, max(1, Self.narrowSize / max(1, saturatedProduct(n, k, size))))
    guard let rows = Scratch(batch, n, k, size: size) else { return false }
    return withUnsafeTemporaryAllocation(of: Int.self, capacity: batch) { origins in
      guard let origins = origins.baseAddress else { return false }
      for i in 0..<batch { origins[i] = i * n * k }
      for first in stride(from: 0, to: count, by: batch) {
        products.count = min(batch, count - first)
        for i in 0..<products.count {
          lay(b.moved(by: offsetsB[first + i], size: size), rows.pointer + i * n * k * size)
        }
        small(
          &products, a.pointer, offsetsA + first, rows.pointer, origins, c + first * m * n * resultSize, columnBias)
      }
      return true
    }
  }

  /// Copies B to `rows`, without gaps.
  private func lay(_ b: MatrixOperand, _ rows: UnsafeMutableRawPointer) {
    let size = kernels.itemSize
    if b.rowStride == 1 {
      return kernels.transpose(k, n, rows, n * size, b.pointer, b.columnStride * size)
    }
    for row in 0..<k {
      for column in 0..<n {
        (rows + (row * n + column) * size).copyMemory(
          from: b.moved(rows: row, columns: column, size: size).pointer, byteCount: size)
      }
    }
  }
}
