import CSupport
import Glibc

// Folds of many elements into one accumulator per column. Sums and products of floats accumulate in
// float64 and those of integers in 64 bits, so that neither length nor order shows in the result.

func registerReductions(_ receive: KernelReceiver) {
  registerSums(receive)
  registerProducts(receive)
  registerMaxima(receive)
  registerMinima(receive)
  registerSquaredDeviations(receive)
  registerSumsOfExponentials(receive)
}

typealias FoldKernel =
  @convention(c) (UnsafeMutableRawPointer?, UnsafeRawPointer?, Int, Int, Int, UnsafePointer<Double>?, Int, Int) -> Void

func registerFold(_ receive: KernelReceiver, _ name: StaticString, _ slot: Int, _ kernel: FoldKernel) {
  receive(name, slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

// MARK: - The loops

/// Folds `rows` rows of `columns` adjacent elements into the accumulators, one per column, for each of `groups` groups;
/// without an input, sets the accumulators to `identity`.
///
/// - Parameters:
///   - rowStep: the distance of two rows in bytes.
///   - groupStep: the distance of two groups in bytes; their accumulators and centers follow each other.
///   - load: an element as an accumulator, given the column's center.
///   - centers: one per column, or nil.
@inline(__always)
func fold<V: SIMD, A: SIMD>(
  _ accumulators: UnsafeMutableRawPointer?, _ input: UnsafeRawPointer?, _ rows: Int, _ rowStep: Int,
  _ columns: Int, _ groups: Int, _ groupStep: Int, centers: UnsafePointer<A.Scalar>? = nil, identity: A.Scalar,
  _ load: (V, A) -> A, _ loadOne: (V.Scalar, A.Scalar) -> A.Scalar,
  _ combine: (A, A) -> A, _ combineOne: (A.Scalar, A.Scalar) -> A.Scalar
) {
  let sums = accumulators!.assumingMemoryBound(to: A.Scalar.self)
  guard let input else {
    for j in 0..<columns &* groups { sums[j] = identity }
    return
  }
  for group in 0..<groups {
    foldGroup(
      sums + group &* columns, input + group &* groupStep, rows, rowStep, columns,
      centers: centers.map { $0 + group &* columns }, identity: identity, load, loadOne, combine, combineOne)
  }
}

@inline(__always)
private func foldGroup<V: SIMD, A: SIMD>(
  _ sums: UnsafeMutablePointer<A.Scalar>, _ input: UnsafeRawPointer, _ rows: Int, _ rowStep: Int, _ columns: Int,
  centers: UnsafePointer<A.Scalar>?, identity: A.Scalar,
  _ load: (V, A) -> A, _ loadOne: (V.Scalar, A.Scalar) -> A.Scalar,
  _ combine: (A, A) -> A, _ combineOne: (A.Scalar, A.Scalar) -> A.Scalar
) {
  let step = MemoryLayout<V.Scalar>.stride
  let width = V.scalarCount
  if rowStep == columns &* step, columns <= width, width % columns == 0 {
    foldLanes(
      sums, input, rows &* columns, columns, centers: centers, identity: identity, load, loadOne, combine, combineOne)
    return
  }
  if columns == 1 {
    // Elements apart: gathered one by one.
    let center = centers.map { $0[0] } ?? identity
    var sum = sums[0]
    for i in 0..<rows {
      sum = combineOne(sum, loadOne(input.loadUnaligned(fromByteOffset: i &* rowStep, as: V.Scalar.self), center))
    }
    sums[0] = sum
    return
  }
  // Four rows at once: the accumulators are read and written less often. The next four are asked for, since the processor
  // foresees accesses within a page only (4096×1024 in a replica: 386 to 321 µs).
  var i = 0
  while i < rows {
    let run = i &+ 4 <= rows ? 4 : 1
    let row = input + i &* rowStep
    var j = 0
    while j &+ width <= columns {
      let center =
        centers.map { UnsafeRawPointer($0 + j).loadUnaligned(as: A.self) } ?? A(repeating: identity)
      let target = UnsafeMutableRawPointer(sums + j)
      let at = row + j &* step
      if j &* step % 64 == 0 {
        for k in 4..<8 { prefetch(at + k &* rowStep) }
      }
      var value = load(at.loadUnaligned(as: V.self), center)
      if run == 4 {
        let second = load(at.loadUnaligned(fromByteOffset: rowStep, as: V.self), center)
        let third = load(at.loadUnaligned(fromByteOffset: 2 &* rowStep, as: V.self), center)
        let fourth = load(at.loadUnaligned(fromByteOffset: 3 &* rowStep, as: V.self), center)
        value = combine(combine(value, second), combine(third, fourth))
      }
      target.storeBytes(of: combine(target.loadUnaligned(as: A.self), value), as: A.self)
      j &+= width
    }
    while j < columns {
      let center = centers.map { $0[j] } ?? identity
      for k in 0..<run {
        let x = row.loadUnaligned(fromByteOffset: k &* rowStep &+ j &* step, as: V.Scalar.self)
        sums[j] = combineOne(sums[j], loadOne(x, center))
      }
      j &+= 1
    }
    i &+= run
  }
}

/// Asks for the lines of the `index`-th vector of `bytes` bytes some way ahead, where that helps: an Intel core asks for too
/// few at once to fill its share of the memory's bandwidth, and what it asks for late may not stay in the
/// third-level cache (16M elements from memory: 9.0 to 6.6 ms). A Zen 4 loses 4 to 8 % by it.
@inline(__always)
private func prefetchLines(_ address: UnsafeRawPointer, _ bytes: Int, _ index: Int, _ asksAhead: Bool) {
  guard asksAhead else { return }
  for line in stride(from: index &* bytes, to: (index &+ 1) &* bytes, by: 64) where line % 64 == 0 {
    prefetch(address + (8192 &+ line))
  }
}

/// Folds `count` adjacent elements, of which every `columns`-th belongs to one accumulator.
@inline(__always)
func foldLanes<V: SIMD, A: SIMD>(
  _ sums: UnsafeMutablePointer<A.Scalar>, _ input: UnsafeRawPointer, _ count: Int, _ columns: Int,
  centers: UnsafePointer<A.Scalar>?, identity: A.Scalar,
  _ load: (V, A) -> A, _ loadOne: (V.Scalar, A.Scalar) -> A.Scalar,
  _ combine: (A, A) -> A, _ combineOne: (A.Scalar, A.Scalar) -> A.Scalar
) {
  let step = MemoryLayout<V.Scalar>.stride
  let width = V.scalarCount
  let bytes = width &* step
  var i = 0
  if count >= width {
    var center = A(repeating: identity)
    if let centers {
      for lane in 0..<width { center[lane] = centers[lane % columns] }
    }
    var total = A(repeating: identity)
    let asksAhead = csupport_gains_by_prefetching()
    // Blocks, each with four chains of its own: rounding errors of float64 grow with the square root of a block.
    while i &+ 4 &* width <= count {
      var a = A(repeating: identity)
      var (b, c, d) = (a, a, a)
      let end = min(count, i &+ 128 &* width)
      while i &+ 4 &* width <= end {
        let at = input + i &* step
        prefetchLines(at, bytes, 0, asksAhead)
        a = combine(a, load(at.loadUnaligned(as: V.self), center))
        prefetchLines(at, bytes, 1, asksAhead)
        b = combine(b, load(at.loadUnaligned(fromByteOffset: bytes, as: V.self), center))
        prefetchLines(at, bytes, 2, asksAhead)
        c = combine(c, load(at.loadUnaligned(fromByteOffset: 2 &* bytes, as: V.self), center))
        prefetchLines(at, bytes, 3, asksAhead)
        d = combine(d, load(at.loadUnaligned(fromByteOffset: 3 &* bytes, as: V.self), center))
        i &+= 4 &* width
      }
      total = combine(total, combine(combine(a, b), combine(c, d)))
    }
    while i &+ width <= count {
      total = combine(total, load(input.loadUnaligned(fromByteOffset: i &* step, as: V.self), center))
      i &+= width
    }
    // Neighbours first, as long as they belong to one column. A single column by itself, so that the lanes are known.
    var lanes = width
    if columns == 1 {
      sums[0] = combineOne(sums[0], combineLanes(total, identity, combine, combineOne))
    } else {
      while lanes > columns {
        lanes /= 2
        for lane in 0..<lanes { total[lane] = combineOne(total[lane], total[lane &+ lanes]) }
      }
      for lane in 0..<columns { sums[lane] = combineOne(sums[lane], total[lane]) }
    }
  }
  if columns == 1 {
    // Short rows are nothing but this.
    let center = centers.map { $0[0] } ?? identity
    var sum = sums[0]
    while i < count {
      sum = combineOne(sum, loadOne(input.loadUnaligned(fromByteOffset: i &* step, as: V.Scalar.self), center))
      i &+= 1
    }
    sums[0] = sum
    return
  }
  while i < count {
    let column = i % columns
    let x = input.loadUnaligned(fromByteOffset: i &* step, as: V.Scalar.self)
    sums[column] = combineOne(sums[column], loadOne(x, centers.map { $0[column] } ?? identity))
    i &+= 1
  }
}

/// All lanes in one: those of the lower half with those of the upper, again and again.
@inline(__always)
private func combineLanes<A: SIMD>(
  _ total: A, _ identity: A.Scalar, _ combine: (A, A) -> A, _ combineOne: (A.Scalar, A.Scalar) -> A.Scalar
) -> A.Scalar {
  var total = total
  var lanes = A.scalarCount
  if lanes > 16 {
    // Many lanes by way of memory, as whole vectors: one by one 64 bytes take 0.3 us.
    var halves = (total, A(repeating: identity))
    withUnsafeMutableBytes(of: &halves) { bytes in
      guard let start = bytes.baseAddress else { return }
      while lanes > 1 {
        lanes /= 2
        let upper = start.loadUnaligned(fromByteOffset: lanes &* MemoryLayout<A.Scalar>.stride, as: A.self)
        total = combine(total, upper)
        start.storeBytes(of: total, as: A.self)
      }
    }
    return total[0]
  }
  if MemoryLayout<A>.size <= MemoryLayout<Floats>.size {
    // As vectors, whose other lanes do not matter: extrema would be compared one by one (4096 rows of 32: 47 to 29 µs).
    while lanes > 1 {
      lanes /= 2
      var upper = total
      for lane in 0..<lanes { upper[lane] = total[lane &+ lanes] }
      total = combine(total, upper)
    }
    return total[0]
  }
  while lanes > 1 {
    lanes /= 2
    for lane in 0..<lanes { total[lane] = combineOne(total[lane], total[lane &+ lanes]) }
  }
  return total[0]
}

// MARK: - Sums and products

/// Sums or products of integers, wrapping around in 64 bits.
@inline(__always)
private func foldIntegers<T: FixedWidthInteger & SIMDScalar, W: FixedWidthInteger & SIMDScalar>(
  _ a: UnsafeMutableRawPointer?, _ x: UnsafeRawPointer?, _ r: Int, _ s: Int, _ c: Int, _ g: Int, _ d: Int, identity: W,
  _: T.Type, _ combine: (Lanes<W>, Lanes<W>) -> Lanes<W>, _ combineOne: (W, W) -> W
) {
  fold(
    a, x, r, s, c, g, d, identity: identity,
    { (x: Lanes<T>, _: Lanes<W>) in Lanes<W>(truncatingIfNeeded: x) }, { (x, _) in W(truncatingIfNeeded: x) },
    combine, combineOne)
}

private func registerSums(_ receive: KernelReceiver) {
  let bytes: FoldKernel = { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: UInt64(0), UInt8.self, { $0 &+ $1 }, { $0 &+ $1 })
  }
  registerFold(receive, "sum", 0, bytes)
  registerFold(receive, "sum", 1) { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: Int64(0), Int8.self, { $0 &+ $1 }, { $0 &+ $1 })
  }
  registerFold(receive, "sum", 2) { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: Int64(0), Int16.self, { $0 &+ $1 }, { $0 &+ $1 })
  }
  registerFold(receive, "sum", 3) { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: Int64(0), Int32.self, { $0 &+ $1 }, { $0 &+ $1 })
  }
  let words: FoldKernel = { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: UInt64(0), UInt64.self, { $0 &+ $1 }, { $0 &+ $1 })
  }
  registerFold(receive, "sum", 4, words)
  registerFold(receive, "sum", 5, bytes)
  registerFold(receive, "sum", 6) { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: UInt64(0), UInt16.self, { $0 &+ $1 }, { $0 &+ $1 })
  }
  registerFold(receive, "sum", 7) { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: UInt64(0), UInt32.self, { $0 &+ $1 }, { $0 &+ $1 })
  }
  registerFold(receive, "sum", 8, words)
  registerFold(receive, "sum", 11) { a, x, r, s, c, _, g, d in
    fold(
      a, x, r, s, c, g, d, identity: 0, { (x: Floats, _: Lanes<Double>) in lanes_float32_to_float64(x) },
      { (x, _) in Double(x) },
      { $0 + $1 }, { $0 + $1 })
  }
  registerFold(receive, "sum", 12) { a, x, r, s, c, _, g, d in
    fold(a, x, r, s, c, g, d, identity: 0, { (x: Lanes<Double>, _) in x }, { (x, _) in x }, { $0 + $1 }, { $0 + $1 })
  }
}

