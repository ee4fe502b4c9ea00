import CSupport

func registerDepthwiseGradient(_ receive: KernelReceiver) {
  let float: depthwise_gradient_kernel = { planes, source, gradient, sums, totals, room in
    depthwiseWeightGradient(
      GemmFloat(repeating: 0), planes!, source!.assumingMemoryBound(to: Float.self),
      gradient!.assumingMemoryBound(to: Float.self), sums!.assumingMemoryBound(to: Float.self),
      totals!.assumingMemoryBound(to: Float.self), room!.assumingMemoryBound(to: Float.self))
  }
  let double: depthwise_gradient_kernel = { planes, source, gradient, sums, totals, room in
    depthwiseWeightGradient(
      GemmDouble(repeating: 0), planes!, source!.assumingMemoryBound(to: Double.self),
      gradient!.assumingMemoryBound(to: Double.self), sums!.assumingMemoryBound(to: Double.self),
      totals!.assumingMemoryBound(to: Double.self), room!.assumingMemoryBound(to: Double.self))
  }
  receive("conv.depthwise_gradient", 11, unsafeBitCast(float, to: UnsafeRawPointer.self))
  receive("conv.depthwise_gradient", 12, unsafeBitCast(double, to: UnsafeRawPointer.self))
}

/// sums[target, tap] = the sum over planes and positions of gradient · source. A block of rows is summed in registers, a
/// vector per tap; these sums are added up, and in the end their lanes.
@inline(__always)
private func depthwiseWeightGradient<V: SIMD & PixelVector>(
  _ zero: V, _ planes: UnsafePointer<depthwise_planes>, _ source: UnsafePointer<V.Scalar>,
  _ gradient: UnsafePointer<V.Scalar>, _ sums: UnsafeMutablePointer<V.Scalar>,
  _ totals: UnsafeMutablePointer<V.Scalar>, _ room: UnsafeMutablePointer<V.Scalar>
) where V.Scalar: FloatingPoint {
  guard let offsets = planes.pointee.offsets else { return }
  let planes = planes.pointee
  let (taps, columns) = (planes.taps, planes.columns)
  let area = planes.rows &* columns
  totals.update(repeating: 0, count: planes.targets &* taps &* V.scalarCount)
  for plane in 0..<planes.planes {
    planes.forEachBlock(zero, source + plane &* planes.plane_stride, room) { first, count in
      for index in 0..<planes.targets {
        let from = gradient + (plane &* planes.target_stride &+ index &* area &+ first &* columns)
        let total = totals + index &* taps &* V.scalarCount
        var tap = 0
        // Nine taps go together, or the three of a row.
        while taps &- tap > 3 {
          addTaps(
            9, zero, count, columns, planes.row_pitch, taps, offsets, tap, room, from, total)
          tap &+= 9
        }
        if tap < taps {
          addTaps(
            3, zero, count, columns, planes.row_pitch, taps, offsets, tap, room, from, total)
        }
      }
    }
  }
  for tap in 0..<planes.targets &* taps {
    sums[tap] = laneSum(UnsafeRawPointer(totals + tap &* V.scalarCount).loadUnaligned(as: V.self))
  }
}

/// Adds the sums of up to `atOnce` taps, 3 or 9, from `tap` on, at some rows of positions to their totals.
@inline(__always)
private func addTaps<V: SIMD & PixelVector>(
  _ atOnce: Int, _ zero: V, _ rows: Int, _ columns: Int, _ rowPitch: Int, _ taps: Int, _ offsets: UnsafePointer<Int>,
  _ tap: Int, _ source: UnsafePointer<V.Scalar>, _ gradient: UnsafePointer<V.Scalar>,
  _ totals: UnsafeMutablePointer<V.Scalar>
) where V.Scalar: FloatingPoint {
  // Where fewer are left the last one is summed several times.
  @inline(__always) func start(_ index: Int) -> UnsafePointer<V.Scalar> {
    source + offsets[min(tap &+ index, taps &- 1)]
  }
  let (p0, p1, p2) = (start(0), start(1), start(2))
  let (p3, p4, p5, p6, p7, p8) =
    atOnce == 9 ? (start(3), start(4), start(5), start(6), start(7), start(8)) : (p0, p0, p0, p0, p0, p0)
  var (s0, s1, s2, s3, s4, s5, s6, s7, s8) = (zero, zero, zero, zero, zero, zero, zero, zero, zero)
  let whole = columns / V.scalarCount &* V.scalarCount
  var g = gradient
  var at = 0
  for _ in 0..<rows {
    @inline(__always) func x(_ start: UnsafePointer<V.Scalar>, _ column: Int) -> V {
      UnsafeRawPointer(start + (at &+ column)).loadUnaligned(as: V.self)
    }
    @inline(__always) func add(_ column: Int, _ y: V, _ keep: (V, V) -> V) {
      s0 = keep(s0, multiplyAdd(s0, y, x(p0, column)))
      s1 = keep(s1, multiplyAdd(s1, y, x(p1, column)))
      s2 = keep(s2, multiplyAdd(s2, y, x(p2, column)))
      if atOnce == 3 { return }
      s3 = keep(s3, multiplyAdd(s3, y, x(p3, column)))
      s4 = keep(s4, multiplyAdd(s4, y, x(p4, column)))
      s5 = keep(s5, multiplyAdd(s5, y, x(p5, column)))
      s6 = keep(s6, multiplyAdd(s6, y, x(p6, column)))
      s7 = keep(s7, multiplyAdd(s7, y, x(p7, column)))
      s8 = keep(s8, multiplyAdd(s8, y, x(p8, column)))
    }
    var column = 0
    while column < whole {
      add(column, UnsafeRawPointer(g + column).loadUnaligned(as: V.self)) { $1 }
      column &+= V.scalarCount
    }
    if column < columns {
      // Beyond the row lie elements of others, which may be infinite.
      let count = columns &- column
      add(column, V.first(count, at: g + column)) { $0.replacingFirst(count, by: $1) }
    }
    g += columns
    at &+= rowPitch
  }
  @inline(__always) func finish(_ index: Int, _ sum: V) {
    guard tap &+ index < taps else { return }
    let total = totals + (tap &+ index) &* V.scalarCount
    storeLanes(total, UnsafeRawPointer(total).loadUnaligned(as: V.self) + sum)
  }
  finish(0, s0)
  finish(1, s1)
  finish(2, s2)
  if atOnce == 3 { return }
  finish(3, s3)
  finish(4, s4)
  finish(5, s5)
  finish(6, s6)
  finish(7, s7)
  finish(8, s8)
}

/// The sum of a vector's lanes.
@inline(__always)
private func laneSum<V: SIMD>(_ vector: V) -> V.Scalar where V.Scalar: FloatingPoint {
  var sum = vector[0]
  for lane in 1..<V.scalarCount { sum += vector[lane] }
  return sum
}
