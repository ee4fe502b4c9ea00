import CSupport

// A convolution that reads its input with channels last moves images in and out of that layout by transposition.

func registerConvolutionLayout(_ receive: KernelReceiver) {
  let float: conv_transpose_kernel = { rows, columns, source, sourceStride, target, targetStride in
    transpose(
      rows, columns, source!.assumingMemoryBound(to: Float.self), sourceStride,
      target!.assumingMemoryBound(to: Float.self), targetStride)
  }
  let double: conv_transpose_kernel = { rows, columns, source, sourceStride, target, targetStride in
    transpose(
      rows, columns, source!.assumingMemoryBound(to: Double.self), sourceStride,
      target!.assumingMemoryBound(to: Double.self), targetStride)
  }
  receive("conv.transpose", 11, unsafeBitCast(float, to: UnsafeRawPointer.self))
  receive("conv.transpose", 12, unsafeBitCast(double, to: UnsafeRawPointer.self))
}

/// Element (i, j) of a `rows` × `columns` matrix goes to (j, i) of the target, in blocks of four by four. Blocks follow
/// the longer side, so that what is read or written there comes in few long streams.
@inline(__always)
func transpose<T: SIMDScalar>(
  _ rows: Int, _ columns: Int, _ source: UnsafePointer<T>, _ sourceStride: Int, _ target: UnsafeMutablePointer<T>,
  _ targetStride: Int
) {
  if rows < 4 || columns < 4 {
    for i in 0..<rows {
      let from = source + i &* sourceStride
      var to = target + i
      for j in 0..<columns {
        to.pointee = from[j]
        to += targetStride
      }
    }
    return
  }
  // The last block overlaps the one before it where fours do not fill the extent.
  if rows < columns {
    var i = 0
    while i < rows {
      let row = min(i, rows &- 4)
      var j = 0
      while j < columns {
        let column = min(j, columns &- 4)
        transposeBlock(
          source + (row &* sourceStride &+ column), sourceStride, target + (column &* targetStride &+ row), targetStride)
        j &+= 4
      }
      i &+= 4
    }
  } else {
    var j = 0
    while j < columns {
      let column = min(j, columns &- 4)
      var i = 0
      while i < rows {
        let row = min(i, rows &- 4)
        transposeBlock(
          source + (row &* sourceStride &+ column), sourceStride, target + (column &* targetStride &+ row), targetStride)
        i &+= 4
      }
      j &+= 4
    }
  }
}

/// Interleaves pairs of vectors twice.
@inline(__always)
func transposeBlock<T: SIMDScalar>(
  _ source: UnsafePointer<T>, _ sourceStride: Int, _ target: UnsafeMutablePointer<T>, _ targetStride: Int
) {
  let x0 = loadLanes(source)
  let x1 = loadLanes(source + sourceStride)
  let x2 = loadLanes(source + 2 &* sourceStride)
  let x3 = loadLanes(source + 3 &* sourceStride)
  let low02 = SIMD4(x0[0], x2[0], x0[1], x2[1])
  let low13 = SIMD4(x1[0], x3[0], x1[1], x3[1])
  let high02 = SIMD4(x0[2], x2[2], x0[3], x2[3])
  let high13 = SIMD4(x1[2], x3[2], x1[3], x3[3])
  storeLanes(target, SIMD4(low02[0], low13[0], low02[1], low13[1]))
  storeLanes(target + targetStride, SIMD4(low02[2], low13[2], low02[3], low13[3]))
  storeLanes(target + 2 &* targetStride, SIMD4(high02[0], high13[0], high02[1], high13[1]))
  storeLanes(target + 3 &* targetStride, SIMD4(high02[2], high13[2], high02[3], high13[3]))
}