private func registerProducts(_ receive: KernelReceiver) {
  let bytes: FoldKernel = { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: UInt64(1), UInt8.self, { $0 &* $1 }, { $0 &* $1 })
  }
  registerFold(receive, "prod", 0, bytes)
  registerFold(receive, "prod", 1) { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: Int64(1), Int8.self, { $0 &* $1 }, { $0 &* $1 })
  }
  registerFold(receive, "prod", 2) { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: Int64(1), Int16.self, { $0 &* $1 }, { $0 &* $1 })
  }
  registerFold(receive, "prod", 3) { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: Int64(1), Int32.self, { $0 &* $1 }, { $0 &* $1 })
  }
  let words: FoldKernel = { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: UInt64(1), UInt64.self, { $0 &* $1 }, { $0 &* $1 })
  }
  registerFold(receive, "prod", 4, words)
  registerFold(receive, "prod", 5, bytes)
  registerFold(receive, "prod", 6) { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: UInt64(1), UInt16.self, { $0 &* $1 }, { $0 &* $1 })
  }
  registerFold(receive, "prod", 7) { a, x, r, s, c, _, g, d in
    foldIntegers(a, x, r, s, c, g, d, identity: UInt64(1), UInt32.self, { $0 &* $1 }, { $0 &* $1 })
  }
  registerFold(receive, "prod", 8, words)
  registerFold(receive, "prod", 11) { a, x, r, s, c, _, g, d in
    fold(
      a, x, r, s, c, g, d, identity: 1, { (x: Floats, _: Lanes<Double>) in lanes_float32_to_float64(x) },
      { (x, _) in Double(x) },
      { $0 * $1 }, { $0 * $1 })
  }
  registerFold(receive, "prod", 12) { a, x, r, s, c, _, g, d in
    fold(a, x, r, s, c, g, d, identity: 1, { (x: Lanes<Double>, _) in x }, { (x, _) in x }, { $0 * $1 }, { $0 * $1 })
  }
}

