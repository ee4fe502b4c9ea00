/// One spatial axis of a convolution: at position p the taps read the source at p · step + offset.
struct TapAxis {
  /// Positions, and the extent of the source.
  let positions: Int
  let extent: Int
  let step: Int
  /// Elements of the kernel, and where each reads relative to its position, in ascending order, evenly spaced.
  let elements: [Int]
  let offsets: [Int]

  init(positions: Int, extent: Int, step: Int, taps: [(element: Int, offset: Int)]) {
    self.positions = positions
    self.extent = extent
    self.step = step
    let taps = taps.sorted { $0.offset < $1.offset }
    elements = taps.map(\.element)
    offsets = taps.map(\.offset)
  }

  var count: Int { elements.count }
  var spacing: Int { count > 1 ? offsets[1] - offsets[0] : 1 }
  var firstOffset: Int { offsets.first ?? 0 }
  var lastOffset: Int { offsets.last ?? 0 }

  /// The taps that read inside the source at a position.
  func taps(at position: Int) -> Range<Int> {
    let start = position * step + firstOffset
    let first = start >= 0 ? 0 : min(count, (spacing - 1 - start) / spacing)
    let end = start >= extent ? 0 : min(count, (extent - start - 1) / spacing + 1)
    return first..<max(first, end)
  }

  /// The positions at which a tap reads inside the source.
  func positions(of tap: Int) -> Range<Int> {
    let offset = offsets[tap]
    let first = offset >= 0 ? 0 : min(positions, (step - 1 - offset) / step)
    let end = offset >= extent ? 0 : min(positions, (extent - offset - 1) / step + 1)
    return first..<max(first, end)
  }

  /// Consecutive positions within `range` that have the same taps inside.
  func runs(_ range: Range<Int>) -> [(positions: Range<Int>, taps: Range<Int>)] {
    var runs: [(positions: Range<Int>, taps: Range<Int>)] = []
    for position in range {
      let taps = taps(at: position)
      if let last = runs.last, last.taps == taps {
        runs[runs.count - 1].positions = last.positions.lowerBound..<(position + 1)
      } else {
        runs.append((position..<(position + 1), taps))
      }
    }
    return runs
  }
}

/// The elements of a convolution's weight, by channel of the source and of the target.
struct WeightOperand {
  let pointer: UnsafeRawPointer
  /// Distances in elements.
  let groupStride: Int
  let targetStride: Int
  let channelStride: Int
  let kernelWidth: Int
}

/// Images copied to channels-last order, with columns of zeros at their sides where taps reach beyond them.
struct ChannelsLastImages {
  private let kernels: ConvolutionKernels
  private let channels: Int
  private let height: Int
  private let width: Int
  /// Columns of zeros left of the image.
  let left: Int
  /// Elements from one row to the next, and from one image to the next.
  let rowPitch: Int
  let imagePitch: Int

  /// nil when the size overflows.
  init?(_ kernels: ConvolutionKernels, rows: Int, _ columns: TapAxis, padded: Bool, channels: Int) {
    left = padded ? max(0, -columns.firstOffset) : 0
    let last = (columns.positions - 1) * columns.step + columns.lastOffset
    let width = columns.extent + (padded ? left + max(0, last - columns.extent + 1) : 0)
    guard let pitch = Dims([rows, width, channels]).checkedProduct, pitch < Int.max / 64 else { return nil }
    // Images that a tile reads side by side must not all fall on the same lines of the first-level cache.
    let gap = pitch * kernels.gemm.itemSize % 4096 == 0 ? 5 * kernels.gemm.columns : 0
    self.kernels = kernels
    self.channels = channels
    height = rows
    self.width = columns.extent
    rowPitch = width * channels
    imagePitch = pitch + gap
  }

  /// Copies some rows of one image of `channels` planes: all, or fewer in an image that is that much smaller.
  func copy(
    _ source: UnsafeRawPointer, channels: Int, rows range: Range<Int>, _ target: UnsafeMutableRawPointer
  ) {
    let size = kernels.gemm.itemSize
    let plane = height * width
    if rowPitch == width * channels {
      kernels.transpose(
        channels, range.count * width, source + range.lowerBound * width * size, plane,
        target + range.lowerBound * rowPitch * size, channels)
      return
    }
    let right = rowPitch - (left + width) * channels
    for row in range {
      let out = target + row * rowPitch * size
      out.initializeMemory(as: UInt8.self, repeating: 0, count: left * channels * size)
      kernels.transpose(
        channels, width, source + row * width * size, plane, out + left * channels * size, channels)
      (out + (left + width) * channels * size).initializeMemory(as: UInt8.self, repeating: 0, count: right * size)
    }
  }

  /// Copies contiguous images, shared out among threads.
  func copy(_ source: UnsafeRawPointer, images: Int, _ target: UnsafeMutableRawPointer) {
    let size = kernels.gemm.itemSize
    let rowsAtOnce = max(1, (1 << 15) / max(rowPitch, 1))
    let tasks = (height + rowsAtOnce - 1) / rowsAtOnce
    ThreadPool.parallelFor(images * tasks, grain: max(1, (1 << 15) / max(rowsAtOnce * rowPitch, 1))) { range in
      for task in range {
        let (image, start) = (task / tasks, task % tasks * rowsAtOnce)
        copy(
          source + image * channels * height * width * size, channels: channels,
          rows: start..<min(height, start + rowsAtOnce), target + image * imagePitch * size)
      }
    }
  }
}
