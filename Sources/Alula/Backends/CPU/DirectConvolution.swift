import CSupport
import Synchronization

/// A convolution whose patches are read from the images themselves.
///
/// The images are copied once with their channels last, so that a patch's row is contiguous. A register tile holds
/// some channels of the target at the same position of as many images as it has rows; taps that lie outside the image
/// are left out. With too few images it holds neighbouring positions instead, of images padded at the left and right.
struct DirectConvolution {
  let kernels: ConvolutionKernels
  let batch: Int
  let groups: Int
  /// Channels of one group.
  let channels: Int
  let targets: Int
  let rows: TapAxis
  let columns: TapAxis

  var size: Int { kernels.gemm.itemSize }
  var lanes: Int { kernels.gemm.columns }
  var panels: Int { (targets + lanes - 1) / lanes }
  var allChannels: Int { groups * channels }

  /// Positions of a task: seven lines of the cache are two rows of 56, four of 28 or eight of 14, which are the images of most
  /// networks, so that results fill whole lines.
  private static let positionsAtOnce = 112
  /// Multiply-adds per element of time, in percent, of a register tile of so many rows; 6 and more do best.
  private static let tileEfficiency = [1, 25, 50, 73, 91, 94, 98]

  private func efficiency(_ count: Int) -> Int {
    let tallest = kernels.gemm.rows
    return Self.tileEfficiency[min(6, count / ((count + tallest - 1) / tallest))]
  }

  /// Whether tiles hold images rather than positions.
  private var acrossImages: Bool {
    let inside = max(columns.elements.indices.reduce(0) { $0 + columns.positions(of: $1).count }, 1)
    return efficiency(batch) * columns.positions * columns.count >= efficiency(columns.positions) * inside
  }

  func images(padded: Bool, channels: Int) -> ChannelsLastImages? {
    ChannelsLastImages(kernels, rows: rows.extent, columns, padded: padded, channels: channels)
  }

  // MARK: - Forward

  /// Fills target planes, `targetPlane` elements apart; positions go to consecutive elements, or to those that
  /// `scatter` (of row and column stride) says. False, with the target undefined, when there is no memory.
  func run(
    _ source: UnsafeRawPointer, _ weight: WeightOperand, bias: UnsafeRawPointer?, _ target: UnsafeMutableRawPointer,
    targetPlane: Int, scatter: (row: Int, column: Int)?
  ) -> Bool {
    let across = acrossImages
    guard let layout = images(padded: !across, channels: allChannels),
      let packedWeight = packed(weight), let packedBias = padded(bias)
    else { return false }
    // Images are worked on in as many at once as keep the copy small.
    let atOnce = min(batch, max(12, (64 << 20) / size / max(layout.imagePitch, 1) / 12 * 12))
    guard let copies = Scratch(atOnce, layout.imagePitch, size: size) else { return false }
    for first in stride(from: 0, to: batch, by: atOnce) {
      let count = min(atOnce, batch - first)
      layout.copy(source + first * allChannels * rows.extent * columns.extent * size, images: count, copies.pointer)
      if !multiply(
        UnsafeRawPointer(copies.pointer), count, layout, across: across, packedWeight.pointer,
        bias == nil ? nil : UnsafeRawPointer(packedBias.pointer),
        target + first * groups * targets * targetPlane * size, targetPlane, scatter)
      {
        return false
      }
    }
    return true
  }

  /// The weight in panels: for each group, panel of targets and tap, the channels.
  func packed(_ weight: WeightOperand) -> Scratch? {
    let taps = rows.count * columns.count
    guard let packed = Scratch(groups * panels, taps * channels + 1, lanes, size: size) else { return nil }
    let to = packed.pointer
    ThreadPool.parallelFor(groups * panels * taps, grain: max(1, (1 << 14) / (channels * lanes))) { range in
      for task in range {
        let tap = task % taps
        let panel = task / taps % panels
        let element = rows.elements[tap / columns.count] * weight.kernelWidth + columns.elements[tap % columns.count]
        let start = task / taps / panels * weight.groupStride + panel * lanes * weight.targetStride + element
        kernels.gemm.packB(
          min(lanes, targets - panel * lanes), channels, weight.pointer + start * size, weight.targetStride,
          weight.channelStride, to + task * channels * lanes * size)
      }
    }
    return packed
  }