/// Sums of squared distances from a center per column.
private func registerSquaredDeviations(_ receive: KernelReceiver) {
  registerFold(receive, "squared_deviation", 11) { a, x, r, s, c, centers, g, d in
    fold(
      a, x, r, s, c, g, d, centers: centers, identity: 0,
      { (x: Floats, center: Lanes<Double>) in
        let distance = lanes_float32_to_float64(x) - center
        return distance * distance
      },
      { (x, center) in (Double(x) - center) * (Double(x) - center) }, { $0 + $1 }, { $0 + $1 })
  }
  registerFold(receive, "squared_deviation", 12) { a, x, r, s, c, centers, g, d in
    fold(
      a, x, r, s, c, g, d, centers: centers, identity: 0,
      { (x: Lanes<Double>, center: Lanes<Double>) in
        let distance = x - center
        return distance * distance
      },
      { (x, center) in (x - center) * (x - center) }, { $0 + $1 }, { $0 + $1 })
  }
}

/// Sums of exp(x - center).
private func registerSumsOfExponentials(_ receive: KernelReceiver) {
  registerFold(receive, "sum_of_exponentials", 11) { a, x, r, s, c, centers, g, d in
    fold(
      a, x, r, s, c, g, d, centers: centers, identity: 0,
      { (x: Floats, center: Lanes<Double>) in
        lanes_float32_to_float64(exp(x - lanes_float64_to_float32(center)))
      },
      { (x, center) in Double(exp(Floats(repeating: x - Float(center)))[0]) }, { $0 + $1 }, { $0 + $1 })
  }
  registerFold(receive, "sum_of_exponentials", 12) { a, x, r, s, c, centers, g, d in
    fold(
      a, x, r, s, c, g, d, centers: centers, identity: 0,
      { (x: Doubles, center: Doubles) in exp(x - center) }, { (x, center) in Glibc.exp(x - center) },
      { $0 + $1 }, { $0 + $1 })
  }
}

