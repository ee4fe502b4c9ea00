import Glibc

/// Address space on huge pages, if the system has such, from which blocks are cut one after the other, so that those of less
/// than a huge page share some: a training step passes over thousands of small pages, more than the processor keeps the
/// addresses of. Not thread-safe; `MemoryPool` locks.
struct PageReserve {
  /// Blocks up to this size are cut from a reserve.
  static let largestBlock = 8 << 20
  private static let size = 64 << 20
  private static let hugePageSize = 2 << 20

  private var start: UnsafeMutableRawPointer?
  private var left = 0

  /// The next `size` bytes, a multiple of the page size; nil when that is more than is left.
  mutating func cut(_ size: Int) -> UnsafeMutableRawPointer? {
    guard size <= left, let block = start else { return nil }
    start = block + size
    left -= size
    return block
  }

  /// Zeroed pages for `refill`.
  static func map() -> UnsafeMutableRawPointer? { mapHugePages(size) }

  /// Cuts from newly mapped pages from now on; returns what is left of those before, to be unmapped.
  mutating func refill(_ pages: UnsafeMutableRawPointer) -> UnsafeMutableRawBufferPointer {
    defer { (start, left) = (pages, Self.size) }
    return UnsafeMutableRawBufferPointer(start: start, count: left)
  }

  /// Zeroed pages, 2 MiB each as far as they fit. Walks through hundreds of small ones cost time beside every pass over
  /// memory, and so do their first touches.
  static func mapHugePages(_ size: Int) -> UnsafeMutableRawPointer? {
    guard let mapped = mapPages(size + hugePageSize) else { return nil }
    let excess = -Int(bitPattern: mapped) & (hugePageSize - 1)
    let base = mapped + excess
    if excess > 0 { munmap(mapped, excess) }
    if excess < hugePageSize { munmap(base + size, hugePageSize - excess) }
    madvise(base, size, MADV_HUGEPAGE)
    return base
  }
}

/// Private, zeroed pages, or nil.
func mapPages(_ byteCount: Int) -> UnsafeMutableRawPointer? {
  let address = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
  return address == UnsafeMutableRawPointer(bitPattern: -1) ? nil : address
}
