import CSupport

/// Products so small that packing and tiles take longer than the arithmetic, and stacks of them.
extension Gemm {
  /// The most multiply-adds of a small product (40 × 40 × 40, a stack of 20: 46 to 26 µs), and of one whose columns fill no
  /// more than a vector: the tile of a panel would be half empty.
  private static let smallSize = 1 << 16
  private static let smallNarrowSize = 1 << 17

  /// Whether the kernel of small products suits this one.
  private var isSmall: Bool {
    kernels.small != nil && k > 0 && !accumulate && rowBias == nil && rounding == nil
      && saturatedProduct(m, n, k) <= (2 * n <= kernels.columns ? Self.smallNarrowSize : Self.smallSize)
  }

  /// nil when this product is not small, false when there is no memory to rearrange B in.
  func runSmall(_ a: MatrixOperand, _ b: MatrixOperand, _ c: UnsafeMutableRawPointer, rowStride: Int) -> Bool? {
    guard isSmall else { return nil }
    return withUnsafePointer(to: 0) { runSmall(1, a, $0, b, $0, c, rowStride: rowStride) }
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
    // The columns of each B in panels first.
    let (size, lanes) = (kernels.itemSize, kernels.columns)
    guard let panels = Scratch(kernels.paddedColumns(n), k, size: size) else { return false }
    products.count = 1
    products.b_row = lanes
    var origin = 0
    for i in 0..<count {
      let b = b.moved(by: offsetsB[i], size: size)
      kernels.packB(n, k, b.pointer, b.columnStride, b.rowStride, panels.pointer)
      for column in stride(from: 0, to: n, by: lanes) {
        products.columns = min(lanes, n - column)
        small(
          &products, a.pointer, offsetsA + i, panels.pointer + column * k * size, &origin,
          c + (i * m * rowStride + column) * size, columnBias.map { $0 + column * size })
      }
    }
    return true
  }
}
