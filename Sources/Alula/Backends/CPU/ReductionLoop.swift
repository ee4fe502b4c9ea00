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

  /// Rows that are folded in one call: a call for each would cost more than the fold of a short one.
  private static let rowsPerCall = 256

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
    let centers = centers.map { UnsafePointer($0.data.assumingMemoryBound(to: Double.self)) }

    /// Folds piece `piece` of the results that start at column `run * width` of row `row`.
    func foldPiece(
      _ row: Int, _ run: Int, _ piece: Int, into sums: UnsafeMutableRawPointer, _ local: UnsafeMutablePointer<Double>
    ) {
      let count = min(width, columns.extent - run * width)
      let (source, target) = position(row, run * width)
      var own: UnsafePointer<Double>?
      if let centers {
        for j in 0..<count { local[j] = centers[target + j * columns.target] }
        own = UnsafePointer(local)
      }
      kernel(sums, nil, 0, 0, count, nil, 1, 0)
      walk(source, piece * pieceLength..<min(length, (piece + 1) * pieceLength)) { start, rows, step in
        kernel(sums, start, rows, step, count, own, 1, 0)
      }
    }

    if pieces == 1, width == 1, reduced.count == 1, kept.count == 1 {
      foldRows(kernel, accumulator, into: output, divisor, centers)
      return
    }
    if pieces == 1 {
      let grain = max(1, ReductionLoop.grain / (width * max(1, length)))
      ThreadPool.parallelFor(rows * runs, grain: grain) { range in
        withScratch(slot, width) { sums, local in
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
      withScratch(0, width) { _, local in
        for i in range {
          let (row, run) = (i / pieces / runs, i / pieces % runs)
          foldPiece(row, run, i % pieces, into: partials + i * slot, local)
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

  /// Folds rows that lie one step apart, many in one call.
  private func foldRows(
    _ kernel: Kernel, _ accumulator: DType, into output: Tensor, _ divisor: Double,
    _ centers: UnsafePointer<Double>?
  ) {
    let (row, element) = (kept[0], reduced[0])
    let source = UnsafeRawPointer(input.data)
    let grain = max(1, ReductionLoop.grain / max(1, length))
    ThreadPool.parallelFor(row.extent, grain: grain) { range in
      withScratch(ReductionLoop.rowsPerCall * accumulator.itemSize, ReductionLoop.rowsPerCall) { sums, local in
        var first = range.lowerBound
        while first < range.upperBound {
          let count = min(ReductionLoop.rowsPerCall, range.upperBound - first)
          var own: UnsafePointer<Double>?
          if let centers {
            for j in 0..<count { local[j] = centers[(first + j) * row.target] }
            own = UnsafePointer(local)
          }
          kernel(sums, nil, 0, 0, count, nil, 1, 0)
          kernel(sums, source + first * row.step, element.extent, element.step, 1, own, count, row.step)
          ReductionLoop.write(sums, accumulator, count, at: first * row.target, step: row.target, into: output, divisor)
          first += count
        }
      }
    }
  }

  private func withScratch(
    _ byteCount: Int, _ doubles: Int, _ body: (UnsafeMutableRawPointer, UnsafeMutablePointer<Double>) -> Void
  ) {
    withUnsafeTemporaryAllocation(byteCount: max(byteCount, 16), alignment: 16) { bytes in
      withUnsafeTemporaryAllocation(of: Double.self, capacity: doubles) { numbers in
        if let sums = bytes.baseAddress, let local = numbers.baseAddress { body(sums, local) }
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
