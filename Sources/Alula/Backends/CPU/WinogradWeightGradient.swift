import CSupport
import Synchronization

extension WinogradConvolution {
  /// Panels of targets that a task works on: its sums take half a second-level cache. At least two, so that the last
  /// task's targets fill a vector.
  private var panelsAtOnce: Int {
    min(convolution.panels, max(2, (1 << 20) / (4 * size * convolution.channels * convolution.lanes)))
  }

  private var slices: Int { (convolution.panels + panelsAtOnce - 1) / panelsAtOnce }

  /// Tiles of one block: a depth that repays reading and writing the sums, as far as the planes stay in the cache.
  private var tilesPerBlock: Int {
    let inCache = (1 << 19) / (4 * size * (convolution.channels + panelsAtOnce * convolution.lanes))
    return max(96, min(inCache, Gemm.depthBlock))
  }

  /// The gradient with respect to the weight, (groups · targets, channels, 3, 3), from contiguous planes. False, with the
  /// result undefined, when there is no memory.
  ///
  /// A task makes four of the 16 planes of some targets' sums, over its share of the tiles, whose number depends on the
  /// shape alone; the shares' sums are added in order.
  func weightGradient(
    _ source: UnsafeRawPointer, _ gradient: UnsafeRawPointer, _ result: UnsafeMutableRawPointer
  ) -> Bool {
    let (rows, columns) = (convolution.rows, convolution.columns)
    let allTargets = convolution.groups * convolution.targets
    // Positions as if they were a source: one tap, without an offset.
    let positions = TapAxis(
      positions: 2 * tileColumns, extent: columns.positions, step: 1, taps: [(element: 0, offset: 0)])
    guard let sourceLayout = sourceImages,
      let gradientLayout = ChannelsLastImages(
        kernels, rows: rows.positions, positions, padded: true, channels: allTargets)
    else { return false }
    let pitch = max(sourceLayout.imagePitch, gradientLayout.imagePitch, 1)
    let atOnce = min(convolution.batch, max(1, (64 << 20) / size / pitch))
    let shares = max(1, min(4 / (convolution.groups * slices), atOnce * tileRows * tileColumns / tilesPerBlock))
    guard let sourceCopies = Scratch(atOnce, sourceLayout.imagePitch, size: size),
      let gradientCopies = Scratch(atOnce, gradientLayout.imagePitch, size: size),
      let sourceZeros = zeroRow(sourceLayout), let gradientZeros = zeroRow(gradientLayout),
      let sums = Scratch(
        shares, convolution.groups, convolution.panels,
        saturatedProduct(16, convolution.channels, convolution.lanes), size: size)
    else { return false }
    for first in stride(from: 0, to: convolution.batch, by: atOnce) {
      let count = min(atOnce, convolution.batch - first)
      sourceLayout.copy(
        source + first * convolution.allChannels * rows.extent * columns.extent * size, images: count,
        sourceCopies.pointer)
      gradientLayout.copy(
        gradient + first * allTargets * rows.positions * columns.positions * size, images: count,
        gradientCopies.pointer)
      let done = accumulate(
        WinogradImages(images: sourceCopies.pointer, zeros: sourceZeros.pointer, layout: sourceLayout),
        WinogradImages(images: gradientCopies.pointer, zeros: gradientZeros.pointer, layout: gradientLayout),
        count * tileRows * tileColumns, shares, sums.pointer, onto: first > 0)
      if !done { return false }
    }
    return finish(sums.pointer, shares, result)
  }

