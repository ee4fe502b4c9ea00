import CSupport
import Glibc

// Exponentials and logarithms of float vectors. The float32 ones reduce their argument as usual (Cody and Waite,
// "Software Manual for the Elementary Functions", 1980) and use minimax polynomials computed by Remez's algorithm;
// they are within 2 units in the last place. The float64 ones are the C library's.

private let log2e: Float = 1.442695040888963
/// ln 2 in two parts: the first has so few bits that its product with an exponent is exact.
private let ln2High: Float = 0.693359375
private let ln2Low: Float = -2.121944400546906e-4
/// Adding it leaves the nearest integer in the low bits.
private let roundingShift: Float = 0x1.8p23
private let roundingShiftBits: Int32 = 0x4B40_0000

/// 2ⁿ for n in -126...127.
@inline(__always)
private func powerOfTwo(_ n: Int32s) -> Floats { unsafeBitCast((n &+ 127) &<< 23, to: Floats.self) }

/// x = n·ln 2 + r with |r| ≤ ln 2 / 2.
@inline(__always)
private func reduceByLn2(_ x: Floats) -> (n: Int32s, r: Floats) {
  let shifted = fma(x, Floats(repeating: log2e), roundingShift)
  let n = shifted - roundingShift
  let r = fma(n, Floats(repeating: -ln2Low), fma(n, Floats(repeating: -ln2High), x))
  return (unsafeBitCast(shifted, to: Int32s.self) &- roundingShiftBits, r)
}

@inline(__always)
func exp(_ x: Floats) -> Floats { exp(x, plus: Floats()) }

/// exp(high + low), where low is a correction of high that high cannot hold.
@inline(__always)
func exp(_ high: Floats, plus low: Floats) -> Floats {
  // Beyond these the result is 0 or infinite.
  let (n, reduced) = reduceByLn2(atLeast(atMost(high, 89), -104))
  let r = reduced + low
  var p = fma(Floats(repeating: 0.0013950485736131668), r, 0.00836888886988163)
  p = fma(p, r, 0.04166620597243309)
  p = fma(p, r, 0.166665181517601)
  p = fma(p, r, 0.5)
  p = fma(p, r * r, r) + 1
  // In two steps, so that results below the normal range are rounded once and overflow is infinite.
  let half = n &>> 1
  return p * powerOfTwo(half) * powerOfTwo(n &- half)
}

@inline(__always)
func expm1(_ x: Floats) -> Floats {
  // Below, the result rounds to -1.
  let (n, r) = reduceByLn2(atLeast(atMost(x, 89), -17.5))
  var p = fma(Floats(repeating: 0.00019907569), r, 0.0013928775442764163)
  p = fma(p, r, 0.00833328627049923)
  p = fma(p, r, 0.04166655242443085)
  p = fma(p, r, 0.1666666716337204)
  p = fma(p, r, 0.5)
  p = fma(p, r * r, r)
  // 2ⁿ(p + 1) - 1, halved because 2ⁿ may be just out of range.
  let scale = powerOfTwo(n &- 1)
  let result = fma(scale, p, scale - 0.5) * 2
  return result.replacing(with: x, where: magnitude(x) .< 0x1p-25)
}

// MARK: - Logarithms

/// x = 2ᵉ(1 + f) with 1 + f in √½...√2, for positive finite x.
@inline(__always)
private func splitExponent(_ x: Floats) -> (f: Floats, exponent: Floats) {
  let subnormal = x .< 0x1p-126
  let scaled = x.replacing(with: x * 0x1p23, where: subnormal)
  // The bits of √½, so that the exponent changes there.
  let offset: Int32 = 0x3F35_04F3
  let bits = unsafeBitCast(scaled, to: Int32s.self) &- offset
  let mantissa = unsafeBitCast((bits & 0x7F_FFFF) &+ offset, to: Floats.self)
  let exponent = vector8_int32_to_float32(bits &>> 23)
  return (mantissa - 1, exponent.replacing(with: exponent - 23, where: subnormal))
}

