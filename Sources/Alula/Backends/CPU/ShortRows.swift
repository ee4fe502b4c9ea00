import CSupport

/// An element-wise loop whose innermost axis is short: a kernel's call for each row would cost more than its elements.
/// Blocks of rows go through one call each; an operand whose elements do not lie side by side is laid out so first, once
/// where all blocks see the same of it (1000×10 times 10 numbers: 38 to 3 µs).
struct ShortRows {
  /// Rows of more elements are worth a call of their own.
  private static let longest = 256
  /// Bytes of an operand's block: several lie in the first-level cache side by side.
  private static let blockSize = 4096
  /// Bytes that a fill may write past the end of a block.
  private static let slack = 64

  private static let copyRows = KernelTable.shared.function("copy_rows", slot: 0, as: copy_rows_kernel.self)
  private static let fillRows = KernelTable.shared.row("fill_rows")

  private enum Place {
    case absent
    /// Without gaps: read or written where it is.
    case direct
    /// One element for all.
    case number
    /// Laid out once for all blocks.
    case repeated
    /// Laid out for each block.
    case scattered
  }

  /// Steps are in bytes.
  private struct Operand {
    var place = Place.absent
    var base: UnsafeMutablePointer<CChar>?
    var itemSize = 0
    var step = 0
    var rowStep = 0
  }

  private let length: Int
  /// Rows of a group, which lie one step apart; groups lie along the outer axes.
  private let groupRows: Int
  private let rows: Int
  private let blockRows: Int
  private let outer: ArraySlice<Int>
  private let strides: [StridedLoop.Strides]
  /// The output's comes first.
  private var operands = InlineArray<4, Operand>(repeating: Operand())
  private let copyRows: copy_rows_kernel

  /// Nil when rows are long, or there is one only.
  ///
  /// - Parameters:
  ///   - extents: of the axes, outermost first.
  ///   - strides: the operands' along each axis, in bytes.
  ///   - itemSizes: of the operands, 0 for those that are not there.
  init?(
    _ extents: [Int], _ strides: [StridedLoop.Strides], _ bases: StridedLoop.Pointers, itemSizes: StridedLoop.Strides
  ) {
    guard extents.count > 1, let length = extents.last, length <= Self.longest, let copyRows = Self.copyRows,
      let inner = strides.last
    else { return nil }
    let last = extents.count - 1
    var largest = 1
    for k in operands.indices { largest = max(largest, itemSizes[k]) }
    let groupRows = extents[last - 1]
    var blockRows = max(1, Self.blockSize / largest / length)
    // Whole groups where several fit, so that all blocks start alike.
    if groupRows <= blockRows { blockRows -= blockRows % groupRows }
    for k in operands.indices where itemSizes[k] != 0 {
      let row = strides[last - 1][k]
      var isDirect = inner[k] == itemSizes[k]
      var isFixed = true
      var distance = inner[k] &* length
      for axis in (0..<last).reversed() {
        isDirect = isDirect && strides[axis][k] == distance
        isFixed = isFixed && (strides[axis][k] == 0 || (axis == last - 1 && blockRows % groupRows == 0))
        distance = distance &* extents[axis]
      }
      let isNumber = inner[k] == 0 && row == 0 && isFixed
      operands[k] = Operand(
        place: isDirect ? .direct : isNumber ? .number : isFixed ? .repeated : .scattered,
        base: bases[k], itemSize: itemSizes[k], step: inner[k], rowStep: row)
    }
    self.length = length
    self.groupRows = groupRows
    self.blockRows = blockRows
    self.strides = strides
    self.copyRows = copyRows
    outer = extents.dropLast(2)
    rows = outer.reduce(groupRows) { $0 * $1 }
  }

  /// - Parameters:
  ///   - updates: whether the kernel leaves some elements of the output as they are.
  func run(_ kernel: ElementwiseKernel, _ parameters: UnsafePointer<Double>?, updates: Bool) {
    ThreadPool.parallelFor(rows, grain: max(1, StridedLoop.grain / length)) { range in
      var sizes = InlineArray<4, Int>(repeating: 0)
      var total = 0
      for k in operands.indices {
        switch operands[k].place {
        case .repeated, .scattered:
          let size = min(blockRows, range.count) * length * operands[k].itemSize + Self.slack
          sizes[k] = (size + 15) & ~15
        default: break
        }
        total += sizes[k]
      }
      withUnsafeTemporaryAllocation(byteCount: max(total, 16), alignment: 16) { scratch in
        var blocks = StridedLoop.Pointers(repeating: nil)
        var next = scratch.baseAddress
        for k in blocks.indices where sizes[k] > 0 {
          blocks[k] = next?.assumingMemoryBound(to: CChar.self)
          next = next.map { $0 + sizes[k] }
        }
        run(kernel, parameters, updates: updates, range, blocks)
      }
    }
  }