  private func accumulate(
    _ source: WinogradImages, _ gradient: WinogradImages, _ tiles: Int, _ shares: Int, _ sums: UnsafeMutableRawPointer,
    onto: Bool
  ) -> Bool {
    let (groups, channels, lanes, panels) = (
      convolution.groups, convolution.channels, convolution.lanes, convolution.panels
    )
    let slices = slices
    let most = tilesPerBlock
    let failed = Atomic(false)
    ThreadPool.parallelFor(shares * groups * slices * 4, grain: 1) { range in
      guard let sources = Scratch(4, most, channels, size: size),
        let gradients = Scratch(4, most, panelsAtOnce * lanes, size: size)
      else { return failed.store(true, ordering: .relaxed) }
      // What fills up the last panel is never written.
      gradients.pointer.initializeMemory(
        as: UInt8.self, repeating: 0, count: 4 * most * panelsAtOnce * lanes * size)
      for task in range {
        let (row, slice) = (task % 4, task / 4 % slices)
        let (group, share) = (task / 4 / slices % groups, task / 4 / slices / groups)
        let panelRange = slice * panels / slices..<(slice + 1) * panels / slices
        let width = panelRange.count * lanes
        let whole = share * tiles / shares..<(share + 1) * tiles / shares
        let to = sums + ((share * groups + group) * 16 + row * 4) * panels * channels * lanes * size
        for start in stride(from: whole.lowerBound, to: whole.upperBound, by: most) {
          let part = start..<min(start + most, whole.upperBound)
          for run in runs(part) {
            transform(
              run, source, group, row: row, sources.pointer + run.first * channels * size, part.count * channels)
            transform(
              run, gradient, group, panelRange, row: row, gradients.pointer + run.first * width * size,
              part.count * width, width)
          }
          for plane in 0..<4 {
            for panel in panelRange {
              var product = gemm_product(
                rows: channels, columns: lanes, depth: part.count, rowStride: lanes,
                accumulate: onto || start > whole.lowerBound)
              product.a_row = 1
              product.a0 = channels
              product.b0 = width
              kernels.gemm.block(
                &product, sources.pointer + plane * part.count * channels * size,
                gradients.pointer + (plane * part.count * width + (panel - panelRange.lowerBound) * lanes) * size,
                to + (plane * panels + panel) * channels * lanes * size, nil, nil)
            }
          }
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }

  /// The planes of a run of positions: one row of those of some targets.
  private func transform(
    _ run: WinogradRun, _ gradient: WinogradImages, _ group: Int, _ panels: Range<Int>, row: Int,
    _ planes: UnsafeMutableRawPointer, _ planePitch: Int, _ tilePitch: Int
  ) {
    let lanes = convolution.lanes
    let allTargets = convolution.groups * convolution.targets
    let start = 2 * run.column * allTargets + group * convolution.targets + panels.lowerBound * lanes
    let count = min(convolution.targets, panels.upperBound * lanes) - panels.lowerBound * lanes
    gradient.withRows(2, image: run.image, from: 2 * run.row, of: convolution.rows.positions, start * size, size) {
      kernels.winograd.gradient(row, run.count, count, $0, allTargets, planes, planePitch, tilePitch)
    }
  }

  /// Adds the shares' sums, and brings them to the weight's order.
  private func finish(_ sums: UnsafeMutableRawPointer, _ shares: Int, _ result: UnsafeMutableRawPointer) -> Bool {
    let (groups, panels) = (convolution.groups, convolution.panels)
    let count = convolution.channels * convolution.lanes
    let elements = groups * 16 * panels * count
    guard let taps = Scratch(groups, panels, 9, count, size: size) else { return false }
    let to = taps.pointer
    ThreadPool.parallelFor(groups * panels, grain: max(1, (1 << 13) / count)) { range in
      for task in range {
        let first = sums + (task / panels * 16 * panels + task % panels) * count * size
        for share in 1..<max(shares, 1) {
          for plane in 0..<16 {
            let sum = first + plane * panels * count * size
            kernels.gemm.add(count, sum, sum + share * elements * size)
          }
        }
        kernels.winograd.taps(count, first, panels * count, to + task * 9 * count * size)
      }
    }
    return convolution.reduce(to, 1, groups * panels * 9 * count, result)
  }
}
