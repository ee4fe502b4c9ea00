/// A fold of some axes of a tensor, read where it lies: neighbouring elements are folded together along the axis on
/// which they lie closest, whether that axis is reduced (a row to one result) or kept (rows onto a row of results).
///
/// Work is cut by size: into runs of results, and long reductions into pieces whose partial results are folded in
/// order. So the bits of a result do not depend on the number of threads.
struct ReductionLoop: ~Copyable {
  typealias Kernel =
    @convention(c) (
      UnsafeMutableRawPointer?, UnsafeRawPointer?, Int, Int, Int, UnsafePointer<Double>?, Int, Int
    ) -> Void

  /// Steps in bytes through the input, and in elements through the output.
  private struct Axis: ListElement {
    var extent: Int
    var step: Int
    var target: Int

    static let none = Axis(extent: 1, step: 0, target: 0)
  }

  /// Results that are folded side by side, and elements that are folded in one piece.
  private static let maximumWidth = 1024
  static let pieceSize = 64 * 1024
  /// Elements below which a further thread costs more than it brings.
  private static let grain = 32 * 1024

  /// Results that are folded in one call, row by row: a call for each row would cost more than the fold of a short one.
  private static let resultsPerCall = 1024
  /// The bytes of a vector: shorter rows without gaps are folded several side by side, so that they fill vectors.
  private static let vectorSize = 64

  private let input: Tensor
  /// Kept axes, the widest step first, without `columns`.
  private var kept = ShortList<Axis>()
  /// Reduced axes, the widest step first; at least one.
  private var reduced = ShortList<Axis>()
  /// The kept axis along which elements are adjacent, or a single column.
  private var columns = Axis.none
  /// Elements per result, and results beside those in `columns`.
  private var length = 1
  private var rows = 1

  init(_ input: Tensor, axes: AxisSet) {
    self.input = input
    let layout = input.layout
    let itemSize = input.dtype.itemSize
    var target = 1
    for axis in stride(from: layout.rank - 1, through: 0, by: -1) {
      let extent = layout.shape[axis]
      let isReduced = axes.contains(axis)
      if extent != 1 {
        let step = layout.strides[axis] * itemSize
        let entry = Axis(extent: extent, step: step, target: isReduced ? 0 : target)
        if isReduced { reduced.append(entry) } else { kept.append(entry) }
      }
      if isReduced { length *= extent } else { target *= extent }
    }
    kept = ReductionLoop.joined(kept)
    reduced = ReductionLoop.joined(reduced)
    if let last = kept.last, last.step == itemSize, reduced.last?.step != itemSize {
      columns = kept.removeLast()
    }
    if reduced.isEmpty { reduced = ShortList(Axis(extent: 1, step: itemSize, target: 0)) }
    for axis in kept { rows *= axis.extent }
  }

  /// The axes in the order of their steps, those joined that lie without gaps. The order of a fold is free.
  private static func joined(_ axes: ShortList<Axis>) -> ShortList<Axis> {
    if axes.count < 2 { return axes }
    // Axes come from the last to the first; of equal steps the first shall lead.
    let sorted = axes.reversed().enumerated().sorted { a, b in
      let (x, y) = (a.element.step.magnitude, b.element.step.magnitude)
      return x == y ? a.offset < b.offset : x > y
    }
    var result = ShortList<Axis>()
    for (_, axis) in sorted {
      if let outer = result.last, outer.step == axis.step * axis.extent, outer.target == axis.target * axis.extent {
        result[result.count - 1] = Axis(extent: outer.extent * axis.extent, step: axis.step, target: axis.target)
      } else {
        result.append(axis)
      }
    }
    return result
  }