  private func run(
    _ kernel: ElementwiseKernel, _ parameters: UnsafePointer<Double>?, updates: Bool, _ range: Range<Int>,
    _ blocks: StridedLoop.Pointers
  ) {
    var pointers = blocks
    var steps = StridedLoop.Strides(repeating: 0)
    for k in operands.indices where operands[k].place != .number { steps[k] = operands[k].itemSize }
    for first in stride(from: range.lowerBound, to: range.upperBound, by: blockRows) {
      let count = min(blockRows, range.upperBound - first)
      for k in operands.indices {
        let operand = operands[k]
        switch operand.place {
        case .absent: break
        case .number: pointers[k] = operand.base
        case .direct: pointers[k] = operand.base.map { $0 + first * length * operand.itemSize }
        case .repeated, .scattered:
          if k == 0 && !updates || operand.place == .repeated && first != range.lowerBound { break }
          walk(operand, k, first, count, blocks[k]) { lie, block in
            move(
              lie.rows, block, operand.itemSize, length * operand.itemSize, lie.start, operand.step, operand.rowStep,
              operand.itemSize)
          }
        }
      }
      StridedLoop.call(kernel, count * length, pointers, steps, parameters)
      let output = operands[0]
      if output.place != .direct {
        walk(output, 0, first, count, blocks[0]) { lie, block in
          move(
            lie.rows, lie.start, output.step, output.rowStep, block, output.itemSize, length * output.itemSize,
            output.itemSize)
        }
      }
    }
  }

  /// Calls `body` with the start and the number of rows of each group's part of `count` rows from `first` on, and their
  /// place in the block.
  @inline(__always)
  private func walk(
    _ operand: Operand, _ k: Int, _ first: Int, _ count: Int, _ block: UnsafeMutablePointer<CChar>?,
    _ body: ((start: UnsafeMutableRawPointer, rows: Int), UnsafeMutableRawPointer) -> Void
  ) {
    guard let base = operand.base, let block else { return }
    var (row, group) = (first % groupRows, first / groupRows)
    var done = 0
    while done < count {
      let part = min(groupRows - row, count - done)
      var (offset, rest) = (row * operand.rowStep, group)
      for axis in outer.indices.reversed() {
        let index = axis == 0 ? rest : rest % outer[axis]
        offset += index * strides[axis][k]
        rest = axis == 0 ? 0 : rest / outer[axis]
      }
      body(
        (UnsafeMutableRawPointer(base + offset), part),
        UnsafeMutableRawPointer(block + done * length * operand.itemSize))
      done += part
      (row, group) = (0, group + 1)
    }
  }

  /// Moves rows of elements of `size` bytes. Where the source has one element for each, what follows a row is overwritten.
  private func move(
    _ rows: Int, _ target: UnsafeMutableRawPointer, _ targetStep: Int, _ targetRow: Int,
    _ source: UnsafeMutableRawPointer, _ sourceStep: Int, _ sourceRow: Int, _ size: Int
  ) {
    if targetStep == size, sourceStep == size {
      copyRows(1, rows, length * size, target, 0, targetRow, source, 0, sourceRow)
    } else if targetStep == size, sourceStep == 0, let fill = Self.fillRows[slot: size] {
      unsafeBitCast(fill, to: fill_rows_kernel.self)(rows, length * size, target, targetRow, source, sourceRow)
    } else {
      for row in 0..<rows {
        let (to, from) = (target + row * targetRow, source + row * sourceRow)
        switch size {
        case 1: moveElements(to, targetStep, from, sourceStep, as: UInt8.self)
        case 2: moveElements(to, targetStep, from, sourceStep, as: UInt16.self)
        case 4: moveElements(to, targetStep, from, sourceStep, as: UInt32.self)
        case 8: moveElements(to, targetStep, from, sourceStep, as: UInt64.self)
        default: moveElements(to, targetStep, from, sourceStep, as: SIMD2<UInt64>.self)
        }
      }
    }
  }

  @inline(__always)
  private func moveElements<Element: BitwiseCopyable>(
    _ target: UnsafeMutableRawPointer, _ targetStep: Int, _ source: UnsafeMutableRawPointer, _ sourceStep: Int,
    as type: Element.Type
  ) {
    for i in 0..<length {
      target.storeBytes(
        of: source.loadUnaligned(fromByteOffset: i &* sourceStep, as: type), toByteOffset: i &* targetStep, as: type)
    }
  }
}
