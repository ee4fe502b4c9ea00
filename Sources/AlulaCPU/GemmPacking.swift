import CSupport

// Packing: the operands of a matrix product are copied into panels in the order in which the inner
// kernel reads them. A panel holds `width` vectors (rows of A or columns of B), stored depth by depth;
// what a last panel lacks is filled with anything finite, since it only reaches discarded results.
// Any strides are accepted, so a transposed operand costs what a plain one does.

/// Packs `count` vectors of `depth` elements into panels of `width`: two vectors `V`, or an even number that is less.
@inline(__always)
func packPanels<V: SIMD>(
  _ width: Int, _ zero: V, _ count: Int, _ depth: Int, _ source: UnsafePointer<V.Scalar>, _ vectorStride: Int,
  _ depthStride: Int, _ panels: UnsafeMutablePointer<V.Scalar>
) where V.Scalar: SIMDScalar {
  let size = MemoryLayout<V.Scalar>.size
  var start = 0
  var panel = panels
  while start < count {
    let used = min(width, count &- start)
    let from = source + start &* vectorStride
    if vectorStride == 1, used == width {
      packAdjacent(width, zero, depth, from, depthStride, panel)
    } else if depthStride == 1, used == width, size == 4, width == 2 &* V.scalarCount {
      transposeWords(depth, width, panel, width &* size, from, vectorStride &* size)
    } else if depthStride == 1 {
      packTransposed(width, depth, { from + min($0, used &- 1) &* vectorStride }, panel)
    } else {
      packStrided(width, used, depth, from, vectorStride, depthStride, panel)
    }
    panel += width &* depth
    start &+= width
  }
}

/// One panel of vectors that lie side by side at each depth: plain copies.
@inline(__always)
private func packAdjacent<V: SIMD>(
  _ width: Int, _ zero: V, _ depth: Int, _ source: UnsafePointer<V.Scalar>, _ depthStride: Int,
  _ panel: UnsafeMutablePointer<V.Scalar>
) where V.Scalar: SIMDScalar {
  var from = source
  var to = panel
  for _ in 0..<depth {
    if width == 2 &* V.scalarCount {
      storeLanes(to, UnsafeRawPointer(from).loadUnaligned(as: V.self))
      storeLanes(to + V.scalarCount, UnsafeRawPointer(from + V.scalarCount).loadUnaligned(as: V.self))
    } else {
      var lane = 0
      while lane &+ 4 <= width {
        storeLanes(to + lane, loadLanes(from + lane))
        lane &+= 4
      }
      if lane < width { storeLanes(to + lane, loadPair(from + lane)) }
    }
    from += depthStride
    to += width
  }
}

/// One panel of vectors each contiguous along the depth: blocks of four by four elements are
/// transposed in registers. `vector(lane)` is the start of a vector.
@inline(__always)
func packTransposed<T: SIMDScalar>(
  _ width: Int, _ depth: Int, _ vector: (Int) -> UnsafePointer<T>, _ panel: UnsafeMutablePointer<T>
) {
  var lane = 0
  while lane &+ 4 <= width {
    let (v0, v1, v2, v3) = (vector(lane), vector(lane &+ 1), vector(lane &+ 2), vector(lane &+ 3))
    var out = panel + lane
    var p = 0
    while p &+ 4 <= depth {
      let x0 = loadLanes(v0 + p)
      let x1 = loadLanes(v1 + p)
      let x2 = loadLanes(v2 + p)
      let x3 = loadLanes(v3 + p)
      // Interleaving elements of pairs of vectors, then pairs of elements, is the transposition.
      let low01 = SIMD4(x0[0], x1[0], x0[1], x1[1])
      let low23 = SIMD4(x2[0], x3[0], x2[1], x3[1])
      let high01 = SIMD4(x0[2], x1[2], x0[3], x1[3])
      let high23 = SIMD4(x2[2], x3[2], x2[3], x3[3])
      if MemoryLayout<T>.size == 4 {
        // As pairs, since else this becomes insertions of single elements.
        let (l01, l23) = (unsafeBitCast(low01, to: SIMD2<Double>.self), unsafeBitCast(low23, to: SIMD2<Double>.self))
        let (h01, h23) = (unsafeBitCast(high01, to: SIMD2<Double>.self), unsafeBitCast(high23, to: SIMD2<Double>.self))
        storeLanes(out, SIMD2(l01[0], l23[0]))
        storeLanes(out + width, SIMD2(l01[1], l23[1]))
        storeLanes(out + 2 &* width, SIMD2(h01[0], h23[0]))
        storeLanes(out + 3 &* width, SIMD2(h01[1], h23[1]))
      } else {
        storeLanes(out, SIMD4(lowHalf: low01.lowHalf, highHalf: low23.lowHalf))
        storeLanes(out + width, SIMD4(lowHalf: low01.highHalf, highHalf: low23.highHalf))
        storeLanes(out + 2 &* width, SIMD4(lowHalf: high01.lowHalf, highHalf: high23.lowHalf))
        storeLanes(out + 3 &* width, SIMD4(lowHalf: high01.highHalf, highHalf: high23.highHalf))
      }
      out += 4 &* width
      p &+= 4
    }
    while p < depth {
      storeLanes(out, SIMD4(v0[p], v1[p], v2[p], v3[p]))
      out += width
      p &+= 1
    }
    lane &+= 4
  }
  if lane < width {
    let (v0, v1) = (vector(lane), vector(lane &+ 1))
    var out = panel + lane
    var p = 0
    while p &+ 4 <= depth {
      let x0 = loadLanes(v0 + p)
      let x1 = loadLanes(v1 + p)
      storeLanes(out, SIMD2(x0[0], x1[0]))
      storeLanes(out + width, SIMD2(x0[1], x1[1]))
      storeLanes(out + 2 &* width, SIMD2(x0[2], x1[2]))
      storeLanes(out + 3 &* width, SIMD2(x0[3], x1[3]))
      out += 4 &* width
      p &+= 4
    }
    while p < depth {
      storeLanes(out, SIMD2(v0[p], v1[p]))
      out += width
      p &+= 1
    }
  }
}

/// One panel from any strides, `used` of its lanes.
@inline(__always)
private func packStrided<T: SIMDScalar>(
  _ width: Int, _ used: Int, _ depth: Int, _ source: UnsafePointer<T>, _ vectorStride: Int, _ depthStride: Int,
  _ panel: UnsafeMutablePointer<T>
) {
  var from = source
  var to = panel
  for _ in 0..<depth {
    for lane in 0..<used { to[lane] = from[lane &* vectorStride] }
    for lane in used..<width { to[lane] = from[0] }
    from += depthStride
    to += width
  }
}

@inline(__always)
func loadLanes<T: SIMDScalar>(_ from: UnsafePointer<T>) -> SIMD4<T> {
  UnsafeRawPointer(from).loadUnaligned(as: SIMD4<T>.self)
}

@inline(__always)
func loadPair<T: SIMDScalar>(_ from: UnsafePointer<T>) -> SIMD2<T> {
  UnsafeRawPointer(from).loadUnaligned(as: SIMD2<T>.self)
}

@inline(__always)
func storeLanes<V>(_ to: UnsafeMutableRawPointer, _ value: V) {
  to.storeBytes(of: value, as: V.self)
}
