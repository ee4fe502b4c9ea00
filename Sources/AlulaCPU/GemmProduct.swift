import CSupport

/// C = A B, or C += A B, as `product` describes it, in tiles of up to `tallest` rows, 6 or 12, by one panel of B; where
/// it is 12, mostly in tiles of 6 by two.
@inline(__always)
func gemmProduct<V: SIMD>(
  _ tallest: Int, _ zero: V, _ product: UnsafePointer<gemm_product>, _ a: UnsafePointer<V.Scalar>,
  _ b: UnsafePointer<V.Scalar>,
  _ c: UnsafeMutablePointer<V.Scalar>, _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  let tileColumns = 2 &* V.scalarCount
  let (rows, columns) = (product.pointee.rows, product.pointee.columns)
  // Two panels share what is loaded of A: 10 loads for 24 multiplications, where one panel by 12 rows takes 14
  // (1024³: 0.96 of the time, and 0.84 with another thread on the core). Rows that fill one tile read a B that lies
  // in memory once, though.
  let isWide = tallest > 6 && (rows <= 6 || rows > tallest || product.pointee.b_panel != tileColumns)
  let wide = isWide ? columns / (2 &* tileColumns) &* (2 &* tileColumns) : 0
  // For tiles that do not fill their columns. A temporary allocation of such vectors would come from the heap.
  var edgeTile = (TileSums(zero), TileSums(zero))
  var prefetching = GemmPrefetching(product, times: prefetchingTimes(product, isWide, tallest, tileColumns))
  withUnsafeMutableBytes(of: &edgeTile) { edgeBytes in
    guard let edge = edgeBytes.baseAddress?.assumingMemoryBound(to: V.Scalar.self) else { return }
    withUnsafeMutablePointer(to: &prefetching) { prefetching in
      // A shallow product mostly writes C, which goes best some rows at a time (1024×1×1024: 0.83 of the time, with AVX2
      // 0.73, and 0.81 where the depth is 8).
      let depth = product.pointee.depth0 &* product.pointee.depth1 &* product.pointee.depth2
      let rowsAtOnce = depth <= 64 && product.pointee.kept_panels == nil ? 48 : rows
      var i = 0
      while i < rows {
        // A few more rather than a block of few.
        let block = i..<(rows &- i < rowsAtOnce &+ 12 ? rows : i &+ rowsAtOnce)
        var j = 0
        while j < wide {
          gemmPanels(
            2, tallest, zero, product, a, b, c, block, j, edge, rowBias, columnBias, prefetching, multiplyAdd, add)
          j &+= 2 &* tileColumns
        }
        while j < columns {
          gemmPanels(
            1, tallest, zero, product, a, b, c, block, j, edge, rowBias, columnBias, prefetching, multiplyAdd, add)
          j &+= tileColumns
        }
        i = block.upperBound
      }
    }
  }
}

/// How often the tiles of a product ask for what is read next.
@inline(__always)
private func prefetchingTimes(
  _ product: UnsafePointer<gemm_product>, _ isWide: Bool, _ tallest: Int, _ tileColumns: Int
) -> Int {
  let product = product.pointee
  if product.next_runs == 0 { return 0 }
  let (rows, columns) = isWide ? (6, 2 &* tileColumns) : (tallest, tileColumns)
  let tiles = (product.columns &+ columns &- 1) / columns &* ((product.rows &+ rows &- 1) / rows) &* product.count
  return tiles &* gemmTurns(product.depth0, isWide ? 2 : 1) &* product.depth1 &* product.depth2
}

