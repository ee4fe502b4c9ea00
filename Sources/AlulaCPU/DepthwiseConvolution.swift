import CSupport

// Convolution of single channels: a channel's plane is read at each tap's distance and scaled by one number, with
// vectors of neighbouring positions. (As a product of depth 9 it took more than four times as long.)

func registerDepthwiseConvolution(_ receive: KernelReceiver) {
  let float: depthwise_kernel = { planes, source, weights, bias, target, room in
    depthwise(
      GemmFloat(repeating: 0), planes!, source!.assumingMemoryBound(to: Float.self),
      weights!.assumingMemoryBound(to: Float.self), bias?.assumingMemoryBound(to: Float.self),
      target!.assumingMemoryBound(to: Float.self), room!.assumingMemoryBound(to: Float.self))
  }
  let double: depthwise_kernel = { planes, source, weights, bias, target, room in
    depthwise(
      GemmDouble(repeating: 0), planes!, source!.assumingMemoryBound(to: Double.self),
      weights!.assumingMemoryBound(to: Double.self), bias?.assumingMemoryBound(to: Double.self),
      target!.assumingMemoryBound(to: Double.self), room!.assumingMemoryBound(to: Double.self))
  }
  receive("conv.depthwise", 11, unsafeBitCast(float, to: UnsafeRawPointer.self))
  receive("conv.depthwise", 12, unsafeBitCast(double, to: UnsafeRawPointer.self))
  registerDepthwiseGradient(receive)
}

extension depthwise_planes {
  /// Calls `body` with each block of rows of positions of a plane, when `room` holds what lies under it.
  @inline(__always)
  func forEachBlock<V: SIMD & PixelVector>(
    _ zero: V, _ source: UnsafePointer<V.Scalar>, _ room: UnsafeMutablePointer<V.Scalar>,
    _ body: (_ first: Int, _ count: Int) -> Void
  ) {
    var first = 0
    while first < rows {
      let count = min(rows_at_once, rows &- first)
      padPlane(
        zero, height, width, source, row_stride, column_stride, spread: column_spread,
        first &* row_step &+ first_row, first_column, (count &- 1) &* row_step &+ span, row_length, column_step, room)
      body(first, count)
      first &+= count
    }
  }
}

@inline(__always)
private func depthwise<V: SIMD & PixelVector>(
  _ zero: V, _ planes: UnsafePointer<depthwise_planes>, _ source: UnsafePointer<V.Scalar>,
  _ weights: UnsafePointer<V.Scalar>, _ bias: UnsafePointer<V.Scalar>?, _ target: UnsafeMutablePointer<V.Scalar>,
  _ room: UnsafeMutablePointer<V.Scalar>
) where V.Scalar: FloatingPoint {
  guard planes.pointee.planes > 0, let offsets = planes.pointee.offsets else { return }
  // A copy, since the compiler does not know that the target is elsewhere.
  let planes = planes.pointee
  let (columns, size) = (planes.columns, V.scalarCount)
  let area = planes.rows &* columns
  // Nothing is written beyond a row where the next one is not this call's.
  let isTight = planes.target_row_stride == columns
  let end = UnsafePointer<V.Scalar>(
    isTight ? target + ((planes.planes &- 1) &* planes.target_stride &+ planes.targets &* area) : target)
  var to = target
  for plane in 0..<planes.planes {
    planes.forEachBlock(zero, source + plane &* planes.plane_stride, room) { first, count in
      for index in 0..<planes.targets {
        let channel = plane &* planes.targets &+ index
        let own = to + index &* area
        // Of several planes the first rows of the next are there before the last ones of this.
        let limit = planes.targets == 1 ? end : UnsafePointer<V.Scalar>(own + area)
        let sums = DepthwiseSums<V.Scalar>(
          rows: count, columns: columns, targetStride: planes.target_row_stride, rowPitch: planes.row_pitch,
          taps: planes.taps, offsets: offsets,
          source: UnsafePointer(room), weights: weights + channel &* planes.taps,
          bias: bias.map { $0 + channel }, target: own + first &* planes.target_row_stride, end: limit)
        #if AVX512
          if sums.isThreeByThree {
            var x = 0
            while columns &- x > size {
              sums.addThreeByThree(2, zero, at: x, min(x &+ size, columns &- size))
              x &+= 2 &* size
            }
            if x < columns {
              sums.addThreeByThree(1, zero, at: max(0, min(x, columns &- size)), 0)
            }
            continue
          }
        #endif
        var x = 0
        while columns &- x > size {
          sums.add(2, zero, at: x, min(x &+ size, columns &- size))
          x &+= 2 &* size
        }
        if x < columns { sums.add(1, zero, at: max(0, min(x, columns &- size)), 0) }
      }
    }
    to += planes.target_stride
  }
}

/// target = bias + the sum over taps of weight · source, at some rows of positions of one plane.
private struct DepthwiseSums<T: FloatingPoint> {
  let rows, columns, targetStride, rowPitch, taps: Int
  let offsets: UnsafePointer<Int>
  let source, weights: UnsafePointer<T>
  let bias: UnsafePointer<T>?
  let target: UnsafeMutablePointer<T>
  /// Beyond what this thread writes.
  let end: UnsafePointer<T>

