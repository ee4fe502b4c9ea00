import CSupport

// A convolution that reads its input with channels last moves images in and out of that layout by transposition.

func registerConvolutionLayout(_ receive: KernelReceiver) {
  let float: conv_transpose_kernel = { rows, columns, source, sourceStride, target, targetStride in
    transpose(
      rows, columns, source!.assumingMemoryBound(to: Float.self), sourceStride,
      target!.assumingMemoryBound(to: Float.self), targetStride, transposeBlock(float:_:_:_:))
  }
  let double: conv_transpose_kernel = { rows, columns, source, sourceStride, target, targetStride in
    transpose(
      rows, columns, source!.assumingMemoryBound(to: Double.self), sourceStride,
      target!.assumingMemoryBound(to: Double.self), targetStride, transposeBlock(double:_:_:_:))
  }
  receive("conv.transpose", 11, unsafeBitCast(float, to: UnsafeRawPointer.self))
  receive("conv.transpose", 12, unsafeBitCast(double, to: UnsafeRawPointer.self))
}

/// Element (i, j) of a `rows` × `columns` matrix goes to (j, i) of the target, in blocks of four by four, along the
/// target's rows, so that its cache lines are filled one after another.
@inline(__always)
func transpose<T: SIMDScalar>(
  _ rows: Int, _ columns: Int, _ source: UnsafePointer<T>, _ sourceStride: Int, _ target: UnsafeMutablePointer<T>,
  _ targetStride: Int, _ block: (UnsafePointer<T>, Int, UnsafeMutablePointer<T>, Int) -> Void
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
  var j = 0
  while j < columns {
    let column = min(j, columns &- 4)
    var i = 0
    while i < rows {
      let row = min(i, rows &- 4)
      block(
        source + (row &* sourceStride &+ column), sourceStride, target + (column &* targetStride &+ row), targetStride)
      i &+= 4
    }
    j &+= 4
  }
}

/// Interleaves elements of pairs of rows, then pairs of elements. (Written with elements throughout, this became
/// insertions of single elements.)
@inline(__always)
func transposeBlock(
  float source: UnsafePointer<Float>, _ sourceStride: Int, _ target: UnsafeMutablePointer<Float>, _ targetStride: Int
) {
  let x0 = loadLanes(source)
  let x1 = loadLanes(source + sourceStride)
  let x2 = loadLanes(source + 2 &* sourceStride)
  let x3 = loadLanes(source + 3 &* sourceStride)
  let low01 = unsafeBitCast(SIMD4(x0[0], x1[0], x0[1], x1[1]), to: SIMD2<Double>.self)
  let low23 = unsafeBitCast(SIMD4(x2[0], x3[0], x2[1], x3[1]), to: SIMD2<Double>.self)
  let high01 = unsafeBitCast(SIMD4(x0[2], x1[2], x0[3], x1[3]), to: SIMD2<Double>.self)
  let high23 = unsafeBitCast(SIMD4(x2[2], x3[2], x2[3], x3[3]), to: SIMD2<Double>.self)
  storeLanes(target, SIMD2(low01[0], low23[0]))
  storeLanes(target + targetStride, SIMD2(low01[1], low23[1]))
  storeLanes(target + 2 &* targetStride, SIMD2(high01[0], high23[0]))
  storeLanes(target + 3 &* targetStride, SIMD2(high01[1], high23[1]))
}

@inline(__always)
func transposeBlock(
  double source: UnsafePointer<Double>, _ sourceStride: Int, _ target: UnsafeMutablePointer<Double>,
  _ targetStride: Int
) {
  for half in 0..<2 {
    let x0 = loadLanes(source + 2 &* half &* sourceStride)
    let x1 = loadLanes(source + (2 &* half &+ 1) &* sourceStride)
    let to = target + 2 &* half
    storeLanes(to, SIMD2(x0[0], x1[0]))
    storeLanes(to + targetStride, SIMD2(x0[1], x1[1]))
    storeLanes(to + 2 &* targetStride, SIMD2(x0[2], x1[2]))
    storeLanes(to + 3 &* targetStride, SIMD2(x0[3], x1[3]))
  }
}