/// The columns of C from `j` on that one panel of B or two make, in `block` of the rows; the panels stay in the first- or
/// second-level cache while A passes by. `edge` holds a tile.
@inline(__always)
private func gemmPanels<V: SIMD>(
  _ panels: Int, _ tallest: Int, _ zero: V, _ product: UnsafePointer<gemm_product>, _ a: UnsafePointer<V.Scalar>,
  _ b: UnsafePointer<V.Scalar>, _ c: UnsafeMutablePointer<V.Scalar>, _ block: Range<Int>, _ j: Int,
  _ edge: UnsafeMutablePointer<V.Scalar>, _ rowBias: UnsafePointer<V.Scalar>?,
  _ columnBias: UnsafePointer<V.Scalar>?, _ prefetching: UnsafeMutablePointer<GemmPrefetching>,
  _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  let size = MemoryLayout<V.Scalar>.size
  let tileColumns = 2 &* V.scalarCount
  let tileRows = panels == 2 ? 6 : tallest
  let (rowStride, accumulate) = (product.pointee.c_row, product.pointee.accumulate)
  let rowStep = product.pointee.a_row &* size
  let usedColumns = min(panels &* tileColumns, product.pointee.columns &- j)
  // Tiles that do not fill their columns go through a temporary.
  let direct = panels == 2 || usedColumns == tileColumns
  let columnBias = columnBias.map { $0 + j }
  var (from, stepB, panelStep) = (
    UnsafeRawPointer(b + j / tileColumns &* product.pointee.b_panel), product.pointee.b0 &* size,
    product.pointee.b_panel &* size
  )
  // Where the rows begin that the tile which packs B has left.
  var first = block.lowerBound
  if let kept = product.pointee.kept_panels {
    let target = kept + j &* product.pointee.depth0 &* size
    let keptStep = tileColumns &* product.pointee.depth0 &* size
    for panel in 0..<panels {
      let right = panel &* tileColumns
      gemmPackingTile(
        tallest, zero, product.pointee.depth0, UnsafeRawPointer(a), product.pointee.a0 &* size, rowStep,
        from + panel &* panelStep, stepB, target + panel &* keptStep, c + (j &+ right), rowStride, accumulate, rowBias,
        columnBias.map { $0 + right }, multiplyAdd, add)
    }
    (from, stepB, panelStep) = (UnsafeRawPointer(target), tileColumns &* size, keptStep)
    first = tallest
  }
  let (rowA, panelA) = (product.pointee.a_row, product.pointee.a_panel)
  let packed = panelA != 0
  // Rows that lie in memory are dealt out evenly, since tiles of few rows leave the multipliers idle.
  let tiles = (block.upperBound &- first &+ tileRows &- 1) / tileRows
  let (share, rest) =
    packed ? (tileRows, 0) : ((block.upperBound &- first) / max(tiles, 1), (block.upperBound &- first) % max(tiles, 1))
  let depth = GemmDepth(product, stepB: stepB, size: size)
  let (count, countA, countC) = (product.pointee.count, product.pointee.a_count, product.pointee.c_count)
  for index in 0..<count {
    var row = first
    for tile in 0..<tiles {
      let used = packed ? min(tileRows, block.upperBound &- row) : share &+ (tile < rest ? 1 : 0)
      let start = packed ? row / tallest &* panelA &+ row % tallest &* rowA : row &* rowA
      let fromA = UnsafeRawPointer(a + (index &* countA &+ start))
      let out = c + (index &* countC &+ row &* rowStride &+ j)
      let rowBias = rowBias.map { $0 + row }
      let (target, targetStride) = direct ? (out, rowStride) : (edge, tileColumns)
      let adds = direct && accumulate
      let (biasR, biasC) = (direct ? rowBias : nil, direct ? columnBias : nil)
      @inline(__always) func multiply(_ rows: Int) {
        gemmTile(
          rows, panels, zero, depth, fromA, from, panelStep, target, targetStride, adds, biasR, biasC, prefetching,
          multiplyAdd, add)
      }
      switch used {
      case 12 where tileRows > 6: multiply(12)
      case 11 where tileRows > 6: multiply(11)
      case 10 where tileRows > 6: multiply(10)
      case 9 where tileRows > 6: multiply(9)
      case 8 where tileRows > 6: multiply(8)
      case 7 where tileRows > 6: multiply(7)
      case 6: multiply(6)
      case 5: multiply(5)
      case 4: multiply(4)
      case 3: multiply(3)
      case 2: multiply(2)
      default: multiply(1)
      }
      if !direct {
        copyEdgeTile(zero, used, usedColumns, edge, out, rowStride, accumulate, rowBias, columnBias, add)
      }
      row &+= used
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
