import CSupport

// Convolution as a matrix product whose right operand is never formed: the patches under the kernel are
// packed into panels straight from a padded copy of the image (ConvolutionPadding.swift).
//
// `offsets` tell where each vector starts: for a channel and a kernel element, the padded element under
// the first output position.

func registerConvolution(_ receive: KernelReceiver) {
  registerConvolutionFloat(receive)
  registerConvolutionDouble(receive)
  registerDepthwiseConvolution(receive)
  registerWinograd(receive)
}

func registerConvolutionFloat(_ receive: KernelReceiver) {
  let slot = 11
  let pad: conv_pad_kernel = {
    height, width, source, rowStride, columnStride, firstRow, firstColumn, rows, rowLength, columnStep,
    padded in
    padPlane(
      GemmFloat(repeating: 0), height, width, source!.assumingMemoryBound(to: Float.self), rowStride, columnStride,
      spread: 1, firstRow, firstColumn, rows, rowLength, columnStep,
      padded!.assumingMemoryBound(to: Float.self))
  }
  let pack: conv_pack_kernel = { start, count, width, rowPitch, depth, offsets, source, panels in
    packPatches(
      GemmFloat.self, start, count, width, rowPitch, depth, offsets!, source!.assumingMemoryBound(to: Float.self),
      panels!.assumingMemoryBound(to: Float.self))
  }
  let packTransposed: conv_pack_kernel = { start, count, width, rowPitch, vectors, offsets, source, panels in
    packPatchesTransposed(
      2 &* GemmFloat.scalarCount, start, count, width, rowPitch, vectors, offsets!,
      source!.assumingMemoryBound(to: Float.self), panels!.assumingMemoryBound(to: Float.self))
  }
  let scatter: conv_scatter_kernel = { rows, start, count, width, source, sourceStride, target, strides in
    scatterPositions(
      rows, start, count, width, source!.assumingMemoryBound(to: Float.self), sourceStride,
      target!.assumingMemoryBound(to: Float.self), strides!)
  }
  receive("conv.pad", slot, unsafeBitCast(pad, to: UnsafeRawPointer.self))
  receive("conv.pack", slot, unsafeBitCast(pack, to: UnsafeRawPointer.self))
  receive("conv.pack_transposed", slot, unsafeBitCast(packTransposed, to: UnsafeRawPointer.self))
  receive("conv.scatter", slot, unsafeBitCast(scatter, to: UnsafeRawPointer.self))
}

func registerConvolutionDouble(_ receive: KernelReceiver) {
  let slot = 12
  let pad: conv_pad_kernel = {
    height, width, source, rowStride, columnStride, firstRow, firstColumn, rows, rowLength, columnStep,
    padded in
    padPlane(
      GemmDouble(repeating: 0), height, width, source!.assumingMemoryBound(to: Double.self), rowStride, columnStride,
      spread: 1, firstRow, firstColumn, rows, rowLength, columnStep,
      padded!.assumingMemoryBound(to: Double.self))
  }
  let pack: conv_pack_kernel = { start, count, width, rowPitch, depth, offsets, source, panels in
    packPatches(
      GemmDouble.self, start, count, width, rowPitch, depth, offsets!, source!.assumingMemoryBound(to: Double.self),
      panels!.assumingMemoryBound(to: Double.self))
  }
  let packTransposed: conv_pack_kernel = { start, count, width, rowPitch, vectors, offsets, source, panels in
    packPatchesTransposed(
      2 &* GemmDouble.scalarCount, start, count, width, rowPitch, vectors, offsets!,
      source!.assumingMemoryBound(to: Double.self), panels!.assumingMemoryBound(to: Double.self))
  }
  let scatter: conv_scatter_kernel = { rows, start, count, width, source, sourceStride, target, strides in
    scatterPositions(
      rows, start, count, width, source!.assumingMemoryBound(to: Double.self), sourceStride,
      target!.assumingMemoryBound(to: Double.self), strides!)
  }
  receive("conv.pad", slot, unsafeBitCast(pad, to: UnsafeRawPointer.self))
  receive("conv.pack", slot, unsafeBitCast(pack, to: UnsafeRawPointer.self))
  receive("conv.pack_transposed", slot, unsafeBitCast(packTransposed, to: UnsafeRawPointer.self))
  receive("conv.scatter", slot, unsafeBitCast(scatter, to: UnsafeRawPointer.self))
}

