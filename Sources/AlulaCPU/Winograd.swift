import CSupport

// Winograd's form of convolutions by 3×3 kernels, F(2×2, 3×3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural
// Networks" (2016): 16 multiplications for each 2×2 tile of the target instead of 36, as 16 matrix products. Their operands
// and results are transformed here, with little more than additions: source d, weight g and target
// y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A. The gradient of the weight is the same read backwards: Gᵀ [(A y Aᵀ) ⊙ (Bᵀ d B)] G.
//
// Each transform applies its matrix to the rows and then to the columns, one row of the result after the other, so that
// no more values are alive than there are registers.

func registerWinograd(_ receive: KernelReceiver) {
  registerWinogradFloat(receive)
  registerWinogradDouble(receive)
}

func registerWinogradFloat(_ receive: KernelReceiver) {
  let source: winograd_source_kernel = { row, tiles, channels, rows, columnPitch, planes, planePitch in
    winogradSource(
      GemmFloat.self, row, tiles, channels, rows!, columnPitch, planes!.assumingMemoryBound(to: Float.self), planePitch,
      (+),
      (-))
  }
  let weight: winograd_weight_kernel = { channels, lanes, taps, tapPitch, planes, planePitch in
    winogradWeight(
      GemmFloat(repeating: 0.5), channels, lanes, taps!.assumingMemoryBound(to: Float.self), tapPitch,
      planes!.assumingMemoryBound(to: Float.self), planePitch, (+), (-), (*))
  }
  let target: winograd_target_kernel = { tiles, targets, planes, planePitch, bias, positions in
    winogradTarget(
      GemmFloat(repeating: 0), tiles, targets, planes!.assumingMemoryBound(to: Float.self), planePitch,
      bias?.assumingMemoryBound(to: Float.self), positions!.assumingMemoryBound(to: Float.self), (+), (-))
  }
  let gradient: winograd_gradient_kernel = { row, tiles, targets, rows, columnPitch, planes, planePitch, tilePitch in
    winogradGradient(
      GemmFloat(repeating: 0), row, tiles, targets, rows!, columnPitch, planes!.assumingMemoryBound(to: Float.self),
      planePitch,
      tilePitch, (+), (-))
  }
  let taps: winograd_taps_kernel = { count, planes, planePitch, taps in
    winogradTaps(
      GemmFloat(repeating: 0.5), count, planes!.assumingMemoryBound(to: Float.self), planePitch,
      taps!.assumingMemoryBound(to: Float.self), (+), (-), (*))
  }
  let slot = 11
  receive("winograd.source", slot, unsafeBitCast(source, to: UnsafeRawPointer.self))
  receive("winograd.weight", slot, unsafeBitCast(weight, to: UnsafeRawPointer.self))
  receive("winograd.target", slot, unsafeBitCast(target, to: UnsafeRawPointer.self))
  receive("winograd.gradient", slot, unsafeBitCast(gradient, to: UnsafeRawPointer.self))
  receive("winograd.taps", slot, unsafeBitCast(taps, to: UnsafeRawPointer.self))
}

