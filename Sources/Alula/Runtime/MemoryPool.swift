import CSupport
import Glibc

/// Where tensors' memory comes from: 64-byte aligned blocks that are kept for reuse.
///
/// Small blocks are carved from slabs, one size class each, four classes per power of two; each thread holds some of
/// them ready. Large ones are cut from huge pages or mapped one by one, and reused for requests of a similar size. So a
/// training loop, which asks for the same sizes in every step, soon causes no page faults, while what is mapped stays near
/// the most that was needed at once.
public final class MemoryPool: Sendable {
  /// The pool that all tensors share.
  public static let shared = MemoryPool()

  /// Every block's address is a multiple of this.
  public static let alignment = 64

  /// Guards everything behind `small`, `large`, `reserve` and `counts`, the list of threads included.
  private let lock = FutexLock()
  private nonisolated(unsafe) let small: UnsafeMutablePointer<SmallBlocks>
  private nonisolated(unsafe) let large: UnsafeMutablePointer<LargeBlocks>
  private nonisolated(unsafe) let reserve: UnsafeMutablePointer<PageReserve>
  private nonisolated(unsafe) let counts: UnsafeMutablePointer<Counts>
  /// Takes a thread's blocks back at its end.
  private let threadEnd: pthread_key_t

  private typealias ThreadPointer = UnsafeMutablePointer<ThreadBlocks>

  /// What threads have reported, and the first of them.
  private struct Counts {
    var live = 0
    var peak = 0
    var threads: ThreadPointer?
  }

  private init() {
    small = .allocate(capacity: 1)
    small.initialize(to: SmallBlocks())
    large = .allocate(capacity: 1)
    large.initialize(to: LargeBlocks())
    reserve = .allocate(capacity: 1)
    reserve.initialize(to: PageReserve())
    counts = .allocate(capacity: 1)
    counts.initialize(to: Counts())
    var key = pthread_key_t()
    _ = pthread_key_create(&key) { _ in MemoryPool.shared.endThread() }
    threadEnd = key
    _ = pthread_atfork(
      { MemoryPool.shared.lock.lock() },
      { MemoryPool.shared.lock.unlock() },
      {
        MemoryPool.shared.forgetOtherThreads()
        MemoryPool.shared.lock.resetAfterFork()
      })
  }

  // MARK: - Blocks

