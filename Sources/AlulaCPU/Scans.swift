import CSupport

// Cumulative sums, products and first-order linear recurrences down the rows of adjacent columns. Floats are
// carried in float64.

typealias ScanKernel =
  @convention(c) (Int, Int, Int, Int, UnsafeMutableRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?) -> Void

func registerScans(_ receive: KernelReceiver) {
  let sumIntegers: ScanKernel = { n, columns, step, apart, out, x, _ in
    scanIntegers(n, columns, step, apart, out, x, start: 0, { $0 &+ $1 }, { $0 &+ $1 })
  }
  let multiplyIntegers: ScanKernel = { n, columns, step, apart, out, x, _ in
    scanIntegers(n, columns, step, apart, out, x, start: 1, { $0 &* $1 }, { $0 &* $1 })
  }
  for slot in [4, 8] {
    register(receive, "cumulative_sum", slot, sumIntegers)
    register(receive, "cumulative_prod", slot, multiplyIntegers)
  }
  register(receive, "cumulative_sum", 11) { n, columns, step, apart, out, x, _ in
    scanFloats(n, columns, step, apart, out, x, nil, start: 0, { c, x, _ in c + x }, { c, x, _ in c + x })
  }
  register(receive, "cumulative_sum", 12) { n, columns, step, apart, out, x, _ in
    scanDoubles(n, columns, step, apart, out, x, nil, start: 0, { c, x, _ in c + x }, { c, x, _ in c + x })
  }
  register(receive, "cumulative_prod", 11) { n, columns, step, apart, out, x, _ in
    scanFloats(n, columns, step, apart, out, x, nil, start: 1, { c, x, _ in c * x }, { c, x, _ in c * x })
  }
  register(receive, "cumulative_prod", 12) { n, columns, step, apart, out, x, _ in
    scanDoubles(n, columns, step, apart, out, x, nil, start: 1, { c, x, _ in c * x }, { c, x, _ in c * x })
  }
  register(receive, "linear_recurrence", 11) { n, columns, step, apart, out, x, a in
    scanFloats(n, columns, step, apart, out, x, a, start: 0, { c, x, a in a * c + x }, { c, x, a in a * c + x })
  }
  register(receive, "linear_recurrence", 12) { n, columns, step, apart, out, x, a in
    scanDoubles(n, columns, step, apart, out, x, a, start: 0, { c, x, a in a * c + x }, { c, x, a in a * c + x })
  }
}

private func register(_ receive: KernelReceiver, _ name: StaticString, _ slot: Int, _ kernel: ScanKernel) {
  receive(name, slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

@inline(__always)
private func scanIntegers(
  _ count: Int, _ columns: Int, _ step: Int, _ apart: Int, _ out: UnsafeMutableRawPointer?, _ input: UnsafeRawPointer?,
  start: Int64, _ next: (Int64s, Int64s) -> Int64s, _ nextOne: (Int64, Int64) -> Int64
) {
  scan(
    count, columns, step, apart, out, input, nil, start: start, { (x: Int64s) in x }, { $0 }, { $0 }, { $0 },
    { carry, x, _ in next(carry, x) }, { carry, x, _ in nextOne(carry, x) })
}

@inline(__always)
private func scanFloats(
  _ count: Int, _ columns: Int, _ step: Int, _ apart: Int, _ out: UnsafeMutableRawPointer?, _ input: UnsafeRawPointer?,
  _ factors: UnsafeRawPointer?, start: Double,
  _ next: (Lanes<Double>, Lanes<Double>, Lanes<Double>) -> Lanes<Double>, _ nextOne: (Double, Double, Double) -> Double
) {
  scan(
    count, columns, step, apart, out, input, factors, start: start, { (x: Floats) in lanes_float32_to_float64(x) },
    { lanes_float64_to_float32($0) }, { Double($0) }, { Float($0) }, next, nextOne)
}

@inline(__always)
private func scanDoubles(
  _ count: Int, _ columns: Int, _ step: Int, _ apart: Int, _ out: UnsafeMutableRawPointer?, _ input: UnsafeRawPointer?,
  _ factors: UnsafeRawPointer?, start: Double,
  _ next: (Doubles, Doubles, Doubles) -> Doubles, _ nextOne: (Double, Double, Double) -> Double
) {
  scan(
    count, columns, step, apart, out, input, factors, start: start, { (x: Doubles) in x }, { $0 }, { $0 }, { $0 }, next,
    nextOne)
}

/// Carries a value down `count` rows, `step` bytes apart, of `columns` elements, `apart` bytes from one to the next. `next`
/// takes the carry, the element and its factor to the next carry, which is the result.
@inline(__always)
private func scan<V: SIMD, C: SIMD>(
  _ count: Int, _ columns: Int, _ step: Int, _ apart: Int, _ out: UnsafeMutableRawPointer?, _ input: UnsafeRawPointer?,
  _ factors: UnsafeRawPointer?, start: C.Scalar, _ widen: (V) -> C, _ narrow: (C) -> V,
  _ widenOne: (V.Scalar) -> C.Scalar, _ narrowOne: (C.Scalar) -> V.Scalar, _ next: (C, C, C) -> C,
  _ nextOne: (C.Scalar, C.Scalar, C.Scalar) -> C.Scalar
) {
  guard let out, let input else { return }
  let factors = factors ?? input
  var j = 0
  while apart == MemoryLayout<V.Scalar>.stride, j &+ V.scalarCount <= columns {
    var carry = C(repeating: start)
    for i in 0..<count {
      let at = i &* step &+ j &* apart
      carry = next(
        carry, widen(input.loadUnaligned(fromByteOffset: at, as: V.self)),
        widen(factors.loadUnaligned(fromByteOffset: at, as: V.self)))
      out.storeBytes(of: narrow(carry), toByteOffset: at, as: V.self)
    }
    j &+= V.scalarCount
  }
  @inline(__always) func advance(_ carry: inout C.Scalar, _ at: Int) {
    let x = widenOne(input.loadUnaligned(fromByteOffset: at, as: V.Scalar.self))
    let factor = widenOne(factors.loadUnaligned(fromByteOffset: at, as: V.Scalar.self))
    carry = nextOne(carry, x, factor)
    out.storeBytes(of: narrowOne(carry), toByteOffset: at, as: V.Scalar.self)
  }
  // Four at a time, whose chains of additions hide one another's latency.
  while j &+ 4 <= columns {
    var (a, b, c, d) = (start, start, start, start)
    var at = j &* apart
    for _ in 0..<count {
      advance(&a, at)
      advance(&b, at &+ apart)
      advance(&c, at &+ 2 &* apart)
      advance(&d, at &+ 3 &* apart)
      at &+= step
    }
    j &+= 4
  }
  while j < columns {
    var carry = start
    for i in 0..<count { advance(&carry, i &* step &+ j &* apart) }
    j &+= 1
  }
}
