/// Memory for the length of one operation.
struct Scratch: ~Copyable, @unchecked Sendable {
  // Unchecked: threads write disjoint parts.
  let pointer: UnsafeMutableRawPointer
  private let byteCount: Int

  /// nil when there is no memory for `a * b * c * d` elements of `size` bytes.
  init?(_ a: Int, _ b: Int = 1, _ c: Int = 1, _ d: Int = 1, size: Int) {
    // Sizes as such: a list of them would allocate memory.
    byteCount = saturatedProduct(a, b, c, d, size)
    guard byteCount <= Dims.maximumProduct, let pointer = MemoryPool.shared.allocate(byteCount: byteCount) else {
      return nil
    }
    self.pointer = pointer
  }

  /// Fills it with zeros, for kernels that also compute with what nobody writes, and throw that away: it might be subnormal
  /// numbers, as integers are that were there before, and a multiplication of these takes a hundred times as long.
  func clear() { clear(0..<byteCount, size: 1) }

  /// The same with some elements of `size` bytes.
  func clear(_ elements: Range<Int>, size: Int) {
    (pointer + elements.lowerBound * size).initializeMemory(
      as: UInt8.self, repeating: 0, count: elements.count * size)
  }

  deinit { MemoryPool.shared.deallocate(pointer, byteCount: byteCount) }
}

/// The product of sizes, or the largest integer when it overflows.
func saturatedProduct(_ a: Int, _ b: Int, _ c: Int = 1, _ d: Int = 1, _ e: Int = 1) -> Int {
  if a == 0 || b == 0 || c == 0 || d == 0 || e == 0 { return 0 }
  func times(_ x: Int, _ y: Int) -> Int {
    let (product, overflows) = x.multipliedReportingOverflow(by: y)
    return overflows ? Int.max : product
  }
  return times(times(times(times(a, b), c), d), e)
}
