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
  /// Pixels of the source are so many columns apart, with zeros between.
  var spread = 1

  private var size: Int { kernels.gemm.itemSize }
  private var taps: Int { grid.offsets.count }

  /// The padded copy of a block, and what the kernel reads beyond it.
  private func room() -> Scratch? { Scratch(grid.paddedCount + 8 * grid.rowPitch, size: size) }

  /// Calls `body` with planes like `image`'s that are so far apart, of which targets are `targetStride` apart and have
  /// rows `rowStride` apart.
  private func withPlanes(
    of image: Planes, apart: Int, targetStride: Int, rowStride: Int, _ body: (inout depthwise_planes) -> Void
  ) {
    grid.offsets.withUnsafeBufferPointer { offsets in
      var planes = depthwise_planes(
        planes: 0, height: image.height, width: image.width, plane_stride: apart, row_stride: image.rowStride,
        column_stride: image.columnStride, column_spread: spread,
        first_row: grid.firstRow, first_column: grid.firstColumn, row_length: grid.rowLength, span: grid.span,
        row_step: grid.rowStep, column_step: grid.columnStep, rows: grid.height, columns: grid.width,
        rows_at_once: max(1, grid.block / max(grid.width, 1)), row_pitch: grid.rowPitch, taps: taps,
        offsets: offsets.baseAddress, targets: outputs, target_stride: targetStride, target_row_stride: rowStride)
      body(&planes)
    }
  }

  /// Fills target planes of `planeSize` elements, and of them rows that are `rowStride` apart, from the weights, (target,
  /// tap). False when there is no memory.
  func run(
    _ source: Planes, _ weight: UnsafeRawPointer, bias: UnsafeRawPointer?, _ target: UnsafeMutableRawPointer,
    planeSize: Int, rowStride: Int
  ) -> Bool {
    let failed = Atomic(false)
    let work = saturatedProduct(grid.count, taps, outputs)
    ThreadPool.parallelFor(batch * groups, grain: max(1, (1 << 17) / max(work, 1))) { range in
      guard let room = room() else { return failed.store(true, ordering: .relaxed) }
      room.clear()
      withPlanes(
        of: source, apart: source.planeStride, targetStride: outputs * planeSize, rowStride: rowStride
      ) { planes in
        var first = range.lowerBound
        while first < range.upperBound {
          let (image, group) = (first / groups, first % groups)
          planes.planes = min(groups - group, range.upperBound - first)
          kernels.depthwise(
            &planes, source.pointer + (image * source.imageStride + group * source.planeStride) * size,
            weight + group * outputs * taps * size, bias.map { $0 + group * outputs * size },
            target + first * outputs * planeSize * size, room.pointer)
          first += planes.planes
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }

  /// The gradient with respect to the weight, (target, tap), from contiguous planes of the target's gradient.
  func weightGradient(_ source: Planes, _ gradient: UnsafeRawPointer, _ result: UnsafeMutableRawPointer) -> Bool {
    let failed = Atomic(false)
    let work = saturatedProduct(batch, grid.count, taps, outputs)
    ThreadPool.parallelFor(groups, grain: max(1, (1 << 17) / max(work, 1))) { range in
      guard let room = room(), let totals = Scratch(outputs, taps, kernels.gemm.columns, size: size) else {
        return failed.store(true, ordering: .relaxed)
      }
      room.clear()
      withPlanes(
        of: source, apart: source.imageStride, targetStride: groups * outputs * grid.count, rowStride: grid.width
      ) { planes in
        planes.planes = batch
        for group in range {
          kernels.depthwiseGradient(
            &planes, source.pointer + group * source.planeStride * size, gradient + group * outputs * grid.count * size,
            result + group * outputs * taps * size, totals.pointer, room.pointer)
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }
}
