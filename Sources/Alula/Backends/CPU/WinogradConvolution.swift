import CSupport
import Synchronization

/// A convolution by 3×3 kernels in Winograd's form, F(2×2, 3×3): for each 2×2 tile of positions, 16 products per channel
/// and target instead of 36, at the cost of transforming what goes in and comes out.
///
/// A task takes some tiles, whatever images they lie in, from source to target, so that their transforms stay in the
/// second-level cache. Larger tiles would save more products, and cost accuracy: this one's error is no larger than the
/// direct sum's.
struct WinogradConvolution {
  let convolution: DirectConvolution
  let tileRows: Int
  let tileColumns: Int

  /// nil where the kernels are others, or too few channels or tiles would repay the transforms.
  init?(_ convolution: DirectConvolution) {
    func suits(_ axis: TapAxis) -> Bool { axis.count == 3 && axis.spacing == 1 && axis.step == 1 }
    let (channels, targets) = (convolution.channels, convolution.targets)
    guard suits(convolution.rows), suits(convolution.columns), channels >= 16, targets >= 16 else { return nil }
    // Targets of half a panel are computed as such without it, and make its transforms dear (4 groups of 16 channels, with
    // gradients: 7.5 to 5.3 ms).
    if convolution.kernels.gemm.computedColumns(targets) < convolution.lanes { return nil }
    self.convolution = convolution
    tileRows = (convolution.rows.positions + 1) / 2
    tileColumns = (convolution.columns.positions + 1) / 2
    if saturatedProduct(convolution.batch, tileRows, tileColumns) < Self.fewTiles { return nil }
  }

  private static let fewTiles = 24

  var kernels: ConvolutionKernels { convolution.kernels }
  var size: Int { kernels.gemm.itemSize }
  /// Targets of one group, filled up to whole panels.
  var paddedTargets: Int { convolution.panels * convolution.lanes }
  /// Elements of one group's transformed weight in one plane.
  private var weightPlane: Int { convolution.channels * paddedTargets }

  /// Tiles of one task: their planes and those of their targets take half a second-level cache, as far as enough tasks
  /// are left to share out.
  private func tilesAtOnce(of count: Int) -> Int {
    let inCache = (1 << 19) / (16 * size * (convolution.channels + paddedTargets))
    let shared = count / 16
    return max(24, min(inCache, shared, 144) / 12 * 12)
  }

  /// Fills contiguous target planes. False, with the target undefined, when there is no memory.
  func run(
    _ source: UnsafeRawPointer, _ weight: WeightOperand, bias: UnsafeRawPointer?, _ target: UnsafeMutableRawPointer
  ) -> Bool {
    let (rows, columns) = (convolution.rows, convolution.columns)
    guard let layout = sourceImages, let weights = transformed(weight), let biases = convolution.padded(bias) else {
      return false
    }
    let batch = convolution.batch
    let atOnce = min(batch, max(1, (64 << 20) / size / max(layout.imagePitch, 1)))
    guard let copies = Scratch(atOnce, layout.imagePitch, size: size),
      let zeros = zeroRow(layout)
    else { return false }
    for first in stride(from: 0, to: batch, by: atOnce) {
      let count = min(atOnce, batch - first)
      layout.copy(
        source + first * convolution.allChannels * rows.extent * columns.extent * size, images: count, copies.pointer)
      let done = multiply(
        WinogradImages(images: copies.pointer, zeros: zeros.pointer, layout: layout), count, weights.pointer,
        bias == nil ? nil : UnsafeRawPointer(biases.pointer),
        target + first * convolution.groups * convolution.targets * rows.positions * columns.positions * size)
      if !done { return false }
    }
    return true
  }

  /// The source with its channels last, as wide as the last tile, which may reach beyond an odd number of positions.
  var sourceImages: ChannelsLastImages? {
    let columns = convolution.columns
    let even = TapAxis(
      positions: 2 * tileColumns, extent: columns.extent, step: 1,
      taps: zip(columns.elements, columns.offsets).map { ($0, $1) })
    return ChannelsLastImages(
      kernels, rows: convolution.rows.extent, even, padded: true, channels: convolution.allChannels)
  }