  /// Folds with `kernel`, and writes results divided by `divisor` into `output`.
  ///
  /// - Parameters:
  ///   - combine: the kernel that folds accumulators into one.
  ///   - accumulator: the accumulators' dtype: the output's, or float64 for float32.
  ///   - centers: float64, contiguous, one per result.
  func run(
    _ kernel: Kernel, combine: Kernel, accumulator: DType, into output: Tensor, divisor: Double = 1,
    centers: Tensor? = nil
  ) throws(AlulaError) {
    if output.count == 0 { return }
    let width = max(1, min(columns.extent, ReductionLoop.maximumWidth))
    let runs = (columns.extent - 1) / width + 1
    let pieceLength = max(4, ReductionLoop.pieceSize / width & ~3)
    let pieces = max(1, (length + pieceLength - 1) / pieceLength)
    let slot = width * accumulator.itemSize
    let perRow = rowsPerVector(width)
    let centers = centers.map { UnsafePointer($0.data.assumingMemoryBound(to: Double.self)) }

    /// Folds piece `piece` of the results that start at column `run * width` of row `row`.
    func foldPiece(
      _ row: Int, _ run: Int, _ piece: Int, into sums: UnsafeMutableRawPointer, _ local: UnsafeMutablePointer<Double>
    ) {
      let count = min(width, columns.extent - run * width)
      let (source, target) = position(row, run * width)
      var own: UnsafePointer<Double>?
      if let centers {
        for j in 0..<count * perRow { local[j] = centers[target + j % count * columns.target] }
        own = UnsafePointer(local)
      }
      kernel(sums, nil, 0, 0, count, nil, 1, 0)
      walk(source, piece * pieceLength..<min(length, (piece + 1) * pieceLength)) { start, rows, step in
        let whole = perRow > 1 ? rows / perRow : 0
        if whole > 0 {
          let partial = (sums + slot).alignedUp(toMultipleOf: Self.vectorSize)
          kernel(partial, nil, 0, 0, count * perRow, nil, 1, 0)
          kernel(partial, start, whole, step * perRow, count * perRow, own, 1, 0)
          combine(sums, partial, perRow, slot, count, nil, 1, 0)
        }
        let done = whole * perRow
        if done < rows { kernel(sums, start + done * step, rows - done, step, count, own, 1, 0) }
      }
    }

    if pieces == 1, runs == 1, perRow == 1, kept.count == 1 {
      foldGroups(kernel, accumulator, into: output, divisor, centers)
      return
    }
    if pieces == 1 {
      let grain = max(1, ReductionLoop.grain / (width * max(1, length)))
      ThreadPool.parallelFor(rows * runs, grain: grain) { range in
        withScratch(slot * (perRow + 1) + Self.vectorSize, width * perRow) { sums, local in
          for i in range {
            let (row, run) = (i / runs, i % runs)
            foldPiece(row, run, 0, into: sums, local)
            finish(sums, accumulator, row, run * width, width, into: output, divisor)
          }
        }
      }
      return
    }
    let partial = try Tensor(
      uninitialized: [rows * runs * pieces * slot], dtype: .uint8, operation: "reduce")
    let partials = partial.data
    ThreadPool.parallelFor(rows * runs * pieces, grain: 1) { range in
      withScratch(slot * (perRow + 1) + Self.vectorSize, width * perRow) { sums, local in
        for i in range {
          let (row, run) = (i / pieces / runs, i / pieces % runs)
          foldPiece(row, run, i % pieces, into: sums, local)
          (partials + i * slot).copyMemory(from: sums, byteCount: slot)
        }
      }
    }
    let combineGrain = max(1, ReductionLoop.grain / (width * pieces))
    ThreadPool.parallelFor(rows * runs, grain: combineGrain) { range in
      withScratch(slot, 1) { sums, _ in
        for i in range {
          let (row, run) = (i / runs, i % runs)
          let count = min(width, columns.extent - run * width)
          combine(sums, nil, 0, 0, count, nil, 1, 0)
          combine(sums, partials + i * pieces * slot, pieces, slot, count, nil, 1, 0)
          finish(sums, accumulator, row, run * width, width, into: output, divisor)
        }
      }
    }
    withExtendedLifetime(partial) {}
  }

