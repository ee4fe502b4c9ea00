import Alula
import Glibc
import Synchronization
import Testing

/// Serialised: the tests set the process-wide thread count.
@Suite(.serialized) struct ThreadPoolTests {
  /// Runs `body` with the given thread count and restores the former one.
  private func with(threads: Int, _ body: () -> Void) {
    let former = ThreadPool.threadCount
    ThreadPool.threadCount = threads
    body()
    ThreadPool.threadCount = former
  }

  /// How often each index of `0..<count` is visited.
  private func visits(_ count: Int, grain: Int) -> [Int] {
    var result = [Int](repeating: 0, count: count)
    result.withUnsafeMutableBufferPointer { buffer in
      nonisolated(unsafe) let buffer = buffer
      ThreadPool.parallelFor(count, grain: grain) { range in
        for i in range { buffer[i] += 1 }
      }
    }
    return result
  }

  @Test(arguments: [1, 2, 5]) func everyIndexOnce(threads: Int) {
    with(threads: threads) {
      for (count, grain) in [(1, 1), (7, 3), (8, 4), (1000, 1), (1000, 999), (1000, 1000), (12345, 100)] {
        #expect(visits(count, grain: grain) == Array(repeating: 1, count: count))
      }
    }
  }

  @Test func emptyAndOddArguments() {
    ThreadPool.parallelFor(0, grain: 4) { _ in Issue.record("called for an empty range") }
    ThreadPool.parallelFor(-3, grain: 4) { _ in Issue.record("called for a negative count") }
    #expect(visits(5, grain: 0) == Array(repeating: 1, count: 5))
    #expect(visits(5, grain: .max) == Array(repeating: 1, count: 5))
  }

  @Test(arguments: [1, 2, 3, 8]) func rangesDoNotDependOnThreads(threads: Int) {
    with(threads: threads) {
      // A place of its own for each range: ThreadSanitizer does not see the locks of the standard library.
      let ranges = UnsafeMutableBufferPointer<Range<Int>>.allocate(capacity: 11)
      defer { ranges.deallocate() }
      ranges.initialize(repeating: 0..<0)
      ThreadPool.parallelFor(103, grain: 10) { range in ranges[range.lowerBound / 10] = range }
      #expect(Array(ranges) == stride(from: 0, to: 103, by: 10).map { $0..<min($0 + 10, 103) })
    }
  }

  @Test func nestedLoopsRunInline() {
    with(threads: 4) {
      let total = Atomic<Int>(0)
      ThreadPool.parallelFor(20, grain: 1) { outer in
        let thread = pthread_self()
        ThreadPool.parallelFor(50, grain: 3) { inner in
          #expect(pthread_equal(thread, pthread_self()) != 0)
          total.add(inner.count, ordering: .relaxed)
        }
        ThreadPool.threadCount = 4  // Setting it inside a loop must not wait for the loop.
      }
      #expect(total.load(ordering: .relaxed) == 1000)
    }
  }

  @Test func severalCallersAtOnce() {
    with(threads: 3) {
      let failures = Atomic<Int>(0)
      onThreads(6) { index in
        for round in 0..<300 {
          let count = 200 + (round * 7 + index) % 100
          if visits(count, grain: 1 + round % 9) != Array(repeating: 1, count: count) {
            failures.add(1, ordering: .relaxed)
          }
          if index == 0, round % 50 == 49 { ThreadPool.threadCount = 2 + round / 50 }
        }
      }
      #expect(failures.load(ordering: .relaxed) == 0)
    }
  }

  @Test func threadCountIsClamped() {
    with(threads: 0) { #expect(ThreadPool.threadCount == 1) }
    with(threads: -5) { #expect(ThreadPool.threadCount == 1) }
    with(threads: .max) { #expect(ThreadPool.threadCount == ThreadPool.maximumThreadCount) }
  }

  @Test func writesOfALoopAreVisibleToTheNext() {
    with(threads: 4) {
      var sums = [Int](repeating: 0, count: 64)
      sums.withUnsafeMutableBufferPointer { buffer in
        nonisolated(unsafe) let buffer = buffer
        for round in 1...2_000 {
          ThreadPool.parallelFor(64, grain: 4) { for i in $0 { buffer[i] += round } }
        }
      }
      #expect(sums == Array(repeating: 2_001_000, count: 64))
    }
  }
}

/// Runs `body(index)` on `count` new threads and waits for them.
func onThreads(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
  final class Start {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }
  var threads: [pthread_t] = []
  for index in 0..<count {
    var thread = pthread_t()
    let start = Unmanaged.passRetained(Start { body(index) })
    let result = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Start>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, start.toOpaque())
    #expect(result == 0)
    if result == 0 { threads.append(thread) }
  }
  for thread in threads { pthread_join(thread, nil) }
}
