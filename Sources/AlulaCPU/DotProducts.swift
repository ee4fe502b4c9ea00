import CSupport

// Few vectors times many: products whose operands both lie along the depth, as activations of a small batch and a weight, of
// which each is read where it lies. A tile of sums, as many of A's vectors by four of B's, is held in registers over the
// whole depth, a vector of partial sums each.

/// A's vectors in a tile: their sums, one of B's and those of A itself fit the registers.
#if AVX512
  @inline(__always) private var tileRows: Int { 4 }
#elseif FMA
  @inline(__always) private var tileRows: Int { 3 }
#else
  @inline(__always) private var tileRows: Int { 1 }
#endif

func registerDotProducts(_ receive: KernelReceiver) {
  register(receive, 11) { shape, a, b, c, bias in
    dotProducts(
      Floats(), shape!.pointee, a!.assumingMemoryBound(to: Float.self), b!.assumingMemoryBound(to: Float.self),
      c!.assumingMemoryBound(to: Float.self), bias?.assumingMemoryBound(to: Float.self),
      { sum, x, y in fma(x, y, sum) }, vector_first_float32, vector_sum)
  }
  register(receive, 12) { shape, a, b, c, bias in
    dotProducts(
      Doubles(), shape!.pointee, a!.assumingMemoryBound(to: Double.self), b!.assumingMemoryBound(to: Double.self),
      c!.assumingMemoryBound(to: Double.self), bias?.assumingMemoryBound(to: Double.self),
      { sum, x, y in fma(x, y, sum) }, vector_first_float64, vector_sum)
  }
}

