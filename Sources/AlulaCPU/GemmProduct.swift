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
  // A copy, so that what follows from it is found once: the compiler does not know that C is elsewhere.
  let product = product.pointee
  let tileColumns = 2 &* V.scalarCount
  let (rows, columns) = (product.rows, product.columns)
  // Tiles read the panels that are kept, not B itself.
  var walked = product
  if product.kept_panels != nil { walked.b0 = tileColumns }
  let depth = GemmDepth(walked, size: MemoryLayout<V.Scalar>.size)
  // Two panels share what is loaded of A: 10 loads for 24 multiplications, where one panel by 12 rows takes 14
  // (1024³: 0.96 of the time, and 0.84 with another thread on the core). Rows that fill one tile read a B that lies
  // in memory once, though.
  let isWide = tallest > 6 && (rows <= 6 || rows > tallest || product.b_panel != tileColumns)
  let wide = isWide ? columns / (2 &* tileColumns) &* (2 &* tileColumns) : 0
  // For tiles that do not fill their columns. A temporary allocation of such vectors would come from the heap.
  var edgeTile = (TileSums(zero), TileSums(zero))
  var prefetching = GemmPrefetching(product, times: prefetchingTimes(product, depth, isWide, tallest, tileColumns))
  withUnsafeMutableBytes(of: &edgeTile) { edgeBytes in
    guard let edge = edgeBytes.baseAddress?.assumingMemoryBound(to: V.Scalar.self) else { return }
    withUnsafeMutablePointer(to: &prefetching) { prefetching in
      let tiles = GemmTiles(V.self, product, depth, a, b, c, rowBias, columnBias, edge, prefetching)
      if depth.runs == 0 { return tiles.storeNothing(zero, add) }
      let isPacking = product.kept_panels != nil
      // From row to row, while panels of B stay in the first- or second-level cache. A shallow product, which mostly writes
      // C, goes from column to column where its rows are far apart: what is written best lies together (1024×8×1024: 365
      // to 261 µs, where MKL takes 260).
      let isShallow = product.depth0 &* product.depth1 &* product.depth2 <= 32
      let down = isPacking || !isShallow || product.c_row &* MemoryLayout<V.Scalar>.size < 2048
      let first = isPacking ? tallest : 0
      @inline(__always) func multiply(_ panels: Int, _ columns: Range<Int>) {
        let shares = RowShares(rows &- first, tallest: panels == 2 ? 6 : tallest, packed: product.a_panel != 0)
        let width = panels &* tileColumns
        var column = columns.lowerBound
        while column < columns.upperBound {
          if isPacking { tiles.pack(panels, tallest, zero, column, multiplyAdd, add) }
          let fits = columns.upperBound &- column >= width
          let across = down || !fits ? 1 : (columns.upperBound &- column) / width
          for index in 0..<product.count {
            var row = first
            while row < rows {
              let (used, alike) = shares.tile(at: row &- first)
              let times = !fits ? 1 : down ? alike : across
              tiles.multiply(
                panels, tallest, zero, used, index, row, column, times: times, nextRow: down ? used : 0,
                nextColumn: down ? 0 : width, multiplyAdd, add)
              row &+= down ? used &* times : used
            }
          }
          column &+= across &* width
        }
      }
      multiply(2, 0..<wide)
      multiply(1, wide..<columns)
    }
  }
}

/// How often the tiles of a product ask for what is read next.
@inline(__always)
private func prefetchingTimes(
  _ product: gemm_product, _ depth: GemmDepth, _ isWide: Bool, _ tallest: Int, _ tileColumns: Int
) -> Int {
  if product.next_runs == 0 { return 0 }
  let (rows, columns) = isWide ? (6, 2 &* tileColumns) : (tallest, tileColumns)
  let tiles = (product.columns &+ columns &- 1) / columns &* ((product.rows &+ rows &- 1) / rows) &* product.count
  return tiles &* depth.turns(panels: isWide ? 2 : 1)
}

/// How the rows of a product are dealt out to tiles. Rows that lie in memory are dealt out evenly, since tiles of few rows
/// leave the multipliers idle: the first tiles have one row more than the others. Packed ones come by panels.
private struct RowShares {
  private let count, share, ofTaller: Int

  @inline(__always)
  init(_ count: Int, tallest: Int, packed: Bool) {
    self.count = count
    let tiles = max((count &+ tallest &- 1) / tallest, 1)
    share = packed ? tallest : count / tiles
    ofTaller = packed ? 0 : count % tiles &* (share &+ 1)
  }

  /// The rows of the tile that begins at `row`, and how many tiles alike follow one another from there.
  @inline(__always)
  func tile(at row: Int) -> (rows: Int, alike: Int) {
    if row < ofTaller { return (share &+ 1, (ofTaller &- row) / (share &+ 1)) }
    let rows = min(share, count &- row)
    return (rows, (count &- row) / rows)
  }
}
