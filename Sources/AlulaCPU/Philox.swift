// Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, 2011), eight counters at once. Each of a counter's four words has a
// 64-bit lane of its own, of which it fills the lower half, so that a product of two words is one instruction.

/// The 32 words of one group of counters: of each of the eight counters the first two words (the second in the upper
/// half), and the last two.
@inline(__always)
func philoxGroup(_ key: UInt64, _ group: UInt64) -> (SIMD8<UInt64>, SIMD8<UInt64>) {
  let mask = SIMD8<UInt64>(repeating: 0xFFFF_FFFF)
  let m0 = SIMD8<UInt64>(repeating: 0xD251_1F53)
  let m1 = SIMD8<UInt64>(repeating: 0xCD9E_8D57)
  // A group starts at a multiple of eight: adding the lane's number carries into nothing.
  let first = group &<< 3
  var c0 = SIMD8<UInt64>(repeating: first & 0xFFFF_FFFF) | SIMD8<UInt64>(0, 1, 2, 3, 4, 5, 6, 7)
  var c1 = SIMD8<UInt64>(repeating: first &>> 32)
  // The three bits that the shift lost keep groups distinct up to 2⁶⁴ of them.
  var c2 = SIMD8<UInt64>(repeating: group &>> 61)
  var c3 = SIMD8<UInt64>(repeating: 0)
  var k0 = UInt32(truncatingIfNeeded: key)
  var k1 = UInt32(truncatingIfNeeded: key &>> 32)
  for _ in 0..<10 {
    let p0 = (c0 & mask) &* m0
    let p1 = (c2 & mask) &* m1
    c0 = (p1 &>> 32) ^ c1 ^ SIMD8<UInt64>(repeating: UInt64(k0))
    c2 = (p0 &>> 32) ^ c3 ^ SIMD8<UInt64>(repeating: UInt64(k1))
    c1 = p1 & mask
    c3 = p0 & mask
    k0 &+= 0x9E37_79B9
    k1 &+= 0xBB67_AE85
  }
  return (c0 | (c1 &<< 32), c2 | (c3 &<< 32))
}

/// Calls `body` with the words of each group: `body(i, words)` for the 32 words of elements `i..<(i + perGroup)`.
@inline(__always)
func forEachGroup(
  _ count: Int, perGroup: Int, _ key: UInt64, _ group: UInt64,
  _ body: (Int, (SIMD8<UInt64>, SIMD8<UInt64>)) -> Void
) {
  var i = 0
  var group = group
  while i < count {
    body(i, philoxGroup(key, group))
    i &+= perGroup
    group &+= 1
  }
}

/// Copies the first `count` of a group's results, when the array ends inside the group.
@inline(__always)
func storeGroup<V>(_ results: V, _ out: UnsafeMutableRawPointer, byteCount: Int) {
  if byteCount >= MemoryLayout<V>.size {
    out.storeBytes(of: results, as: V.self)
  } else {
    withUnsafeBytes(of: results) { bytes in
      if let base = bytes.baseAddress { out.copyMemory(from: base, byteCount: byteCount) }
    }
  }
}

/// 32-bit integers as floats, correctly rounded, with two exact halves and one rounding addition.
@inline(__always)
func floats(_ x: SIMD16<UInt32>) -> SIMD16<Float> {
  let high = unsafeBitCast((x &>> 16) | 0x5300_0000, to: SIMD16<Float>.self)  // 2³⁹ + 2¹⁶ high
  let low = unsafeBitCast((x & 0xFFFF) | 0x4B00_0000, to: SIMD16<Float>.self)  // 2²³ + low
  return (high - SIMD16<Float>(repeating: 0x1p39 + 0x1p23)) + low
}

/// 64-bit integers as doubles, in the same way.
@inline(__always)
func doubles(_ x: SIMD8<UInt64>) -> SIMD8<Double> {
  let high = unsafeBitCast((x &>> 32) | 0x4530_0000_0000_0000, to: SIMD8<Double>.self)  // 2⁸⁴ + 2³² high
  let low = unsafeBitCast((x & 0xFFFF_FFFF) | 0x4330_0000_0000_0000, to: SIMD8<Double>.self)  // 2⁵² + low
  return (high - SIMD8<Double>(repeating: 0x1p84 + 0x1p52)) + low
}