private func register(_ receive: KernelReceiver, _ slot: Int, _ kernel: gemm_dots_kernel) {
  receive("gemm.dots", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

/// C = A Bᵀ, with a bias for each column of C. `first` loads so many elements and fills up with zeros.
@inline(__always)
private func dotProducts<V: SIMD>(
  _ zero: V, _ shape: gemm_dots, _ a: UnsafePointer<V.Scalar>, _ b: UnsafePointer<V.Scalar>,
  _ c: UnsafeMutablePointer<V.Scalar>, _ bias: UnsafePointer<V.Scalar>?, _ multiplyAdd: (V, V, V) -> V,
  _ first: (UnsafeRawPointer, Int) -> V, _ sum: (V) -> V.Scalar
) where V.Scalar: FloatingPoint {
  var column = 0
  while column < shape.columns {
    let columns = min(4, shape.columns &- column)
    // Columns that are missing repeat the last.
    let b0 = UnsafeRawPointer(b + column &* shape.b_row)
    let step = shape.b_row &* MemoryLayout<V.Scalar>.stride
    let (b1, b2) = (b0 + min(1, columns &- 1) &* step, b0 + min(2, columns &- 1) &* step)
    let b3 = b0 + (columns &- 1) &* step
    let biases = bias.map { $0 + column }
    var row = 0
    while row < shape.rows {
      let rows = min(tileRows, shape.rows &- row)
      let from = UnsafeRawPointer(a + row &* shape.a_row)
      let to = c + (row &* shape.c_row &+ column)
      switch rows {
      case 1: dotTile(1, columns, zero, shape, from, b0, b1, b2, b3, to, biases, multiplyAdd, first, sum)
      case 2 where tileRows > 1:
        dotTile(2, columns, zero, shape, from, b0, b1, b2, b3, to, biases, multiplyAdd, first, sum)
      case 3 where tileRows > 1:
        dotTile(3, columns, zero, shape, from, b0, b1, b2, b3, to, biases, multiplyAdd, first, sum)
      default:
        if tileRows > 3 {
          dotTile(4, columns, zero, shape, from, b0, b1, b2, b3, to, biases, multiplyAdd, first, sum)
        }
      }
      row &+= rows
    }
    column &+= 4
  }
}

/// The partial sums of up to four of A's vectors with one of B's.
private struct ColumnSums<V: SIMD> {
  var r0, r1, r2, r3: V

  @inline(__always)
  init(_ zero: V) { (r0, r1, r2, r3) = (zero, zero, zero, zero) }

  @inline(__always)
  mutating func add(_ rows: Int, _ x: (V, V, V, V), _ y: V, _ multiplyAdd: (V, V, V) -> V) {
    r0 = multiplyAdd(r0, x.0, y)
    if rows > 1 { r1 = multiplyAdd(r1, x.1, y) }
    if rows > 2 { r2 = multiplyAdd(r2, x.2, y) }
    if rows > 3 { r3 = multiplyAdd(r3, x.3, y) }
  }
}

@inline(__always)
private func dotTile<V: SIMD>(
  _ rows: Int, _ columns: Int, _ zero: V, _ shape: gemm_dots, _ a: UnsafeRawPointer, _ b0: UnsafeRawPointer,
  _ b1: UnsafeRawPointer, _ b2: UnsafeRawPointer, _ b3: UnsafeRawPointer, _ c: UnsafeMutablePointer<V.Scalar>,
  _ bias: UnsafePointer<V.Scalar>?, _ multiplyAdd: (V, V, V) -> V, _ first: (UnsafeRawPointer, Int) -> V,
  _ sum: (V) -> V.Scalar
) where V.Scalar: FloatingPoint {
  let size = MemoryLayout<V.Scalar>.stride
  let aStep = shape.a_row &* size
  let (a1, a2, a3) = (a + aStep, a + 2 &* aStep, a + 3 &* aStep)
  var (s0, s1, s2, s3) = (ColumnSums(zero), ColumnSums(zero), ColumnSums(zero), ColumnSums(zero))
  let whole = shape.depth / V.scalarCount &* V.scalarCount &* size
  var p = 0
  while p < whole {
    let x = (
      (a + p).loadUnaligned(as: V.self), rows > 1 ? (a1 + p).loadUnaligned(as: V.self) : zero,
      rows > 2 ? (a2 + p).loadUnaligned(as: V.self) : zero, rows > 3 ? (a3 + p).loadUnaligned(as: V.self) : zero
    )
    s0.add(rows, x, (b0 + p).loadUnaligned(as: V.self), multiplyAdd)
    s1.add(rows, x, (b1 + p).loadUnaligned(as: V.self), multiplyAdd)
    s2.add(rows, x, (b2 + p).loadUnaligned(as: V.self), multiplyAdd)
    s3.add(rows, x, (b3 + p).loadUnaligned(as: V.self), multiplyAdd)
    p &+= MemoryLayout<V>.size
  }
  let rest = shape.depth % V.scalarCount
  if rest > 0 {
    let x = (
      first(a + p, rest), rows > 1 ? first(a1 + p, rest) : zero, rows > 2 ? first(a2 + p, rest) : zero,
      rows > 3 ? first(a3 + p, rest) : zero
    )
    s0.add(rows, x, first(b0 + p, rest), multiplyAdd)
    s1.add(rows, x, first(b1 + p, rest), multiplyAdd)
    s2.add(rows, x, first(b2 + p, rest), multiplyAdd)
    s3.add(rows, x, first(b3 + p, rest), multiplyAdd)
  }
  storeSums(columns, c, bias, sum(s0.r0), sum(s1.r0), sum(s2.r0), sum(s3.r0))
  if rows > 1 {
    storeSums(columns, c + shape.c_row, bias, sum(s0.r1), sum(s1.r1), sum(s2.r1), sum(s3.r1))
  }
  if rows > 2 {
    storeSums(columns, c + 2 &* shape.c_row, bias, sum(s0.r2), sum(s1.r2), sum(s2.r2), sum(s3.r2))
  }
  if rows > 3 {
    storeSums(columns, c + 3 &* shape.c_row, bias, sum(s0.r3), sum(s1.r3), sum(s2.r3), sum(s3.r3))
  }
}

@inline(__always)
private func storeSums<T: FloatingPoint>(
  _ count: Int, _ to: UnsafeMutablePointer<T>, _ bias: UnsafePointer<T>?, _ s0: T, _ s1: T, _ s2: T, _ s3: T
) {
  to[0] = bias.map { s0 + $0[0] } ?? s0
  if count > 1 { to[1] = bias.map { s1 + $0[1] } ?? s1 }
  if count > 2 { to[2] = bias.map { s2 + $0[2] } ?? s2 }
  if count > 3 { to[3] = bias.map { s3 + $0[3] } ?? s3 }
}