// MARK: - Extrema

// The comparisons are written out for each type of vector: on a generic one they would go lane by lane.

@inline(__always)
private func foldExtremum<V: SIMD>(
  _ a: UnsafeMutableRawPointer?, _ x: UnsafeRawPointer?, _ r: Int, _ s: Int, _ c: Int, _ g: Int, _ d: Int,
  identity: V.Scalar,
  _ combine: (V, V) -> V, _ combineOne: (V.Scalar, V.Scalar) -> V.Scalar
) {
  fold(a, x, r, s, c, g, d, identity: identity, { (x: V, _: V) in x }, { (x, _) in x }, combine, combineOne)
}

@inline(__always)
func maximumOrNaN(_ a: Floats, _ x: Floats) -> Floats { a.replacing(with: x, where: (x .> a) .| (x .!= x)) }

@inline(__always)
func maximumOrNaN(_ a: Doubles, _ x: Doubles) -> Doubles { a.replacing(with: x, where: (x .> a) .| (x .!= x)) }

@inline(__always)
func maximumOrNaN<T: BinaryFloatingPoint>(_ a: T, _ x: T) -> T { x > a ? x : x != x ? x : a }

@inline(__always)
private func minimumOrNaN(_ a: Floats, _ x: Floats) -> Floats { a.replacing(with: x, where: (x .< a) .| (x .!= x)) }

