import CSupport

// Convolution of single channels: a channel's plane is read at each tap's distance and scaled by one number, with
// vectors of neighbouring positions. (As a product of depth 9 it took more than four times as long.)

func registerDepthwiseConvolution(_ receive: KernelReceiver) {
  let float: depthwise_kernel = { rows, width, rowPitch, taps, offsets, source, weights, bias, target, targetStride in
    depthwisePlane(
      ShortFloat(repeating: 0), GemmFloat(repeating: 0), rows, width, rowPitch, taps, offsets!,
      source!.assumingMemoryBound(to: Float.self),
      weights!.assumingMemoryBound(to: Float.self), bias?.assumingMemoryBound(to: Float.self),
      target!.assumingMemoryBound(to: Float.self), targetStride)
  }
  let double: depthwise_kernel = { rows, width, rowPitch, taps, offsets, source, weights, bias, target, targetStride in
    depthwisePlane(
      ShortDouble(repeating: 0), GemmDouble(repeating: 0), rows, width, rowPitch, taps, offsets!,
      source!.assumingMemoryBound(to: Double.self),
      weights!.assumingMemoryBound(to: Double.self), bias?.assumingMemoryBound(to: Double.self),
      target!.assumingMemoryBound(to: Double.self), targetStride)
  }
  let floatGradient: depthwise_gradient_kernel = {
    rows, width, rowPitch, taps, offsets, source, gradient, gradientStride, sums in
    depthwiseWeightGradient(
      ShortFloat(repeating: 0), rows, width, rowPitch, taps, offsets!, source!.assumingMemoryBound(to: Float.self),
      gradient!.assumingMemoryBound(to: Float.self), gradientStride, sums!.assumingMemoryBound(to: Float.self))
  }
  let doubleGradient: depthwise_gradient_kernel = {
    rows, width, rowPitch, taps, offsets, source, gradient, gradientStride, sums in
    depthwiseWeightGradient(
      ShortDouble(repeating: 0), rows, width, rowPitch, taps, offsets!, source!.assumingMemoryBound(to: Double.self),
      gradient!.assumingMemoryBound(to: Double.self), gradientStride, sums!.assumingMemoryBound(to: Double.self))
  }
  receive("conv.depthwise", 11, unsafeBitCast(float, to: UnsafeRawPointer.self))
  receive("conv.depthwise", 12, unsafeBitCast(double, to: UnsafeRawPointer.self))
  receive("conv.depthwise_gradient", 11, unsafeBitCast(floatGradient, to: UnsafeRawPointer.self))
  receive("conv.depthwise_gradient", 12, unsafeBitCast(doubleGradient, to: UnsafeRawPointer.self))
}

/// target = bias + the sum over taps of weight · source; `wide` is the vector where there are registers enough. The last vectors of a row overlap those before them.
@inline(__always)
func depthwisePlane<V: SIMD, W: SIMD>(
  _ zero: V, _ wide: W, _ rows: Int, _ width: Int, _ rowPitch: Int, _ taps: Int, _ offsets: UnsafePointer<Int>,
  _ source: UnsafePointer<V.Scalar>, _ weights: UnsafePointer<V.Scalar>, _ bias: UnsafePointer<V.Scalar>?,
  _ target: UnsafeMutablePointer<V.Scalar>, _ targetStride: Int
) where V.Scalar: FloatingPoint, W.Scalar == V.Scalar {
  #if AVX512
    if width >= W.scalarCount, isThreeByThree(taps, offsets, rowPitch) {
      return depthwiseThreeByThree(
        wide, rows, width, rowPitch, source + offsets[0], weights, bias, target, targetStride)
    }
  #endif
  let lanes = V.scalarCount
  let start = bias.map { V(repeating: $0.pointee) } ?? zero
  if width >= 2 &* lanes {
    // Two rows at a time share the weights; an odd last row is computed twice.
    var row = 0
    while row < rows {
      let (r0, r1) = (row, min(row &+ 1, rows &- 1))
      let (from0, from1) = (source + r0 &* rowPitch, source + r1 &* rowPitch)
      let (to0, to1) = (target + r0 &* targetStride, target + r1 &* targetStride)
      var x = 0
      while x < width {
        let column = min(x, width &- 2 &* lanes)
        var (s00, s01, s10, s11) = (start, start, start, start)
        for t in 0..<taps {
          let w = V(repeating: weights[t])
          let element0 = UnsafeRawPointer(from0 + (offsets[t] &+ column))
          let element1 = UnsafeRawPointer(from1 + (offsets[t] &+ column))
          s00 = multiplyAdd(s00, w, element0.loadUnaligned(as: V.self))
          s01 = multiplyAdd(s01, w, element0.loadUnaligned(fromByteOffset: MemoryLayout<V>.size, as: V.self))
          s10 = multiplyAdd(s10, w, element1.loadUnaligned(as: V.self))
          s11 = multiplyAdd(s11, w, element1.loadUnaligned(fromByteOffset: MemoryLayout<V>.size, as: V.self))
        }
        storeLanes(to0 + column, s00)
        storeLanes(to0 + (column &+ lanes), s01)
        storeLanes(to1 + column, s10)
        storeLanes(to1 + (column &+ lanes), s11)
        x &+= 2 &* lanes
      }
      row &+= 2
    }
    return
  }
  for r in 0..<rows {
    let from = source + r &* rowPitch
    let to = target + r &* targetStride
    var x = 0
    while x < width {
      let column = max(0, min(x, width &- lanes))
      var sum = start
      for t in 0..<taps {
        let element = UnsafeRawPointer(from + (offsets[t] &+ column))
        sum = multiplyAdd(sum, V(repeating: weights[t]), element.loadUnaligned(as: V.self))
      }
      if width >= lanes {
        storeLanes(to + column, sum)
      } else {
        for lane in 0..<width { to[lane] = sum[lane] }
      }
      x &+= lanes
    }
  }
}

