import CSupport
import Synchronization

/// A convolution with few channels of the target, as the gradient of an image is, or an upsampling to colours: one plain
/// product of the weight with the source as it lies gives a plane per channel and tap, and the target's planes are the
/// sums of these, each moved by its tap. Tiles of channels would be mostly empty (the demo's first layer, forward and
/// backward: 12.7 to 5.7 ms).
struct ShiftedSums {
  let kernels: ConvolutionKernels
  let batch: Int
  let groups: Int
  /// Channels of one group.
  let channels: Int
  let targets: Int
  /// Taps of step 1.
  let rows: TapAxis
  let columns: TapAxis

  private var size: Int { kernels.gemm.itemSize }
  private var taps: Int { rows.count * columns.count }

  /// Fills target planes, `targetPlane` elements apart; positions go to consecutive elements, or to those that `scatter`
  /// (of row and column stride) says. False, with the target undefined, when there is no memory.
  func run(
    _ source: UnsafeRawPointer, _ weight: WeightOperand, _ target: UnsafeMutableRawPointer, targetPlane: Int,
    scatter: (row: Int, column: Int)?
  ) -> Bool {
    // The planes of a band of rows stay in the second-level cache; neighbouring bands both compute the rows that taps
    // of both reach.
    let rowBytes = max(saturatedProduct(targets, taps, columns.extent, size), 1)
    let span = min(rows.lastOffset - rows.firstOffset, rows.extent)
    let band = min(rows.positions, max(4 * (span + 1), (1 << 18) / rowBytes))
    let bands = (rows.positions + band - 1) / band
    guard let weights = Scratch(groups, channels, targets, taps, size: size) else { return false }
    gather(weight, weights.pointer)
    let failed = Atomic(false)
    let work = saturatedProduct(band, columns.extent, channels, targets, taps)
    ThreadPool.parallelFor(batch * groups * bands, grain: max(1, (1 << 17) / max(work, 1))) { range in
      guard
        let planes = Scratch(targets, taps, min(rows.extent, band + span), columns.extent, size: size),
        let sums = Scratch(scatter == nil ? 0 : targets, band, columns.positions, size: size)
      else { return failed.store(true, ordering: .relaxed) }
      for task in range {
        let first = task % bands * band
        let positions = first..<min(rows.positions, first + band)
        let (index, group) = (task / bands, task / bands % groups)
        let plane = target + index * targets * targetPlane * size
        let count = positions.count * columns.positions
        let (sum, pitch) =
          scatter == nil
          ? (plane + first * columns.positions * size, targetPlane) : (sums.pointer, count)
        let done = add(
          source + index * channels * rows.extent * columns.extent * size,
          weights.pointer + group * channels * targets * taps * size, positions, planes.pointer, sum, pitch: pitch)
        if !done { failed.store(true, ordering: .relaxed) }
        if let scatter {
          kernels.scatter(
            targets, first * columns.positions, count, columns.positions, sum, pitch, plane,
            [targetPlane, scatter.row, scatter.column])
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }

  /// The weight by group, channel, target and tap.
  private func gather(_ weight: WeightOperand, _ target: UnsafeMutableRawPointer) {
    func gather<T>(_: T.Type) {
      let from = weight.pointer.assumingMemoryBound(to: T.self)
      let to = target.assumingMemoryBound(to: T.self)
      var next = 0
      for group in 0..<groups {
        for channel in 0..<channels {
          for index in 0..<targets {
            let start = group * weight.groupStride + channel * weight.channelStride + index * weight.targetStride
            for y in rows.elements {
              for x in columns.elements {
                to[next] = from[start + y * weight.kernelWidth + x]
                next += 1
              }
            }
          }
        }
      }
    }
    if size == 4 { gather(UInt32.self) } else { gather(UInt64.self) }
  }

  /// The sums at some rows of positions; `pitch` elements lie between planes. False when there is no memory.
  private func add(
    _ source: UnsafeRawPointer, _ weight: UnsafeRawPointer, _ positions: Range<Int>,
    _ planes: UnsafeMutableRawPointer, _ sums: UnsafeMutableRawPointer, pitch: Int
  ) -> Bool {
    let width = columns.extent
    for index in 0..<targets {
      (sums + index * pitch * size).initializeMemory(
        as: UInt8.self, repeating: 0, count: positions.count * columns.positions * size)
    }
    let reached = (positions.lowerBound + rows.firstOffset)..<(positions.upperBound + rows.lastOffset)
    let read = reached.clamped(to: 0..<rows.extent)
    if taps == 0 || read.isEmpty || channels == 0 { return true }
    let count = read.count * width
    let product = Gemm(kernels.gemm, m: targets * taps, n: count, k: channels)
    let done = product.run(
      MatrixOperand(pointer: weight, rowStride: 1, columnStride: targets * taps),
      MatrixOperand(
        pointer: source + read.lowerBound * width * size, rowStride: rows.extent * width, columnStride: 1),
      planes, rowStride: count)
    if !done { return false }
    for index in 0..<targets {
      for y in 0..<rows.count {
        let inside = rows.positions(of: y).clamped(to: positions)
        for x in 0..<columns.count {
          let across = columns.positions(of: x)
          if across.isEmpty { continue }
          let plane = planes + ((index * rows.count + y) * columns.count + x) * count * size
          for row in inside {
            let from = (row + rows.offsets[y] - read.lowerBound) * width + across.lowerBound + columns.offsets[x]
            let to = index * pitch + (row - positions.lowerBound) * columns.positions + across.lowerBound
            kernels.gemm.add(across.count, sums + to * size, plane + from * size)
          }
        }
      }
    }
    return true
  }
}
