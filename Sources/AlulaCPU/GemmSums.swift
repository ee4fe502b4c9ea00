/// Where a tile goes and what is added to it on the way.
/// `rowBias` and `columnBias` are already moved to the tile's first row and column.
@inline(__always)
func storeTileRow<V: SIMD>(
  _ c: UnsafeMutablePointer<V.Scalar>, _ row: Int, _ rowStride: Int, _ x: PairSum<V>,
  _ accumulate: Bool, _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ add: (V, V) -> V
) {
  let width = V.scalarCount
  let out = UnsafeMutableRawPointer(c + row &* rowStride)
  let out1 = UnsafeMutableRawPointer(c + (row &* rowStride &+ width))
  var (y0, y1) = (x.x0, x.x1)
  if let rowBias {
    let bias = V(repeating: rowBias[row])
    y0 = add(y0, bias)
    y1 = add(y1, bias)
  }
  if let columnBias {
    y0 = add(y0, UnsafeRawPointer(columnBias).loadUnaligned(as: V.self))
    y1 = add(y1, UnsafeRawPointer(columnBias + width).loadUnaligned(as: V.self))
  }
  if accumulate {
    y0 = add(out.loadUnaligned(as: V.self), y0)
    y1 = add(out1.loadUnaligned(as: V.self), y1)
  }
  out.storeBytes(of: y0, as: V.self)
  out1.storeBytes(of: y1, as: V.self)
}

/// A sum of two vectors.
struct PairSum<V: SIMD> {
  var x0, x1: V

  @inline(__always)
  mutating func add(_ x: V, _ v0: V, _ v1: V?, _ multiplyAdd: (V, V, V) -> V) {
    x0 = multiplyAdd(x0, x, v0)
    if let v1 { x1 = multiplyAdd(x1, x, v1) }
  }

  @inline(__always)
  func store(_ to: UnsafeMutablePointer<V.Scalar>) {
    UnsafeMutableRawPointer(to).storeBytes(of: x0, as: V.self)
    UnsafeMutableRawPointer(to + V.scalarCount).storeBytes(of: x1, as: V.self)
  }
}

/// The sums of up to 6 rows of a tile, a pair of vectors each.
struct TileSums<V: SIMD> {
  private var r0, r1, r2, r3, r4, r5: PairSum<V>

  @inline(__always)
  init(_ zero: V) {
    let zero = PairSum(x0: zero, x1: zero)
    (r0, r1, r2, r3, r4, r5) = (zero, zero, zero, zero, zero, zero)
  }

  /// One step of the depth: the element of A of each row times two vectors of B, or one. `steps` are the distances in
  /// bytes of the second, fourth and sixth row from the first.
  @inline(__always)
  mutating func add(
    _ rows: Int, _ a: UnsafeRawPointer, _ steps: (Int, Int, Int), _ v0: V, _ v1: V?, _ multiplyAdd: (V, V, V) -> V
  ) {
    if rows > 0 { r0.add(V(repeating: a.load(as: V.Scalar.self)), v0, v1, multiplyAdd) }
    if rows > 1 { r1.add(V(repeating: a.load(fromByteOffset: steps.0, as: V.Scalar.self)), v0, v1, multiplyAdd) }
    if rows > 2 { r2.add(V(repeating: a.load(fromByteOffset: 2 &* steps.0, as: V.Scalar.self)), v0, v1, multiplyAdd) }
    if rows > 3 { r3.add(V(repeating: a.load(fromByteOffset: steps.1, as: V.Scalar.self)), v0, v1, multiplyAdd) }
    if rows > 4 { r4.add(V(repeating: a.load(fromByteOffset: 4 &* steps.0, as: V.Scalar.self)), v0, v1, multiplyAdd) }
    if rows > 5 { r5.add(V(repeating: a.load(fromByteOffset: steps.2, as: V.Scalar.self)), v0, v1, multiplyAdd) }
  }

  /// Moves the sums to C, those of the first row to its row `first`.
  @inline(__always)
  func store(
    _ rows: Int, _ c: UnsafeMutablePointer<V.Scalar>, first: Int, _ rowStride: Int, _ accumulate: Bool,
    _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?, _ add: (V, V) -> V
  ) {
    if !accumulate && rowBias == nil && columnBias == nil {
      // Asked once, not for every row (64³: 1 to 2 % less).
      if rows > 0 { r0.store(c + first &* rowStride) }
      if rows > 1 { r1.store(c + (first &+ 1) &* rowStride) }
      if rows > 2 { r2.store(c + (first &+ 2) &* rowStride) }
      if rows > 3 { r3.store(c + (first &+ 3) &* rowStride) }
      if rows > 4 { r4.store(c + (first &+ 4) &* rowStride) }
      if rows > 5 { r5.store(c + (first &+ 5) &* rowStride) }
      return
    }
    if rows > 0 { storeTileRow(c, first, rowStride, r0, accumulate, rowBias, columnBias, add) }
    if rows > 1 { storeTileRow(c, first &+ 1, rowStride, r1, accumulate, rowBias, columnBias, add) }
    if rows > 2 { storeTileRow(c, first &+ 2, rowStride, r2, accumulate, rowBias, columnBias, add) }
    if rows > 3 { storeTileRow(c, first &+ 3, rowStride, r3, accumulate, rowBias, columnBias, add) }
    if rows > 4 { storeTileRow(c, first &+ 4, rowStride, r4, accumulate, rowBias, columnBias, add) }
    if rows > 5 { storeTileRow(c, first &+ 5, rowStride, r5, accumulate, rowBias, columnBias, add) }
  }
}
