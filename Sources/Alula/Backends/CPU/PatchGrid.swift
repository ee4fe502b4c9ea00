import CSupport

/// Planes of pixels as they lie in memory; strides in elements.
struct Planes {
  let pointer: UnsafeRawPointer
  let height: Int
  let width: Int
  let imageStride: Int
  let planeStride: Int
  let rowStride: Int
  let columnStride: Int
}

/// Positions in a grid of rows, under each of which lie the same taps of an image: position (i, j) and tap
/// (y, x) meet at pixel (i · rowStep + y, j · columnStep + x), which is zero outside the image.
struct PatchGrid {
  /// Positions.
  let height: Int
  let width: Int
  let rowStep: Int
  let columnStep: Int
  let channels: Int
  let firstRow: Int
  let firstColumn: Int
  /// Rows that the taps under one position span.
  let span: Int
  /// `columnStep` groups of columns, of whole vectors where these are one or two.
  let rowLength: Int
  /// Positions that are worked on at once, and the rows of the image that they need at most.
  let block: Int
  private let blockRows: Int
  /// Where, in a block's padded image, the element under its first position lies: for each channel, each tap.
  private(set) var offsets: [Int] = []

  /// nil when sizes overflow.
  init?(
    height: Int, width: Int, rowStep: Int, columnStep: Int, channels: Int, taps: [(y: Int, x: Int)], lanes: Int
  ) {
    // From a single position there is no step, however large it is.
    let (rowStep, columnStep) = (height == 1 ? 1 : rowStep, width == 1 ? 1 : columnStep)
    self.height = height
    self.width = width
    self.rowStep = rowStep
    self.columnStep = columnStep
    self.channels = channels
    firstRow = taps.map(\.y).min() ?? 0
    firstColumn = taps.map(\.x).min() ?? 0
    span = (taps.map(\.y).max() ?? 0) - firstRow + 1
    let paddedWidth = (width - 1) * columnStep + (taps.map(\.x).max() ?? 0) - firstColumn + 1
    let columnsOfGroup = (paddedWidth + columnStep - 1) / columnStep
    let groupLength = columnStep <= 2 ? (columnsOfGroup + 15) / 16 * 16 : columnsOfGroup
    rowLength = groupLength * columnStep
    // A block of patches fits the second-level cache; shallow ones may have more positions.
    let depth = max(1, min(channels * taps.count, Gemm.depthBlock))
    block = min(height * width, max(256, 65536 / depth / lanes * lanes))
    blockRows = (min(height, (block - 1) / width + 2) - 1) * rowStep + span
    guard let count = Dims([channels, blockRows, rowLength]).checkedProduct, count < Int.max / 1024 else { return nil }
    offsets.reserveCapacity(channels * taps.count)
    for channel in 0..<channels {
      for tap in taps {
        let x = tap.x - firstColumn
        offsets.append(
          (channel * blockRows + tap.y - firstRow) * rowLength + x % columnStep * groupLength + x / columnStep)
      }
    }
  }

  var count: Int { height * width }
  /// Elements between the rows under neighbouring rows of positions.
  var rowPitch: Int { rowStep * rowLength }
  var blocks: Int { (count + block - 1) / block }

  /// Elements of a block's padded image, with room for vectors that read past its end.
  var paddedCount: Int { channels * blockRows * rowLength + 128 }

  func positions(_ index: Int) -> Range<Int> { (index * block)..<min(count, (index + 1) * block) }

  /// Copies what lies under a block of positions, of an image's planes from `first` on.
  func pad(
    _ kernels: ConvolutionKernels, _ images: Planes, _ image: Int, channel first: Int, _ positions: Range<Int>,
    _ padded: UnsafeMutableRawPointer
  ) {
    let size = kernels.gemm.itemSize
    let top = positions.lowerBound / width
    let rows = ((positions.upperBound - 1) / width - top) * rowStep + span
    for channel in 0..<channels {
      kernels.pad(
        images.height, images.width,
        images.pointer + (image * images.imageStride + (first + channel) * images.planeStride) * size, images.rowStride,
        images.columnStride, top * rowStep + firstRow, firstColumn, rows, rowLength, columnStep,
        padded + channel * blockRows * rowLength * size)
    }
  }

  /// Packs patches as columns of B: `depth` of the (channel, tap) pairs for all of a block's positions.
  func pack(
    _ kernels: ConvolutionKernels, _ positions: Range<Int>, _ depth: Range<Int>, _ padded: UnsafeRawPointer,
    _ panels: UnsafeMutableRawPointer
  ) {
    offsets.withUnsafeBufferPointer { offsets in
      guard let start = offsets.baseAddress else { return }
      kernels.pack(
        positions.lowerBound % width, positions.count, width, rowPitch, depth.count,
        start + depth.lowerBound, padded, panels)
    }
  }

  /// Packs patches with the (channel, tap) pairs as columns of B and as its depth `part` of a block's positions.
  func packTransposed(
    _ kernels: ConvolutionKernels, _ part: Range<Int>, within positions: Range<Int>, _ vectors: Range<Int>,
    _ padded: UnsafeRawPointer, _ panels: UnsafeMutableRawPointer
  ) {
    offsets.withUnsafeBufferPointer { offsets in
      guard let start = offsets.baseAddress else { return }
      kernels.packTransposed(
        part.lowerBound - positions.lowerBound / width * width, part.count, width, rowPitch, vectors.count,
        start + vectors.lowerBound, padded, panels)
    }
  }
}
