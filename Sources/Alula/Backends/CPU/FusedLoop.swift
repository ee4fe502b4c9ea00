import CSupport

/// Element-wise steps over equally many elements in one pass over memory: block by block, so that a result that only
/// later steps read never leaves the first-level cache.
struct FusedLoop {
  /// What a step reads.
  enum Operand {
    case none
    /// Elements in memory, so many bytes each.
    case memory(UnsafeMutablePointer<CChar>, itemSize: Int)
    /// The bytes of one element that stands for all.
    case number(SIMD2<UInt64>)
    /// The result of an earlier step.
    case result(Int)
  }

  struct Step {
    let kernel: ElementwiseKernel
    let parameters: [Double]
    let operands: InlineArray<3, Operand>
    /// Where the result goes, if it is kept.
    let target: UnsafeMutablePointer<CChar>
    let itemSize: Int
    /// Whether anything but later steps reads the result.
    var isKept = true
  }

  /// Bytes of a block: several lie in the first-level cache side by side, and a kernel's call is short beside its loop.
  private static let blockSize = 4096
  private static let grain = 32 * 1024
  /// Bytes that the stack has for a thread's blocks where there is no other memory.
  private static let stackSize = 1024

  /// A step with its operands placed, the target first.
  private struct PlacedStep {
    let kernel: ElementwiseKernel
    let parameters: UnsafePointer<Double>?
    var places = InlineArray<4, Place>(repeating: Place())
    var strides = StridedLoop.Strides(repeating: 0)
  }

  /// Where an operand's elements are: at an address, or in one of the thread's blocks.
  private struct Place {
    var base: UnsafeMutablePointer<CChar>?
    var block: Int?
    /// Bytes from one element of the whole to the next.
    var step = 0
    /// Whether it was in memory before.
    var isSource = false

    func prefetch(_ index: Int, _ count: Int) {
      guard let base else { return }
      for at in stride(from: index * step, to: (index + count) * step, by: 64) { CSupport.prefetch(base + at) }
    }

    @inline(__always)
    func at(_ index: Int) -> UnsafeMutablePointer<CChar>? { base.map { $0 + index * step } }
  }

  private let count: Int
  private let steps: [Step]
  /// The last step that reads each step's result, or nil.
  private var lastUse: [Int?]
  private var isNeeded: [Bool]

  init(_ steps: [Step], count: Int) {
    self.count = count
    self.steps = steps
    lastUse = Array(repeating: nil, count: steps.count)
    isNeeded = steps.map(\.isKept)
    for i in steps.indices.reversed() where isNeeded[i] {
      for k in steps[i].operands.indices {
        guard case .result(let j) = steps[i].operands[k] else { continue }
        isNeeded[j] = true
        lastUse[j] = lastUse[j] ?? i
      }
    }
  }

  /// Computes all results that are kept.
  func run() {
    // What the loops point to.
    var numbers: [SIMD2<UInt64>] = []
    var parameters: [Double] = []
    for step in steps {
      parameters += step.parameters
      for k in step.operands.indices {
        if case .number(let bytes) = step.operands[k] { numbers.append(bytes) }
      }
    }
    numbers.withUnsafeMutableBytes { numbers in
      parameters.withUnsafeBufferPointer { parameters in
        let (placed, blocks) = place(numbers.baseAddress, parameters.baseAddress)
        run(placed, blocks: blocks)
      }
    }
  }