  /// A bias for each target, each group's filled up to whole panels.
  func padded(_ bias: UnsafeRawPointer?) -> Scratch? {
    guard let padded = Scratch(bias == nil ? 0 : groups, panels, lanes, size: size) else { return nil }
    if let bias {
      for group in 0..<groups {
        let to = padded.pointer + group * panels * lanes * size
        to.copyMemory(from: bias + group * targets * size, byteCount: targets * size)
        (to + targets * size).initializeMemory(
          as: UInt8.self, repeating: 0, count: (panels * lanes - targets) * size)
      }
    }
    return padded
  }

  /// A tap's place in a product: the depth from the taps `y` and `x` on, and all channels.
  private func depth(_ y: Range<Int>, _ x: Range<Int>, _ layout: ChannelsLastImages) -> gemm_product {
    var product = gemm_product(rows: 0, columns: lanes, depth: channels, rowStride: lanes, accumulate: false)
    product.a0 = 1
    product.b_panel = rows.count * columns.count * channels * lanes
    product.b0 = lanes
    product.depth1 = x.count
    product.a1 = columns.spacing * allChannels
    product.b1 = channels * lanes
    if groups == 1, columns.spacing == 1 {
      // A patch's row is contiguous.
      product.depth0 *= x.count
      product.depth1 = 1
    }
    product.depth2 = y.count
    product.a2 = rows.spacing * layout.rowPitch
    product.b2 = columns.count * channels * lanes
    if y.isEmpty || x.isEmpty { product.depth0 = 0 }
    return product
  }

  /// Where the first of the taps at a position reads, in an image's copy.
  private func start(_ row: Int, _ y: Range<Int>, _ column: Int, _ x: Range<Int>, _ layout: ChannelsLastImages) -> Int {
    if y.isEmpty || x.isEmpty { return 0 }
    return (row * rows.step + rows.offsets[y.lowerBound]) * layout.rowPitch
      + (column * columns.step + columns.offsets[x.lowerBound] + layout.left) * allChannels
  }

