import CSupport

// The tile of two panels, for instruction sets of 32 registers: 24 sums, the four vectors of B of one step, and elements
// of A. Each vector of B is read for the next step as soon as this one has used it for the last time, and each element of
// A a row ahead, so that no multiplication waits for what is read. The processor finds such an order by itself, unless
// another thread of the core takes half of the instructions that it can look ahead at (1024³: 0.94 of the time then).

/// A row of a wide tile: the sums in the left panel and in the right one.
private struct WideRow<V: SIMD> {
  var left, right: PairSum<V>

  @inline(__always)
  mutating func add(_ x: V, _ b: WideOperands<V>, _ multiplyAdd: (V, V, V) -> V) {
    left.add(x, b.v0, b.v1, multiplyAdd)
    right.add(x, b.v2, b.v3, multiplyAdd)
  }
}

/// What is read for a step during the one before: B's vectors, and A's element of the first row.
private struct WideOperands<V: SIMD> {
  var v0, v1, v2, v3, x: V
}

/// The sums of up to 6 rows: the first ones, and the last two.
private struct WideSums<V: SIMD> {
  private var first: (WideRow<V>, WideRow<V>, WideRow<V>, WideRow<V>)
  private var last: (WideRow<V>, WideRow<V>)

  @inline(__always)
  init(_ zero: V) {
    let pair = PairSum(x0: zero, x1: zero)
    let row = WideRow(left: pair, right: pair)
    first = (row, row, row, row)
    last = (row, row)
  }

  /// One step of the depth, with A's rows at `a`. The `operands` become those of the step that reads at `next`; where that
  /// is nil nothing is read.
  @inline(__always)
  mutating func add(
    _ rows: Int, _ operands: inout WideOperands<V>, _ a: UnsafeRawPointer, _ steps: (Int, Int, Int),
    next: (a: UnsafeRawPointer, b: UnsafeRawPointer)?, _ panelStep: Int, _ multiplyAdd: (V, V, V) -> V
  ) {
    let width = MemoryLayout<V>.size
    @inline(__always) func element(_ row: Int) -> V {
      let distance =
        switch row {
        case 0: 0
        case 1: steps.0
        case 2: 2 &* steps.0
        case 3: steps.1
        case 4: 4 &* steps.0
        default: steps.2
        }
      return readInOrder { V(repeating: a.load(fromByteOffset: distance, as: V.Scalar.self)) }
    }
    var x = operands.x
    @inline(__always) func addRow(_ row: Int, _ sums: inout WideRow<V>) {
      let y = element(row &+ 1)
      sums.add(x, operands, multiplyAdd)
      x = y
    }
    if rows > 2 { addRow(0, &first.0) }
    if rows > 3 { addRow(1, &first.1) }
    if rows > 4 { addRow(2, &first.2) }
    if rows > 5 { addRow(3, &first.3) }
    // The last two column by column. Three would take all registers, which the compiler cannot do without.
    let y = rows > 1 ? element(rows &- 1) : x
    last.0.left.x0 = multiplyAdd(last.0.left.x0, x, operands.v0)
    if rows > 1 { last.1.left.x0 = multiplyAdd(last.1.left.x0, y, operands.v0) }
    if let b = next?.b { operands.v0 = readInOrder { b.loadUnaligned(as: V.self) } }
    last.0.left.x1 = multiplyAdd(last.0.left.x1, x, operands.v1)
    if rows > 1 { last.1.left.x1 = multiplyAdd(last.1.left.x1, y, operands.v1) }
    if let b = next?.b { operands.v1 = readInOrder { b.loadUnaligned(fromByteOffset: width, as: V.self) } }
    last.0.right.x0 = multiplyAdd(last.0.right.x0, x, operands.v2)
    if rows > 1 { last.1.right.x0 = multiplyAdd(last.1.right.x0, y, operands.v2) }
    if let b = next?.b { operands.v2 = readInOrder { b.loadUnaligned(fromByteOffset: panelStep, as: V.self) } }
    last.0.right.x1 = multiplyAdd(last.0.right.x1, x, operands.v3)
    if rows > 1 { last.1.right.x1 = multiplyAdd(last.1.right.x1, y, operands.v3) }
    if let b = next?.b { operands.v3 = readInOrder { b.loadUnaligned(fromByteOffset: panelStep &+ width, as: V.self) } }
    if let a = next?.a { operands.x = readInOrder { V(repeating: a.load(as: V.Scalar.self)) } }
  }

  /// Moves the sums to C.
  @inline(__always)
  func store(
    _ rows: Int, _ c: UnsafeMutablePointer<V.Scalar>, _ rowStride: Int, _ accumulate: Bool,
    _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?, _ add: (V, V) -> V
  ) {
    let columns = 2 &* V.scalarCount
    let plain = !accumulate && rowBias == nil && columnBias == nil
    @inline(__always) func store(_ sums: WideRow<V>, _ row: Int) {
      if plain {
        sums.left.store(c + row &* rowStride)
        sums.right.store(c + (row &* rowStride &+ columns))
      } else {
        storeTileRow(c, row, rowStride, sums.left, accumulate, rowBias, columnBias, add)
        storeTileRow(
          c + columns, row, rowStride, sums.right, accumulate, rowBias, columnBias.map { $0 + columns }, add)
      }
    }
    if rows > 2 { store(first.0, 0) }
    if rows > 3 { store(first.1, 1) }
    if rows > 4 { store(first.2, 2) }
    if rows > 5 { store(first.3, 3) }
    store(last.0, max(0, rows &- 2))
    if rows > 1 { store(last.1, rows &- 1) }
  }
}

