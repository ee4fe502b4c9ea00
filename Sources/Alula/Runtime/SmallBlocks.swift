import Glibc

/// Blocks of at most 32 KiB: a free list per size class, filled from slabs. Not thread-safe; `MemoryPool` locks.
struct SmallBlocks {
  static let maximumSize = 32 << 10
  private static let slabSize = 256 << 10
  /// In front of a slab's blocks.
  private static let headerSize = 64
  private static let classCount = 32

  private struct SlabHeader {
    /// The next slab of its class.
    var next: UnsafeMutableRawPointer?
    /// The number of blocks handed out at least once, and, while trimming, those of them that are free.
    var carved = 0
    var free = 0
  }

  private struct SizeClass {
    /// Each free block's first word is the next one's address.
    var free: UnsafeMutableRawPointer?
    /// The part of the newest slab that was never handed out.
    var fresh: UnsafeMutableRawPointer?
    var freshCount = 0
    /// All slabs, newest first.
    var slabs: UnsafeMutableRawPointer?
    var blockSize = 0
  }

  private let classes: UnsafeMutablePointer<SizeClass>
  private(set) var cachedBytes = 0

  init() {
    classes = .allocate(capacity: Self.classCount)
    classes.initialize(repeating: SizeClass(), count: Self.classCount)
    for index in 0..<Self.classCount { classes[index].blockSize = Self.blockSize(index) }
  }

  /// Multiples of 64 bytes up to 512, then four steps per power of two.
  @inline(__always)
  static func sizeClass(of byteCount: Int) -> Int {
    let last = max(byteCount &- 1, 0) &>> 6
    if last < 4 { return last }
    let power = 63 &- last.leadingZeroBitCount
    return ((power &- 2) &<< 2) &+ (last &>> (power &- 2))
  }

  /// The size of a class's blocks.
  @inline(__always)
  static func blockSize(_ sizeClass: Int) -> Int {
    if sizeClass < 4 { return (sizeClass &+ 1) &<< 6 }
    return ((sizeClass & 3) &+ 5) &<< ((sizeClass &>> 2) &+ 5)
  }

  // MARK: - Blocks

  /// Nil when a slab must be added first.
  @inline(__always)
  mutating func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer? {
    let index = Self.sizeClass(of: byteCount)
    if let block = classes[index].free {
      classes[index].free = block.load(as: UnsafeMutableRawPointer?.self)
      cachedBytes &-= classes[index].blockSize
      return block
    }
    guard classes[index].freshCount > 0, let block = classes[index].fresh else { return nil }
    classes[index].freshCount &-= 1
    classes[index].fresh = block + classes[index].blockSize
    if let slab = classes[index].slabs { Self.header(slab).pointee.carved &+= 1 }
    return block
  }

  @inline(__always)
  mutating func deallocate(_ block: UnsafeMutableRawPointer, _ byteCount: Int) {
    let index = Self.sizeClass(of: byteCount)
    block.storeBytes(of: classes[index].free, as: UnsafeMutableRawPointer?.self)
    classes[index].free = block
    cachedBytes &+= classes[index].blockSize
  }

  // MARK: - Slabs

  private static func header(_ slab: UnsafeMutableRawPointer) -> UnsafeMutablePointer<SlabHeader> {
    slab.assumingMemoryBound(to: SlabHeader.self)
  }

  /// A slab, aligned to its size so that its blocks find it.
  static func mapSlab() -> UnsafeMutableRawPointer? {
    guard let pages = mapPages(2 * slabSize) else { return nil }
    let offset = Int(bitPattern: pages) & (slabSize - 1)
    let before = offset == 0 ? 0 : slabSize - offset
    if before > 0 { munmap(pages, before) }
    munmap(pages + before + slabSize, slabSize - before)
    return pages + before
  }

  mutating func add(slab: UnsafeMutableRawPointer, for byteCount: Int) {
    let index = Self.sizeClass(of: byteCount)
    let size = classes[index].blockSize
    // Another thread may have added a slab meanwhile: what is left of that one joins the free list.
    while classes[index].freshCount > 0, let block = classes[index].fresh, let newest = classes[index].slabs {
      classes[index].freshCount -= 1
      classes[index].fresh = block + size
      Self.header(newest).pointee.carved += 1
      deallocate(block, size)
    }
    slab.initializeMemory(as: SlabHeader.self, to: SlabHeader(next: classes[index].slabs))
    classes[index].slabs = slab
    classes[index].fresh = slab + Self.headerSize
    classes[index].freshCount = (Self.slabSize - Self.headerSize) / size
  }

  /// Removes the slabs of which no block is in use; they are chained by their headers.
  mutating func takeFreeSlabs() -> UnsafeMutableRawPointer? {
    var taken: UnsafeMutableRawPointer?
    for index in 0..<Self.classCount {
      countFreeBlocks(index)
      // Blocks first, while the counts are at hand.
      var block = classes[index].free
      classes[index].free = nil
      while let current = block {
        block = current.load(as: UnsafeMutableRawPointer?.self)
        let header = Self.header(Self.slab(of: current))
        if header.pointee.free == header.pointee.carved {
          cachedBytes &-= classes[index].blockSize
        } else {
          current.storeBytes(of: classes[index].free, as: UnsafeMutableRawPointer?.self)
          classes[index].free = current
        }
      }
      var slab = classes[index].slabs
      let newest = slab
      var kept: UnsafeMutableRawPointer?
      while let current = slab {
        let header = Self.header(current)
        slab = header.pointee.next
        if header.pointee.free == header.pointee.carved {
          if current == newest {
            classes[index].fresh = nil
            classes[index].freshCount = 0
          }
          header.pointee.next = taken
          taken = current
        } else {
          // In their order: the newest stays first, since fresh blocks come from it.
          if let kept { Self.header(kept).pointee.next = current } else { classes[index].slabs = current }
          header.pointee.next = nil
          kept = current
        }
      }
      if kept == nil { classes[index].slabs = nil }
    }
    return taken
  }

  private func countFreeBlocks(_ index: Int) {
    var slab = classes[index].slabs
    while let current = slab {
      Self.header(current).pointee.free = 0
      slab = Self.header(current).pointee.next
    }
    var block = classes[index].free
    while let current = block {
      Self.header(Self.slab(of: current)).pointee.free += 1
      block = current.load(as: UnsafeMutableRawPointer?.self)
    }
  }

  private static func slab(of block: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer {
    block - (Int(bitPattern: block) & (slabSize - 1))
  }

  /// Gives a chain of slabs back to the system.
  static func unmap(_ slabs: UnsafeMutableRawPointer?) {
    var slab = slabs
    while let current = slab {
      slab = header(current).pointee.next
      munmap(current, slabSize)
    }
  }
}