  private func multiply(
    _ source: UnsafeRawPointer, _ count: Int, _ layout: ChannelsLastImages, across: Bool, _ weight: UnsafeRawPointer,
    _ bias: UnsafeRawPointer?, _ target: UnsafeMutableRawPointer, _ targetPlane: Int,
    _ scatter: (row: Int, column: Int)?
  ) -> Bool {
    // A task is a block of positions of the images of one tile, or of one: some rows, or a part of a long one.
    let width = columns.positions
    let tallest = kernels.gemm.rows
    let imageTasks = across ? (count + tallest - 1) / tallest : count
    let columnTasks = (width + Self.positionsAtOnce - 1) / Self.positionsAtOnce
    let rowsAtOnce = columnTasks > 1 ? 1 : max(1, min(rows.positions, Self.positionsAtOnce / width))
    let rowTasks = (rows.positions + rowsAtOnce - 1) / rowsAtOnce
    // Panels of the weight that share what is read of the images.
    let panelsAtOnce = min(panels, 2)
    // Rows of taps whose part of a panel of the weight stays in the first-level cache while positions pass by.
    let tapRows = max(1, (16 << 10) / max(columns.count * channels * lanes * size, 1))
    let block = rowsAtOnce * ((width + columnTasks - 1) / columnTasks)
    let taps = rows.count * columns.count
    let work = saturatedProduct(across ? tallest : 1, block, targets, channels, taps)
    let failed = Atomic(false)
    let tasks = groups * imageTasks * rowTasks * columnTasks
    ThreadPool.parallelFor(tasks, grain: max(1, (1 << 19) / max(work, 1))) { range in
      guard let tile = Scratch(across ? tallest : 1, block, panelsAtOnce * lanes, size: size),
        let turned = Scratch(scatter == nil ? 0 : panelsAtOnce * lanes, block, size: size)
      else { return failed.store(true, ordering: .relaxed) }
      for task in range {
        // Neighbouring tasks, which run at the same time, write to different images: rows of one plane share cache
        // lines.
        let index = task % imageTasks
        let part = task / imageTasks % columnTasks
        let firstRow = task / imageTasks / columnTasks % rowTasks * rowsAtOnce
        let group = task / imageTasks / columnTasks / rowTasks
        let columnRange = part * width / columnTasks..<(part + 1) * width / columnTasks
        let rowRange = firstRow..<min(rows.positions, firstRow + rowsAtOnce)
        let images = index * count / imageTasks..<(index + 1) * count / imageTasks
        let positions = rowRange.count * columnRange.count
        let from = source + (images.lowerBound * layout.imagePitch + group * channels) * size
        // Runs of positions whose tiles are alike, and the products that they are.
        var runs: [(product: gemm_product, source: Int, weight: Int, tile: Int)] = []
        if across {
          let columnRuns = columns.runs(columnRange)
          for row in rowRange {
            let y = rows.taps(at: row)
            for run in columnRuns {
              var product = depth(y, run.taps, layout)
              product.count = run.positions.count
              product.a_count = columns.step * allChannels
              product.c_count = lanes
              product.rows = images.count
              product.a_row = layout.imagePitch
              product.c_row = positions * lanes
              runs.append(
                (
                  product, start(row, y, run.positions.lowerBound, run.taps, layout),
                  (y.lowerBound * columns.count + run.taps.lowerBound) * channels,
                  (row - firstRow) * columnRange.count + run.positions.lowerBound - columnRange.lowerBound
                ))
            }
          }
        } else {
          for run in rows.runs(rowRange) {
            let x = 0..<columns.count
            var product = depth(run.taps, x, layout)
            product.count = run.positions.count
            product.a_count = rows.step * layout.rowPitch
            product.c_count = columnRange.count * lanes
            product.rows = columnRange.count
            product.a_row = columns.step * allChannels
            runs.append(
              (
                product, start(run.positions.lowerBound, run.taps, columnRange.lowerBound, x, layout),
                run.taps.lowerBound * columns.count * channels,
                (run.positions.lowerBound - firstRow) * columnRange.count
              ))
          }
        }
        for panel in stride(from: 0, to: panels, by: panelsAtOnce) {
          let panelCount = min(panelsAtOnce, panels - panel)
          let tileWidth = panelCount * lanes
          let weights = weight + (group * panels + panel) * taps * channels * lanes * size
          let used = min(tileWidth, targets - panel * lanes)
          let planes =
            target + (images.lowerBound * groups * targets + group * targets + panel * lanes) * targetPlane * size
          for first in stride(from: 0, to: max(rows.count, 1), by: tapRows) {
            for run in runs {
              var product = run.product
              product.depth2 = min(tapRows, run.product.depth2 - first)
              if first > 0, product.depth2 <= 0 { continue }
              product.accumulate = first > 0
              product.columns = kernels.gemm.computedColumns(used)
              product.c_count *= panelCount
              product.c_row *= panelCount
              kernels.gemm.block(
                &product, from + (run.source + first * product.a2) * size,
                weights + (run.weight * lanes + first * product.b2) * size, tile.pointer + run.tile * tileWidth * size,
                nil,
                first > 0 ? nil : bias.map { $0 + (group * panels + panel) * lanes * size })
            }
          }
          for image in 0..<images.count {
            let filled = UnsafeRawPointer(tile.pointer) + image * positions * tileWidth * size
            let planes = planes + image * groups * targets * targetPlane * size
            if let scatter {
              kernels.transpose(positions, used, filled, tileWidth, turned.pointer, positions)
              kernels.scatter(
                used, firstRow * width + columnRange.lowerBound, positions, width, turned.pointer, positions, planes,
                [targetPlane, scatter.row, scatter.column])
            } else {
              kernels.transpose(
                positions, used, filled, tileWidth, planes + (firstRow * width + columnRange.lowerBound) * size,
                targetPlane
              )
            }
          }
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }
}