  /// A block of at least `byteCount` bytes with undefined contents, or nil when there is no such memory.
  ///
  /// Zero bytes give a block, too. Negative and impossible sizes give nil.
  @inline(__always)
  public func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
    if byteCount <= ThreadBlocks.maximumSize, byteCount >= 0, let block = ownBlocks?.pointee.take(byteCount) {
      return block
    }
    return allocateShared(byteCount)
  }

  /// Takes back a block that `allocate` gave for the same `byteCount`.
  @inline(__always)
  public func deallocate(_ block: UnsafeMutableRawPointer, byteCount: Int) {
    if byteCount <= ThreadBlocks.maximumSize, ownBlocks?.pointee.put(block, byteCount) == true { return }
    deallocateShared(block, byteCount)
  }

  @inline(never)
  private func allocateShared(_ byteCount: Int) -> UnsafeMutableRawPointer? {
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

  @inline(never)
  private func deallocateShared(_ block: UnsafeMutableRawPointer, _ byteCount: Int) {
    if byteCount <= ThreadBlocks.maximumSize, ownBlocks == nil { beginThread() }
    lock.lock()
    count(-byteCount)
    if byteCount <= SmallBlocks.maximumSize {
      small.pointee.deallocate(block, byteCount)
      if byteCount <= ThreadBlocks.maximumSize { ownBlocks?.pointee.drain(into: &small.pointee) }
      lock.unlock()
    } else {
      let surplus = large.pointee.deallocate(block)
      lock.unlock()
      LargeBlocks.unmap(surplus)
    }
  }

  /// Counts after what the thread has not reported yet, so that the peak of a single thread is exact; those of several
  /// add up to what their counts are behind.
  private func count(_ byteCount: Int) {
    report()
    counts.pointee.live &+= byteCount
    counts.pointee.peak = max(counts.pointee.peak, counts.pointee.live)
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
    guard let base = orAfterTrim({ mapBlock(size) }) else { return nil }
    lock.lock()
    defer { lock.unlock() }
    count(byteCount)
    return large.pointee.add(base, size: size)
  }

  /// Pages for a large block, zeroed.
  private func mapBlock(_ size: Int) -> UnsafeMutableRawPointer? {
    if size > PageReserve.largestBlock { return PageReserve.mapHugePages(size) }
    lock.lock()
    let block = reserve.pointee.cut(size)
    lock.unlock()
    if let block { return block }
    guard let pages = PageReserve.map() else { return mapPages(size) }
    lock.lock()
    let rest = reserve.pointee.refill(pages)
    let first = reserve.pointee.cut(size)
    lock.unlock()
    if let address = rest.baseAddress, rest.count > 0 { munmap(address, rest.count) }
    return first
  }

  private func orAfterTrim(_ map: () -> UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let memory = map() { return memory }
    trim()
    return map()
  }

  // MARK: - Threads

  private var ownBlocks: ThreadPointer? {
    @inline(__always)
    get { csupport_current_thread().pointee.blocks?.assumingMemoryBound(to: ThreadBlocks.self) }
  }

  private func beginThread() {
    let own = ThreadPointer.allocate(capacity: 1)
    own.initialize(to: ThreadBlocks())
    lock.lock()
    own.pointee.next = counts.pointee.threads
    counts.pointee.threads = own
    lock.unlock()
    csupport_current_thread().pointee.blocks = UnsafeMutableRawPointer(own)
    pthread_setspecific(threadEnd, own)
  }

  private func endThread() {
    guard let own = ownBlocks else { return }
    lock.lock()
    report()
    own.pointee.drain(into: &small.pointee)
    if counts.pointee.threads == own { counts.pointee.threads = own.pointee.next }
    var thread = counts.pointee.threads
    while let current = thread {
      if current.pointee.next == own { current.pointee.next = own.pointee.next }
      thread = current.pointee.next
    }
    lock.unlock()
    csupport_current_thread().pointee.blocks = nil
    own.deinitialize(count: 1)
    own.deallocate()
  }

  /// Counts what the calling thread has taken and given back. With the lock held.
  private func report() {
    guard let own = ownBlocks else { return }
    counts.pointee.peak = max(counts.pointee.peak, counts.pointee.live &+ own.pointee.peak)
    counts.pointee.live &+= own.pointee.live.load(ordering: .relaxed)
    own.pointee.resetCounts()
  }

  /// In the child of a `fork`: the blocks that threads it lacks held ready may be half linked, and are lost to it.
  private func forgetOtherThreads() {
    report()
    counts.pointee.live = totalLive
    ownBlocks?.pointee.next = nil
    counts.pointee.threads = ownBlocks
  }

  // MARK: - Counters

  /// With the lock held.
  private var totalLive: Int {
    var total = counts.pointee.live
    var thread = counts.pointee.threads
    while let current = thread {
      total &+= current.pointee.live.load(ordering: .relaxed)
      thread = current.pointee.next
    }
    return total
  }

  /// The bytes asked for and not yet given back.
  public var liveBytes: Int {
    lock.lock()
    defer { lock.unlock() }
    return totalLive
  }

  /// The most that `liveBytes` has been since the start or the latest `resetPeak()`; with several threads it may lack
  /// 64 KiB of each.
  public var peakBytes: Int {
    lock.lock()
    defer { lock.unlock() }
    report()
    counts.pointee.peak = max(counts.pointee.peak, totalLive)
    return counts.pointee.peak
  }

  /// The bytes kept for reuse.
  public var cachedBytes: Int {
    lock.lock()
    defer { lock.unlock() }
    var total = small.pointee.cachedBytes &+ large.pointee.cachedBytes
    var thread = counts.pointee.threads
    while let current = thread {
      total &+= current.pointee.cached.load(ordering: .relaxed)
      thread = current.pointee.next
    }
    return total
  }

  /// Makes `peakBytes` start again from `liveBytes`.
  public func resetPeak() {
    lock.lock()
    report()
    counts.pointee.peak = totalLive
    lock.unlock()
  }

  /// Gives everything that is kept for reuse back to the system, except parts of slabs that are still in use, and the
  /// small blocks that other threads hold ready.
  public func trim() {
    lock.lock()
    ownBlocks?.pointee.drain(into: &small.pointee)
    let slabs = small.pointee.takeFreeSlabs()
    let surplus = large.pointee.takeAllCached()
    lock.unlock()
    SmallBlocks.unmap(slabs)
    LargeBlocks.unmap(surplus)
  }
}
