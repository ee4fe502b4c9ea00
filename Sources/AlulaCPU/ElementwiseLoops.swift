import CSupport

// The loops that element-wise kernels share. Always inlined into non-generic kernels, so that no generic
// specialisation is emitted that a linker could merge across instruction sets.
//
// A kernel's body works on vectors only, and appears once in its loop: called twice, it would not be inlined. Elements
// that do not fill a vector, or do not lie side by side, pass through small buffers, so that every element goes through
// the same instructions wherever it lies.

typealias ElementPointers = UnsafePointer<UnsafeMutablePointer<CChar>?>?
typealias ElementStrides = UnsafePointer<Int>?

/// The vectors that kernels work on, as wide as a register: AVX-512's, or else AVX2's, which the baseline splits in two.
/// `Lanes` has as many elements as `Floats`, and `Pairs` twice as many.
#if AVX512
  typealias Int8s = SIMD64<Int8>
  typealias Int16s = SIMD32<Int16>
  typealias Int32s = SIMD16<Int32>
  typealias Int64s = SIMD8<Int64>
  typealias UInt8s = SIMD64<UInt8>
  typealias UInt16s = SIMD32<UInt16>
  typealias UInt32s = SIMD16<UInt32>
  typealias UInt64s = SIMD8<UInt64>
  typealias Floats = SIMD16<Float>
  typealias Doubles = SIMD8<Double>
  typealias Lanes<Scalar: SIMDScalar> = SIMD16<Scalar>
  typealias Pairs<Scalar: SIMDScalar> = SIMD32<Scalar>
  /// A byte for each element of `UInt16s` and of `UInt64s`.
  typealias UInt16Bytes = SIMD32<UInt8>
  typealias UInt64Bytes = SIMD8<UInt8>
#else
  typealias Int8s = SIMD32<Int8>
  typealias Int16s = SIMD16<Int16>
  typealias Int32s = SIMD8<Int32>
  typealias Int64s = SIMD4<Int64>
  typealias UInt8s = SIMD32<UInt8>
  typealias UInt16s = SIMD16<UInt16>
  typealias UInt32s = SIMD8<UInt32>
  typealias UInt64s = SIMD4<UInt64>
  typealias Floats = SIMD8<Float>
  typealias Doubles = SIMD4<Double>
  typealias Lanes<Scalar: SIMDScalar> = SIMD8<Scalar>
  typealias Pairs<Scalar: SIMDScalar> = SIMD16<Scalar>
  typealias UInt16Bytes = SIMD16<UInt8>
  typealias UInt64Bytes = SIMD4<UInt8>
#endif

/// The bytes of an operand that pass through a buffer at a time: whole vectors of any type, and so few that the buffers of
/// three operands and the result stay within the 1024 bytes up to which Swift takes them from the stack, if aligned to no
/// more than 16: from the heap they cost 60 ns, the time of 500 elements.
private let stagedBytes = 256

/// Whether results go past the caches, because the engine asks for it and they fill aligned vectors.
@inline(__always)
private func streams<R: SIMD>(_: R.Type, _ strides: UnsafePointer<Int>, _ target: UnsafeMutableRawPointer) -> Bool {
  MemoryLayout<R>.size == MemoryLayout<Floats>.size && strides[4] != 0
    && UInt(bitPattern: target) % UInt(MemoryLayout<R>.size) == 0
}

@inline(__always)
private func store<R: SIMD>(_ result: R, _ target: UnsafeMutableRawPointer, streaming: Bool) {
  if MemoryLayout<R>.size == MemoryLayout<Floats>.size, streaming {
    vector_stream(target, unsafeBitCast(result, to: Floats.self))
  } else {
    target.storeBytes(of: result, as: R.self)
  }
}