  /// The steps that are needed, and the number of blocks that a thread needs for results that are not kept. A result may
  /// take the place of an operand that is not read again.
  private func place(_ numbers: UnsafeMutableRawPointer?, _ parameters: UnsafePointer<Double>?) -> ([PlacedStep], Int) {
    var placed: [PlacedStep] = []
    var blocks = 0
    var free: [Int] = []
    var blockOf: [Int?] = Array(repeating: nil, count: steps.count)
    var (nextNumber, nextParameter) = (0, 0)
    for (i, step) in steps.enumerated() {
      defer { nextParameter += step.parameters.count }
      var result = PlacedStep(kernel: step.kernel, parameters: parameters.map { $0 + nextParameter })
      for k in step.operands.indices {
        switch step.operands[k] {
        case .none: break
        case .memory(let base, let itemSize):
          result.places[k + 1] = Place(base: base, step: itemSize, isSource: true)
          result.strides[k + 1] = itemSize
        case .number:
          let size = MemoryLayout<SIMD2<UInt64>>.size
          result.places[k + 1].base = numbers.map { ($0 + nextNumber * size).assumingMemoryBound(to: CChar.self) }
          nextNumber += 1
        case .result(let j):
          let itemSize = steps[j].itemSize
          result.strides[k + 1] = itemSize
          result.places[k + 1] =
            steps[j].isKept ? Place(base: steps[j].target, step: itemSize) : Place(block: blockOf[j])
        }
      }
      guard isNeeded[i] else { continue }
      // Blocks that nobody reads after this step; those of elements of another size serve from the next one on.
      var released: [Int] = []
      for k in step.operands.indices {
        guard case .result(let j) = step.operands[k], lastUse[j] == i, let block = blockOf[j] else { continue }
        blockOf[j] = nil
        if steps[j].itemSize == step.itemSize { free.append(block) } else { released.append(block) }
      }
      result.strides[0] = step.itemSize
      if step.isKept {
        result.places[0] = Place(base: step.target, step: step.itemSize)
        result.strides[4] = lastUse[i] == nil && StridedLoop.isStreamed(count, step.itemSize) ? 1 : 0
      } else {
        let block = free.popLast() ?? blocks
        blocks = max(blocks, block + 1)
        blockOf[i] = block
        result.places[0].block = block
      }
      free += released
      placed.append(result)
    }
    return (placed, blocks)
  }

  private func run(_ placed: [PlacedStep], blocks: Int) {
    let itemSize = steps.map(\.itemSize).max() ?? 1
    let block = Self.blockSize / itemSize
    ThreadPool.parallelChunks(count, grain: Self.grain) { chunks in
      if placed.count == 1 { return run(placed, &chunks, block: Self.grain, nil, 0) }
      if let scratch = Scratch(elements: [blocks, block], size: itemSize) {
        return run(placed, &chunks, block: block, scratch.pointer, block * itemSize)
      }
      // Slowly, but done: who asks for a result cannot be refused any more.
      withUnsafeTemporaryAllocation(byteCount: Self.stackSize, alignment: 16) { stack in
        let size = Self.stackSize / max(blocks, 1) / itemSize * itemSize
        run(placed, &chunks, block: size / itemSize, stack.baseAddress, size)
      }
    }
  }

  /// All steps on a thread's elements, `block` at a time.
  private func run(
    _ placed: [PlacedStep], _ chunks: inout ThreadPool.Chunks, block: Int, _ blocks: UnsafeMutableRawPointer?,
    _ blockSize: Int
  ) {
    var placed = placed
    for i in placed.indices {
      for k in placed[i].places.indices {
        guard let own = placed[i].places[k].block else { continue }
        placed[i].places[k].base = blocks?.assumingMemoryBound(to: CChar.self).advanced(by: own * blockSize)
      }
    }
    let sources = farSources(placed)
    placed.withUnsafeBufferPointer { placed in
      while let range = chunks.next() {
        for start in stride(from: range.lowerBound, to: range.upperBound, by: block) {
          let count = min(block, range.upperBound - start)
          for source in sources { source.prefetch(start + block, block) }
          for step in placed {
            let places = step.places
            let pointers: StridedLoop.Pointers = [
              places[0].at(start), places[1].at(start), places[2].at(start), places[3].at(start),
            ]
            StridedLoop.call(step.kernel, count, pointers, step.strides, step.parameters)
          }
        }
      }
    }
  }

  /// What comes from beyond the caches, each once. The processor's own foresight starts anew with each step's loop: the
  /// next block is asked for while this one is computed (six steps over 16M elements on two threads: 8 to 6.5 ms).
  private func farSources(_ placed: [PlacedStep]) -> [Place] {
    var sources: [Place] = []
    for step in placed {
      for k in step.places.indices {
        let place = step.places[k]
        guard place.isSource, StridedLoop.isStreamed(count, place.step) else { continue }
        if !sources.contains(where: { $0.base == place.base }) { sources.append(place) }
      }
    }
    return sources
  }
}
