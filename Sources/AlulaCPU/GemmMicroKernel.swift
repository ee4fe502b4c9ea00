import CSupport

// The inner kernel of every matrix product and convolution: a tile of up to 6 or 12 rows by two vectors of columns,
// held in registers while it walks down the depth.
//
// A is read at any strides: where it lies, or from panels of as many rows as a tile has. B's two vectors lie side by side:
// packed in panels (see GemmPacking.swift), or in the rows of a matrix. The depth is up to three nested loops, so
// that the patches of a convolution are read from the image itself.

/// Rows of a panel of A: 12 sums of two vectors, two vectors of B and one of A fit 16 registers.
@inline(__always) var gemmRows: Int { 6 }
/// The same of floating-point numbers, where there are 32 registers: each vector of B serves twice as many rows, and
/// comes from the second-level cache half as often (1024³: 17.1 to 15.0 ms).
#if AVX512
  @inline(__always) var gemmFloatRows: Int { 12 }
#else
  @inline(__always) var gemmFloatRows: Int { 6 }
#endif

// Vectors of 64 or 32 bytes where the instruction set has them; otherwise 16.
#if AVX512
  typealias GemmFloat = SIMD16<Float>
  typealias GemmDouble = SIMD8<Double>
#elseif FMA
  typealias GemmFloat = SIMD8<Float>
  typealias GemmDouble = SIMD4<Double>
#else
  typealias GemmFloat = SIMD4<Float>
  typealias GemmDouble = SIMD2<Double>
#endif
// Vectors of at most 32 bytes: for rows that hardly fill longer ones, and for sums across lanes.
#if FMA
  typealias ShortFloat = SIMD8<Float>
  typealias ShortDouble = SIMD4<Double>
  typealias GemmUInt8 = SIMD32<UInt8>
  typealias GemmUInt16 = SIMD16<UInt16>
  typealias GemmUInt32 = SIMD8<UInt32>
  typealias GemmUInt64 = SIMD4<UInt64>
#else
  typealias ShortFloat = SIMD4<Float>
  typealias ShortDouble = SIMD2<Double>
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

/// The sums of up to 6 rows of a tile, a pair of vectors each.
struct TileSums<V: SIMD> {
  private var c00, c01, c10, c11, c20, c21, c30, c31, c40, c41, c50, c51: V

  @inline(__always)
  init(_ zero: V) {
    (c00, c01, c10, c11, c20, c21) = (zero, zero, zero, zero, zero, zero)
    (c30, c31, c40, c41, c50, c51) = (zero, zero, zero, zero, zero, zero)
  }

  /// One step of the depth: the element of A of each row times two vectors of B. `steps` are the distances in bytes of
  /// the second, fourth and sixth row from the first.
  @inline(__always)
  mutating func add(
    _ rows: Int, _ a: UnsafeRawPointer, _ steps: (Int, Int, Int), _ v0: V, _ v1: V, _ multiplyAdd: (V, V, V) -> V
  ) {
    if rows > 0 {
      let x = V(repeating: a.load(as: V.Scalar.self))
      c00 = multiplyAdd(c00, x, v0)
      c01 = multiplyAdd(c01, x, v1)
    }
    if rows > 1 {
      let x = V(repeating: a.load(fromByteOffset: steps.0, as: V.Scalar.self))
      c10 = multiplyAdd(c10, x, v0)
      c11 = multiplyAdd(c11, x, v1)
    }
    if rows > 2 {
      let x = V(repeating: a.load(fromByteOffset: 2 &* steps.0, as: V.Scalar.self))
      c20 = multiplyAdd(c20, x, v0)
      c21 = multiplyAdd(c21, x, v1)
    }
    if rows > 3 {
      let x = V(repeating: a.load(fromByteOffset: steps.1, as: V.Scalar.self))
      c30 = multiplyAdd(c30, x, v0)
      c31 = multiplyAdd(c31, x, v1)
    }
    if rows > 4 {
      let x = V(repeating: a.load(fromByteOffset: 4 &* steps.0, as: V.Scalar.self))
      c40 = multiplyAdd(c40, x, v0)
      c41 = multiplyAdd(c41, x, v1)
    }
    if rows > 5 {
      let x = V(repeating: a.load(fromByteOffset: steps.2, as: V.Scalar.self))
      c50 = multiplyAdd(c50, x, v0)
      c51 = multiplyAdd(c51, x, v1)
    }
  }

