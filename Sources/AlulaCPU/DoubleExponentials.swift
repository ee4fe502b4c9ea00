import CSupport
import Glibc

// Exponentials and logarithms of float64 vectors, as the float32 ones. expm1 and the rarer logarithms are the C library's.

/// ln 2 in two parts: the first has so few bits that its product with an exponent is exact.
private let doubleLn2High = 6.93147180369123816490e-01
private let doubleLn2Low = 1.90821492927058770002e-10
/// Adding it leaves the nearest integer in the low bits.
private let doubleRoundingShift = 0x1.8p52

/// x = n·ln 2 + r with |r| ≤ ln 2 / 2. The lowest 12 bits of `bits` are those of n.
@inline(__always)
private func reduceByLn2(_ x: Doubles) -> (bits: Int64s, r: Doubles) {
  let shifted = fma(x, Doubles(repeating: 1.4426950408889634), doubleRoundingShift)
  let n = shifted - doubleRoundingShift
  let r = fma(n, Doubles(repeating: -doubleLn2Low), fma(n, Doubles(repeating: -doubleLn2High), x))
  return (unsafeBitCast(shifted, to: Int64s.self), r)
}

/// exp(r) - 1 for |r| ≤ ln 2 / 2.
@inline(__always)
private func expm1OfReduced(_ r: Doubles) -> Doubles {
  // Two halves at once: a chain half as long.
  let s = r * r
  var odd = fma(Doubles(repeating: 2.5000095047475802e-08), s, 2.75575861837065e-06)
  odd = fma(odd, s, 0.00019841269506889477)
  odd = fma(odd, s, 0.00833333333349427)
  odd = fma(odd, s, 0.16666666666666413)
  var even = fma(Doubles(repeating: 2.7630234331356205e-07), s, 2.480149313512039e-05)
  even = fma(even, s, 0.0013888888943598661)
  even = fma(even, s, 0.04166666666653026)
  even = fma(even, s, 0.5000000000000011)
  return fma(fma(odd, r, even), s, r)
}

@inline(__always)
private func powerOfTwo(_ n: Int64s) -> Doubles { unsafeBitCast((n &+ 1023) &<< 52, to: Doubles.self) }

/// The lanes whose magnitude is above the limit, or NaN.
@inline(__always)
func exceeds(_ x: Doubles, _ limit: Double) -> SIMDMask<Int64s> {
  unsafeBitCast(magnitude(x), to: Int64s.self) .> Int64(bitPattern: limit.bitPattern)
}

@inline(__always)
func exp(_ x: Doubles) -> Doubles {
  // Within ±708, results are normal numbers, and 2ⁿ is an addition to the exponent.
  if anyLane(exceeds(x, 708)) {
    // What rounds to zero is not computed: results below the normal range are slow.
    let vanishes = x .< -745.1332191019412
    let (bits, r) = reduceByLn2(atMost(x, 711).replacing(with: 0, where: vanishes))
    let n = bits &- Int64(bitPattern: doubleRoundingShift.bitPattern)
    // Halved without an arithmetic shift, which AVX2 lacks.
    let half = ((n &+ 2048) &>> 1) &- 1024
    let result = (expm1OfReduced(r) + 1) * powerOfTwo(half) * powerOfTwo(n &- half)
    return result.replacing(with: 0, where: vanishes)
  }
  let (bits, r) = reduceByLn2(x)
  let p = unsafeBitCast(expm1OfReduced(r) + 1, to: Int64s.self)
  return unsafeBitCast(p &+ (bits &<< 52), to: Doubles.self)
}

@inline(__always)
func tanh(_ x: Doubles) -> Doubles {
  let a = magnitude(x)
  let s = x * x
  var p = fma(Doubles(repeating: 7.45907704825359e-06), s, -3.298493802738658e-05)
  p = fma(p, s, 9.398256291542534e-05)
  p = fma(p, s, -0.00023822117239720352)
  p = fma(p, s, 0.0005898350891224348)
  p = fma(p, s, -0.0014558062361207675)
  p = fma(p, s, 0.0035921252113872253)
  p = fma(p, s, -0.008863235340232617)
  p = fma(p, s, 0.021869488528031264)
  p = fma(p, s, -0.053968253968049766)
  p = fma(p, s, 0.13333333333333075)
  p = fma(p, s, -0.3333333333333333)
  let small = fma(p * s, x, x)
  let limited = atMost(a, 20)
  let (bits, r) = reduceByLn2(limited + limited)
  let power = unsafeBitCast((bits &<< 52) &+ 0x3FF0_0000_0000_0000, to: Doubles.self)
  let large = 1 - 2 / fma(power, expm1OfReduced(r), power + 1)
  return copysign(small.replacing(with: large, where: a .> 0.55), x)
}

@inline(__always)
func expm1(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.expm1($0) } }

// MARK: - Logarithms

/// The bits of √½, so that the exponent changes there.
private let doubleRootHalfBits: Int64 = 0x3FE6_A09E_667F_3BCD

/// log(2ᵉ(1 + f)) for 1 + f in √½...√2, by the series of log((1 + s)/(1 - s)) (as in FreeBSD's e_log.c).
@inline(__always)
private func log(_ f: Doubles, exponent: Doubles) -> Doubles {
  let s = f / (f + 2)
  let z = s * s
  let w = z * z
  var even = fma(Doubles(repeating: 1.531383769920937332e-01), w, 2.222219843214978396e-01)
  even = fma(even, w, 3.999999999940941908e-01)
  var odd = fma(Doubles(repeating: 1.479819860511658591e-01), w, 1.818357216161805012e-01)
  odd = fma(odd, w, 2.857142874366239149e-01)
  odd = fma(odd, w, 6.666666666666735130e-01)
  let series = fma(odd, z, even * w)
  let halfSquare = f * f * 0.5
  let low = fma(exponent, Doubles(repeating: doubleLn2Low), s * (halfSquare + series))
  return fma(exponent, Doubles(repeating: doubleLn2High), f - (halfSquare - low))
}

@inline(__always)
func log(_ x: Doubles) -> Doubles {
  let bits = unsafeBitCast(x, to: Int64s.self)
  let shifted = bits &- doubleRootHalfBits
  let mantissa = unsafeBitCast((shifted & 0xF_FFFF_FFFF_FFFF) &+ doubleRootHalfBits, to: Doubles.self)
  // The exponent, made positive for a logical shift, as the low bits of a large number.
  let exponent = unsafeBitCast(
    (unsafeBitCast(shifted &+ 0x4000_0000_0000_0000, to: UInt64s.self) &>> 52) | 0x4330_0000_0000_0000,
    to: Doubles.self)
  let result = log(mantissa - 1, exponent: exponent - (0x1p52 + 1024))
  let isSpecial = bits &- 0x10_0000_0000_0000 &+ .min .>= 0x7FE0_0000_0000_0000 &+ .min
  return anyLane(isSpecial) ? result.replacing(with: lanewise(x) { Glibc.log($0) }, where: isSpecial) : result
}

@inline(__always)
func log1p(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.log1p($0) } }

@inline(__always)
func log2(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.log2($0) } }

@inline(__always)
func log10(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.log10($0) } }

@inline(__always)
func logaddexp(_ x: Doubles, _ y: Doubles) -> Doubles {
  let larger = y.replacing(with: x, where: (x .> y) .| (x .!= x))
  let result = larger + log1p(exp(-magnitude(x - y)))
  return result.replacing(with: x + 0.693147180559945309, where: x .== y)
}
