import CSupport

/// The tiles of a product, each at a row and a column of C.
struct GemmTiles<V: SIMD> {
  private let product: gemm_product
  private let depth: GemmDepth
  private let a: UnsafePointer<V.Scalar>
  /// B as it is given, and where its panels are read: there, or where they are kept, so many bytes apart.
  private let given, b: UnsafeRawPointer
  private let panelStep: Int
  private let c: UnsafeMutablePointer<V.Scalar>
  private let rowBias, columnBias: UnsafePointer<V.Scalar>?
  /// Where tiles that do not fill their columns go first.
  private let edge: UnsafeMutablePointer<V.Scalar>
  private let prefetching: UnsafeMutablePointer<GemmPrefetching>

  @inline(__always) private var size: Int { MemoryLayout<V.Scalar>.size }
  @inline(__always) private var tileColumns: Int { 2 &* V.scalarCount }

  @inline(__always)
  init(
    _: V.Type, _ product: gemm_product, _ depth: GemmDepth, _ a: UnsafePointer<V.Scalar>, _ b: UnsafePointer<V.Scalar>,
    _ c: UnsafeMutablePointer<V.Scalar>, _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
    _ edge: UnsafeMutablePointer<V.Scalar>, _ prefetching: UnsafeMutablePointer<GemmPrefetching>
  ) {
    let size = MemoryLayout<V.Scalar>.size
    let tileColumns = 2 &* V.scalarCount
    (self.product, self.depth, self.a, self.c) = (product, depth, a, c)
    (self.rowBias, self.columnBias, self.edge, self.prefetching) = (rowBias, columnBias, edge, prefetching)
    given = UnsafeRawPointer(b)
    if let kept = product.kept_panels {
      self.b = UnsafeRawPointer(kept)
      panelStep = tileColumns &* product.depth0 &* size
    } else {
      self.b = given
      panelStep = product.b_panel &* size
    }
  }

  /// Where there is no depth: C (or C +) = 0.
  @inline(__always)
  func storeNothing(_ zero: V, _ add: (V, V) -> V) {
    for index in 0..<product.count {
      for row in 0..<product.rows {
        for column in stride(from: 0, to: product.columns, by: tileColumns) {
          copyEdgeTile(
            zero, 1, min(tileColumns, product.columns &- column), edge,
            c + (index &* product.c_count &+ row &* product.c_row &+ column), product.c_row, product.accumulate,
            rowBias.map { $0 + row }, columnBias.map { $0 + column }, add)
        }
      }
    }
  }

  /// The first `tallest` rows of C from `column` on, and meanwhile the panels that are kept.
  @inline(__always)
  func pack(
    _ panels: Int, _ tallest: Int, _ zero: V, _ column: Int, _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
  ) {
    for panel in 0..<panels {
      let from = column &+ panel &* tileColumns
      gemmPackingTile(
        tallest, zero, product.depth0, UnsafeRawPointer(a), depth.stepA, depth.rowStep,
        given + from / tileColumns &* product.b_panel &* size, product.b0 &* size,
        UnsafeMutableRawPointer(mutating: b + from / tileColumns &* panelStep), c + from, product.c_row,
        product.accumulate, rowBias, columnBias.map { $0 + from }, multiplyAdd, add)
    }
  }

  /// So many tiles alike, of `used` rows by `panels`, of the product `index`: the first at `row` and `column`, each
  /// `nextRow` rows and `nextColumn` columns farther. Of those that do not fill their columns, one.
  @inline(__always)
  func multiply(
    _ panels: Int, _ tallest: Int, _ zero: V, _ used: Int, _ index: Int, _ row: Int, _ column: Int, times: Int,
    nextRow: Int, nextColumn: Int, _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
  ) {
    let (rowA, panelA, packed) = (product.a_row, product.a_panel, product.a_panel != 0)
    let usedColumns = min(panels &* tileColumns, product.columns &- column)
    let direct = panels == 2 || usedColumns == tileColumns
    let (a, c) = (a + index &* product.a_count, c + (index &* product.c_count &+ row &* product.c_row &+ column))
    let (biasR, biasC) = (rowBias.map { $0 + row }, columnBias.map { $0 + column })
    let targetStride = direct ? product.c_row : tileColumns
    var target = direct ? c : edge
    let adds = direct && product.accumulate
    var (tileBiasR, tileBiasC) = direct ? (biasR, biasC) : (nil, nil)
    var (row, panel) = (row, b + column / tileColumns &* panelStep)
    let nextPanel = nextColumn / tileColumns &* panelStep
    let nextTarget = nextRow &* targetStride &+ nextColumn
    // With 32 registers a tile of one vector has rows enough to keep the multipliers busy, and takes half the time.
    let isHalf = panels == 1 && tallest > 6 && usedColumns <= V.scalarCount
    @inline(__always) func multiply(_ rows: Int, _ vectors: Int) {
      for _ in 0..<times {
        let start = packed ? row / tallest &* panelA &+ row % tallest &* rowA : row &* rowA
        let from = UnsafeRawPointer(a + start)
        if panels == 2 {
          gemmWideTile(
            rows, zero, depth, from, panel, panelStep, target, targetStride, adds, tileBiasR, tileBiasC, prefetching,
            multiplyAdd, add)
        } else {
          gemmTile(
            rows, vectors, zero, depth, from, panel, target, targetStride, adds, tileBiasR, tileBiasC, prefetching,
            multiplyAdd,
            add)
        }
        if depth.isShort { prefetching.pointee.next() }
        row &+= nextRow
        panel += nextPanel
        target += nextTarget
        tileBiasR = tileBiasR.map { $0 + nextRow }
        tileBiasC = tileBiasC.map { $0 + nextColumn }
      }
    }
    @inline(__always) func multiply(vectors: Int) {
      switch used {
      case 12 where panels == 1 && tallest > 6: multiply(12, vectors)
      case 11 where panels == 1 && tallest > 6: multiply(11, vectors)
      case 10 where panels == 1 && tallest > 6: multiply(10, vectors)
      case 9 where panels == 1 && tallest > 6: multiply(9, vectors)
      case 8 where panels == 1 && tallest > 6: multiply(8, vectors)
      case 7 where panels == 1 && tallest > 6: multiply(7, vectors)
      case 6: multiply(6, vectors)
      case 5: multiply(5, vectors)
      case 4: multiply(4, vectors)
      case 3: multiply(3, vectors)
      case 2: multiply(2, vectors)
      default: multiply(1, vectors)
      }
    }
    if isHalf { multiply(vectors: 1) } else { multiply(vectors: 2) }
    if !direct {
      copyEdgeTile(zero, used, usedColumns, edge, c, product.c_row, product.accumulate, biasR, biasC, add)
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
