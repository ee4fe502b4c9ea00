import Alula
import CTestSupport
import Glibc
import Synchronization
import Testing

/// A forked child has one thread, whatever locks the others held: everything must work there all the same.
@Suite(.serialized) struct ForkTests {
  @Test func poolsAndGeneratorsWorkInTheChild() {
    let former = ThreadPool.threadCount
    defer { ThreadPool.threadCount = former }
    ThreadPool.threadCount = 4
    let stop = Atomic<Bool>(false)
    let failures = Atomic<Int>(0)
    // Three threads keep the locks busy while the fourth forks.
    onThreads(4) { index in
      if index == 0 {
        for _ in 0..<50 where !ctestsupport_succeeds_in_child({ childWorks() }) {
          failures.add(1, ordering: .relaxed)
        }
        stop.store(true, ordering: .relaxed)
      } else {
        while !stop.load(ordering: .relaxed) { _ = childWorks() }
      }
    }
    #expect(failures.load(ordering: .relaxed) == 0)
  }
}

/// Uses the threads, the memory and the numbers; whether they are right.
private func childWorks() -> Bool {
  let sum = Atomic<Int>(0)
  ThreadPool.parallelFor(1000, grain: 10) { range in sum.add(range.reduce(0, +), ordering: .relaxed) }
  guard sum.load(ordering: .relaxed) == 499_500 else { return false }
  for size in [10, 5_000, 100_000, 3_000_000] {
    guard let block = MemoryPool.shared.allocate(byteCount: size) else { return false }
    block.storeBytes(of: 1, as: UInt8.self)
    MemoryPool.shared.deallocate(block, byteCount: size)
  }
  return Generator.default.state.count == Generator.stateByteCount
}
