import CSupport

// The inner kernel of every matrix product: a tile of 6 (or, at the lower edge, 4) rows by two vectors
// of columns, held in registers while it walks down the depth of two packed panels.
//
// Packed layout (see GemmPacking.swift): A in panels of `gemmRows` rows and B in panels of two vectors
// of columns, each panel stored depth by depth.

/// Rows of a panel of A.
@inline(__always) var gemmRows: Int { 6 }

// Vectors of 32 bytes where the instruction set has them; otherwise 16, so that 12 accumulators, two
// vectors of B and one of A fit the 16 registers of x86-64 either way.
#if FMA
  typealias GemmFloat = SIMD8<Float>
  typealias GemmDouble = SIMD4<Double>
  typealias GemmUInt8 = SIMD32<UInt8>
  typealias GemmUInt16 = SIMD16<UInt16>
  typealias GemmUInt32 = SIMD8<UInt32>
  typealias GemmUInt64 = SIMD4<UInt64>
#else
  typealias GemmFloat = SIMD4<Float>
  typealias GemmDouble = SIMD2<Double>
  typealias GemmUInt8 = SIMD16<UInt8>
  typealias GemmUInt16 = SIMD8<UInt16>
  typealias GemmUInt32 = SIMD4<UInt32>
  typealias GemmUInt64 = SIMD2<UInt64>
#endif

/// `sum + x * y`: one instruction where it is fused, two where fusing would be a library call.
@inline(__always)
func multiplyAdd<V: SIMD>(_ sum: V, _ x: V, _ y: V) -> V where V.Scalar: FloatingPoint {
  #if FMA
    return sum.addingProduct(x, y)
  #else
    return sum + x * y
  #endif
}

@inline(__always)
func multiplyAdd<V: SIMD>(_ sum: V, _ x: V, _ y: V) -> V where V.Scalar: FixedWidthInteger {
  sum &+ x &* y
}

