import CSupport

// The inner kernel of every matrix product and convolution: a tile that is held in registers while it walks down the
// depth. With 16 registers it has 6 rows by the two vectors of a panel of B; with 32 it has 12 rows, or 6 rows by the four
// vectors of two panels (see GemmWideTile.swift).
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

#if FMA
  /// `multiplyAdd` of a tile, which the compiler leaves where the source has it.
  @inline(__always)
  func tileMultiplyAdd(_ sum: GemmFloat, _ x: GemmFloat, _ y: GemmFloat) -> GemmFloat { fma_in_order(sum, x, y) }

  @inline(__always)
  func tileMultiplyAdd(_ sum: GemmDouble, _ x: GemmDouble, _ y: GemmDouble) -> GemmDouble { fma_in_order(sum, x, y) }
#else
  @inline(__always)
  func tileMultiplyAdd<V: SIMD>(_ sum: V, _ x: V, _ y: V) -> V where V.Scalar: FloatingPoint { multiplyAdd(sum, x, y) }
#endif

/// The distances of the second, fourth and sixth row from the first. Where the compiler knows them to be multiples it walks
/// from row to row, by an addition each.
@inline(__always)
func gemmRowSteps(_ step: Int) -> (Int, Int, Int) { (step, opaque(3 &* step), opaque(5 &* step)) }

/// Steps along the depth between which a tile of one panel, or of two, may ask for what is read next.
@inline(__always)
func gemmTurn(_ panels: Int) -> Int { panels == 2 ? 16 : 64 }

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
    if isShort { return 1 }
    // A tile of two panels goes by pairs of steps, but for the last one or two.
    let steps = panels == 2 ? max(1, (depth0 &- 1) / 2 &* 2) : depth0
    return (steps &+ gemmTurn(panels) &- 1) / gemmTurn(panels) &* runs
  }
}

/// One tile of one panel, or of the first of its two vectors: C (or C +) = A B, straight into memory. `rows`, up to 12 or 6,
/// and `vectors` are known when this is compiled; the depth is 1 at least. C has room for the whole panel.
@inline(__always)
func gemmTile<V: SIMD>(
  _ rows: Int, _ vectors: Int, _ zero: V, _ depth: GemmDepth, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
  _ c: UnsafeMutablePointer<V.Scalar>, _ rowStride: Int, _ accumulate: Bool,
  _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ prefetching: UnsafeMutablePointer<GemmPrefetching>, _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  var upper = TileSums(zero)
  var lower = TileSums(zero)
  let (width, size) = (MemoryLayout<V>.size, MemoryLayout<V.Scalar>.size)
  let (depth0, steps, stepA, stepB) = (depth.depth0, depth.rowSteps, depth.stepA, depth.stepB)
  var (a, b) = (a, b)
  var middle = depth.depth1
  var runs = depth.runs
  @inline(__always) func step(_ a: UnsafeRawPointer, _ b: UnsafeRawPointer) {
    let v0 = b.loadUnaligned(as: V.self)
    let v1: V? = vectors == 2 ? b.loadUnaligned(fromByteOffset: width, as: V.self) : nil
    upper.add(min(rows, 6), a, steps, v0, v1, multiplyAdd)
    if rows > 6 { lower.add(rows &- 6, a + 6 &* depth.rowStep, steps, v0, v1, multiplyAdd) }
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
  // more so with another thread on the core: two steps in a turn of the loop, or four at distances that the compiler
  // knows, which are 85 instructions instead of 92 (1024³ with AVX2 0.97 of the time).
  let isFloat = V.Scalar.self == Float.self || V.Scalar.self == Double.self
  let stepsAtOnce = (rows == 6 || (rows >= 4 && rows < 6 && isFloat)) && width == 32 ? 2 : 1
  /// Pairs of steps through panels of B, and by `stepA` through A; what is left.
  @inline(__always) func walkByFour(_ pairs: Int, _ stepA: Int) -> Int {
    var turns = pairs / 2
    while turns != 0 {
      step(a, b)
      a = address_in_order(a)
      step(a + stepA, b + 2 &* width)
      a = address_in_order(a)
      step(a + 2 &* stepA, b + 4 &* width)
      a = address_in_order(a)
      step(a + 3 &* stepA, b + 6 &* width)
      a = address_in_order(a + 4 &* stepA)
      b += 8 &* width
      turns &-= 1
    }
    return pairs % 2
  }
  @inline(__always) func walk(_ turns: Int) {
    var turns = turns
    if stepsAtOnce == 2, isFloat, stepB == 2 &* width {
      // A as it lies, or in panels too.
      if stepA == size {
        turns = walkByFour(turns, size)
      } else if stepA == gemmRows &* size {
        turns = walkByFour(turns, gemmRows &* size)
      }
    }
    while turns != 0 {
      step(a, b)
      a += stepA
      b += stepB
      if stepsAtOnce == 2 {
        a = address_in_order(a)
        step(a, b)
        a += stepA
        b += stepB
      }
      turns &-= 1
    }
  }
  @inline(__always) func walkRest() {
    guard stepsAtOnce == 2 && depth0 % 2 != 0 else { return }
    step(a, b)
    a += stepA
    b += stepB
  }
  if depth.isShort {
    walk(depth0 / stepsAtOnce)
    walkRest()
  } else {
    // C is asked for meanwhile, see `gemmWideTile`.
    var asked = depth0 &* runs > 64 ? 0 : rows
    let asks = asked < rows || prefetching.pointee.asks
    @inline(__always) func prefetchMore() {
      guard asks else { return }
      prefetching.pointee.next()
      if asked < rows {
        for row in 0..<6 {
          for line in stride(from: 0, to: 2 &* width, by: 64) {
            prefetch_to_write(UnsafeRawPointer(c + (asked &+ row) &* rowStride) + line)
          }
        }
        asked &+= 6
      }
    }
    repeat {
      var turns = depth0 / stepsAtOnce
      repeat {
        prefetchMore()
        // All that is left, once there is nothing to ask: 1024³ with AVX2 0.96 of the time.
        let some = asked < rows || prefetching.pointee.asks ? min(turns, gemmTurn(1) / stepsAtOnce) : turns
        turns &-= some
        walk(some)
      } while turns != 0
      walkRest()
      jump()
    } while runs > 0
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
