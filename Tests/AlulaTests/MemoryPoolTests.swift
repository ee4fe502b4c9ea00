import Alula
import Glibc
import Synchronization
import Testing

/// Serialised: the tests look at process-wide counters. Other suites use the pool meanwhile, so bounds leave them room.
@Suite(.serialized) struct MemoryPoolTests {
  private let pool = MemoryPool.shared

  @Test func blocksAreAlignedWritableAndDistinct() throws {
    var blocks: [(UnsafeMutableRawPointer, Int, UInt8)] = []
    let sizes = Array(0...300) + [511, 512, 513, 639, 640, 641, 4096, 32767, 32768, 32769, 65536, 1 << 20, 3_000_001]
    for (i, size) in (sizes + sizes).enumerated() {
      let block = try #require(pool.allocate(byteCount: size))
      #expect(Int(bitPattern: block) % MemoryPool.alignment == 0)
      memset(block, CInt(UInt8(truncatingIfNeeded: i)), size)
      blocks.append((block, size, UInt8(truncatingIfNeeded: i)))
    }
    for (block, size, value) in blocks {
      #expect(UnsafeRawBufferPointer(start: block, count: size).allSatisfy { $0 == value })
      pool.deallocate(block, byteCount: size)
    }
    #expect(Set(blocks.map { $0.0 }).count == blocks.count)
  }

  @Test func impossibleSizes() {
    for size in [-1, Int.min, Int.max, Int.max - 63, 1 << 62, 1 << 47, 1 << 46, (1 << 46) - 1] {
      #expect(pool.allocate(byteCount: size) == nil)
    }
  }

  @Test(arguments: [100, 40_000, 5_000_000]) func blocksAreReused(size: Int) throws {
    let first = try #require(pool.allocate(byteCount: size))
    pool.deallocate(first, byteCount: size)
    let second = try #require(pool.allocate(byteCount: size))
    #expect(first == second)
    pool.deallocate(second, byteCount: size)
  }

  /// With a block far larger than all that other tests hold meanwhile; its pages are never touched.
  @Test func counters() throws {
    let (size, noise) = (2 << 30, 256 << 20)
    let before = pool.liveBytes
    let block = try #require(pool.allocate(byteCount: size))
    #expect(abs(pool.liveBytes - before - size) < noise)
    #expect(pool.peakBytes >= size)
    pool.deallocate(block, byteCount: size)
    #expect(abs(pool.liveBytes - before) < noise)
    #expect(pool.cachedBytes >= size)
    #expect(pool.peakBytes >= size)
    pool.resetPeak()
    #expect(pool.peakBytes < before + noise)
    pool.trim()
    #expect(pool.cachedBytes < noise)
  }

  @Test func trimReturnsMemory() throws {
    var blocks: [(UnsafeMutableRawPointer, Int)] = []
    let sizes = [(20_000, 2_000), (1 << 20, 64), (8 << 20, 8)]
    for size in sizes.flatMap({ Array(repeating: $0.0, count: $0.1) }) {
      let block = try #require(pool.allocate(byteCount: size))
      memset(block, 1, size)
      blocks.append((block, size))
    }
    let full = residentBytes()
    for (block, size) in blocks { pool.deallocate(block, byteCount: size) }
    pool.trim()
    // 40 MB of small blocks, and twice 64 MiB of large ones: cut from huge pages, and mapped by themselves.
    #expect(full - residentBytes() > 120_000_000)
  }

  @Test func trimKeepsBlocksInUse() throws {
    var blocks = try (0..<10_000).map { i in
      let block = try #require(pool.allocate(byteCount: 600))
      memset(block, CInt(i & 127), 600)
      return (block, i)
    }
    let kept = blocks.filter { $0.1 % 3_000 == 7 }
    for (block, i) in blocks where i % 3_000 != 7 { pool.deallocate(block, byteCount: 600) }
    pool.trim()
    blocks = try (0..<10_000).map { i in (try #require(pool.allocate(byteCount: 600)), i) }
    #expect(Set(blocks.map { $0.0 }).isDisjoint(with: kept.map { $0.0 }))
    for (block, _) in blocks { memset(block, 255, 600) }
    for (block, i) in kept {
      #expect(UnsafeRawBufferPointer(start: block, count: 600).allSatisfy { $0 == i & 127 })
    }
    for (block, _) in blocks + kept { pool.deallocate(block, byteCount: 600) }
  }

  @Test func aSteadyLoopMapsNothing() throws {
    let sizes = [1 << 20, 300_000, 5_000_000, 77_777, 1 << 20, 2_500_000]
    func step() throws {
      let blocks = try sizes.map { size in
        let block = try #require(pool.allocate(byteCount: size))
        memset(block, 1, size)
        return (block, size)
      }
      for (block, size) in blocks { pool.deallocate(block, byteCount: size) }
    }
    // Other tests may fork meanwhile, whereupon each page that is written faults once: not in every one of many attempts.
    var fewest = Int.max
    for _ in 0..<1_000 where fewest > 0 {
      let before = pageFaults()
      for _ in 0..<5 { try step() }
      fewest = min(fewest, pageFaults() - before)
    }
    // Without the pool these steps would fault 12,000 times.
    #expect(fewest < 100)
  }

  @Test func aShrinkingProgramGivesMemoryBack() throws {
    let blocks = try (0..<32).map { _ in try #require(pool.allocate(byteCount: 8 << 20)) }
    for block in blocks { pool.deallocate(block, byteCount: 8 << 20) }
    for _ in 0..<20_000 {
      let block = try #require(pool.allocate(byteCount: 100_000))
      pool.deallocate(block, byteCount: 100_000)
    }
    #expect(pool.cachedBytes < 128 << 20)
  }

  @Test func manyThreads() {
    let failures = Atomic<Int>(0)
    onThreads(4) { seed in
      var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
      var held: [(UnsafeMutableRawPointer, Int, UInt8)] = []
      for _ in 0..<20_000 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let random = Int(state >> 33)
        if held.count > 40 || (random % 2 == 0 && !held.isEmpty) {
          let (block, size, mark) = held.remove(at: random % held.count)
          let bytes = UnsafeRawBufferPointer(start: block, count: size)
          if bytes.first != mark || bytes.last != mark { failures.add(1, ordering: .relaxed) }
          MemoryPool.shared.deallocate(block, byteCount: size)
        } else {
          let size = 1 + random % (random % 16 == 1 ? 400_000 : 3_000)
          guard let block = MemoryPool.shared.allocate(byteCount: size) else {
            failures.add(1, ordering: .relaxed)
            continue
          }
          let mark = UInt8(truncatingIfNeeded: random)
          block.storeBytes(of: mark, as: UInt8.self)
          (block + (size - 1)).storeBytes(of: mark, as: UInt8.self)
          held.append((block, size, mark))
        }
        if random % 5_000 == 0 { MemoryPool.shared.trim() }
      }
      for (block, size, _) in held { MemoryPool.shared.deallocate(block, byteCount: size) }
    }
    #expect(failures.load(ordering: .relaxed) == 0)
  }

  private func pageFaults() -> Int {
    var usage = rusage()
    getrusage(1, &usage)  // RUSAGE_THREAD
    return usage.ru_minflt
  }

  private func residentBytes() -> Int {
    guard let file = fopen("/proc/self/statm", "r") else { return 0 }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, 256, file) != nil else { return 0 }
    let fields = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
      separator: " ")
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4096 : 0
  }
}