/// Where a tile goes and what is added to it on the way.
/// `rowBias` and `columnBias` are already moved to the tile's first row and column.
@inline(__always)
func storeTileRow<V: SIMD>(
  _ c: UnsafeMutablePointer<V.Scalar>, _ row: Int, _ rowStride: Int, _ x0: V, _ x1: V,
  _ accumulate: Bool, _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ add: (V, V) -> V
) {
  let width = V.scalarCount
  let out = UnsafeMutableRawPointer(c + row &* rowStride)
  let out1 = UnsafeMutableRawPointer(c + (row &* rowStride &+ width))
  var y0 = x0
  var y1 = x1
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

/// One tile of 6 rows: C (or C +) = A B, straight into memory.
@inline(__always)
func gemmTile6<V: SIMD>(
  _ zero: V, _ depth: Int, _ a: UnsafePointer<V.Scalar>, _ b: UnsafePointer<V.Scalar>,
  _ c: UnsafeMutablePointer<V.Scalar>, _ rowStride: Int, _ accumulate: Bool,
  _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  var (c00, c01, c10, c11, c20, c21) = (zero, zero, zero, zero, zero, zero)
  var (c30, c31, c40, c41, c50, c51) = (zero, zero, zero, zero, zero, zero)
  var a = a
  var b = UnsafeRawPointer(b)
  let step = MemoryLayout<V>.size
  var remaining = depth
  while remaining > 0 {
    let b0 = b.loadUnaligned(as: V.self)
    let b1 = b.loadUnaligned(fromByteOffset: step, as: V.self)
    var x = V(repeating: a[0])
    c00 = multiplyAdd(c00, x, b0)
    c01 = multiplyAdd(c01, x, b1)
    x = V(repeating: a[1])
    c10 = multiplyAdd(c10, x, b0)
    c11 = multiplyAdd(c11, x, b1)
    x = V(repeating: a[2])
    c20 = multiplyAdd(c20, x, b0)
    c21 = multiplyAdd(c21, x, b1)
    x = V(repeating: a[3])
    c30 = multiplyAdd(c30, x, b0)
    c31 = multiplyAdd(c31, x, b1)
    x = V(repeating: a[4])
    c40 = multiplyAdd(c40, x, b0)
    c41 = multiplyAdd(c41, x, b1)
    x = V(repeating: a[5])
    c50 = multiplyAdd(c50, x, b0)
    c51 = multiplyAdd(c51, x, b1)
    a += 6
    b += 2 &* step
    remaining &-= 1
  }
  storeTileRow(c, 0, rowStride, c00, c01, accumulate, rowBias, columnBias, add)
  storeTileRow(c, 1, rowStride, c10, c11, accumulate, rowBias, columnBias, add)
  storeTileRow(c, 2, rowStride, c20, c21, accumulate, rowBias, columnBias, add)
  storeTileRow(c, 3, rowStride, c30, c31, accumulate, rowBias, columnBias, add)
  storeTileRow(c, 4, rowStride, c40, c41, accumulate, rowBias, columnBias, add)
  storeTileRow(c, 5, rowStride, c50, c51, accumulate, rowBias, columnBias, add)
}

/// The first 4 rows of a tile, for panels of which no more are in use.
@inline(__always)
func gemmTile4<V: SIMD>(
  _ zero: V, _ depth: Int, _ a: UnsafePointer<V.Scalar>, _ b: UnsafePointer<V.Scalar>,
  _ c: UnsafeMutablePointer<V.Scalar>, _ rowStride: Int, _ accumulate: Bool,
  _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  var (c00, c01, c10, c11) = (zero, zero, zero, zero)
  var (c20, c21, c30, c31) = (zero, zero, zero, zero)
  var a = a
  var b = UnsafeRawPointer(b)
  let step = MemoryLayout<V>.size
  var remaining = depth
  while remaining > 0 {
    let b0 = b.loadUnaligned(as: V.self)
    let b1 = b.loadUnaligned(fromByteOffset: step, as: V.self)
    var x = V(repeating: a[0])
    c00 = multiplyAdd(c00, x, b0)
    c01 = multiplyAdd(c01, x, b1)
    x = V(repeating: a[1])
    c10 = multiplyAdd(c10, x, b0)
    c11 = multiplyAdd(c11, x, b1)
    x = V(repeating: a[2])
    c20 = multiplyAdd(c20, x, b0)
    c21 = multiplyAdd(c21, x, b1)
    x = V(repeating: a[3])
    c30 = multiplyAdd(c30, x, b0)
    c31 = multiplyAdd(c31, x, b1)
    a += 6
    b += 2 &* step
    remaining &-= 1
  }
  storeTileRow(c, 0, rowStride, c00, c01, accumulate, rowBias, columnBias, add)
  storeTileRow(c, 1, rowStride, c10, c11, accumulate, rowBias, columnBias, add)
  storeTileRow(c, 2, rowStride, c20, c21, accumulate, rowBias, columnBias, add)
  storeTileRow(c, 3, rowStride, c30, c31, accumulate, rowBias, columnBias, add)
}

/// C (`rows` × `columns`, rows `rowStride` elements apart) = A B, or C += A B, for packed A and B.
@inline(__always)
func gemmBlock<V: SIMD>(
  _ zero: V, _ rows: Int, _ columns: Int, _ depth: Int,
  _ a: UnsafePointer<V.Scalar>, _ b: UnsafePointer<V.Scalar>,
  _ c: UnsafeMutablePointer<V.Scalar>, _ rowStride: Int, _ accumulate: Bool,
  _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  let tileColumns = 2 &* V.scalarCount
  withUnsafeTemporaryAllocation(of: V.self, capacity: 12) { edgeVectors in
    guard let edgeStart = edgeVectors.baseAddress else { return }
    let edge = UnsafeMutableRawPointer(edgeStart).assumingMemoryBound(to: V.Scalar.self)
    var j = 0
    // A panel of B stays in the first-level cache while the panels of A pass by.
    while j < columns {
      let bPanel = b + j &* depth
      let usedColumns = min(tileColumns, columns &- j)
      var i = 0
      while i < rows {
        let aPanel = a + i &* depth
        let usedRows = min(6, rows &- i)
        let out = c + (i &* rowStride &+ j)
        let rowBiasHere = rowBias.map { $0 + i }
        let columnBiasHere = columnBias.map { $0 + j }
        // Tiles that do not fill their rows or columns go through a temporary.
        let direct = usedColumns == tileColumns && (usedRows == 6 || usedRows == 4)
        let target = direct ? out : edge
        let targetStride = direct ? rowStride : tileColumns
        if usedRows > 4 {
          gemmTile6(
            zero, depth, aPanel, bPanel, target, targetStride, direct && accumulate,
            direct ? rowBiasHere : nil, direct ? columnBiasHere : nil, multiplyAdd, add)
        } else {
          gemmTile4(
            zero, depth, aPanel, bPanel, target, targetStride, direct && accumulate,
            direct ? rowBiasHere : nil, direct ? columnBiasHere : nil, multiplyAdd, add)
        }
        if !direct {
          copyEdgeTile(
            zero, usedRows, usedColumns, edge, out, rowStride, accumulate, rowBiasHere,
            columnBiasHere, add)
        }
        i &+= 6
      }
      j &+= tileColumns
    }
  }
}

/// Moves the used part of a tile from its temporary to C.
@inline(__always)
func copyEdgeTile<V: SIMD>(
  _ zero: V, _ rows: Int, _ columns: Int, _ tile: UnsafePointer<V.Scalar>,
  _ c: UnsafeMutablePointer<V.Scalar>, _ rowStride: Int, _ accumulate: Bool,
  _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?, _ add: (V, V) -> V
) {
  for row in 0..<rows {
    for column in 0..<columns {
      var value = V(repeating: tile[row &* 2 &* V.scalarCount &+ column])
      if let rowBias { value = add(value, V(repeating: rowBias[row])) }
      if let columnBias { value = add(value, V(repeating: columnBias[column])) }
      let out = c + (row &* rowStride &+ column)
      if accumulate { value = add(V(repeating: out.pointee), value) }
      out.pointee = value[0]
    }
  }
}