  /// Moves the sums to C, those of the first row to its row `first`.
  @inline(__always)
  func store(
    _ rows: Int, _ c: UnsafeMutablePointer<V.Scalar>, first: Int, _ rowStride: Int, _ accumulate: Bool,
    _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?, _ add: (V, V) -> V
  ) {
    if rows > 0 { storeTileRow(c, first, rowStride, c00, c01, accumulate, rowBias, columnBias, add) }
    if rows > 1 { storeTileRow(c, first &+ 1, rowStride, c10, c11, accumulate, rowBias, columnBias, add) }
    if rows > 2 { storeTileRow(c, first &+ 2, rowStride, c20, c21, accumulate, rowBias, columnBias, add) }
    if rows > 3 { storeTileRow(c, first &+ 3, rowStride, c30, c31, accumulate, rowBias, columnBias, add) }
    if rows > 4 { storeTileRow(c, first &+ 4, rowStride, c40, c41, accumulate, rowBias, columnBias, add) }
    if rows > 5 { storeTileRow(c, first &+ 5, rowStride, c50, c51, accumulate, rowBias, columnBias, add) }
  }
}

/// One tile of `rows` rows, 1 to 12 and known when this is compiled: C (or C +) = A B, straight into memory.
/// `rowStep` is the distance of A's rows in bytes, `stepB` that of B's elements along the innermost loop.
@inline(__always)
func gemmTile<V: SIMD>(
  _ rows: Int, _ zero: V, _ product: UnsafePointer<gemm_product>, _ a: UnsafeRawPointer, _ rowStep: Int,
  _ b: UnsafeRawPointer, _ stepB: Int, _ c: UnsafeMutablePointer<V.Scalar>, _ rowStride: Int, _ accumulate: Bool,
  _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  var upper = TileSums(zero)
  var lower = TileSums(zero)
  let size = MemoryLayout<V.Scalar>.size
  let stepA = product.pointee.a0 &* size
  let steps = (rowStep, 3 &* rowStep, 5 &* rowStep)
  let (depth0, depth1) = (product.pointee.depth0, product.pointee.depth1)
  // From the end of an innermost loop to the start of the next: one loop that rarely jumps keeps the sums in their
  // registers, where three nested loops moved them about (116 against 65 GFLOP/s).
  let jumpA = product.pointee.a1 &* size &- depth0 &* stepA
  let jumpB = product.pointee.b1 &* size &- depth0 &* stepB
  let backA = (product.pointee.a2 &- depth1 &* product.pointee.a1) &* size
  let backB = (product.pointee.b2 &- depth1 &* product.pointee.b1) &* size
  var (a, b) = (a, b)
  var (inner, middle) = (depth0, depth1)
  var remaining = depth0 &* depth1 &* product.pointee.depth2
  while remaining > 0 {
    let v0 = b.loadUnaligned(as: V.self)
    let v1 = b.loadUnaligned(fromByteOffset: MemoryLayout<V>.size, as: V.self)
    upper.add(min(rows, 6), a, steps, v0, v1, multiplyAdd)
    if rows > 6 { lower.add(rows &- 6, a + 6 &* rowStep, steps, v0, v1, multiplyAdd) }
    a += stepA
    b += stepB
    remaining &-= 1
    inner &-= 1
    if inner == 0 {
      inner = depth0
      a += jumpA
      b += jumpB
      middle &-= 1
      if middle == 0 {
        middle = depth1
        a += backA
        b += backB
      }
    }
  }
  upper.store(min(rows, 6), c, first: 0, rowStride, accumulate, rowBias, columnBias, add)
  if rows > 6 { lower.store(rows &- 6, c, first: 6, rowStride, accumulate, rowBias, columnBias, add) }
}

