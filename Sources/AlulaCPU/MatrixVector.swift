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
    for j in 0..<columns { y[j] = dot(zero, depth, x, b + j &* columnStride, multiplyAdd, add) }
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

/// y = x B for contiguous rows of B: four rows at a time are scaled and added to a stretch of y that
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
    while p &+ 4 <= depth {
      let x0 = V(repeating: x[p &* xStride])
      let x1 = V(repeating: x[(p &+ 1) &* xStride])
      let x2 = V(repeating: x[(p &+ 2) &* xStride])
      let x3 = V(repeating: x[(p &+ 3) &* xStride])
      let r0 = b + p &* rowStride
      let (r1, r2, r3) = (r0 + rowStride, r0 + 2 &* rowStride, r0 + 3 &* rowStride)
      var j = start
      while j &+ width <= end {
        var sum = UnsafeRawPointer(y + j).loadUnaligned(as: V.self)
        sum = multiplyAdd(sum, x0, UnsafeRawPointer(r0 + j).loadUnaligned(as: V.self))
        sum = multiplyAdd(sum, x1, UnsafeRawPointer(r1 + j).loadUnaligned(as: V.self))
        sum = multiplyAdd(sum, x2, UnsafeRawPointer(r2 + j).loadUnaligned(as: V.self))
        sum = multiplyAdd(sum, x3, UnsafeRawPointer(r3 + j).loadUnaligned(as: V.self))
        storeLanes(y + j, sum)
        j &+= width
      }
      while j < end {
        var sum = V(repeating: y[j])
        sum = multiplyAdd(sum, x0, V(repeating: r0[j]))
        sum = multiplyAdd(sum, x1, V(repeating: r1[j]))
        sum = multiplyAdd(sum, x2, V(repeating: r2[j]))
        sum = multiplyAdd(sum, x3, V(repeating: r3[j]))
        y[j] = sum[0]
        j &+= 1
      }
      p &+= 4
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