/// What `read` reads: neither sooner nor later than the source has it.
@inline(__always)
private func readInOrder<V>(_ read: () -> V) -> V {
  read_in_order()
  defer { read_in_order() }
  return read()
}

/// One tile of two panels: C (or C +) = A B, straight into memory. `rows`, up to 6, are known when this is compiled;
/// the depth is 1 at least. `panelStep` is the distance of the panels in bytes.
@inline(__always)
func gemmWideTile<V: SIMD>(
  _ rows: Int, _ zero: V, _ depth: GemmDepth, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ panelStep: Int,
  _ c: UnsafeMutablePointer<V.Scalar>, _ rowStride: Int, _ accumulate: Bool,
  _ rowBias: UnsafePointer<V.Scalar>?, _ columnBias: UnsafePointer<V.Scalar>?,
  _ prefetching: UnsafeMutablePointer<GemmPrefetching>, _ multiplyAdd: (V, V, V) -> V, _ add: (V, V) -> V
) {
  var sums = WideSums(zero)
  let (width, size) = (MemoryLayout<V>.size, MemoryLayout<V.Scalar>.size)
  let (depth0, steps, stepA, stepB) = (depth.depth0, depth.rowSteps, depth.stepA, depth.stepB)
  var (a, b) = (a, b)
  var operands = WideOperands(
    v0: b.loadUnaligned(as: V.self), v1: b.loadUnaligned(fromByteOffset: width, as: V.self),
    v2: b.loadUnaligned(fromByteOffset: panelStep, as: V.self),
    v3: b.loadUnaligned(fromByteOffset: panelStep &+ width, as: V.self),
    x: V(repeating: a.load(as: V.Scalar.self)))
  @inline(__always) func step() {
    let next = a + stepA
    b += stepB
    sums.add(rows, &operands, a, steps, next: (next, b), panelStep, multiplyAdd)
    a = next
  }
  // Each instruction beside the loads and multiplications takes a place in the pipeline: two steps in a turn of the
  // loop, or four at distances that the compiler knows, which are 140 instructions instead of 148.
  @inline(__always) func step(_ i: Int, _ stepA: Int) {
    let next = (a + (i &+ 1) &* stepA, b + (i &+ 1) &* 2 &* width)
    sums.add(rows, &operands, a + i &* stepA, steps, next: next, panelStep, multiplyAdd)
  }
  /// Pairs of steps through panels of B, and by `stepA` through A; what is left.
  @inline(__always) func walkByFour(_ pairs: Int, _ stepA: Int) -> Int {
    var turns = pairs / 2
    while turns != 0 {
      step(0, stepA)
      step(1, stepA)
      step(2, stepA)
      step(3, stepA)
      a = address_in_order(a + 4 &* stepA)
      b = address_in_order(b + 8 &* width)
      turns &-= 1
    }
    return pairs % 2
  }
  @inline(__always) func walk(_ pairs: Int) {
    var pairs = pairs
    if rows >= 4, stepB == 2 &* width {
      // A as it lies, or in panels too.
      if stepA == size {
        pairs = walkByFour(pairs, size)
      } else if stepA == gemmFloatRows &* size {
        pairs = walkByFour(pairs, gemmFloatRows &* size)
      }
    }
    while pairs != 0 {
      step()
      step()
      pairs &-= 1
    }
  }
  // C may be far away, and is asked for meanwhile, a few lines at a time, since the processor has no more than some 24
  // lines under way (768×128×512 from memory, with `prefetching`: 690 to 565 µs). A tile that is soon done would wait
  // for it.
  var asked = depth0 &* depth.runs > 64 ? 0 : rows
  let asks = !depth.isShort && (asked < rows || prefetching.pointee.asks)
  @inline(__always) func prefetchMore() {
    prefetching.pointee.next()
    if asked < rows {
      for line in stride(from: 0, to: 4 &* width, by: 64) {
        prefetch_to_write(UnsafeRawPointer(c + asked &* rowStride) + line)
      }
      asked &+= 1
    }
  }
  var middle = depth.depth1
  var runs = depth.runs
  while true {
    var pairs = (depth0 &- 1) / 2
    repeat {
      if asks { prefetchMore() }
      // All that is left, once there is nothing to ask.
      let some = asks && (asked < rows || prefetching.pointee.asks) ? min(pairs, gemmTurn(2) / 2) : pairs
      pairs &-= some
      walk(some)
    } while pairs != 0
    if depth0 % 2 == 0 { step() }
    runs &-= 1
    if runs == 0 { break }
    // The last step of a run reads for the first of the next.
    middle &-= 1
    let last = a
    a += stepA &+ depth.jumpA
    b += stepB &+ depth.jumpB
    if middle == 0 {
      middle = depth.depth1
      a += depth.backA
      b += depth.backB
    }
    sums.add(rows, &operands, last, steps, next: (a, b), panelStep, multiplyAdd)
  }
  sums.add(rows, &operands, a, steps, next: nil, panelStep, multiplyAdd)
  sums.store(rows, c, rowStride, accumulate, rowBias, columnBias, add)
}