/// log(1 + f) - f + f²/2 for 1 + f in √½...√2.
@inline(__always)
private func logTail(_ f: Floats) -> Floats {
  var p = fma(Floats(repeating: 0.06915539503097534), f, -0.11789847910404205)
  p = fma(p, f, 0.11872916668653488)
  p = fma(p, f, -0.12384337186813354)
  p = fma(p, f, 0.14218665659427643)
  p = fma(p, f, -0.16669252514839172)
  p = fma(p, f, 0.20002226531505585)
  p = fma(p, f, -0.24999986588954926)
  p = fma(p, f, 0.3333331048488617)
  return p * f * (f * f)
}

/// `result` where x is positive and finite, else what every logarithm has there.
@inline(__always)
private func withLogLimits(_ result: Floats, of x: Floats) -> Floats {
  result.replacing(with: x, where: (x .== .infinity) .| (x .!= x))
    .replacing(with: -.infinity, where: x .== 0)
    .replacing(with: .nan, where: x .< 0)
}

@inline(__always)
private func log(_ f: Floats, exponent: Floats) -> Floats {
  let low = fma(exponent, Floats(repeating: ln2Low), logTail(f))
  let rest = fma(f * f, Floats(repeating: -0.5), low)
  return fma(exponent, Floats(repeating: ln2High), f + rest)
}

@inline(__always)
func log(_ x: Floats) -> Floats {
  let (f, exponent) = splitExponent(x)
  return withLogLimits(log(f, exponent: exponent), of: x)
}

@inline(__always)
func log1p(_ x: Floats) -> Floats {
  let sum = x + 1
  // What the sum lost.
  let lost = (x - (sum - 1)).replacing(with: 0, where: sum .>= 0x1p24)
  let (f, exponent) = splitExponent(sum)
  // Nothing is lost beyond 2²⁴.
  let inverseScale = powerOfTwo(0 &- exponentBits(atMost(exponent, 24)))
  let result = withLogLimits(log(fma(lost, inverseScale, f), exponent: exponent), of: sum)
  return result.replacing(with: x, where: magnitude(x) .< 0x1p-25)
}

/// A small integer held as a float.
@inline(__always)
private func exponentBits(_ x: Floats) -> Int32s {
  unsafeBitCast(x + roundingShift, to: Int32s.self) &- roundingShiftBits
}

@inline(__always)
func log2(_ x: Floats) -> Floats {
  let (f, exponent) = splitExponent(x)
  let rest = fma(f * f, Floats(repeating: -0.5), logTail(f))
  // log₂ e = 1 + 0.4426…, so that the leading terms are exact.
  let excess: Float = 0.4426950408889634
  let low = fma(rest, Floats(repeating: excess), f * excess)
  return withLogLimits(low + rest + f + exponent, of: x)
}

@inline(__always)
func log10(_ x: Floats) -> Floats {
  let (f, exponent) = splitExponent(x)
  let rest = fma(f * f, Floats(repeating: -0.5), logTail(f))
  // log₁₀ e and log₁₀ 2 in two parts each, the first with few bits.
  let (logEHigh, logELow): (Float, Float) = (0.43359375, 7.00731903251827651129e-4)
  let (log2High, log2Low): (Float, Float) = (0.30078125, 2.48745663981195213739e-4)
  var result = (f + rest) * logELow
  result = fma(exponent, Floats(repeating: log2Low), result)
  result = fma(rest, Floats(repeating: logEHigh), result)
  result = fma(f, Floats(repeating: logEHigh), result)
  return withLogLimits(fma(exponent, Floats(repeating: log2High), result), of: x)
}

/// log(exp(x) + exp(y)).
@inline(__always)
func logaddexp(_ x: Floats, _ y: Floats) -> Floats {
  let larger = y.replacing(with: x, where: (x .> y) .| (x .!= x))
  let result = larger + log1p(exp(-magnitude(x - y)))
  // Of two equal infinities the difference is NaN.
  return result.replacing(with: x + 0.693147180559945, where: x .== y)
}

// MARK: - float64

@inline(__always)
func exp(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.exp($0) } }

@inline(__always)
func expm1(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.expm1($0) } }

@inline(__always)
func log(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.log($0) } }

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
