import Glibc

/// Blocks above the small ones: mapped one by one or cut from larger mappings, and kept, when given back, for a request
/// that is at most a quarter smaller. Not thread-safe; `MemoryPool` locks.
///
/// What is mapped is bounded by what was in use at once not long ago, so that a program whose need shrinks does not
/// keep the memory. Beyond the bound, the blocks unused for longest go back to the system.
struct LargeBlocks {
  /// In front of a block, in its first page.
  private static let headerSize = 64
  /// Kept in any case.
  private static let slack = 32 << 20
  /// Deallocations after which a former peak loses its weight.
  private static let window = 8192
  /// Eight steps per power of two from 32 KiB to 2⁴⁸.
  private static let classCount = 8 * 34

  private struct Header {
    var size: Int
    var sizeClass: Int
    // Neighbours among the cached blocks of its class, and among all of them from the most to the least recently used.
    var nextInClass: UnsafeMutablePointer<Header>?
    var previousInClass: UnsafeMutablePointer<Header>?
    var older: UnsafeMutablePointer<Header>?
    var newer: UnsafeMutablePointer<Header>?
  }

  private let classes: UnsafeMutablePointer<UnsafeMutablePointer<Header>?>
  private var newest: UnsafeMutablePointer<Header>?
  private var oldest: UnsafeMutablePointer<Header>?

  private(set) var cachedBytes = 0
  private var liveBytes = 0
  private var recentPeak = 0
  private var formerPeak = 0
  private var deallocations = 0

  init() {
    classes = .allocate(capacity: Self.classCount)
    classes.initialize(repeating: nil, count: Self.classCount)
  }

  // MARK: - Sizes

  /// The bytes to map for a block: whole pages, header included, rounded up to an eighth of a power of two. Nil when
  /// that is more than an address space holds.
  static func mappedSize(for byteCount: Int) -> Int? {
    guard byteCount < 1 << 46 else { return nil }
    let needed = byteCount + headerSize
    let step = 1 << max(Int.bitWidth - 1 - (needed - 1).leadingZeroBitCount - 3, 12)
    return (needed + step - 1) / step * step
  }

  /// The class whose blocks have at least `size` bytes, where the next class's have more.
  private static func sizeClass(of size: Int) -> Int {
    let power = Int.bitWidth - 1 - size.leadingZeroBitCount
    return (power - 15) * 8 + (size >> (power - 3)) - 8
  }

  // MARK: - Blocks

  /// A kept block of a fitting size: the next larger classes will do, up to a quarter more.
  mutating func takeCached(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    guard newest != nil, let size = Self.mappedSize(for: byteCount) else { return nil }
    let first = Self.sizeClass(of: size)
    for index in first..<min(first + 3, Self.classCount) {
      if let header = classes[index] {
        unlink(header)
        countLive(header.pointee.size)
        return UnsafeMutableRawPointer(header) + Self.headerSize
      }
    }
    return nil
  }

  /// Puts a newly mapped block in use.
  mutating func add(_ base: UnsafeMutableRawPointer, size: Int) -> UnsafeMutableRawPointer {
    base.initializeMemory(as: Header.self, to: Header(size: size, sizeClass: Self.sizeClass(of: size)))
    countLive(size)
    return base + Self.headerSize
  }

  private mutating func countLive(_ size: Int) {
    liveBytes += size
    if liveBytes > recentPeak { recentPeak = liveBytes }
  }

  /// Keeps the block, and returns those that are too many then, to be unmapped.
  mutating func deallocate(_ block: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    let header = (block - Self.headerSize).assumingMemoryBound(to: Header.self)
    liveBytes -= header.pointee.size
    deallocations += 1
    if deallocations == Self.window {
      deallocations = 0
      formerPeak = recentPeak
      recentPeak = liveBytes
    }
    link(header)
    return evict(until: bound)
  }

  // MARK: - The bound

  private var bound: Int {
    let peak = max(recentPeak, formerPeak)
    return peak + peak / 8 + Self.slack
  }

  /// Removes blocks, to be unmapped, before `size` bytes more are mapped.
  mutating func makeRoom(for size: Int) -> UnsafeMutableRawPointer? {
    let peak = max(recentPeak, formerPeak, liveBytes + size)
    return evict(until: peak + peak / 8 + Self.slack - size)
  }

  mutating func takeAllCached() -> UnsafeMutableRawPointer? {
    formerPeak = 0
    recentPeak = liveBytes
    return evict(until: 0)
  }

  /// A chain, by `nextInClass`, of the oldest blocks beyond `limit` mapped bytes.
  private mutating func evict(until limit: Int) -> UnsafeMutableRawPointer? {
    var chain: UnsafeMutablePointer<Header>?
    while liveBytes + cachedBytes > limit, let header = oldest {
      unlink(header)
      header.pointee.nextInClass = chain
      chain = header
    }
    return UnsafeMutableRawPointer(chain)
  }

  static func unmap(_ chain: UnsafeMutableRawPointer?) {
    var header = chain?.assumingMemoryBound(to: Header.self)
    while let current = header {
      header = current.pointee.nextInClass
      munmap(current, current.pointee.size)
    }
  }

  // MARK: - The lists

  private mutating func link(_ header: UnsafeMutablePointer<Header>) {
    let index = header.pointee.sizeClass
    header.pointee.previousInClass = nil
    header.pointee.nextInClass = classes[index]
    classes[index]?.pointee.previousInClass = header
    classes[index] = header

    header.pointee.newer = nil
    header.pointee.older = newest
    newest?.pointee.newer = header
    newest = header
    if oldest == nil { oldest = header }
    cachedBytes += header.pointee.size
  }

  private mutating func unlink(_ header: UnsafeMutablePointer<Header>) {
    let (next, previous) = (header.pointee.nextInClass, header.pointee.previousInClass)
    if let previous { previous.pointee.nextInClass = next } else { classes[header.pointee.sizeClass] = next }
    next?.pointee.previousInClass = previous

    let (older, newer) = (header.pointee.older, header.pointee.newer)
    if let newer { newer.pointee.older = older } else { newest = older }
    if let older { older.pointee.newer = newer } else { oldest = newer }
    cachedBytes -= header.pointee.size
  }
}
