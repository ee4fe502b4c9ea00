import CSupport

/// Asks for what is read after a product, a few cache lines at a time, while the product is computed: the processor itself
/// foresees few accesses to the rows of a matrix (a weight's gradient of 768 rows of 512 by 128 that lie in memory: 1390 to
/// 1110 µs on one thread, where 1040 is all in caches).
struct GemmPrefetching {
  /// The next line to ask for, nil when all are.
  private var line: UnsafeRawPointer?
  /// Lines that are left of a run, and runs, this one included.
  private var lines: Int
  private var runs: Int
  private let linesOfRun: Int
  /// From the end of a run to the start of the next, in bytes.
  private let gap: Int
  /// Lines to ask for at a time.
  private let share: Int

  /// Of what `product` tells, in `times` parts; of nothing where that is 0.
  @inline(__always)
  init(_ product: gemm_product, times: Int) {
    line = product.next
    linesOfRun = (product.next_bytes &+ 63) / 64
    gap = product.next_step &- linesOfRun &* 64
    (runs, lines) = (product.next_runs, linesOfRun)
    share = times == 0 ? 0 : (runs &* linesOfRun &+ times &- 1) / times
  }

  /// Whether there was anything to ask for.
  @inline(__always)
  var asks: Bool { share > 0 }

  @inline(__always)
  mutating func next() {
    var left = share
    while left > 0, var address = line {
      let some = min(left, lines)
      for _ in 0..<some {
        prefetch(address)
        address += 64
      }
      left &-= some
      lines &-= some
      if lines == 0 {
        lines = linesOfRun
        runs &-= 1
        line = runs == 0 ? nil : address + gap
      } else {
        line = address
      }
    }
  }
}