  /// The sums at one or two vectors of columns, in eight registers: what a row lacks of a vector is overwritten by the
  /// next, and vectors that reach beyond the columns' end begin earlier where they can.
  @inline(__always)
  func add<V: SIMD & PixelVector>(_ vectors: Int, _ zero: V, at left: Int, _ right: Int) where V.Scalar == T {
    let start = bias.map { V(repeating: $0.pointee) } ?? zero
    let pitch = rowPitch &* MemoryLayout<T>.size
    let across = (right &- left) &* MemoryLayout<T>.size
    var row = 0
    while row < rows {
      let from = source + (row &* rowPitch &+ left)
      var (s0, s1, s2, s3) = (start, start, start, start)
      var (s4, s5, s6, s7) = (start, start, start, start)
      for t in 0..<taps {
        let w = V(repeating: weights[t])
        let x = UnsafeRawPointer(from + offsets[t])
        let y = vectors == 2 ? x + across : x + 4 &* pitch
        s0 = multiplyAdd(s0, w, x.loadUnaligned(as: V.self))
        s1 = multiplyAdd(s1, w, (x + pitch).loadUnaligned(as: V.self))
        s2 = multiplyAdd(s2, w, (x + 2 &* pitch).loadUnaligned(as: V.self))
        s3 = multiplyAdd(s3, w, (x + 3 &* pitch).loadUnaligned(as: V.self))
        s4 = multiplyAdd(s4, w, y.loadUnaligned(as: V.self))
        s5 = multiplyAdd(s5, w, (y + pitch).loadUnaligned(as: V.self))
        s6 = multiplyAdd(s6, w, (y + 2 &* pitch).loadUnaligned(as: V.self))
        s7 = multiplyAdd(s7, w, (y + 3 &* pitch).loadUnaligned(as: V.self))
      }
      let second = vectors == 2 ? row : row &+ 4
      let secondColumn = vectors == 2 ? right : left
      store(s0, row, left)
      store(s1, row &+ 1, left)
      store(s2, row &+ 2, left)
      store(s3, row &+ 3, left)
      store(s4, second, secondColumn)
      store(s5, second &+ 1, secondColumn)
      store(s6, second &+ 2, secondColumn)
      store(s7, second &+ 3, secondColumn)
      row &+= vectors == 2 ? 4 : 8
    }
  }

  @inline(__always)
  private func store<V: SIMD & PixelVector>(_ sum: V, _ row: Int, _ column: Int) where V.Scalar == T {
    if row >= rows { return }
    let to = target + (row &* targetStride &+ column)
    let left = columns &- column
    if left >= V.scalarCount || UnsafePointer(to + V.scalarCount) <= end {
      storeLanes(to, sum)
    } else {
      sum.storeFirst(left, at: to)
    }
  }

  #if AVX512
    /// Whether taps are the elements of three adjacent rows, three each.
    @inline(__always)
    var isThreeByThree: Bool {
      guard taps == 9 else { return false }
      for t in 0..<9 where offsets[t] &- offsets[0] != t / 3 &* rowPitch &+ t % 3 { return false }
      return true
    }

    /// The same for three by three taps: each vector of the source is loaded once for the three rows of the target that
    /// it adds to, which takes registers for nine weights beside the sums.
    @inline(__always)
    func addThreeByThree<V: SIMD & PixelVector>(_ vectors: Int, _ zero: V, at left: Int, _ right: Int)
    where V.Scalar == T {
      let start = bias.map { V(repeating: $0.pointee) } ?? zero
      let (w0, w1, w2) = (V(repeating: weights[0]), V(repeating: weights[1]), V(repeating: weights[2]))
      let (w3, w4, w5) = (V(repeating: weights[3]), V(repeating: weights[4]), V(repeating: weights[5]))
      let (w6, w7, w8) = (V(repeating: weights[6]), V(repeating: weights[7]), V(repeating: weights[8]))
      let size = MemoryLayout<T>.size
      var (upper0, upper1, middle0, middle1) = (start, start, start, start)
      var from = source + offsets[0]
      for row in 0..<rows &+ 2 {
        let a = UnsafeRawPointer(from + left)
        let (a0, a1) = (a.loadUnaligned(as: V.self), a.loadUnaligned(fromByteOffset: size, as: V.self))
        let a2 = a.loadUnaligned(fromByteOffset: 2 &* size, as: V.self)
        let b = vectors == 2 ? UnsafeRawPointer(from + right) : a
        let (b0, b1) = (b.loadUnaligned(as: V.self), b.loadUnaligned(fromByteOffset: size, as: V.self))
        let b2 = b.loadUnaligned(fromByteOffset: 2 &* size, as: V.self)
        upper0 = multiplyAdd(multiplyAdd(multiplyAdd(upper0, w6, a0), w7, a1), w8, a2)
        if vectors == 2 { upper1 = multiplyAdd(multiplyAdd(multiplyAdd(upper1, w6, b0), w7, b1), w8, b2) }
        // The first two rows of the source end no row of the target.
        if row >= 2 {
          store(upper0, row &- 2, left)
          if vectors == 2 { store(upper1, row &- 2, right) }
        }
        upper0 = multiplyAdd(multiplyAdd(multiplyAdd(middle0, w3, a0), w4, a1), w5, a2)
        middle0 = multiplyAdd(multiplyAdd(multiplyAdd(start, w0, a0), w1, a1), w2, a2)
        if vectors == 2 {
          upper1 = multiplyAdd(multiplyAdd(multiplyAdd(middle1, w3, b0), w4, b1), w5, b2)
          middle1 = multiplyAdd(multiplyAdd(multiplyAdd(start, w0, b0), w1, b1), w2, b2)
        }
        from += rowPitch
      }
    }
  #endif
}