@inline(__always)
private func minimumOrNaN(_ a: Doubles, _ x: Doubles) -> Doubles { a.replacing(with: x, where: (x .< a) .| (x .!= x)) }

@inline(__always)
private func minimumOrNaN<T: BinaryFloatingPoint>(_ a: T, _ x: T) -> T { x < a ? x : x != x ? x : a }

private func registerMaxima(_ receive: KernelReceiver) {
  registerFold(receive, "max", 0) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .min, { (a: UInt8s, x: UInt8s) in a.replacing(with: x, where: x .> a) },
      { $1 > $0 ? $1 : $0 })
  }
  registerFold(receive, "max", 1) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .min, { (a: Int8s, x: Int8s) in a.replacing(with: x, where: x .> a) },
      { $1 > $0 ? $1 : $0 })
  }
  registerFold(receive, "max", 2) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .min, { (a: Int16s, x: Int16s) in a.replacing(with: x, where: x .> a) },
      { $1 > $0 ? $1 : $0 })
  }
  registerFold(receive, "max", 3) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .min, { (a: Int32s, x: Int32s) in a.replacing(with: x, where: x .> a) },
      { $1 > $0 ? $1 : $0 })
  }
  registerFold(receive, "max", 4) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .min, { (a: Int64s, x: Int64s) in a.replacing(with: x, where: x .> a) },
      { $1 > $0 ? $1 : $0 })
  }
  registerFold(receive, "max", 5) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .min, { (a: UInt8s, x: UInt8s) in a.replacing(with: x, where: x .> a) },
      { $1 > $0 ? $1 : $0 })
  }
  registerFold(receive, "max", 6) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .min, { (a: UInt16s, x: UInt16s) in a.replacing(with: x, where: x .> a) },
      { $1 > $0 ? $1 : $0 })
  }
  registerFold(receive, "max", 7) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .min, { (a: UInt32s, x: UInt32s) in a.replacing(with: x, where: x .> a) },
      { $1 > $0 ? $1 : $0 })
  }
  registerFold(receive, "max", 8) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .min, { (a: UInt64s, x: UInt64s) in a.replacing(with: x, where: x .> a) },
      { $1 > $0 ? $1 : $0 })
  }
  registerFold(receive, "max", 11) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: -.infinity, { (a: Floats, x: Floats) in maximumOrNaN(a, x) },
      { maximumOrNaN($0, $1) })
  }
  registerFold(receive, "max", 12) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: -.infinity, { (a: Doubles, x: Doubles) in maximumOrNaN(a, x) },
      { maximumOrNaN($0, $1) })
  }
}