  /// Folds all elements of a contiguous tensor, `pieceSize` at most, as `run` does: for the one row that they are nothing
  /// needs to be arranged.
  static func foldWhole(
    _ kernel: Kernel, _ input: Tensor, _ accumulator: DType, into output: Tensor, _ divisor: Double
  ) {
    withUnsafeTemporaryAllocation(byteCount: 16, alignment: 16) { bytes in
      guard let sums = bytes.baseAddress else { return }
      kernel(sums, nil, 0, 0, 1, nil, 1, 0)
      if input.count > 0 { kernel(sums, input.data, input.count, input.dtype.itemSize, 1, nil, 1, 0) }
      write(sums, accumulator, 1, at: 0, step: 0, into: output, divisor)
    }
  }

  /// How many rows are folded side by side, for each of which there is room for `width` results.
  private func rowsPerVector(_ width: Int) -> Int {
    let itemSize = input.dtype.itemSize
    guard width > 1, width == columns.extent, width * itemSize < Self.vectorSize, reduced.count == 1,
      let inner = reduced.last, inner.step == width * itemSize, Self.vectorSize % inner.step != 0
    else { return 1 }
    return Self.vectorSize / itemSize
  }

  /// Folds results that lie one step apart, many in one call.
  private func foldGroups(
    _ kernel: Kernel, _ accumulator: DType, into output: Tensor, _ divisor: Double,
    _ centers: UnsafePointer<Double>?
  ) {
    let row = kept[0]
    let width = columns.extent
    let rowsPerCall = max(1, Self.resultsPerCall / width)
    let source = UnsafeRawPointer(input.data)
    let isSideBySide = columns.extent == 1 || (columns.target == 1 && row.target == width)
    let step = columns.extent == 1 ? row.target : 1
    let grain = max(1, Self.grain / max(1, length * width))
    ThreadPool.parallelFor(row.extent, grain: grain) { range in
      let most = min(rowsPerCall, range.count) * width
      withScratch(most * accumulator.itemSize, centers == nil ? 0 : most) { sums, local in
        for first in stride(from: range.lowerBound, to: range.upperBound, by: rowsPerCall) {
          let count = min(rowsPerCall, range.upperBound - first)
          var own: UnsafePointer<Double>?
          if let centers {
            for i in 0..<count {
              for j in 0..<width { local[i * width + j] = centers[(first + i) * row.target + j * columns.target] }
            }
            own = UnsafePointer(local)
          }
          kernel(sums, nil, 0, 0, count * width, nil, 1, 0)
          walk(source + first * row.step, 0..<length) { start, rows, distance in
            kernel(sums, start, rows, distance, width, own, count, row.step)
          }
          if isSideBySide {
            Self.write(sums, accumulator, count * width, at: first * row.target, step: step, into: output, divisor)
            continue
          }
          for i in 0..<count {
            Self.write(
              sums + i * width * accumulator.itemSize, accumulator, width, at: (first + i) * row.target,
              step: columns.target, into: output, divisor)
          }
        }
      }
    }
  }