#if AVX512
  /// Whether taps are the elements of three adjacent rows, three each.
  private func isThreeByThree(_ taps: Int, _ offsets: UnsafePointer<Int>, _ rowPitch: Int) -> Bool {
    guard taps == 9 else { return false }
    for t in 0..<9 where offsets[t] &- offsets[0] != t / 3 &* rowPitch &+ t % 3 { return false }
    return true
  }

  /// The same for three by three taps: each vector of the source is loaded once for the three rows of the target that it
  /// adds to, which takes registers for nine weights beside six sums.
  @inline(__always)
  private func depthwiseThreeByThree<V: SIMD>(
    _ zero: V, _ rows: Int, _ width: Int, _ rowPitch: Int, _ source: UnsafePointer<V.Scalar>,
    _ weights: UnsafePointer<V.Scalar>, _ bias: UnsafePointer<V.Scalar>?, _ target: UnsafeMutablePointer<V.Scalar>,
    _ targetStride: Int
  ) where V.Scalar: FloatingPoint {
    let lanes = V.scalarCount
    let start = bias.map { V(repeating: $0.pointee) } ?? zero
    let (w0, w1, w2) = (V(repeating: weights[0]), V(repeating: weights[1]), V(repeating: weights[2]))
    let (w3, w4, w5) = (V(repeating: weights[3]), V(repeating: weights[4]), V(repeating: weights[5]))
    let (w6, w7, w8) = (V(repeating: weights[6]), V(repeating: weights[7]), V(repeating: weights[8]))
    var x = 0
    while x < width {
      // Two vectors of columns; the last ones overlap those before them.
      let left = min(x, width &- lanes)
      let right = min(x &+ lanes, width &- lanes)
      var (upper0, upper1, middle0, middle1) = (start, start, start, start)
      var from = source
      var to = target
      for row in 0..<rows &+ 2 {
        let (a, b) = (UnsafeRawPointer(from + left), UnsafeRawPointer(from + right))
        let size = MemoryLayout<V.Scalar>.size
        let (a0, b0) = (a.loadUnaligned(as: V.self), b.loadUnaligned(as: V.self))
        let (a1, b1) = (
          a.loadUnaligned(fromByteOffset: size, as: V.self), b.loadUnaligned(fromByteOffset: size, as: V.self)
        )
        let (a2, b2) = (
          a.loadUnaligned(fromByteOffset: 2 &* size, as: V.self), b.loadUnaligned(fromByteOffset: 2 &* size, as: V.self)
        )
        upper0 = multiplyAdd(multiplyAdd(multiplyAdd(upper0, w6, a0), w7, a1), w8, a2)
        upper1 = multiplyAdd(multiplyAdd(multiplyAdd(upper1, w6, b0), w7, b1), w8, b2)
        // The first two rows of the source end no row of the target.
        if row >= 2 {
          storeLanes(to + left, upper0)
          storeLanes(to + right, upper1)
          to += targetStride
        }
        upper0 = multiplyAdd(multiplyAdd(multiplyAdd(middle0, w3, a0), w4, a1), w5, a2)
        upper1 = multiplyAdd(multiplyAdd(multiplyAdd(middle1, w3, b0), w4, b1), w5, b2)
        middle0 = multiplyAdd(multiplyAdd(multiplyAdd(start, w0, a0), w1, a1), w2, a2)
        middle1 = multiplyAdd(multiplyAdd(multiplyAdd(start, w0, b0), w1, b1), w2, b2)
        from += rowPitch
      }
      x &+= 2 &* lanes
    }
  }