func registerWinogradDouble(_ receive: KernelReceiver) {
  let source: winograd_source_kernel = { row, tiles, channels, rows, columnPitch, planes, planePitch in
    winogradSource(
      GemmDouble.self, row, tiles, channels, rows!, columnPitch, planes!.assumingMemoryBound(to: Double.self),
      planePitch, (+),
      (-))
  }
  let weight: winograd_weight_kernel = { channels, lanes, taps, tapPitch, planes, planePitch in
    winogradWeight(
      GemmDouble(repeating: 0.5), channels, lanes, taps!.assumingMemoryBound(to: Double.self), tapPitch,
      planes!.assumingMemoryBound(to: Double.self), planePitch, (+), (-), (*))
  }
  let target: winograd_target_kernel = { tiles, targets, planes, planePitch, bias, positions in
    winogradTarget(
      GemmDouble(repeating: 0), tiles, targets, planes!.assumingMemoryBound(to: Double.self), planePitch,
      bias?.assumingMemoryBound(to: Double.self), positions!.assumingMemoryBound(to: Double.self), (+), (-))
  }
  let gradient: winograd_gradient_kernel = { row, tiles, targets, rows, columnPitch, planes, planePitch, tilePitch in
    winogradGradient(
      GemmDouble(repeating: 0), row, tiles, targets, rows!, columnPitch, planes!.assumingMemoryBound(to: Double.self),
      planePitch,
      tilePitch, (+), (-))
  }
  let taps: winograd_taps_kernel = { count, planes, planePitch, taps in
    winogradTaps(
      GemmDouble(repeating: 0.5), count, planes!.assumingMemoryBound(to: Double.self), planePitch,
      taps!.assumingMemoryBound(to: Double.self), (+), (-), (*))
  }
  let slot = 12
  receive("winograd.source", slot, unsafeBitCast(source, to: UnsafeRawPointer.self))
  receive("winograd.weight", slot, unsafeBitCast(weight, to: UnsafeRawPointer.self))
  receive("winograd.target", slot, unsafeBitCast(target, to: UnsafeRawPointer.self))
  receive("winograd.gradient", slot, unsafeBitCast(gradient, to: UnsafeRawPointer.self))
  receive("winograd.taps", slot, unsafeBitCast(taps, to: UnsafeRawPointer.self))
}

@inline(__always)
private func load<V: SIMD>(_ from: UnsafePointer<V.Scalar>) -> V {
  UnsafeRawPointer(from).loadUnaligned(as: V.self)
}

/// Bᵀ d B of neighbouring patches, which overlap by two columns: one row of it, or all four. The last vector of a tile's
/// channels overlaps the one before.
@inline(__always)
func winogradSource<V: SIMD>(
  _: V.Type, _ row: Int, _ tiles: Int, _ channels: Int, _ rows: UnsafePointer<UnsafeRawPointer?>, _ columnPitch: Int,
  _ planes: UnsafeMutablePointer<V.Scalar>, _ planePitch: Int, _ add: (V, V) -> V, _ subtract: (V, V) -> V
) {
  let row0 = rows[0]!.assumingMemoryBound(to: V.Scalar.self)
  let row1 = rows[1]!.assumingMemoryBound(to: V.Scalar.self)
  let row2 = rows[2]!.assumingMemoryBound(to: V.Scalar.self)
  let row3 = rows[3]!.assumingMemoryBound(to: V.Scalar.self)
  @inline(__always)
  func transform(
    _ from: Int, _ out: UnsafeMutablePointer<V.Scalar>, _ a: UnsafePointer<V.Scalar>, _ b: UnsafePointer<V.Scalar>,
    _ combine: (V, V) -> V
  ) {
    let (a, b) = (a + from, b + from)
    let x0 = combine(load(a), load(b))
    let x1 = combine(load(a + columnPitch), load(b + columnPitch))
    let x2 = combine(load(a + 2 &* columnPitch), load(b + 2 &* columnPitch))
    let x3 = combine(load(a + 3 &* columnPitch), load(b + 3 &* columnPitch))
    storeLanes(out, subtract(x0, x2))
    storeLanes(out + planePitch, add(x1, x2))
    storeLanes(out + 2 &* planePitch, subtract(x2, x1))
    storeLanes(out + 3 &* planePitch, subtract(x1, x3))
  }
  for tile in 0..<tiles {
    var next = 0
    while next < channels {
      let channel = min(next, channels &- V.scalarCount)
      let from = 2 &* tile &* columnPitch &+ channel
      let out = planes + (tile &* channels &+ channel)
      switch row {
      case 0: transform(from, out, row0, row2, subtract)
      case 1: transform(from, out, row1, row2, add)
      case 2: transform(from, out, row2, row1, subtract)
      case 3: transform(from, out, row1, row3, subtract)
      default:
        transform(from, out, row0, row2, subtract)
        transform(from, out + 4 &* planePitch, row1, row2, add)
        transform(from, out + 8 &* planePitch, row2, row1, subtract)
        transform(from, out + 12 &* planePitch, row1, row3, subtract)
      }
      next &+= V.scalarCount
    }
  }
}

