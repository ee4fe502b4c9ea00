import CSupport
import Synchronization

/// A convolution whose groups have one channel of the source each, and few of the target.
struct DepthwiseConvolution {
  let kernels: ConvolutionKernels
  let batch: Int
  let groups: Int
  /// Channels of the target in one group.
  let outputs: Int
  let grid: PatchGrid

  private var size: Int { kernels.gemm.itemSize }
  private var rowsAtOnce: Int { max(1, grid.block / max(grid.width, 1)) }

  /// Calls `body` with each block of rows of a plane and its padded image.
  private func forEachBlock(
    _ image: Planes, _ padded: UnsafeMutableRawPointer, _ body: (Range<Int>, UnsafePointer<Int>) -> Void
  ) {
    grid.offsets.withUnsafeBufferPointer { offsets in
      for first in stride(from: 0, to: grid.height, by: rowsAtOnce) {
        let rows = first..<min(grid.height, first + rowsAtOnce)
        grid.pad(kernels, image, rows.lowerBound * grid.width..<rows.upperBound * grid.width, padded)
        if let offsets = offsets.baseAddress { body(rows, offsets) }
      }
    }
  }

  /// Fills target planes of `planeSize` elements from the weights, (target, tap). Positions go to consecutive elements,
  /// or to those that `scatter` (of row and column stride) says. False when there is no memory.
  func run(
    _ image: (Int, Int) -> Planes, _ weight: UnsafeRawPointer, bias: UnsafeRawPointer?,
    _ target: UnsafeMutableRawPointer, planeSize: Int, scatter: (row: Int, column: Int)?
  ) -> Bool {
    let taps = grid.offsets.count
    let failed = Atomic(false)
    let work = saturatedProduct(grid.count, taps, outputs)
    ThreadPool.parallelFor(batch * groups, grain: max(1, (1 << 17) / max(work, 1))) { range in
      guard let padded = Scratch(grid.paddedCount, size: size),
        let tile = Scratch(scatter == nil ? 0 : rowsAtOnce, grid.width, size: size)
      else { return failed.store(true, ordering: .relaxed) }
      for task in range {
        let group = task % groups
        forEachBlock(image(task / groups, group), padded.pointer) { rows, offsets in
          for channel in group * outputs..<(group + 1) * outputs {
            let plane = target + (task / groups * groups * outputs + channel) * planeSize * size
            let start = rows.lowerBound * grid.width
            kernels.depthwise(
              rows.count, grid.width, grid.rowPitch, taps, offsets, padded.pointer, weight + channel * taps * size,
              bias.map { $0 + channel * size }, scatter == nil ? plane + start * size : tile.pointer, grid.width)
            if let scatter {
              kernels.scatter(
                1, start, rows.count * grid.width, grid.width, tile.pointer, 0, plane, [0, scatter.row, scatter.column])
            }
          }
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }

  /// The gradient with respect to the weight, (target, tap), from contiguous planes of the target's gradient.
  func weightGradient(
    _ image: (Int, Int) -> Planes, _ gradient: UnsafeRawPointer, _ result: UnsafeMutableRawPointer
  ) -> Bool {
    let taps = grid.offsets.count
    let failed = Atomic(false)
    let work = saturatedProduct(batch, grid.count, taps, outputs)
    ThreadPool.parallelFor(groups, grain: max(1, (1 << 17) / max(work, 1))) { range in
      guard let padded = Scratch(grid.paddedCount, size: size) else {
        return failed.store(true, ordering: .relaxed)
      }
      for group in range {
        (result + group * outputs * taps * size).initializeMemory(
          as: UInt8.self, repeating: 0, count: outputs * taps * size)
        for index in 0..<batch {
          forEachBlock(image(index, group), padded.pointer) { rows, offsets in
            for channel in group * outputs..<(group + 1) * outputs {
              let start = (index * groups * outputs + channel) * grid.count + rows.lowerBound * grid.width
              kernels.depthwiseGradient(
                rows.count, grid.width, grid.rowPitch, taps, offsets, padded.pointer, gradient + start * size,
                grid.width, result + channel * taps * size)
            }
          }
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }
}