#endif

/// sums[tap] += the sum over positions of gradient · source. Taps go by threes, in two partial sums of a vector each.
@inline(__always)
func depthwiseWeightGradient<V: SIMD>(
  _ zero: V, _ rows: Int, _ width: Int, _ rowPitch: Int, _ taps: Int, _ offsets: UnsafePointer<Int>,
  _ source: UnsafePointer<V.Scalar>, _ gradient: UnsafePointer<V.Scalar>, _ gradientStride: Int,
  _ sums: UnsafeMutablePointer<V.Scalar>
) where V.Scalar: FloatingPoint {
  let lanes = V.scalarCount
  let size = MemoryLayout<V>.size
  var tap = 0
  while tap < taps {
    let from0 = source + offsets[tap]
    let from1 = source + offsets[min(tap &+ 1, taps &- 1)]
    let from2 = source + offsets[min(tap &+ 2, taps &- 1)]
    var (s00, s01, s10, s11, s20, s21) = (zero, zero, zero, zero, zero, zero)
    var (rest0, rest1, rest2) = (zero, zero, zero)
    for r in 0..<rows {
      let (x0, x1, x2) = (from0 + r &* rowPitch, from1 + r &* rowPitch, from2 + r &* rowPitch)
      let g = gradient + r &* gradientStride
      var x = 0
      while x &+ 2 &* lanes <= width {
        let g0 = UnsafeRawPointer(g + x).loadUnaligned(as: V.self)
        let g1 = UnsafeRawPointer(g + x).loadUnaligned(fromByteOffset: size, as: V.self)
        s00 = multiplyAdd(s00, g0, UnsafeRawPointer(x0 + x).loadUnaligned(as: V.self))
        s01 = multiplyAdd(s01, g1, UnsafeRawPointer(x0 + x).loadUnaligned(fromByteOffset: size, as: V.self))
        s10 = multiplyAdd(s10, g0, UnsafeRawPointer(x1 + x).loadUnaligned(as: V.self))
        s11 = multiplyAdd(s11, g1, UnsafeRawPointer(x1 + x).loadUnaligned(fromByteOffset: size, as: V.self))
        s20 = multiplyAdd(s20, g0, UnsafeRawPointer(x2 + x).loadUnaligned(as: V.self))
        s21 = multiplyAdd(s21, g1, UnsafeRawPointer(x2 + x).loadUnaligned(fromByteOffset: size, as: V.self))
        x &+= 2 &* lanes
      }
      if x &+ lanes <= width {
        let g0 = UnsafeRawPointer(g + x).loadUnaligned(as: V.self)
        s00 = multiplyAdd(s00, g0, UnsafeRawPointer(x0 + x).loadUnaligned(as: V.self))
        s10 = multiplyAdd(s10, g0, UnsafeRawPointer(x1 + x).loadUnaligned(as: V.self))
        s20 = multiplyAdd(s20, g0, UnsafeRawPointer(x2 + x).loadUnaligned(as: V.self))
        x &+= lanes
      }
      while x < width {
        let g0 = V(repeating: g[x])
        rest0 = multiplyAdd(rest0, g0, V(repeating: x0[x]))
        rest1 = multiplyAdd(rest1, g0, V(repeating: x1[x]))
        rest2 = multiplyAdd(rest2, g0, V(repeating: x2[x]))
        x &+= 1
      }
    }
    sums[tap] += laneSum(s00 + s01, rest0)
    if tap &+ 1 < taps { sums[tap &+ 1] += laneSum(s10 + s11, rest1) }
    if tap &+ 2 < taps { sums[tap &+ 2] += laneSum(s20 + s21, rest2) }
    tap &+= 3
  }
}

/// The sum of a vector's lanes and of `rest`'s first.
@inline(__always)
func laneSum<V: SIMD>(_ vector: V, _ rest: V) -> V.Scalar where V.Scalar: FloatingPoint {
  var sum = rest[0]
  for lane in 0..<V.scalarCount { sum += vector[lane] }
  return sum
}