/// out = body(a), vector by vector. `lanes` elements make up a vector: fewer than its scalars when an element has two.
@inline(__always)
func map<A: SIMD, R: SIMD>(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, lanes: Int = A.scalarCount, _ body: (A) -> R
) {
  guard let pointers, let strides, let out = UnsafeMutableRawPointer(pointers[0]), let a = UnsafeRawPointer(pointers[1])
  else { return }
  let (outSize, aSize) = (MemoryLayout<R>.size / lanes, MemoryLayout<A>.size / lanes)
  let (outStride, aStride) = (strides[0], strides[1])
  let stagedCount = stagedBytes / max(outSize, aSize)
  withUnsafeTemporaryAllocation(byteCount: 2 * stagedBytes, alignment: 16) { buffers in
    guard let xs = buffers.baseAddress else { return }
    let results = xs + stagedBytes
    var i = 0
    while i < count {
      var n = count &- i
      var (target, x) = (out + i &* outStride, a + i &* aStride)
      let direct = n >= lanes && outStride == outSize && aStride == aSize
      if direct {
        n = n / lanes &* lanes
      } else {
        n = min(n, stagedCount)
        gather(xs, x, stride: aStride, size: aSize, lanes: lanes, n)
        (target, x) = (results, UnsafeRawPointer(xs))
      }
      let streaming = direct && streams(R.self, strides, target)
      var j = 0
      while j < n {
        let result = body(x.loadUnaligned(fromByteOffset: j &* aSize, as: A.self))
        store(result, target + j &* outSize, streaming: streaming)
        j &+= lanes
      }
      if streaming { vector_stream_fence() }
      if !direct { scatter(out + i &* outStride, stride: outStride, results, size: outSize, n) }
      i &+= n
    }
  }
}

/// out = body(a, b), vector by vector.
@inline(__always)
func map<A: SIMD, B: SIMD, R: SIMD>(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (A, B) -> R
) {
  guard let pointers, let strides, let out = UnsafeMutableRawPointer(pointers[0]),
    let a = UnsafeRawPointer(pointers[1]), let b = UnsafeRawPointer(pointers[2])
  else { return }
  let lanes = A.scalarCount
  let (outSize, aSize, bSize) = (R.scalarSize, A.scalarSize, B.scalarSize)
  let (outStride, aStride, bStride) = (strides[0], strides[1], strides[2])
  let stagedCount = stagedBytes / max(outSize, max(aSize, bSize))
  withUnsafeTemporaryAllocation(byteCount: 3 * stagedBytes, alignment: 16) { buffers in
    guard let xs = buffers.baseAddress else { return }
    let ys = xs + stagedBytes
    let results = ys + stagedBytes
    var i = 0
    while i < count {
      var n = count &- i
      var (target, x, y) = (out + i &* outStride, a + i &* aStride, b + i &* bStride)
      var (xStep, yStep) = (aSize &* lanes, bSize &* lanes)
      let direct =
        n >= lanes && outStride == outSize && (aStride == aSize || aStride == 0) && (bStride == bSize || bStride == 0)
      if direct {
        n = n / lanes &* lanes
        // A repeated element is a vector that the loop does not move on from.
        if aStride == 0 {
          xs.storeBytes(of: A(repeating: x.loadUnaligned(as: A.Scalar.self)), as: A.self)
          (x, xStep) = (UnsafeRawPointer(xs), 0)
        }
        if bStride == 0 {
          ys.storeBytes(of: B(repeating: y.loadUnaligned(as: B.Scalar.self)), as: B.self)
          (y, yStep) = (UnsafeRawPointer(ys), 0)
        }
      } else {
        n = min(n, stagedCount)
        gather(xs, x, stride: aStride, size: aSize, lanes: lanes, n)
        gather(ys, y, stride: bStride, size: bSize, lanes: lanes, n)
        (target, x, y) = (results, UnsafeRawPointer(xs), UnsafeRawPointer(ys))
      }
      let streaming = direct && streams(R.self, strides, target)
      var j = 0
      while j < n {
        let result = body(x.loadUnaligned(as: A.self), y.loadUnaligned(as: B.self))
        store(result, target + j &* outSize, streaming: streaming)
        x += xStep
        y += yStep
        j &+= lanes
      }
      if streaming { vector_stream_fence() }
      if !direct { scatter(out + i &* outStride, stride: outStride, results, size: outSize, n) }
      i &+= n
    }
  }
}