/// Packs the positions `start..<start + count`, in rows of `width`, as columns of B: at each depth k the
/// element at `offsets[k]`, moved by the position. Writes up to a panel's width past the end.
@inline(__always)
func packPatches<V: SIMD>(
  _: V.Type, _ start: Int, _ count: Int, _ width: Int, _ rowPitch: Int, _ depth: Int,
  _ offsets: UnsafePointer<Int>, _ source: UnsafePointer<V.Scalar>, _ panels: UnsafeMutablePointer<V.Scalar>
) {
  let lanes = 2 &* V.scalarCount
  withUnsafeTemporaryAllocation(of: Int.self, capacity: 2 &* lanes) { runs in
    // Stretches of the panel within one row of positions: first lane, and distance in the source.
    guard let runLane = runs.baseAddress else { return }
    let runSource = runLane + lanes
    var panel = panels
    var position = start
    let end = start &+ count
    while position < end {
      var runCount = 0
      var lane = 0
      while lane < lanes, position &+ lane < end {
        let column = (position &+ lane) % width
        runLane[runCount] = lane
        runSource[runCount] = (position &+ lane) / width &* rowPitch &+ column
        runCount &+= 1
        lane &+= width &- column
      }
      if runCount == 1 {
        let base = source + runSource[0]
        var out = panel
        for k in 0..<depth {
          let from = UnsafeRawPointer(base + offsets[k])
          storeLanes(out, from.loadUnaligned(as: V.self))
          storeLanes(out + V.scalarCount, from.loadUnaligned(fromByteOffset: MemoryLayout<V>.size, as: V.self))
          out += lanes
        }
      } else {
        // Whole vectors are copied from the start of each run; what is too much is overwritten by the
        // next run, or by the next depth.
        var out = panel
        for k in 0..<depth {
          let from = source + offsets[k]
          for run in 0..<runCount {
            let to = out + runLane[run]
            let element = UnsafeRawPointer(from + runSource[run])
            storeLanes(to, element.loadUnaligned(as: V.self))
            if width > V.scalarCount {
              storeLanes(
                to + V.scalarCount, element.loadUnaligned(fromByteOffset: MemoryLayout<V>.size, as: V.self))
            }
          }
          out += lanes
        }
      }
      panel += lanes &* depth
      position &+= lanes
    }
  }
}

/// Packs the same patches with the roles exchanged: `vectors` columns of B, whose depth are the positions.
@inline(__always)
func packPatchesTransposed<T: SIMDScalar>(
  _ lanes: Int, _ start: Int, _ count: Int, _ width: Int, _ rowPitch: Int, _ vectors: Int,
  _ offsets: UnsafePointer<Int>, _ source: UnsafePointer<T>, _ panels: UnsafeMutablePointer<T>
) {
  var panel = panels
  var first = 0
  while first < vectors {
    let used = min(lanes, vectors &- first)
    var position = start
    var out = panel
    while position < start &+ count {
      let column = position % width
      let run = min(width &- column, start &+ count &- position)
      let from = source + (position / width &* rowPitch &+ column)
      packTransposed(lanes, run, { from + offsets[first &+ min($0, used &- 1)] }, out)
      out += run &* lanes
      position &+= run
    }
    panel += lanes &* count
    first &+= lanes
  }
}

/// Moves `rows` rows of positions `start..<start + count` to planes of the target. `strides` are those of
/// the target's planes, of its rows and of its columns.
@inline(__always)
func scatterPositions<T>(
  _ rows: Int, _ start: Int, _ count: Int, _ width: Int, _ source: UnsafePointer<T>, _ sourceStride: Int,
  _ target: UnsafeMutablePointer<T>, _ strides: UnsafePointer<Int>
) {
  let columnStride = strides[2]
  for r in 0..<rows {
    let from = source + r &* sourceStride
    let plane = target + r &* strides[0]
    var position = 0
    while position < count {
      let column = (start &+ position) % width
      let run = min(width &- column, count &- position)
      let to = plane + ((start &+ position) / width &* strides[1] &+ column &* columnStride)
      for i in 0..<run { to[i &* columnStride] = from[position &+ i] }
      position &+= run
    }
  }
}
