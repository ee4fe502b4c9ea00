import Synchronization

/// Blocks of at most 4 KiB that one thread holds ready, and what it has taken and given back since its last report to
/// the pool: so that most small tensors come and go without the pool's lock.
///
/// Only the thread itself changes it; others read the counts.
struct ThreadBlocks: ~Copyable {
  static let maximumSize = 4 << 10
  private static let classCount = 20
  /// Bytes that are held, and bytes that the counts may be behind.
  private static let limit = 64 << 10

  /// By size class; each block's first word is the next one's address.
  private var free = InlineArray<20, UnsafeMutableRawPointer?>(repeating: nil)
  /// Bytes held ready.
  let cached = Atomic<Int>(0)
  /// Bytes taken less bytes given back since the last report, and the most they were meanwhile.
  let live = Atomic<Int>(0)
  private(set) var peak = 0
  /// The next thread's in the pool's list.
  var next: UnsafeMutablePointer<ThreadBlocks>?

  /// Nil when there is none ready, or a report is due.
  @inline(__always)
  mutating func take(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    let index = SmallBlocks.sizeClass(of: byteCount)
    let taken = live.load(ordering: .relaxed) &+ byteCount
    guard taken <= Self.limit, let block = free[index] else { return nil }
    free[index] = block.load(as: UnsafeMutableRawPointer?.self)
    Self.add(-SmallBlocks.blockSize(index), to: cached)
    live.store(taken, ordering: .relaxed)
    if taken > peak { peak = taken }
    return block
  }

  /// False when there are enough, or a report is due.
  @inline(__always)
  mutating func put(_ block: UnsafeMutableRawPointer, _ byteCount: Int) -> Bool {
    let index = SmallBlocks.sizeClass(of: byteCount)
    let taken = live.load(ordering: .relaxed) &- byteCount
    guard taken >= -Self.limit, cached.load(ordering: .relaxed) <= Self.limit else { return false }
    block.storeBytes(of: free[index], as: UnsafeMutableRawPointer?.self)
    free[index] = block
    Self.add(SmallBlocks.blockSize(index), to: cached)
    live.store(taken, ordering: .relaxed)
    return true
  }

  /// One thread writes, so that this needs no atomic addition.
  @inline(__always)
  private static func add(_ change: Int, to count: borrowing Atomic<Int>) {
    count.store(count.load(ordering: .relaxed) &+ change, ordering: .relaxed)
  }

  /// Gives all blocks back.
  mutating func drain(into small: inout SmallBlocks) {
    for index in 0..<Self.classCount {
      while let block = free[index] {
        free[index] = block.load(as: UnsafeMutableRawPointer?.self)
        small.deallocate(block, SmallBlocks.blockSize(index))
      }
    }
    cached.store(0, ordering: .relaxed)
  }

  /// Starts the counts anew.
  mutating func resetCounts() {
    live.store(0, ordering: .relaxed)
    peak = 0
  }
}