/// G g Gᵀ for a panel of targets: of each channel nine taps of `lanes` elements, a multiple of the vector.
@inline(__always)
func winogradWeight<V: SIMD>(
  _ half: V, _ channels: Int, _ lanes: Int, _ taps: UnsafePointer<V.Scalar>, _ tapPitch: Int,
  _ planes: UnsafeMutablePointer<V.Scalar>, _ planePitch: Int, _ add: (V, V) -> V, _ subtract: (V, V) -> V,
  _ multiply: (V, V) -> V
) {
  @inline(__always)
  func store(_ out: UnsafeMutablePointer<V.Scalar>, _ x0: V, _ x1: V, _ x2: V) {
    let outer = add(x0, x2)
    storeLanes(out, x0)
    storeLanes(out + planePitch, multiply(half, add(outer, x1)))
    storeLanes(out + 2 &* planePitch, multiply(half, subtract(outer, x1)))
    storeLanes(out + 3 &* planePitch, x2)
  }
  for channel in 0..<channels {
    var lane = 0
    while lane < lanes {
      let g = taps + (9 &* channel &* lanes &+ lane)
      let out = planes + (channel &* lanes &+ lane)
      let (a0, a1, a2): (V, V, V) = (load(g), load(g + tapPitch), load(g + 2 &* tapPitch))
      let (c0, c1, c2): (V, V, V) = (load(g + 6 &* tapPitch), load(g + 7 &* tapPitch), load(g + 8 &* tapPitch))
      store(out, a0, a1, a2)
      store(out + 12 &* planePitch, c0, c1, c2)
      let (o0, o1, o2) = (add(a0, c0), add(a1, c1), add(a2, c2))
      let (b0, b1, b2): (V, V, V) = (load(g + 3 &* tapPitch), load(g + 4 &* tapPitch), load(g + 5 &* tapPitch))
      store(
        out + 4 &* planePitch, multiply(half, add(o0, b0)), multiply(half, add(o1, b1)), multiply(half, add(o2, b2)))
      store(
        out + 8 &* planePitch, multiply(half, subtract(o0, b0)), multiply(half, subtract(o1, b1)),
        multiply(half, subtract(o2, b2)))
      lane &+= V.scalarCount
    }
  }
}

/// Aᵀ m A of neighbouring tiles, and the bias; `targets` is a multiple of the vector.
@inline(__always)
func winogradTarget<V: SIMD>(
  _ zero: V, _ tiles: Int, _ targets: Int, _ planes: UnsafePointer<V.Scalar>, _ planePitch: Int,
  _ bias: UnsafePointer<V.Scalar>?, _ positions: UnsafeMutablePointer<V.Scalar>, _ add: (V, V) -> V,
  _ subtract: (V, V) -> V
) {
  @inline(__always)
  func plane(_ index: Int, _ at: Int) -> V { load(planes + (index &* planePitch &+ at)) }
  @inline(__always)
  func store(_ at: Int, _ x0: V, _ x1: V, _ x2: V, _ x3: V, _ bias: V) {
    storeLanes(positions + at, add(bias, add(add(x0, x1), x2)))
    storeLanes(positions + (at &+ targets), add(bias, subtract(subtract(x1, x2), x3)))
  }
  for tile in 0..<tiles {
    var target = 0
    while target < targets {
      let at = tile &* targets &+ target
      let shift: V = bias.map { load($0 + target) } ?? zero
      let out = 2 &* tile &* targets &+ target
      let below = out &+ 2 &* tiles &* targets
      @inline(__always)
      func upper(_ column: Int) -> V { add(add(plane(column, at), plane(4 &+ column, at)), plane(8 &+ column, at)) }
      @inline(__always)
      func lower(_ column: Int) -> V {
        subtract(subtract(plane(4 &+ column, at), plane(8 &+ column, at)), plane(12 &+ column, at))
      }
      store(out, upper(0), upper(1), upper(2), upper(3), shift)
      store(below, lower(0), lower(1), lower(2), lower(3), shift)
      target &+= V.scalarCount
    }
  }
}