/// A tile of `rows` rows, 1 to 12 and known when this is compiled, of a B that lies as rows `stepB` bytes apart, which it
/// copies into `panel` on the way: that costs next to nothing beside the multiplications, where to pack B beforehand
/// waits for memory (100×784×500: 508 to 434 µs).
@inline(__always)
func gemmPackingTile<V: SIMD>(
  _ rows: Int, _ zero: V, _ depth: Int, _ a: UnsafeRawPointer, _ stepA: Int, _ rowStep: Int, _ b: UnsafeRawPointer,
  _ stepB: Int, _ panel: UnsafeMutableRawPointer, _ c: UnsafeMutablePointer<V.Scalar>, _ rowStride: Int,
  _ accumulate: Bool, _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  var upper = TileSums(zero)
  var lower = TileSums(zero)
  let width = MemoryLayout<V>.size
  let steps = (rowStep, 3 &* rowStep, 5 &* rowStep)
  var (a, b, panel) = (a, b, panel)
  for _ in 0..<depth {
    // The processor foresees no accesses that far apart.
    prefetch(b + 8 &* stepB)
    prefetch(b + (8 &* stepB &+ width))
    let v0 = b.loadUnaligned(as: V.self)
    let v1 = b.loadUnaligned(fromByteOffset: width, as: V.self)
    panel.storeBytes(of: v0, as: V.self)
    panel.storeBytes(of: v1, toByteOffset: width, as: V.self)
    upper.add(min(rows, 6), a, steps, v0, v1, multiplyAdd)
    if rows > 6 { lower.add(rows &- 6, a + 6 &* rowStep, steps, v0, v1, multiplyAdd) }
    a += stepA
    b += stepB
    panel += 2 &* width
  }
  upper.store(min(rows, 6), c, first: 0, rowStride, accumulate, rowBias, columnBias, add)
  if rows > 6 { lower.store(rows &- 6, c, first: 6, rowStride, accumulate, rowBias, columnBias, add) }
}

