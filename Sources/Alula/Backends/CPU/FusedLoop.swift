import CSupport

/// Element-wise steps over equally many elements in one pass over memory: block by block, so that a result that only
/// later steps read never leaves the first-level cache.
struct FusedLoop {
  /// What a step reads.
  enum Operand {
    case none
    /// Adjacent elements in memory, so many bytes each.
    case adjacent(UnsafeMutablePointer<CChar>, itemSize: Int)
    /// Elements, or one, for each row, with the distances in bytes of elements and of rows.
    case rows(UnsafeMutablePointer<CChar>, step: Int, rowStep: Int)
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
    /// Bytes from one element to the next, and from one row to the next.
    var step = 0
    var rowStep = 0
    /// Whether it was in memory before.
    var isSource = false

    /// Asks for one of `parts` equal parts of `count` elements.
    func prefetch(_ row: Int, _ column: Int, _ count: Int, part: Int, of parts: Int) {
      guard let start = at(row, column) else { return }
      let lines = (count * step + 63) / 64
      for line in part * lines / parts..<(part + 1) * lines / parts { CSupport.prefetch(start + line * 64) }
    }

    @inline(__always)
    func at(_ row: Int, _ column: Int) -> UnsafeMutablePointer<CChar>? {
      base.map { $0 + (row * rowStep + column * step) }
    }
  }

  private let count: Int
  private let steps: [Step]
  /// Where no operand has rows, any number will do.
  private let rowLength: Int
  /// The last step that reads each step's result, or nil.
  private var lastUse: [Int?]
  private var isNeeded: [Bool]

  /// The steps have `count` elements each, in rows of `rowLength`, which counts only where an operand has rows.
  init(_ steps: [Step], count: Int, rowLength: Int?) {
    self.count = count
    self.rowLength = rowLength ?? StridedLoop.grain
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
        case .adjacent(let base, let itemSize):
          result.places[k + 1] = Place(base: base, step: itemSize, rowStep: rowLength * itemSize, isSource: true)
          result.strides[k + 1] = itemSize
        case .rows(let base, let step, let rowStep):
          result.places[k + 1] = Place(base: base, step: step, rowStep: rowStep, isSource: rowStep != 0 && step != 0)
          result.strides[k + 1] = step
        case .number:
          let size = MemoryLayout<SIMD2<UInt64>>.size
          result.places[k + 1].base = numbers.map { ($0 + nextNumber * size).assumingMemoryBound(to: CChar.self) }
          nextNumber += 1
        case .result(let j):
          result.strides[k + 1] = steps[j].itemSize
          result.places[k + 1] = steps[j].isKept ? kept(steps[j]) : Place(block: blockOf[j])
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
        result.places[0] = kept(step)
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

  private func kept(_ step: Step) -> Place {
    Place(base: step.target, step: step.itemSize, rowStep: rowLength * step.itemSize)
  }

  private func run(_ placed: [PlacedStep], blocks: Int) {
    let itemSize = steps.map(\.itemSize).max() ?? 1
    let block = Self.blockSize / itemSize
    ThreadPool.parallelChunks((count - 1) / rowLength + 1, grain: max(1, StridedLoop.grain / rowLength)) { rows in
      if placed.count == 1 { return run(placed, &rows, block: rowLength, nil, 0) }
      if let scratch = Scratch(blocks, block, size: itemSize) {
        return run(placed, &rows, block: block, scratch.pointer, block * itemSize)
      }
      // Slowly, but done: who asks for a result cannot be refused any more.
      withUnsafeTemporaryAllocation(byteCount: Self.stackSize, alignment: 16) { stack in
        let size = Self.stackSize / max(blocks, 1) / itemSize * itemSize
        run(placed, &rows, block: size / itemSize, stack.baseAddress, size)
      }
    }
  }

  /// All steps on the rows that a thread comes to, at most `block` elements at a time.
  private func run(
    _ placed: [PlacedStep], _ rows: inout ThreadPool.Chunks, block: Int, _ blocks: UnsafeMutableRawPointer?,
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
    // Rows in equal parts of whole lines.
    let parts = (rowLength - 1) / block + 1
    let length = min(block, ((rowLength - 1) / parts + 16) & ~15)
    placed.withUnsafeBufferPointer { placed in
      while let range = rows.next() {
        for row in range {
          let end = min(rowLength, count - row * rowLength)
          for start in stride(from: 0, to: end, by: length) {
            let next = start + length < rowLength ? (row, start + length) : (row + 1, 0)
            for (i, step) in placed.enumerated() {
              for source in sources { source.prefetch(next.0, next.1, length, part: i, of: placed.count) }
              let places = step.places
              let pointers: StridedLoop.Pointers = [
                places[0].at(row, start), places[1].at(row, start), places[2].at(row, start), places[3].at(row, start),
              ]
              StridedLoop.call(step.kernel, min(length, end - start), pointers, step.strides, step.parameters)
            }
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
