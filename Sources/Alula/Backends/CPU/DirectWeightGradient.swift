import CSupport
import Synchronization

extension DirectConvolution {
  /// Rows of a product of the weight's gradient: one tap's channels, or those of a whole row of taps, which lie side by
  /// side in images padded at the left and right, when one tap has few.
  private var mergesTaps: Bool { channels < 12 && groups == 1 && columns.spacing == 1 }

  /// Whether tiles of the weight's gradient are reasonably full.
  var suitsWeightGradient: Bool { channels >= 12 || mergesTaps }

  /// The gradient with respect to the weight, (groups · targets, channels, taps), from contiguous planes. False, with
  /// the result undefined, when there is no memory.
  ///
  /// For each tap: channels × targets products, whose depth are the positions at which the tap lies inside the image.
  /// Images are shared out in pieces of a number that depends on the batch alone; their sums are added in order.
  func weightGradient(
    _ source: UnsafeRawPointer, _ gradient: UnsafeRawPointer, _ result: UnsafeMutableRawPointer
  ) -> Bool {
    guard let layout = images(padded: mergesTaps, channels: channels) else { return false }
    let taps = rows.count * columns.count
    let count = taps * channels
    let pieces = min(batch, 8)
    // Few images: the targets are shared out too.
    let panelTasks = min(panels, (8 + pieces * groups - 1) / (pieces * groups))
    let area = rows.positions * columns.positions
    let panelsAtOnce = (panels + panelTasks - 1) / panelTasks
    guard let elements = Dims([groups, panels, count, lanes]).checkedProduct,
      let bytes = Dims([layout.imagePitch + panelsAtOnce * lanes * area, size]).checkedProduct,
      let sums = Scratch(elements: [pieces, elements], size: size)
    else { return false }
    // Images whose copies stay in the second-level cache while all taps pass by.
    let atOnce = max(1, min((batch + pieces - 1) / pieces, (384 << 10) / max(bytes, 1)))
    let sum = sums.pointer
    let failed = Atomic(false)
    ThreadPool.parallelFor(pieces * groups * panelTasks, grain: 1) { range in
      guard let copies = Scratch(elements: [atOnce, layout.imagePitch], size: size),
        let turned = Scratch(elements: [panelsAtOnce, atOnce, area, lanes], size: size)
      else { return failed.store(true, ordering: .relaxed) }
      for task in range {
        let part = task % panelTasks * panels / panelTasks..<(task % panelTasks + 1) * panels / panelTasks
        let group = task / panelTasks % groups
        let piece = task / panelTasks / groups
        let (start, end) = (piece * batch / pieces, (piece + 1) * batch / pieces)
        for first in stride(from: start, to: end, by: atOnce) {
          let used = min(atOnce, end - first)
          for image in 0..<used {
            let plane = ((first + image) * groups + group) * channels * rows.extent * columns.extent
            copy(
              source + plane * size, channels: channels, layout, rows: 0..<rows.extent,
              copies.pointer + image * layout.imagePitch * size)
            for panel in part {
              let plane = ((first + image) * groups + group) * targets + panel * lanes
              kernels.transpose(
                min(lanes, targets - panel * lanes), area, gradient + plane * area * size, area,
                turned.pointer + ((panel - part.lowerBound) * atOnce + image) * area * lanes * size, lanes)
            }
          }
          for panel in part {
            accumulate(
              copies.pointer, layout, turned.pointer + (panel - part.lowerBound) * atOnce * area * lanes * size,
              images: used, onto: first > start,
              sum + (piece * elements + (group * panels + panel) * count * lanes) * size)
          }
        }
      }
    }
    if failed.load(ordering: .relaxed) { return false }
    return reduce(sum, pieces, elements, result)
  }

  /// One panel of targets' products for all taps, over some images.
  private func accumulate(
    _ source: UnsafeRawPointer, _ layout: Images, _ gradient: UnsafeRawPointer, images: Int, onto: Bool,
    _ sum: UnsafeMutableRawPointer
  ) {
    let width = columns.positions
    for y in 0..<rows.count {
      let rowRange = rows.positions(of: y)
      for x in 0..<(mergesTaps ? min(columns.count, 1) : columns.count) {
        let columnRange = mergesTaps ? 0..<width : columns.positions(of: x)
        var product = gemm_product(
          rows: mergesTaps ? columns.count * channels : channels, columns: lanes, depth: columnRange.count,
          rowStride: lanes, accumulate: onto)
        product.a_row = 1
        product.a0 = columns.step * channels
        product.b0 = lanes
        product.depth1 = rowRange.count
        product.a1 = rows.step * layout.rowPitch
        product.b1 = width * lanes
        product.depth2 = images
        product.a2 = layout.imagePitch
        product.b2 = rows.positions * width * lanes
        var (from, to) = (0, 0)
        if rowRange.isEmpty || columnRange.isEmpty {
          product.depth0 = 0
        } else {
          from =
            (rowRange.lowerBound * rows.step + rows.offsets[y]) * layout.rowPitch
            + (columnRange.lowerBound * columns.step + columns.offsets[x] + layout.left) * channels
          to = (rowRange.lowerBound * width + columnRange.lowerBound) * lanes
        }
        kernels.gemm.block(
          &product, source + from * size, gradient + to * size,
          sum + (y * columns.count + x) * channels * lanes * size, nil, nil)
      }
    }
  }

  /// Adds the pieces' sums and brings them, by (group, panel; tap, channel; target), to the weight's order.
  private func reduce(
    _ sum: UnsafeMutableRawPointer, _ pieces: Int, _ elements: Int, _ result: UnsafeMutableRawPointer
  ) -> Bool {
    let taps = rows.count * columns.count
    let count = taps * channels
    let failed = Atomic(false)
    ThreadPool.parallelFor(groups * panels, grain: max(1, (1 << 14) / (count * lanes))) { range in
      guard let turned = Scratch(elements: [lanes, count], size: size) else {
        return failed.store(true, ordering: .relaxed)
      }
      for task in range {
        let here = sum + task * count * lanes * size
        for piece in 1..<max(pieces, 1) { kernels.gemm.add(count * lanes, here, here + piece * elements * size) }
        let panel = task % panels
        let used = min(lanes, targets - panel * lanes)
        kernels.transpose(count, used, here, lanes, turned.pointer, count)
        let to = result + (task / panels * targets + panel * lanes) * count * size
        for target in 0..<used {
          kernels.transpose(
            taps, channels, turned.pointer + target * count * size, channels, to + target * count * size, taps)
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }
}
