import CSupport

// Loops over rows of adjacent elements, vector by vector, and sums along them. A row's last elements pass through the
// same instructions as the others, in a vector that is only partly used.

typealias RowPointers = UnsafePointer<UnsafeMutableRawPointer?>?
typealias RowKernel = @convention(c) (Int, Int, RowPointers, UnsafePointer<Int>?, UnsafePointer<Double>?) -> Void

func registerRows(_ receive: KernelReceiver, _ name: StaticString, float32: RowKernel, float64: RowKernel) {
  receive(name, 11, unsafeBitCast(float32, to: UnsafeRawPointer.self))
  receive(name, 12, unsafeBitCast(float64, to: UnsafeRawPointer.self))
}

/// The start of row `row` of the k-th operand, or nil when that was left out.
@inline(__always)
func rowStart(_ data: RowPointers, _ steps: UnsafePointer<Int>?, _ k: Int, _ row: Int) -> UnsafeMutableRawPointer? {
  guard let start = data![k] else { return nil }
  return start + row &* steps![k]
}

/// Calls `body` with the first element and the number of elements of each vector along a row.
@inline(__always)
func forEachVector<V: SIMD>(_ count: Int, _: V.Type, _ body: (Int, Int) -> Void) {
  var i = 0
  while i &+ V.scalarCount <= count {
    body(i, V.scalarCount)
    i &+= V.scalarCount
  }
  if i < count { body(i, count &- i) }
}

/// `lanes` elements from the i-th on, and `fill` in the other lanes.
@inline(__always)
func loadVector<V: SIMD>(_ row: UnsafeRawPointer, _ i: Int, _ lanes: Int, fill: V.Scalar, as _: V.Type) -> V {
  let start = row + i &* MemoryLayout<V.Scalar>.stride
  if lanes == V.scalarCount { return start.loadUnaligned(as: V.self) }
  var result = V(repeating: fill)
  let elements = start.assumingMemoryBound(to: V.Scalar.self)
  for lane in 0..<lanes { result[lane] = elements[lane] }
  return result
}

@inline(__always)
func storeVector<V: SIMD>(_ value: V, _ row: UnsafeMutableRawPointer, _ i: Int, _ lanes: Int) {
  let start = row + i &* MemoryLayout<V.Scalar>.stride
  if lanes == V.scalarCount {
    start.storeBytes(of: value, as: V.self)
    return
  }
  let elements = start.assumingMemoryBound(to: V.Scalar.self)
  for lane in 0..<lanes { elements[lane] = value[lane] }
}

/// The row after `row` of the k-th operand, to be asked for: a processor's own foresight ends with a page, which is a row of
/// 1024 floats, and sees nothing of rows that a pass over the present one leaves alone.
@inline(__always)
func nextRow<V: SIMD>(
  _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ k: Int, _ row: Int, _ count: Int, _: V.Type
) -> UnsafeRawPointer? {
  shortRow(rowStart(data, steps, k, row &+ 1), count, V.self)
}

/// The row, if it is short enough to wait in a cache until it is needed.
@inline(__always)
func shortRow<V: SIMD>(_ row: UnsafeMutableRawPointer?, _ count: Int, _: V.Type) -> UnsafeRawPointer? {
  count &* MemoryLayout<V.Scalar>.stride <= 1 << 16 ? UnsafeRawPointer(row) : nil
}

/// Asks for the line in which the vector from the i-th element on starts.
@inline(__always)
func prefetchVector<V: SIMD>(_ row: UnsafeRawPointer?, _ i: Int, _: V.Type) {
  let offset = i &* MemoryLayout<V.Scalar>.stride
  if let row, MemoryLayout<V>.size >= 64 || offset % 64 == 0 { prefetch(row + offset) }
}

/// The same where it will be written.
@inline(__always)
func prefetchVectorToWrite<V: SIMD>(_ row: UnsafeRawPointer?, _ i: Int, _: V.Type) {
  let offset = i &* MemoryLayout<V.Scalar>.stride
  if let row, MemoryLayout<V>.size >= 64 || offset % 64 == 0 { prefetch_to_write(row + offset) }
}

