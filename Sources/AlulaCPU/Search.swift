import CSupport

// Positions of values in a row.

func registerSearch(_ receive: KernelReceiver) {
  let bits8: FindKernel = { x, n, step, value in find(x, n, step, value, UInt8s.self) { $0 .== $1 } }
  let bits16: FindKernel = { x, n, step, value in find(x, n, step, value, UInt16s.self) { $0 .== $1 } }
  let bits32: FindKernel = { x, n, step, value in find(x, n, step, value, UInt32s.self) { $0 .== $1 } }
  let bits64: FindKernel = { x, n, step, value in find(x, n, step, value, UInt64s.self) { $0 .== $1 } }
  for (slot, kernel) in [bits8, bits8, bits16, bits32, bits64, bits8, bits16, bits32, bits64].enumerated() {
    receive("find", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
  }
  let float: FindKernel = { x, n, step, value in
    find(x, n, step, value, Floats.self) { ($0 .== $1) .| (($0 .!= $0) .& ($1 .!= $1)) }
  }
  let double: FindKernel = { x, n, step, value in
    find(x, n, step, value, Doubles.self) { ($0 .== $1) .| (($0 .!= $0) .& ($1 .!= $1)) }
  }
  receive("find", 11, unsafeBitCast(float, to: UnsafeRawPointer.self))
  receive("find", 12, unsafeBitCast(double, to: UnsafeRawPointer.self))
}

typealias FindKernel = @convention(c) (UnsafeRawPointer?, Int, Int, UnsafeRawPointer?) -> Int64

/// The position of the first of `count` elements, `step` bytes apart, that matches the one at `value`; 0 when
/// none does.
@inline(__always)
private func find<V: SIMD>(
  _ input: UnsafeRawPointer?, _ count: Int, _ step: Int, _ value: UnsafeRawPointer?, _: V.Type,
  _ matches: (V, V) -> SIMDMask<V.MaskStorage>
) -> Int64 {
  guard let input, let value else { return 0 }
  let wanted = V(repeating: value.loadUnaligned(as: V.Scalar.self))
  var i = 0
  if step == MemoryLayout<V.Scalar>.stride {
    while i &+ V.scalarCount <= count {
      let found = matches(input.loadUnaligned(fromByteOffset: i &* step, as: V.self), wanted)
      // Every vector here fills a register, and so does its mask.
      if vector_any(unsafeBitCast(found, to: Int64s.self)) { break }
      i &+= V.scalarCount
    }
  }
  while i < count {
    if matches(V(repeating: input.loadUnaligned(fromByteOffset: i &* step, as: V.Scalar.self)), wanted)[0] {
      return Int64(i)
    }
    i &+= 1
  }
  return 0
}