/// C = A B, or C += A B, as `product` describes it, in tiles of up to `tallest` rows: 6 or 12.
@inline(__always)
func gemmProduct<V: SIMD>(
  _ tallest: Int, _ zero: V, _ product: UnsafePointer<gemm_product>, _ a: UnsafePointer<V.Scalar>,
  _ b: UnsafePointer<V.Scalar>,
  _ c: UnsafeMutablePointer<V.Scalar>, _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  let tileColumns = 2 &* V.scalarCount
  let (rows, columns) = (product.pointee.rows, product.pointee.columns)
  let (rowStride, accumulate) = (product.pointee.c_row, product.pointee.accumulate)
  let rowStep = product.pointee.a_row &* MemoryLayout<V.Scalar>.size
  let kept = product.pointee.kept_panels
  // The rows of the tile that packs B.
  let packing = kept == nil ? 0 : tallest
  // Rows that lie in memory are dealt out evenly, since tiles of few rows leave the multipliers idle.
  let packed = product.pointee.a_panel != 0
  let tiles = (rows &- packing &+ tallest &- 1) / tallest
  let (share, rest) =
    packed ? (tallest, 0) : ((rows &- packing) / max(tiles, 1), (rows &- packing) % max(tiles, 1))
  let size = MemoryLayout<V.Scalar>.size
  let stepB = (kept == nil ? product.pointee.b0 : tileColumns) &* size
  // For tiles that do not fill their columns. A temporary allocation of such vectors would come from the heap.
  var edgeTile = (TileSums(zero), TileSums(zero))
  withUnsafeMutableBytes(of: &edgeTile) { edgeBytes in
    guard let edge = edgeBytes.baseAddress?.assumingMemoryBound(to: V.Scalar.self) else { return }
    var j = 0
    // A panel of B stays in the first-level cache while A passes by.
    while j < columns {
      var panel = UnsafeRawPointer(b + j / tileColumns &* product.pointee.b_panel)
      let usedColumns = min(tileColumns, columns &- j)
      let columnBiasHere = columnBias.map { $0 + j }
      // Tiles that do not fill their columns go through a temporary.
      let direct = usedColumns == tileColumns
      if let kept {
        let target = kept + j &* product.pointee.depth0 &* size
        gemmPackingTile(
          tallest, zero, product.pointee.depth0, UnsafeRawPointer(a), product.pointee.a0 &* size, rowStep, panel,
          product.pointee.b0 &* size, target, c + j, rowStride, accumulate, rowBias, columnBiasHere, multiplyAdd, add)
        panel = UnsafeRawPointer(target)
      }
      for index in 0..<product.pointee.count {
        var row = packing
        for tile in 0..<tiles {
          let used = packed ? min(tallest, rows &- row) : share &+ (tile < rest ? 1 : 0)
          let from = UnsafeRawPointer(
            a + index &* product.pointee.a_count
              + (packed ? row / tallest &* product.pointee.a_panel : row &* product.pointee.a_row))
          let out = c + (index &* product.pointee.c_count &+ row &* rowStride &+ j)
          let rowBiasHere = rowBias.map { $0 + row }
          let (target, targetStride) = direct ? (out, rowStride) : (edge, tileColumns)
          let adds = direct && accumulate
          let (biasR, biasC) = (direct ? rowBiasHere : nil, direct ? columnBiasHere : nil)
          @inline(__always) func multiply(_ rows: Int) {
            gemmTile(
              rows, zero, product, from, rowStep, panel, stepB, target, targetStride, adds, biasR, biasC, multiplyAdd,
              add)
          }
          switch used {
          case 12 where tallest > 6: multiply(12)
          case 11 where tallest > 6: multiply(11)
          case 10 where tallest > 6: multiply(10)
          case 9 where tallest > 6: multiply(9)
          case 8 where tallest > 6: multiply(8)
          case 7 where tallest > 6: multiply(7)
          case 6: multiply(6)
          case 5: multiply(5)
          case 4: multiply(4)
          case 3: multiply(3)
          case 2: multiply(2)
          default: multiply(1)
          }
          if !direct {
            copyEdgeTile(
              zero, used, usedColumns, edge, out, rowStride, accumulate, rowBiasHere, columnBiasHere, add)
          }
          row &+= used
        }
      }
      j &+= tileColumns
    }
  }
}

/// Moves the used part of a tile from its temporary to C: the vectors that it fills, and single elements.
@inline(__always)
func copyEdgeTile<V: SIMD>(
  _ zero: V, _ rows: Int, _ columns: Int, _ tile: UnsafePointer<V.Scalar>,
  _ c: UnsafeMutablePointer<V.Scalar>, _ rowStride: Int, _ accumulate: Bool,
  _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?, _ add: (V, V) -> V
) {
  let width = V.scalarCount
  for row in 0..<rows {
    let from = tile + row &* 2 &* width
    let out = c + row &* rowStride
    let bias = rowBias.map { V(repeating: $0[row]) }
    var column = 0
    while column &+ width <= columns {
      var value = UnsafeRawPointer(from + column).loadUnaligned(as: V.self)
      if let bias { value = add(value, bias) }
      if let columnBias { value = add(value, UnsafeRawPointer(columnBias + column).loadUnaligned(as: V.self)) }
      if accumulate { value = add(UnsafeRawPointer(out + column).loadUnaligned(as: V.self), value) }
      storeLanes(out + column, value)
      column &+= width
    }
    while column < columns {
      var value = V(repeating: from[column])
      if let bias { value = add(value, bias) }
      if let columnBias { value = add(value, V(repeating: columnBias[column])) }
      if accumulate { value = add(V(repeating: out[column]), value) }
      out[column] = value[0]
      column &+= 1
    }
  }
}