  /// What stands for rows above and below an image.
  func zeroRow(_ layout: ChannelsLastImages) -> Scratch? {
    guard let zeros = Scratch(layout.rowPitch, size: size) else { return nil }
    zeros.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: layout.rowPitch * size)
    return zeros
  }

  /// For each group and plane: panels of the transformed weight.
  private func transformed(_ weight: WeightOperand) -> Scratch? {
    let (groups, panels, channels) = (convolution.groups, convolution.panels, convolution.channels)
    let lanes = convolution.lanes
    guard let planes = Scratch(groups, 16, weightPlane, size: size) else { return nil }
    let to = planes.pointer
    let failed = Atomic(false)
    let atOnce = min(channels, 64)
    let parts = (channels + atOnce - 1) / atOnce
    ThreadPool.parallelFor(groups * panels * parts, grain: max(1, (1 << 12) / (atOnce * lanes))) { range in
      guard let taps = Scratch(atOnce, 9, lanes, size: size) else {
        return failed.store(true, ordering: .relaxed)
      }
      for task in range {
        let (part, panel) = (task % parts * atOnce, task / parts % panels)
        let group = task / parts / panels
        let count = min(atOnce, channels - part)
        gather(
          weight, weight.pointer + (group * weight.groupStride + part * weight.channelStride) * size, panel, count,
          taps.pointer)
        // Taps of a gradient are those of the kernel backwards.
        let backwards = convolution.rows.elements[0] > 0
        kernels.winograd.weight(
          count, lanes, taps.pointer + (backwards ? 8 * lanes * size : 0), backwards ? -lanes : lanes,
          to + (group * 16 * weightPlane + (panel * channels + part) * lanes) * size, weightPlane)
      }
    }
    if failed.load(ordering: .relaxed) { return nil }
    return planes
  }

  /// A panel of targets of some channels' kernels: by channel, element and target.
  private func gather(
    _ weight: WeightOperand, _ first: UnsafeRawPointer, _ panel: Int, _ channels: Int, _ taps: UnsafeMutableRawPointer
  ) {
    let lanes = convolution.lanes
    let used = min(lanes, convolution.targets - panel * lanes)
    let from = first + panel * lanes * weight.targetStride * size
    if used < lanes {
      taps.initializeMemory(as: UInt8.self, repeating: 0, count: channels * 9 * lanes * size)
    }
    if weight.channelStride == 9 {
      kernels.transpose(used, channels * 9, from, weight.targetStride, taps, lanes)
    } else {
      for channel in 0..<channels {
        kernels.transpose(
          used, 9, from + channel * weight.channelStride * size, weight.targetStride, taps + channel * 9 * lanes * size,
          lanes)
      }
    }
  }

  private func multiply(
    _ source: WinogradImages, _ images: Int, _ weights: UnsafeMutableRawPointer, _ bias: UnsafeRawPointer?,
    _ target: UnsafeMutableRawPointer
  ) -> Bool {
    let (channels, groups) = (convolution.channels, convolution.groups)
    let tiles = images * tileRows * tileColumns
    let most = tilesAtOnce(of: tiles)
    let blocks = (tiles + most - 1) / most
    let failed = Atomic(false)
    ThreadPool.parallelFor(groups * blocks, grain: 1) { range in
      guard let sources = Scratch(16, most, channels, size: size),
        let targets = Scratch(16, most, paddedTargets, size: size),
        let positions = Scratch(2, 2, most, paddedTargets, size: size)
      else { return failed.store(true, ordering: .relaxed) }
      for task in range {
        let (group, block) = (task / blocks, task % blocks)
        let part = block * tiles / blocks..<(block + 1) * tiles / blocks
        let runs = runs(part)
        for run in runs {
          transform(run, source, group, row: -1, sources.pointer + run.first * channels * size, part.count * channels)
        }
        for plane in 0..<16 {
          product(
            part.count, sources.pointer + plane * part.count * channels * size,
            weights + (group * 16 + plane) * weightPlane * size,
            targets.pointer + plane * part.count * paddedTargets * size)
        }
        for run in runs {
          kernels.winograd.target(
            run.count, paddedTargets, targets.pointer + run.first * paddedTargets * size, part.count * paddedTargets,
            bias.map { $0 + group * paddedTargets * size }, positions.pointer)
          store(run, group, positions.pointer, target)
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }

  /// Cuts tiles at the ends of the images' rows.
  func runs(_ tiles: Range<Int>) -> [WinogradRun] {
    var runs: [WinogradRun] = []
    var tile = tiles.lowerBound
    while tile < tiles.upperBound {
      let column = tile % tileColumns
      let count = min(tileColumns - column, tiles.upperBound - tile)
      let row = tile / tileColumns
      runs.append(
        WinogradRun(
          first: tile - tiles.lowerBound, count: count, image: row / tileRows, row: row % tileRows, column: column))
      tile += count
    }
    return runs
  }

  /// The planes of a run's patches: those of one row, or all.
  func transform(
    _ run: WinogradRun, _ source: WinogradImages, _ group: Int, row: Int, _ planes: UnsafeMutableRawPointer,
    _ planePitch: Int
  ) {
    let column = 2 * run.column + convolution.columns.firstOffset + source.layout.left
    let start = column * convolution.allChannels + group * convolution.channels
    source.withRows(
      4, image: run.image, from: 2 * run.row + convolution.rows.firstOffset, of: convolution.rows.extent,
      start * size, size
    ) {
      kernels.winograd.source(
        row, run.count, convolution.channels, $0, convolution.allChannels, planes, planePitch)
    }
  }

  /// (tiles × channels) times (channels × targets).
  private func product(
    _ tiles: Int, _ source: UnsafeRawPointer, _ weight: UnsafeRawPointer, _ target: UnsafeMutableRawPointer
  ) {
    let (channels, lanes) = (convolution.channels, convolution.lanes)
    for start in stride(from: 0, to: channels, by: Gemm.depthBlock) {
      var product = gemm_product(
        rows: tiles, columns: paddedTargets, depth: min(Gemm.depthBlock, channels - start), rowStride: paddedTargets,
        accumulate: start > 0)
      product.a_row = channels
      product.a0 = 1
      product.b_panel = channels * lanes
      product.b0 = lanes
      kernels.gemm.block(&product, source + start * size, weight + start * lanes * size, target, nil, nil)
    }
  }

  /// Brings a run's positions, by row, column and target, to the target's planes.
  private func store(_ run: WinogradRun, _ group: Int, _ positions: UnsafeRawPointer, _ target: UnsafeMutableRawPointer)
  {
    let (height, width) = (convolution.rows.positions, convolution.columns.positions)
    let plane = height * width
    let first = target + (run.image * convolution.groups + group) * convolution.targets * plane * size
    let columns = min(2 * run.count, width - 2 * run.column)
    for row in 0..<min(2, height - 2 * run.row) {
      kernels.transpose(
        columns, convolution.targets, positions + row * 2 * run.count * paddedTargets * size, paddedTargets,
        first + ((2 * run.row + row) * width + 2 * run.column) * size, plane)
    }
  }
}

/// Tiles side by side in one row of an image.
struct WinogradRun {
  /// The first's place among the tiles that are worked on together.
  let first: Int
  let count: Int
  let image: Int
  let row: Int
  let column: Int
}

/// Images with their channels last, and what stands for the rows above and below them.
struct WinogradImages {
  let images: UnsafeMutableRawPointer
  let zeros: UnsafeMutableRawPointer
  let layout: ChannelsLastImages

  /// Where `count` rows of an image of `height` rows lie from a row on, which may be negative; `offset`, in bytes, is
  /// added to each.
  func withRows(
    _ count: Int, image: Int, from first: Int, of height: Int, _ offset: Int, _ size: Int,
    _ body: (UnsafePointer<UnsafeRawPointer?>?) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: UnsafeRawPointer?.self, capacity: count) { rows in
      for index in 0..<count {
        let row = first + index
        let inside = row >= 0 && row < height
        let base = inside ? images + (image * layout.imagePitch + row * layout.rowPitch) * size : zeros
        rows[index] = UnsafeRawPointer(base + offset)
      }
      body(rows.baseAddress)
    }
  }
}
