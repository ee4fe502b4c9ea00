import CSupport

/// Asks for what is read after a product, a few cache lines at a time, while the product is computed: the processor itself
/// foresees few accesses to the rows of a matrix (a weight's gradient of 768 rows of 512 by 128 that lie in memory: 1390 to
/// 1110 µs on one thread, where 1040 is all in caches).
struct GemmPrefetching {
  private var line: UnsafeRawPointer?
  /// Lines that are left of a run, and runs, this one included.
  private var lines = 0
  private var runs = 0
  private let linesOfRun: Int
  /// From the end of a run to the start of the next, in bytes.
  private let gap: Int
  /// Lines to ask for at a time.
  private var share = 0

  /// Of what `product` tells, in `times` parts.
  @inline(__always)
  init(_ product: UnsafePointer<gemm_product>, times: Int) {
    let product = product.pointee
    line = product.next
    linesOfRun = (product.next_bytes &+ 63) / 64
    gap = product.next_step &- linesOfRun &* 64
    if product.next_runs > 0, linesOfRun > 0, times > 0 {
      (runs, lines) = (product.next_runs, linesOfRun)
      share = (runs &* linesOfRun &+ times &- 1) / times
    }
  }

  @inline(__always)
  mutating func next() {
    for _ in 0..<share {
      guard let address = line else { return }
      prefetch(address)
      line = address + 64
      lines &-= 1
      if lines == 0 {
        line = address + (64 &+ gap)
        lines = linesOfRun
        runs &-= 1
        if runs == 0 {
          share = 0
          line = nil
        }
      }
    }
  }
}
