import CSupport

/// y = x B for a vector x of `depth` elements and a matrix B (`depth` × `columns`), read where it lies.
/// y is contiguous. Strides are in elements.
@inline(__always)
func vectorMatrix<V: SIMD>(
  _ zero: V, _ columns: Int, _ depth: Int, _ x: UnsafePointer<V.Scalar>, _ xStride: Int,
  _ b: UnsafePointer<V.Scalar>, _ rowStride: Int, _ columnStride: Int,
  _ y: UnsafeMutablePointer<V.Scalar>, _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  if columnStride == 1 {
    addScaledRows(zero, columns, depth, x, xStride, b, rowStride, y, multiplyAdd)
  } else if rowStride == 1, xStride == 1 {
    var j = 0
    while j &+ 4 <= columns {
      dotFour(zero, depth, x, b + j &* columnStride, columnStride, y + j, multiplyAdd, add)
      j &+= 4
    }
    while j < columns {
      y[j] = dot(zero, depth, x, b + j &* columnStride, multiplyAdd, add)
      j &+= 1
    }
  } else {
    for j in 0..<columns {
      var sum = zero
      for p in 0..<depth {
        sum = multiplyAdd(
          sum, V(repeating: x[p &* xStride]), V(repeating: b[p &* rowStride &+ j &* columnStride]))
      }
      y[j] = sum[0]
    }
  }
}

/// The products of one vector with four that lie `stride` elements apart, in two partial sums of a vector each.
@inline(__always)
func dotFour<V: SIMD>(
  _ zero: V, _ count: Int, _ x: UnsafePointer<V.Scalar>, _ y: UnsafePointer<V.Scalar>, _ stride: Int,
  _ results: UnsafeMutablePointer<V.Scalar>, _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  let width = V.scalarCount
  let size = MemoryLayout<V>.size
  var (s00, s01, s10, s11, s20, s21, s30, s31) = (zero, zero, zero, zero, zero, zero, zero, zero)
  var p = 0
  while p &+ 2 &* width <= count {
    let y0 = UnsafeRawPointer(y + p)
    let y1 = UnsafeRawPointer(y + (stride &+ p))
    let y2 = UnsafeRawPointer(y + (2 &* stride &+ p))
    let y3 = UnsafeRawPointer(y + (3 &* stride &+ p))
    var v = UnsafeRawPointer(x + p).loadUnaligned(as: V.self)
    s00 = multiplyAdd(s00, v, y0.loadUnaligned(as: V.self))
    s10 = multiplyAdd(s10, v, y1.loadUnaligned(as: V.self))
    s20 = multiplyAdd(s20, v, y2.loadUnaligned(as: V.self))
    s30 = multiplyAdd(s30, v, y3.loadUnaligned(as: V.self))
    v = UnsafeRawPointer(x + p).loadUnaligned(fromByteOffset: size, as: V.self)
    s01 = multiplyAdd(s01, v, y0.loadUnaligned(fromByteOffset: size, as: V.self))
    s11 = multiplyAdd(s11, v, y1.loadUnaligned(fromByteOffset: size, as: V.self))
    s21 = multiplyAdd(s21, v, y2.loadUnaligned(fromByteOffset: size, as: V.self))
    s31 = multiplyAdd(s31, v, y3.loadUnaligned(fromByteOffset: size, as: V.self))
    p &+= 2 &* width
  }
  let (lanes0, lanes1, lanes2, lanes3) = (add(s00, s01), add(s10, s11), add(s20, s21), add(s30, s31))
  var (r0, r1, r2, r3) = (zero, zero, zero, zero)
  for lane in 0..<width {
    r0 = add(r0, V(repeating: lanes0[lane]))
    r1 = add(r1, V(repeating: lanes1[lane]))
    r2 = add(r2, V(repeating: lanes2[lane]))
    r3 = add(r3, V(repeating: lanes3[lane]))
  }
  while p < count {
    let v = V(repeating: x[p])
    r0 = multiplyAdd(r0, v, V(repeating: y[p]))
    r1 = multiplyAdd(r1, v, V(repeating: y[stride &+ p]))
    r2 = multiplyAdd(r2, v, V(repeating: y[2 &* stride &+ p]))
    r3 = multiplyAdd(r3, v, V(repeating: y[3 &* stride &+ p]))
    p &+= 1
  }
  results[0] = r0[0]
  results[1] = r1[0]
  results[2] = r2[0]
  results[3] = r3[0]
}

