import CSupport
import Synchronization

/// A mutual-exclusion lock of one word that, unlike `Synchronization.Mutex`, can be reset in the child
/// of a `fork` (that one records its owner's thread, which the child does not have).
package struct FutexLock: @unchecked Sendable {  // The word is only touched atomically.
  // 0: free, 1: held, 2: held and somebody may sleep.
  private let word: UnsafeMutablePointer<Atomic<UInt32>>

  /// The word is never freed: locks live as long as the process.
  package init() {
    word = .allocate(capacity: 1)
    word.initialize(to: Atomic(0))
  }

  @inline(__always)
  package func lock() {
    if !word.pointee.weakCompareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged {
      lockSlowly()
    }
  }

  @inline(__always)
  package func unlock() {
    if word.pointee.exchange(0, ordering: .releasing) == 2 { csupport_futex_wake(word, 1) }
  }

  /// Forgets the owner. Only for the child of a `fork`, whose other threads are gone.
  package func resetAfterFork() {
    word.pointee.store(0, ordering: .releasing)
  }

  @inline(never)
  private func lockSlowly() {
    // Sections are some nanoseconds long: the owner is most likely about to leave.
    for _ in 0..<100 {
      if word.pointee.load(ordering: .relaxed) == 0,
        word.pointee.compareExchange(expected: 0, desired: 1, ordering: .acquiring).exchanged
      {
        return
      }
      csupport_pause()
    }
    while word.pointee.exchange(2, ordering: .acquiring) != 0 { csupport_futex_wait(word, 2) }
  }
}
