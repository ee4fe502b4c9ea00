/// How the sums of a product become elements of a narrower dtype: a task's sums stay in its cache until they are complete,
/// so that memory sees no more than the result.
struct GemmRounding: Sendable {
  private let kernel: ElementwiseKernel
  private let sumSize: Int
  let itemSize: Int

  /// Nil when there is no kernel for it.
  init?(from sums: DType, to result: DType) {
    guard let kernel = KernelTable.shared.cast(from: sums, to: result) else { return nil }
    self.kernel = kernel
    (sumSize, itemSize) = (sums.itemSize, result.itemSize)
  }

  /// Rounds rows of sums, `sumStride` elements apart, into rows of C.
  func store(
    rows: Int, columns: Int, _ sums: UnsafeMutableRawPointer, sumStride: Int, _ c: UnsafeMutableRawPointer,
    rowStride: Int
  ) {
    // The result is not stored past the caches.
    let strides = [itemSize, sumSize, 0, 0, 0]
    var data: [UnsafeMutablePointer<CChar>?] = [nil, nil]
    for row in 0..<rows {
      data[0] = (c + row * rowStride * itemSize).assumingMemoryBound(to: CChar.self)
      data[1] = (sums + row * sumStride * sumSize).assumingMemoryBound(to: CChar.self)
      kernel(columns, data, strides, nil)
    }
  }
}