/// out = body(a, b, c), vector by vector.
@inline(__always)
func map<A: SIMD, B: SIMD, C: SIMD, R: SIMD>(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (A, B, C) -> R
) {
  guard let pointers, let strides, let out = UnsafeMutableRawPointer(pointers[0]),
    let a = UnsafeRawPointer(pointers[1]), let b = UnsafeRawPointer(pointers[2]), let c = UnsafeRawPointer(pointers[3])
  else { return }
  let lanes = A.scalarCount
  let (outSize, aSize, bSize, cSize) = (R.scalarSize, A.scalarSize, B.scalarSize, C.scalarSize)
  let (outStride, aStride, bStride, cStride) = (strides[0], strides[1], strides[2], strides[3])
  let stagedCount = stagedBytes / max(max(outSize, aSize), max(bSize, cSize))
  withUnsafeTemporaryAllocation(byteCount: 4 * stagedBytes, alignment: 16) { buffers in
    guard let xs = buffers.baseAddress else { return }
    let ys = xs + stagedBytes
    let zs = ys + stagedBytes
    let results = zs + stagedBytes
    var i = 0
    while i < count {
      var n = count &- i
      var (target, x, y, z) = (out + i &* outStride, a + i &* aStride, b + i &* bStride, c + i &* cStride)
      var (xStep, yStep, zStep) = (aSize &* lanes, bSize &* lanes, cSize &* lanes)
      let direct =
        n >= lanes && outStride == outSize && (aStride == aSize || aStride == 0) && (bStride == bSize || bStride == 0)
        && (cStride == cSize || cStride == 0)
      if direct {
        n = n / lanes &* lanes
        if aStride == 0 {
          xs.storeBytes(of: A(repeating: x.loadUnaligned(as: A.Scalar.self)), as: A.self)
          (x, xStep) = (UnsafeRawPointer(xs), 0)
        }
        if bStride == 0 {
          ys.storeBytes(of: B(repeating: y.loadUnaligned(as: B.Scalar.self)), as: B.self)
          (y, yStep) = (UnsafeRawPointer(ys), 0)
        }
        if cStride == 0 {
          zs.storeBytes(of: C(repeating: z.loadUnaligned(as: C.Scalar.self)), as: C.self)
          (z, zStep) = (UnsafeRawPointer(zs), 0)
        }
      } else {
        n = min(n, stagedCount)
        gather(xs, x, stride: aStride, size: aSize, lanes: lanes, n)
        gather(ys, y, stride: bStride, size: bSize, lanes: lanes, n)
        gather(zs, z, stride: cStride, size: cSize, lanes: lanes, n)
        (target, x, y, z) = (results, UnsafeRawPointer(xs), UnsafeRawPointer(ys), UnsafeRawPointer(zs))
      }
      let streaming = direct && streams(R.self, strides, target)
      var j = 0
      while j < n {
        let result = body(x.loadUnaligned(as: A.self), y.loadUnaligned(as: B.self), z.loadUnaligned(as: C.self))
        store(result, target + j &* outSize, streaming: streaming)
        x += xStep
        y += yStep
        z += zStep
        j &+= lanes
      }
      if streaming { vector_stream_fence() }
      if !direct { scatter(out + i &* outStride, stride: outStride, results, size: outSize, n) }
      i &+= n
    }
  }
}

extension SIMD {
  @inline(__always)
  static var scalarSize: Int { MemoryLayout<Scalar>.size }
}

// MARK: - Elements that do not lie side by side

/// Copies `count` elements to lie side by side at `buffer`, and the last one further until a multiple of `lanes`, a
/// power of two.
@inline(never)
private func gather(
  _ buffer: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, stride: Int, size: Int, lanes: Int, _ count: Int
) {
  copyStrided(buffer, stride: size, source, stride: stride, size: size, count)
  let padded = (count &+ lanes &- 1) & ~(lanes &- 1)
  copyStrided(
    buffer + count &* size, stride: size, buffer + (count &- 1) &* size, stride: 0, size: size, padded &- count)
}

@inline(never)
private func scatter(
  _ target: UnsafeMutableRawPointer, stride: Int, _ buffer: UnsafeRawPointer, size: Int, _ count: Int
) {
  copyStrided(target, stride: stride, buffer, stride: size, size: size, count)
}

@inline(never)
private func copyStrided(
  _ target: UnsafeMutableRawPointer, stride targetStride: Int, _ source: UnsafeRawPointer, stride sourceStride: Int,
  size: Int, _ count: Int
) {
  if targetStride == size, sourceStride == size { return target.copyMemory(from: source, byteCount: count &* size) }
  switch size {
  case 1: copyStrided(target, targetStride, source, sourceStride, count, as: UInt8.self)
  case 2: copyStrided(target, targetStride, source, sourceStride, count, as: UInt16.self)
  case 4: copyStrided(target, targetStride, source, sourceStride, count, as: UInt32.self)
  case 8: copyStrided(target, targetStride, source, sourceStride, count, as: UInt64.self)
  default: copyStrided(target, targetStride, source, sourceStride, count, as: SIMD2<UInt64>.self)
  }
}

@inline(__always)
func copyStrided<Element>(
  _ target: UnsafeMutableRawPointer, _ targetStride: Int, _ source: UnsafeRawPointer, _ sourceStride: Int, _ count: Int,
  as type: Element.Type
) {
  var i = 0
  while i < count {
    let element = source.loadUnaligned(fromByteOffset: i &* sourceStride, as: type)
    target.storeBytes(of: element, toByteOffset: i &* targetStride, as: type)
    i &+= 1
  }
}