/// The sum of products of two contiguous vectors, in four partial sums of a vector each.
@inline(__always)
func dot<V: SIMD>(
  _ zero: V, _ count: Int, _ x: UnsafePointer<V.Scalar>, _ y: UnsafePointer<V.Scalar>,
  _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) -> V.Scalar {
  let width = V.scalarCount
  let size = MemoryLayout<V>.size
  var (s0, s1, s2, s3) = (zero, zero, zero, zero)
  var p = 0
  while p &+ 4 &* width <= count {
    let (u, v) = (UnsafeRawPointer(x + p), UnsafeRawPointer(y + p))
    s0 = multiplyAdd(s0, u.loadUnaligned(as: V.self), v.loadUnaligned(as: V.self))
    s1 = multiplyAdd(
      s1, u.loadUnaligned(fromByteOffset: size, as: V.self),
      v.loadUnaligned(fromByteOffset: size, as: V.self))
    s2 = multiplyAdd(
      s2, u.loadUnaligned(fromByteOffset: 2 &* size, as: V.self),
      v.loadUnaligned(fromByteOffset: 2 &* size, as: V.self))
    s3 = multiplyAdd(
      s3, u.loadUnaligned(fromByteOffset: 3 &* size, as: V.self),
      v.loadUnaligned(fromByteOffset: 3 &* size, as: V.self))
    p &+= 4 &* width
  }
  while p &+ width <= count {
    s0 = multiplyAdd(
      s0, UnsafeRawPointer(x + p).loadUnaligned(as: V.self),
      UnsafeRawPointer(y + p).loadUnaligned(as: V.self))
    p &+= width
  }
  let lanes = add(add(s0, s1), add(s2, s3))
  var sum = zero
  for lane in 0..<width { sum = add(sum, V(repeating: lanes[lane])) }
  while p < count {
    sum = multiplyAdd(sum, V(repeating: x[p]), V(repeating: y[p]))
    p &+= 1
  }
  return sum[0]
}

/// y = x B for contiguous rows of B: eight rows at a time are scaled and added to a stretch of y that
/// stays in the first-level cache, so that B streams by once.
@inline(__always)
func addScaledRows<V: SIMD>(
  _ zero: V, _ columns: Int, _ depth: Int, _ x: UnsafePointer<V.Scalar>, _ xStride: Int,
  _ b: UnsafePointer<V.Scalar>, _ rowStride: Int, _ y: UnsafeMutablePointer<V.Scalar>,
  _ multiplyAdd: (V, V, V) -> V
) {
  let width = V.scalarCount
  var start = 0
  while start < columns {
    let end = min(columns, start &+ 2048)
    for j in start..<end { y[j] = zero[0] }
    var p = 0
    while p &+ 8 <= depth {
      let x0 = V(repeating: x[p &* xStride])
      let x1 = V(repeating: x[(p &+ 1) &* xStride])
      let x2 = V(repeating: x[(p &+ 2) &* xStride])
      let x3 = V(repeating: x[(p &+ 3) &* xStride])
      let x4 = V(repeating: x[(p &+ 4) &* xStride])
      let x5 = V(repeating: x[(p &+ 5) &* xStride])
      let x6 = V(repeating: x[(p &+ 6) &* xStride])
      let x7 = V(repeating: x[(p &+ 7) &* xStride])
      let r0 = b + p &* rowStride
      let (r1, r2, r3) = (r0 + rowStride, r0 + 2 &* rowStride, r0 + 3 &* rowStride)
      let r4 = r0 + 4 &* rowStride
      let (r5, r6, r7) = (r4 + rowStride, r4 + 2 &* rowStride, r4 + 3 &* rowStride)
      var j = start
      while j &+ width <= end {
        var sum = UnsafeRawPointer(y + j).loadUnaligned(as: V.self)
        sum = multiplyAdd(sum, x0, UnsafeRawPointer(r0 + j).loadUnaligned(as: V.self))
        sum = multiplyAdd(sum, x1, UnsafeRawPointer(r1 + j).loadUnaligned(as: V.self))
        sum = multiplyAdd(sum, x2, UnsafeRawPointer(r2 + j).loadUnaligned(as: V.self))
        sum = multiplyAdd(sum, x3, UnsafeRawPointer(r3 + j).loadUnaligned(as: V.self))
        sum = multiplyAdd(sum, x4, UnsafeRawPointer(r4 + j).loadUnaligned(as: V.self))
        sum = multiplyAdd(sum, x5, UnsafeRawPointer(r5 + j).loadUnaligned(as: V.self))
        sum = multiplyAdd(sum, x6, UnsafeRawPointer(r6 + j).loadUnaligned(as: V.self))
        sum = multiplyAdd(sum, x7, UnsafeRawPointer(r7 + j).loadUnaligned(as: V.self))
        storeLanes(y + j, sum)
        j &+= width
      }
      while j < end {
        var sum = V(repeating: y[j])
        sum = multiplyAdd(sum, x0, V(repeating: r0[j]))
        sum = multiplyAdd(sum, x1, V(repeating: r1[j]))
        sum = multiplyAdd(sum, x2, V(repeating: r2[j]))
        sum = multiplyAdd(sum, x3, V(repeating: r3[j]))
        sum = multiplyAdd(sum, x4, V(repeating: r4[j]))
        sum = multiplyAdd(sum, x5, V(repeating: r5[j]))
        sum = multiplyAdd(sum, x6, V(repeating: r6[j]))
        sum = multiplyAdd(sum, x7, V(repeating: r7[j]))
        y[j] = sum[0]
        j &+= 1
      }
      p &+= 8
    }
    while p < depth {
      let factor = V(repeating: x[p &* xStride])
      let row = b + p &* rowStride
      var j = start
      while j &+ width <= end {
        let sum = UnsafeRawPointer(y + j).loadUnaligned(as: V.self)
        storeLanes(y + j, multiplyAdd(sum, factor, UnsafeRawPointer(row + j).loadUnaligned(as: V.self)))
        j &+= width
      }
      while j < end {
        y[j] = multiplyAdd(V(repeating: y[j]), factor, V(repeating: row[j]))[0]
        j &+= 1
      }
      p &+= 1
    }
    start = end
  }
}
