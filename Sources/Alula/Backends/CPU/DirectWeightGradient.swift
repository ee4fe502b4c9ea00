import CSupport
import Synchronization

extension DirectConvolution {
  /// Rows of a product of the weight's gradient: some of one tap's channels, or those of a whole row of taps, which lie
  /// side by side in images padded at the left and right, when one tap has few.
  private var mergesTaps: Bool { channels < 12 && groups == 1 && columns.spacing == 1 }

  /// Whether tiles of the weight's gradient are reasonably full.
  var suitsWeightGradient: Bool { channels >= 12 || mergesTaps }

  /// Channels that are copied side by side: few whole tiles, so that they stay in the first-level cache.
  private var slice: Int {
    if mergesTaps { return channels }
    let slices = channels % 16 == 0 ? channels / 16 : (channels + 17) / 18
    return (channels + slices - 1) / slices
  }

  /// The gradient with respect to the weight, (groups · targets, channels, taps), from contiguous planes. False, with
  /// the result undefined, when there is no memory.
  ///
  /// For each tap: channels × targets products, whose depth are the positions at which the tap lies inside the image.
  /// Images are shared out in pieces of a number that depends on the batch alone; their sums are added in order.
  func weightGradient(
    _ source: UnsafeRawPointer, _ gradient: UnsafeRawPointer, _ result: UnsafeMutableRawPointer
  ) -> Bool {
    let slices = (channels + slice - 1) / slice
    guard let layout = images(padded: mergesTaps, channels: slice) else { return false }
    let count = rows.count * columns.count * channels
    let pieces = min(batch, 8)
    // Few images: the targets are shared out too.
    let panelTasks = min(panels, (8 + pieces * groups - 1) / (pieces * groups))
    let panelsAtOnce = (panels + panelTasks - 1) / panelTasks
    let area = rows.positions * columns.positions
    guard let elements = Dims([groups, panels, count, lanes]).checkedProduct,
      let sums = Scratch(pieces, elements, size: size)
    else { return false }
    let sum = sums.pointer
    let failed = Atomic(false)
    ThreadPool.parallelFor(pieces * groups * panelTasks, grain: 1) { range in
      guard let copies = Scratch(slices, layout.imagePitch, size: size),
        let turned = Scratch(panelsAtOnce, area, lanes, size: size)
      else { return failed.store(true, ordering: .relaxed) }
      if targets % lanes != 0 { turned.clear() }
      for task in range {
        let part = task % panelTasks * panels / panelTasks..<(task % panelTasks + 1) * panels / panelTasks
        let group = task / panelTasks % groups
        let piece = task / panelTasks / groups
        let start = piece * batch / pieces
        for image in start..<(piece + 1) * batch / pieces {
          for index in 0..<slices {
            let plane = (image * groups + group) * channels + index * slice
            layout.copy(
              source + plane * rows.extent * columns.extent * size, channels: min(slice, channels - index * slice),
              rows: 0..<rows.extent, copies.pointer + index * layout.imagePitch * size)
          }
          for panel in part {
            let plane = (image * groups + group) * targets + panel * lanes
            let out = turned.pointer + (panel - part.lowerBound) * area * lanes * size
            let used = min(lanes, targets - panel * lanes)
            kernels.transpose(
              used, area, gradient + plane * area * size, area, out, lanes)
            for index in 0..<slices {
              accumulate(
                copies.pointer + index * layout.imagePitch * size, layout,
                channels: index * slice..<min(channels, (index + 1) * slice), out, targets: used, onto: image > start,
                sum + (piece * elements + (group * panels + panel) * count * lanes) * size)
            }
          }
        }
      }
    }
    if failed.load(ordering: .relaxed) { return false }
    return reduce(sum, pieces, elements, result)
  }

  /// The products of some channels and one panel of targets, of which so many are used, for all taps, over one image.
  private func accumulate(
    _ source: UnsafeRawPointer, _ layout: ChannelsLastImages, channels slice: Range<Int>, _ gradient: UnsafeRawPointer,
    targets used: Int, onto: Bool, _ sum: UnsafeMutableRawPointer
  ) {
    let width = columns.positions
    let pitch = mergesTaps ? channels : slice.count
    // Rows of positions of which both operands stay in the first-level cache while the taps pass by.
    let rowsAtOnce = max(1, 256 / width)
    for first in stride(from: 0, to: rows.positions, by: rowsAtOnce) {
      for y in 0..<rows.count {
        let rowRange = rows.positions(of: y).clamped(to: first..<min(rows.positions, first + rowsAtOnce))
        for x in 0..<(mergesTaps ? min(columns.count, 1) : columns.count) {
          let columnRange = mergesTaps ? 0..<width : columns.positions(of: x)
          var product = gemm_product(
            rows: mergesTaps ? columns.count * channels : slice.count,
            columns: kernels.gemm.computedColumns(used), depth: columnRange.count, rowStride: lanes,
            accumulate: onto || first > 0)
          product.a_row = 1
          product.a0 = columns.step * pitch
          product.b0 = lanes
          product.depth1 = rowRange.count
          product.a1 = rows.step * layout.rowPitch
          product.b1 = width * lanes
          var (from, to) = (0, 0)
          if rowRange.isEmpty || columnRange.isEmpty {
            if product.accumulate { continue }
            product.depth0 = 0
          } else {
            from =
              (rowRange.lowerBound * rows.step + rows.offsets[y]) * layout.rowPitch
              + (columnRange.lowerBound * columns.step + columns.offsets[x] + layout.left) * pitch
            to = (rowRange.lowerBound * width + columnRange.lowerBound) * lanes
          }
          kernels.gemm.block(
            &product, source + from * size, gradient + to * size,
            sum + ((y * columns.count + x) * channels + slice.lowerBound) * lanes * size, nil, nil)
        }
      }
    }
  }

  /// Adds the pieces' sums and brings them, by (group, panel; tap, channel; target), to the weight's order.
  func reduce(
    _ sum: UnsafeMutableRawPointer, _ pieces: Int, _ elements: Int, _ result: UnsafeMutableRawPointer
  ) -> Bool {
    let taps = rows.count * columns.count
    let count = taps * channels
    let failed = Atomic(false)
    ThreadPool.parallelFor(groups * panels, grain: max(1, (1 << 14) / (count * lanes))) { range in
      guard let turned = Scratch(lanes, count, size: size) else {
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
