import CSupport
import Glibc

/// Where tensors' memory comes from: 64-byte aligned blocks that are kept for reuse.
///
/// Small blocks are carved from slabs, one size class each, four classes per power of two. Large ones are
/// mapped one by one, and reused for requests of a similar size. So a training loop, which asks for the same sizes in
/// every step, soon causes no page faults, while what is mapped stays near the most that was needed at once.
public final class MemoryPool: Sendable {
  /// The pool that all tensors share.
  public static let shared = MemoryPool()

  /// Every block's address is a multiple of this.
  public static let alignment = 64

  /// Guards everything behind `small`, `large` and `counts`.
  private let lock = FutexLock()
  private nonisolated(unsafe) let small: UnsafeMutablePointer<SmallBlocks>
  private nonisolated(unsafe) let large: UnsafeMutablePointer<LargeBlocks>
  private nonisolated(unsafe) let counts: UnsafeMutablePointer<Counts>

  private struct Counts {
    var live = 0
    var peak = 0
  }

  private init() {
    small = .allocate(capacity: 1)
    small.initialize(to: SmallBlocks())
    large = .allocate(capacity: 1)
    large.initialize(to: LargeBlocks())
    counts = .allocate(capacity: 1)
    counts.initialize(to: Counts())
    _ = pthread_atfork(
      { MemoryPool.shared.lock.lock() },
      { MemoryPool.shared.lock.unlock() },
      { MemoryPool.shared.lock.resetAfterFork() })
  }

  // MARK: - Blocks

  /// A block of at least `byteCount` bytes with undefined contents, or nil when there is no such memory.
  ///
  /// Zero bytes give a block, too. Negative and impossible sizes give nil.
  public func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
    guard byteCount >= 0 else { return nil }
    lock.lock()
    let block =
      byteCount <= SmallBlocks.maximumSize
      ? small.pointee.allocate(byteCount) : large.pointee.takeCached(byteCount)
    if let block {
      count(byteCount)
      lock.unlock()
      return block
    }
    lock.unlock()
    return allocateAnew(byteCount)
  }

  /// Takes back a block that `allocate` gave for the same `byteCount`.
  public func deallocate(_ block: UnsafeMutableRawPointer, byteCount: Int) {
    lock.lock()
    counts.pointee.live &-= byteCount
    if byteCount <= SmallBlocks.maximumSize {
      small.pointee.deallocate(block, byteCount)
      lock.unlock()
    } else {
      let surplus = large.pointee.deallocate(block)
      lock.unlock()
      LargeBlocks.unmap(surplus)
    }
  }

  @inline(__always)
  private func count(_ byteCount: Int) {
    counts.pointee.live &+= byteCount
    if counts.pointee.live > counts.pointee.peak { counts.pointee.peak = counts.pointee.live }
  }

  /// Asks the system, which is done without the lock.
  @inline(never)
  private func allocateAnew(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    if byteCount <= SmallBlocks.maximumSize {
      guard let slab = orAfterTrim({ SmallBlocks.mapSlab() }) else { return nil }
      lock.lock()
      defer { lock.unlock() }
      small.pointee.add(slab: slab, for: byteCount)
      guard let block = small.pointee.allocate(byteCount) else { return nil }
      count(byteCount)
      return block
    }
    guard let size = LargeBlocks.mappedSize(for: byteCount) else { return nil }
    lock.lock()
    let surplus = large.pointee.makeRoom(for: size)
    lock.unlock()
    LargeBlocks.unmap(surplus)
    guard let base = orAfterTrim({ LargeBlocks.map(size) }) else { return nil }
    lock.lock()
    defer { lock.unlock() }
    count(byteCount)
    return large.pointee.add(base, size: size)
  }

  private func orAfterTrim(_ map: () -> UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let memory = map() { return memory }
    trim()
    return map()
  }

  // MARK: - Counters

  /// The bytes asked for and not yet given back.
  public var liveBytes: Int {
    lock.lock()
    defer { lock.unlock() }
    return counts.pointee.live
  }

  /// The most that `liveBytes` has been since the start or the latest `resetPeak()`.
  public var peakBytes: Int {
    lock.lock()
    defer { lock.unlock() }
    return counts.pointee.peak
  }

  /// The bytes kept for reuse.
  public var cachedBytes: Int {
    lock.lock()
    defer { lock.unlock() }
    return small.pointee.cachedBytes &+ large.pointee.cachedBytes
  }

  /// Makes `peakBytes` start again from `liveBytes`.
  public func resetPeak() {
    lock.lock()
    counts.pointee.peak = counts.pointee.live
    lock.unlock()
  }

  /// Gives everything that is kept for reuse back to the system, except parts of slabs that are still in use.
  public func trim() {
    lock.lock()
    let slabs = small.pointee.takeFreeSlabs()
    let surplus = large.pointee.takeAllCached()
    lock.unlock()
    SmallBlocks.unmap(slabs)
    LargeBlocks.unmap(surplus)
  }
}

/// Private, zeroed pages, or nil.
func mapPages(_ byteCount: Int) -> UnsafeMutableRawPointer? {
  let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
  return address == UnsafeMutableRawPointer(bitPattern: -1) ? nil : address
}