  private func withScratch(
    _ byteCount: Int, _ doubles: Int, _ body: (UnsafeMutableRawPointer, UnsafeMutablePointer<Double>) -> Void
  ) {
    // Whole lines of the cache: a vector of accumulators across two would take twice as long. Swift's own alignment would
    // come from the heap.
    withUnsafeTemporaryAllocation(byteCount: byteCount + Self.vectorSize, alignment: 16) { bytes in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: max(doubles, 1)) { numbers in
        guard let bytes = bytes.baseAddress, let local = numbers.baseAddress else { return }
        body(bytes.alignedUp(toMultipleOf: Self.vectorSize), local)
      }
    }
  }

  /// Where the elements of a result start, and the result's place in the output.
  private func position(_ row: Int, _ column: Int) -> (UnsafeRawPointer, Int) {
    var rest = row
    var source = UnsafeRawPointer(input.data) + column * columns.step
    var target = column * columns.target
    for axis in kept.reversed() {
      let index = rest % axis.extent
      rest /= axis.extent
      source += index * axis.step
      target += index * axis.target
    }
    return (source, target)
  }

  /// Calls `body` with the start, the count and the step of each inner run in `range` of the reduced elements.
  private func walk(_ source: UnsafeRawPointer, _ range: Range<Int>, _ body: (UnsafeRawPointer, Int, Int) -> Void) {
    guard let inner = reduced.last else { return }
    if reduced.count == 1 {
      if !range.isEmpty { body(source + range.lowerBound * inner.step, range.count, inner.step) }
      return
    }
    var done = range.lowerBound
    while done < range.upperBound {
      let index = done % inner.extent
      let run = min(inner.extent - index, range.upperBound - done)
      var start = source + index * inner.step
      var rest = done / inner.extent
      for axis in reduced.dropLast().reversed() {
        start += rest % axis.extent * axis.step
        rest /= axis.extent
      }
      body(start, run, inner.step)
      done += run
    }
  }

  /// Writes up to `width` accumulators as the results at `column` of `row`.
  private func finish(
    _ sums: UnsafeMutableRawPointer, _ accumulator: DType, _ row: Int, _ column: Int, _ width: Int,
    into output: Tensor, _ divisor: Double
  ) {
    let (_, target) = position(row, column)
    ReductionLoop.write(
      sums, accumulator, min(width, columns.extent - column), at: target, step: columns.target, into: output, divisor)
  }

  /// Writes accumulators as results, from element `target` on.
  private static func write(
    _ sums: UnsafeMutableRawPointer, _ accumulator: DType, _ count: Int, at target: Int, step: Int,
    into output: Tensor, _ divisor: Double
  ) {
    if accumulator == .float64 {
      let sums = sums.assumingMemoryBound(to: Double.self)
      if output.dtype == .float32 {
        let results = output.data.assumingMemoryBound(to: Float.self) + target
        if step == 1, divisor == 1, count >= manyResults, let round {
          let pointers: StridedLoop.Pointers = [
            UnsafeMutableRawPointer(results).assumingMemoryBound(to: CChar.self),
            UnsafeMutableRawPointer(sums).assumingMemoryBound(to: CChar.self), nil, nil,
          ]
          return StridedLoop.call(round, count, pointers, [4, 8, 0, 0, 0], nil)
        }
        convert(count, step, divisor, sums, results) { Float($0) }
      } else {
        convert(count, step, divisor, sums, output.data.assumingMemoryBound(to: Double.self) + target) { $0 }
      }
      return
    }
    let itemSize = accumulator.itemSize
    let results = output.data + target * itemSize
    if step == 1 { return results.copyMemory(from: sums, byteCount: count * itemSize) }
    for j in 0..<count {
      (results + j * step * itemSize).copyMemory(from: sums + j * itemSize, byteCount: itemSize)
    }
  }

  /// Results from which on a kernel rounds them: its vectors are wider than the engine's (8 rows of 16 384 summed: 20 to 16 µs).
  private static let manyResults = 64
  private static let round = KernelTable.shared.cast(from: .float64, to: .float32)

  /// Results side by side in a loop of their own, which has vectors (8 rows of 16 384 summed: 40 to 23 µs).
  @inline(__always)
  private static func convert<Result>(
    _ count: Int, _ step: Int, _ divisor: Double, _ sums: UnsafePointer<Double>,
    _ results: UnsafeMutablePointer<Result>, _ convert: (Double) -> Result
  ) {
    if step == 1, divisor == 1 {
      for j in 0..<count { results[j] = convert(sums[j]) }
    } else if step == 1 {
      for j in 0..<count { results[j] = convert(sums[j] / divisor) }
    } else {
      for j in 0..<count { results[j &* step] = convert(sums[j] / divisor) }
    }
  }
}
