import CSupport

// The inner kernel of every matrix product and convolution: a tile that is held in registers while it walks down the
// depth. With 16 registers it has 6 rows by the two vectors of a panel of B; with 32 it has 6 rows by the four of two
// panels, or 12 rows by two where there is one.
//
// A is read at any strides: where it lies, or from panels of as many rows as a tile has. A panel's vectors lie side by
// side: packed (see GemmPacking.swift), or in the rows of a matrix. The depth is up to three nested loops, so
// that the patches of a convolution are read from the image itself.

/// Rows of a panel of A: 6 sums of two vectors, two vectors of B and one of A fit 16 registers.
@inline(__always) var gemmRows: Int { 6 }
/// The same of floating-point numbers, where there are 32 registers: each vector of B serves twice as many rows.
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
  mutating func add(_ x: V, _ v0: V, _ v1: V, _ multiplyAdd: (V, V, V) -> V) {
    x0 = multiplyAdd(x0, x, v0)
    x1 = multiplyAdd(x1, x, v1)
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

  /// One step of the depth: the element of A of each row times two vectors of B. `steps` are the distances in bytes of
  /// the second, fourth and sixth row from the first.
  @inline(__always)
  mutating func add(
    _ rows: Int, _ a: UnsafeRawPointer, _ steps: (Int, Int, Int), _ v0: V, _ v1: V, _ multiplyAdd: (V, V, V) -> V
  ) {
    if rows > 0 { r0.add(V(repeating: a.load(as: V.Scalar.self)), v0, v1, multiplyAdd) }
    if rows > 1 { r1.add(V(repeating: a.load(fromByteOffset: steps.0, as: V.Scalar.self)), v0, v1, multiplyAdd) }
    if rows > 2 { r2.add(V(repeating: a.load(fromByteOffset: 2 &* steps.0, as: V.Scalar.self)), v0, v1, multiplyAdd) }
    if rows > 3 { r3.add(V(repeating: a.load(fromByteOffset: steps.1, as: V.Scalar.self)), v0, v1, multiplyAdd) }
    if rows > 4 { r4.add(V(repeating: a.load(fromByteOffset: 4 &* steps.0, as: V.Scalar.self)), v0, v1, multiplyAdd) }
    if rows > 5 { r5.add(V(repeating: a.load(fromByteOffset: steps.2, as: V.Scalar.self)), v0, v1, multiplyAdd) }
  }

  /// The same with four vectors of B, of which `right` takes the last two.
  @inline(__always)
  mutating func add(
    _ rows: Int, _ a: UnsafeRawPointer, _ steps: (Int, Int, Int), _ v0: V, _ v1: V, right: inout TileSums, _ v2: V,
    _ v3: V, _ multiplyAdd: (V, V, V) -> V
  ) {
    if rows > 0 {
      let x = V(repeating: a.load(as: V.Scalar.self))
      r0.add(x, v0, v1, multiplyAdd)
      right.r0.add(x, v2, v3, multiplyAdd)
    }
    if rows > 1 {
      let x = V(repeating: a.load(fromByteOffset: steps.0, as: V.Scalar.self))
      r1.add(x, v0, v1, multiplyAdd)
      right.r1.add(x, v2, v3, multiplyAdd)
    }
    if rows > 2 {
      let x = V(repeating: a.load(fromByteOffset: 2 &* steps.0, as: V.Scalar.self))
      r2.add(x, v0, v1, multiplyAdd)
      right.r2.add(x, v2, v3, multiplyAdd)
    }
    if rows > 3 {
      let x = V(repeating: a.load(fromByteOffset: steps.1, as: V.Scalar.self))
      r3.add(x, v0, v1, multiplyAdd)
      right.r3.add(x, v2, v3, multiplyAdd)
    }
    if rows > 4 {
      let x = V(repeating: a.load(fromByteOffset: 4 &* steps.0, as: V.Scalar.self))
      r4.add(x, v0, v1, multiplyAdd)
      right.r4.add(x, v2, v3, multiplyAdd)
    }
    if rows > 5 {
      let x = V(repeating: a.load(fromByteOffset: steps.2, as: V.Scalar.self))
      r5.add(x, v0, v1, multiplyAdd)
      right.r5.add(x, v2, v3, multiplyAdd)
    }
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

/// The distances of the second, fourth and sixth row from the first. Where the compiler knows them to be multiples it walks
/// from row to row, by an addition each.
@inline(__always)
private func gemmRowSteps(_ step: Int) -> (Int, Int, Int) { (step, opaque(3 &* step), opaque(5 &* step)) }

/// Steps along the depth between which something may be prefetched. A tile of one panel is quick, and asks for less.
@inline(__always)
private func gemmTurn(_ panels: Int) -> Int { panels == 2 ? 16 : 64 }

/// How the tiles of a product walk along its depth, in three loops; distances in bytes. Found once for all tiles, since a
/// shallow one is soon done.
struct GemmDepth {
  let depth0, depth1: Int
  /// How often the innermost loop runs.
  let runs: Int
  /// Whether a tile is one short run. It asks for memory once, when it is done, and has next to nothing beside its steps
  /// (1024×32×1024: 0.95 of the time; after 64 steps the questions would be a burst, 256×64×256 1.1).
  let isShort: Bool
  let stepA, stepB: Int
  /// From the end of an innermost loop to the start of the next, and what comes on top after the last of a middle loop.
  let jumpA, jumpB: Int
  let backA, backB: Int
  /// Of A's rows, and of the second, fourth and sixth from the first.
  let rowStep: Int
  let rowSteps: (Int, Int, Int)

  @inline(__always)
  init(_ product: gemm_product, size: Int) {
    var product = product
    // Where there are further loops the innermost has two steps at least, which `gemmTile` takes for granted.
    for _ in 0..<2 where product.depth0 == 1 {
      (product.depth0, product.a0, product.b0) = (product.depth1, product.a1, product.b1)
      (product.depth1, product.a1, product.b1) = (product.depth2, product.a2, product.b2)
      product.depth2 = 1
    }
    (depth0, depth1) = (product.depth0, product.depth1)
    runs = depth0 == 0 ? 0 : depth1 &* product.depth2
    isShort = depth0 <= 32 && runs <= 1
    stepA = product.a0 &* size
    stepB = product.b0 &* size
    jumpA = product.a1 &* size &- depth0 &* stepA
    jumpB = product.b1 &* size &- depth0 &* stepB
    backA = (product.a2 &- depth1 &* product.a1) &* size
    backB = (product.b2 &- depth1 &* product.b1) &* size
    rowStep = product.a_row &* size
    rowSteps = gemmRowSteps(rowStep)
  }

  /// How often a tile of so many panels asks for what is read next.
  @inline(__always)
  func turns(panels: Int) -> Int {
    isShort ? 1 : (depth0 &+ gemmTurn(panels) &- 1) / gemmTurn(panels) &* runs
  }
}

/// One tile: C (or C +) = A B, straight into memory. `panels` of B, 1 or 2, and `rows`, up to 12 or 6, are known when this
/// is compiled. `panelStep` is the distance of B's panels in bytes.
@inline(__always)
func gemmTile<V: SIMD>(
  _ rows: Int, _ panels: Int, _ zero: V, _ depth: GemmDepth, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
  _ panelStep: Int, _ c: UnsafeMutablePointer<V.Scalar>, _ rowStride: Int, _ accumulate: Bool,
  _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ prefetching: UnsafeMutablePointer<GemmPrefetching>, _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  // Of the first six rows, and of the rest of them or the second panel.
  var first = TileSums(zero)
  var second = TileSums(zero)
  let width = MemoryLayout<V>.size
  let (depth0, steps, stepA, stepB) = (depth.depth0, depth.rowSteps, depth.stepA, depth.stepB)
  var (a, b) = (a, b)
  var middle = depth.depth1
  var runs = depth.runs
  @inline(__always) func step(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer) {
    let v0 = b.loadUnaligned(as: V.self)
    let v1 = b.loadUnaligned(fromByteOffset: width, as: V.self)
    if panels == 2 {
      let v2 = b.loadUnaligned(fromByteOffset: panelStep, as: V.self)
      let v3 = b.loadUnaligned(fromByteOffset: panelStep &+ width, as: V.self)
      first.add(rows, a, steps, v0, v1, right: &second, v2, v3, multiplyAdd)
    } else {
      first.add(min(rows, 6), a, steps, v0, v1, multiplyAdd)
      if rows > 6 { second.add(rows &- 6, a + 6 &* depth.rowStep, steps, v0, v1, multiplyAdd) }
    }
  }
  @inline(__always) func jump() {
    runs &-= 1
    middle &-= 1
    a += depth.jumpA
    b += depth.jumpB
    if middle == 0 {
      middle = depth.depth1
      a += depth.backA
      b += depth.backB
    }
  }
  // Each instruction beside the loads and multiplications takes a place in the pipeline that one of them could have, the
  // more so with another thread on the core: two steps in a turn of the loop (512³, alternated: 1 % less time, and 7 %
  // with another thread). Four do not keep their sums in registers with AVX-512, and gain nothing with AVX2.
  let byPairs = (panels == 2 && (rows == 4 || rows == 6)) || (rows == 6 && width == 32)
  let stepsAtOnce = byPairs ? 2 : 1
  @inline(__always) func walk(_ turns: Int) {
    var turns = turns
    while turns != 0 {
      step(a, b)
      a += stepA
      if byPairs { a = address_in_order(a) }
      if byPairs && panels == 1 {
        step(a, b + stepB)
        a += stepA
        b += 2 &* stepB
      } else {
        b += stepB
      }
      if byPairs && panels == 2 {
        // In order too, or the compiler keeps sums of distances in registers that it does not have.
        b = address_in_order(b)
        step(a, b)
        a += stepA
        b += stepB
      }
      turns &-= 1
    }
  }
  @inline(__always) func walkRest() {
    guard byPairs && depth0 % 2 != 0 else { return }
    step(a, b)
    a += stepA
    b += stepB
  }
  if depth.isShort {
    walk(depth0 / stepsAtOnce)
    walkRest()
  } else {
    // C may be far away, and is asked for meanwhile, a few lines at a time, since the processor has no more than some 24
    // lines under way (768×128×512 from memory, with `prefetching`: 690 to 565 µs). A tile that is soon done would wait
    // for it.
    var asked = depth0 &* runs > 64 ? 0 : rows
    let asks = asked < rows || prefetching.pointee.asks
    let rowsAtOnce = panels == 2 ? 1 : 6
    @inline(__always) func prefetchMore() {
      guard asks else { return }
      prefetching.pointee.next()
      if asked < rows {
        for row in 0..<rowsAtOnce {
          for line in stride(from: 0, to: panels &* 2 &* width, by: 64) {
            prefetch_to_write(UnsafeRawPointer(c + (asked &+ row) &* rowStride) + line)
          }
        }
        asked &+= rowsAtOnce
      }
    }
    while runs > 0 {
      var turns = depth0 / stepsAtOnce
      repeat {
        prefetchMore()
        // All that is left, once there is nothing to ask: 1024³ with AVX2 0.96 of the time.
        let some = asked < rows || prefetching.pointee.asks ? min(turns, gemmTurn(panels) / stepsAtOnce) : turns
        turns &-= some
        walk(some)
      } while turns != 0
      walkRest()
      jump()
    }
  }
  first.store(min(rows, 6), c, first: 0, rowStride, accumulate, rowBias, columnBias, add)
  if panels == 2 {
    let right = 2 &* V.scalarCount
    second.store(rows, c + right, first: 0, rowStride, accumulate, rowBias, columnBias.map { $0 + right }, add)
  } else if rows > 6 {
    second.store(rows &- 6, c, first: 6, rowStride, accumulate, rowBias, columnBias, add)
  }
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
  let steps = gemmRowSteps(rowStep)
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
