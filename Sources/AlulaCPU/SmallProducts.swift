import CSupport

// Products of small matrices, in which to pack operands and to share out tiles would take longer than the arithmetic. A
// tile is one vector of columns by up to eight rows, whose sums hide one another's latency; both operands are read where
// they lie, and a last vector of columns in part.

func registerSmallProducts(_ receive: KernelReceiver) {
  let floats: gemm_small_kernel = { products, a, aOffsets, b, bOffsets, c, bias in
    smallProducts(products, a, aOffsets, b, bOffsets, c, bias, GemmFloat.self, multiplyAdd)
  }
  let doubles: gemm_small_kernel = { products, a, aOffsets, b, bOffsets, c, bias in
    smallProducts(products, a, aOffsets, b, bOffsets, c, bias, GemmDouble.self, multiplyAdd)
  }
  receive("gemm.small", 11, unsafeBitCast(floats, to: UnsafeRawPointer.self))
  receive("gemm.small", 12, unsafeBitCast(doubles, to: UnsafeRawPointer.self))
}

/// The sums of up to eight rows.
private struct RowSums<V: SIMD> {
  private var r0, r1, r2, r3, r4, r5, r6, r7: V

  @inline(__always)
  init(_ start: V) { (r0, r1, r2, r3, r4, r5, r6, r7) = (start, start, start, start, start, start, start, start) }

  /// One step of the depth. `steps` are the distances of the second, fourth, sixth and eighth row.
  @inline(__always)
  mutating func add(
    _ rows: Int, _ a: UnsafeRawPointer, _ steps: (Int, Int, Int, Int), _ b: V, _ multiplyAdd: (V, V, V) -> V
  ) {
    @inline(__always) func element(_ distance: Int) -> V {
      V(repeating: a.load(fromByteOffset: distance, as: V.Scalar.self))
    }
    r0 = multiplyAdd(r0, element(0), b)
    if rows > 1 { r1 = multiplyAdd(r1, element(steps.0), b) }
    if rows > 2 { r2 = multiplyAdd(r2, element(2 &* steps.0), b) }
    if rows > 3 { r3 = multiplyAdd(r3, element(steps.1), b) }
    if rows > 4 { r4 = multiplyAdd(r4, element(4 &* steps.0), b) }
    if rows > 5 { r5 = multiplyAdd(r5, element(steps.2), b) }
    if rows > 6 { r6 = multiplyAdd(r6, element(2 &* steps.1), b) }
    if rows > 7 { r7 = multiplyAdd(r7, element(steps.3), b) }
  }

  @inline(__always)
  func store(_ rows: Int, _ c: UnsafeMutableRawPointer, _ rowStep: Int, _ store: (V, UnsafeMutableRawPointer) -> Void) {
    store(r0, c)
    if rows > 1 { store(r1, c + rowStep) }
    if rows > 2 { store(r2, c + 2 &* rowStep) }
    if rows > 3 { store(r3, c + 3 &* rowStep) }
    if rows > 4 { store(r4, c + 4 &* rowStep) }
    if rows > 5 { store(r5, c + 5 &* rowStep) }
    if rows > 6 { store(r6, c + 6 &* rowStep) }
    if rows > 7 { store(r7, c + 7 &* rowStep) }
  }
}

@inline(__always)
private func smallProducts<V: PixelVector & SIMD>(
  _ products: UnsafePointer<gemm_small>?, _ a: UnsafeRawPointer?, _ aOffsets: UnsafePointer<Int>?,
  _ b: UnsafeRawPointer?, _ bOffsets: UnsafePointer<Int>?, _ c: UnsafeMutableRawPointer?, _ bias: UnsafeRawPointer?,
  _: V.Type, _ multiplyAdd: (V, V, V) -> V
) where V.Scalar: BinaryFloatingPoint {
  guard let products = products?.pointee, let a, let b, var c, let aOffsets, let bOffsets else { return }
  let (size, lanes) = (MemoryLayout<V.Scalar>.size, V.scalarCount)
  let (rows, columns, depth) = (products.rows, products.columns, products.depth)
  let (rowOfB, rowOfC) = (products.b_row &* size, products.c_row &* size)
  let (rowOfA, stepOfA) = (products.a_row &* size, products.a_depth &* size)
  let steps = (rowOfA, opaque(3 &* rowOfA), opaque(5 &* rowOfA), opaque(7 &* rowOfA))
  for i in 0..<products.count {
    let (a, b) = (a + aOffsets[i] &* size, b + bOffsets[i] &* size)
    /// All rows of one vector of columns.
    @inline(__always) func multiply(
      _ j: Int, _ load: (UnsafeRawPointer) -> V, _ store: (V, UnsafeMutableRawPointer) -> Void
    ) {
      let start = bias.map { load($0 + j &* size) } ?? V.zero
      @inline(__always) func tile(_ rows: Int, _ a: UnsafeRawPointer, _ c: UnsafeMutableRawPointer) {
        var sums = RowSums(start)
        var (a, b) = (a, b + j &* size)
        for _ in 0..<depth {
          sums.add(rows, a, steps, load(b), multiplyAdd)
          a += stepOfA
          b += rowOfB
        }
        sums.store(rows, c, rowOfC, store)
      }
      var (row, a, c) = (rows, a, c + j &* size)
      while row >= 8 {
        tile(8, a, c)
        a += 8 &* rowOfA
        c += 8 &* rowOfC
        row &-= 8
      }
      switch row {
      case 1: tile(1, a, c)
      case 2: tile(2, a, c)
      case 3: tile(3, a, c)
      case 4: tile(4, a, c)
      case 5: tile(5, a, c)
      case 6: tile(6, a, c)
      case 7: tile(7, a, c)
      default: break
      }
    }
    var j = 0
    while j &+ lanes <= columns {
      multiply(j, { $0.loadUnaligned(as: V.self) }, { $1.storeBytes(of: $0, as: V.self) })
      j &+= lanes
    }
    if j < columns {
      let rest = columns &- j
      multiply(j, { V.first(rest, at: $0) }, { $0.storeFirst(rest, at: $1) })
    }
    c += products.c_step &* size
  }
}