private func registerMinima(_ receive: KernelReceiver) {
  registerFold(receive, "min", 0) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .max, { (a: UInt8s, x: UInt8s) in a.replacing(with: x, where: x .< a) },
      { $1 < $0 ? $1 : $0 })
  }
  registerFold(receive, "min", 1) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .max, { (a: Int8s, x: Int8s) in a.replacing(with: x, where: x .< a) },
      { $1 < $0 ? $1 : $0 })
  }
  registerFold(receive, "min", 2) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .max, { (a: Int16s, x: Int16s) in a.replacing(with: x, where: x .< a) },
      { $1 < $0 ? $1 : $0 })
  }
  registerFold(receive, "min", 3) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .max, { (a: Int32s, x: Int32s) in a.replacing(with: x, where: x .< a) },
      { $1 < $0 ? $1 : $0 })
  }
  registerFold(receive, "min", 4) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .max, { (a: Int64s, x: Int64s) in a.replacing(with: x, where: x .< a) },
      { $1 < $0 ? $1 : $0 })
  }
  registerFold(receive, "min", 5) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .max, { (a: UInt8s, x: UInt8s) in a.replacing(with: x, where: x .< a) },
      { $1 < $0 ? $1 : $0 })
  }
  registerFold(receive, "min", 6) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .max, { (a: UInt16s, x: UInt16s) in a.replacing(with: x, where: x .< a) },
      { $1 < $0 ? $1 : $0 })
  }
  registerFold(receive, "min", 7) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .max, { (a: UInt32s, x: UInt32s) in a.replacing(with: x, where: x .< a) },
      { $1 < $0 ? $1 : $0 })
  }
  registerFold(receive, "min", 8) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .max, { (a: UInt64s, x: UInt64s) in a.replacing(with: x, where: x .< a) },
      { $1 < $0 ? $1 : $0 })
  }
  registerFold(receive, "min", 11) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .infinity, { (a: Floats, x: Floats) in minimumOrNaN(a, x) },
      { minimumOrNaN($0, $1) })
  }
  registerFold(receive, "min", 12) { a, x, r, s, c, _, g, d in
    foldExtremum(
      a, x, r, s, c, g, d, identity: .infinity, { (a: Doubles, x: Doubles) in minimumOrNaN(a, x) },
      { minimumOrNaN($0, $1) })
  }
}