/// A y Aᵀ of neighbouring tiles: one row of it, or all four. The last vector of a tile's targets overlaps the one before.
@inline(__always)
func winogradGradient<V: SIMD>(
  _ zero: V, _ row: Int, _ tiles: Int, _ targets: Int, _ rows: UnsafePointer<UnsafeRawPointer?>, _ columnPitch: Int,
  _ planes: UnsafeMutablePointer<V.Scalar>, _ planePitch: Int, _ tilePitch: Int, _ add: (V, V) -> V,
  _ subtract: (V, V) -> V
) {
  let row0 = rows[0]!.assumingMemoryBound(to: V.Scalar.self)
  let row1 = rows[1]!.assumingMemoryBound(to: V.Scalar.self)
  for tile in 0..<tiles {
    var next = 0
    while next < targets {
      let target = min(next, targets &- V.scalarCount)
      let from = 2 &* tile &* columnPitch &+ target
      let out = planes + (tile &* tilePitch &+ target)
      let (a0, a1): (V, V) = (load(row0 + from), load(row0 + (from &+ columnPitch)))
      let (b0, b1): (V, V) = (load(row1 + from), load(row1 + (from &+ columnPitch)))
      @inline(__always)
      func store(_ out: UnsafeMutablePointer<V.Scalar>, _ x0: V, _ x1: V) {
        storeLanes(out, x0)
        storeLanes(out + planePitch, add(x0, x1))
        storeLanes(out + 2 &* planePitch, subtract(x0, x1))
        storeLanes(out + 3 &* planePitch, subtract(zero, x1))
      }
      switch row {
      case 0: store(out, a0, a1)
      case 1: store(out, add(a0, b0), add(a1, b1))
      case 2: store(out, subtract(a0, b0), subtract(a1, b1))
      case 3: store(out, subtract(zero, b0), subtract(zero, b1))
      default:
        store(out, a0, a1)
        store(out + 4 &* planePitch, add(a0, b0), add(a1, b1))
        store(out + 8 &* planePitch, subtract(a0, b0), subtract(a1, b1))
        store(out + 12 &* planePitch, subtract(zero, b0), subtract(zero, b1))
      }
      next &+= V.scalarCount
    }
  }
}

/// Gᵀ s G: nine taps of `count` elements, a multiple of the vector, from as many of each plane.
@inline(__always)
func winogradTaps<V: SIMD>(
  _ half: V, _ count: Int, _ planes: UnsafePointer<V.Scalar>, _ planePitch: Int, _ taps: UnsafeMutablePointer<V.Scalar>,
  _ add: (V, V) -> V, _ subtract: (V, V) -> V, _ multiply: (V, V) -> V
) {
  var i = 0
  while i < count {
    @inline(__always)
    func plane(_ index: Int) -> V { load(planes + (index &* planePitch &+ i)) }
    @inline(__always)
    func store(_ row: Int, _ x0: V, _ x1: V, _ x2: V, _ x3: V) {
      let out = taps + (3 &* row &* count &+ i)
      let inner = multiply(half, add(x1, x2))
      storeLanes(out, add(x0, inner))
      storeLanes(out + count, multiply(half, subtract(x1, x2)))
      storeLanes(out + 2 &* count, add(inner, x3))
    }
    @inline(__always)
    func upper(_ column: Int) -> V { add(plane(column), multiply(half, add(plane(4 &+ column), plane(8 &+ column)))) }
    @inline(__always)
    func middle(_ column: Int) -> V { multiply(half, subtract(plane(4 &+ column), plane(8 &+ column))) }
    @inline(__always)
    func lower(_ column: Int) -> V {
      add(multiply(half, add(plane(4 &+ column), plane(8 &+ column))), plane(12 &+ column))
    }
    store(0, upper(0), upper(1), upper(2), upper(3))
    store(1, middle(0), middle(1), middle(2), middle(3))
    store(2, lower(0), lower(1), lower(2), lower(3))
    i &+= V.scalarCount
  }
}