/// The sum of `value(i, lanes)` over the vectors of a row, with unused lanes zero. Carried in float64 beyond some
/// vectors, so that the length of a row does not show.
@inline(__always)
func sumOfVectors<V: SIMD, A: SIMD>(
  _ count: Int, _ widen: (V) -> A, _ value: (Int, Int) -> V
) -> Double where V.Scalar: BinaryFloatingPoint, A.Scalar == Double {
  var wide = A.zero
  var i = 0
  let width = V.scalarCount
  while i < count {
    var (a, b) = (V.zero, V.zero)
    let end = min(count, i &+ 64 &* width)
    while i &+ 2 &* width <= end {
      a += value(i, width)
      b += value(i &+ width, width)
      i &+= 2 &* width
    }
    while i < end {
      let lanes = min(width, end &- i)
      a += lanes == width ? value(i, width) : value(i, lanes)
      i &+= lanes
    }
    wide += widen(a) + widen(b)
  }
  return sumOfLanes(wide)
}

/// Two sums at once, as `sumOfVectors` makes one.
@inline(__always)
func sumsOfVectors<V: SIMD, A: SIMD>(
  _ count: Int, _ widen: (V) -> A, _ values: (Int, Int) -> (V, V)
) -> (Double, Double) where V.Scalar: BinaryFloatingPoint, A.Scalar == Double {
  var wide = (A.zero, A.zero)
  var i = 0
  let width = V.scalarCount
  while i < count {
    var sums = (V.zero, V.zero)
    let end = min(count, i &+ 64 &* width)
    while i < end {
      let lanes = min(width, end &- i)
      let (x, y) = lanes == width ? values(i, width) : values(i, lanes)
      sums.0 += x
      sums.1 += y
      i &+= lanes
    }
    wide.0 += widen(sums.0)
    wide.1 += widen(sums.1)
  }
  return (sumOfLanes(wide.0), sumOfLanes(wide.1))
}

/// By halves: a chain of four additions, not of sixteen.
@inline(__always)
private func sumOfLanes<A: SIMD>(_ x: A) -> Double where A.Scalar == Double {
  var x = x
  var lanes = A.scalarCount
  while lanes > 1 {
    lanes /= 2
    for lane in 0..<lanes { x[lane] += x[lane &+ lanes] }
  }
  return x[0]
}

/// The largest element of a row, NaN when there is one, by `larger`; `visit` is called with the first element of each
/// vector.
@inline(__always)
func maximumOfRow<V: SIMD>(
  _ row: UnsafeRawPointer, _ count: Int, _ larger: (V, V) -> V, _ visit: (Int) -> Void = { _ in }
) -> V.Scalar where V.Scalar: BinaryFloatingPoint {
  let none = V(repeating: -V.Scalar.infinity)
  var (a, b) = (none, none)
  var i = 0
  while i &+ 2 &* V.scalarCount <= count {
    visit(i)
    visit(i &+ V.scalarCount)
    a = larger(a, loadVector(row, i, V.scalarCount, fill: 0, as: V.self))
    b = larger(b, loadVector(row, i &+ V.scalarCount, V.scalarCount, fill: 0, as: V.self))
    i &+= 2 &* V.scalarCount
  }
  while i < count {
    a = larger(a, loadVector(row, i, min(V.scalarCount, count &- i), fill: -V.Scalar.infinity, as: V.self))
    i &+= V.scalarCount
  }
  a = larger(a, b)
  var lanes = V.scalarCount
  while lanes > 1 {
    lanes /= 2
    var upper = a
    for lane in 0..<lanes { upper[lane] = a[lane &+ lanes] }
    a = larger(a, upper)
  }
  return a[0]
}

@inline(__always)
func widenFloats(_ x: Floats) -> Lanes<Double> { lanes_float32_to_float64(x) }

@inline(__always)
func widenDoubles(_ x: Doubles) -> Doubles { x }
