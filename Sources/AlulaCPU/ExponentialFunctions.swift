import CSupport

// Exponentials and logarithms of float32 vectors. They reduce their argument as usual (Cody and Waite, "Software Manual
// for the Elementary Functions", 1980) and use minimax polynomials computed by Remez's algorithm; they are within 2 units
// in the last place. Arguments whose results are not normal numbers take a longer way, which a vector takes as a whole.

private let log2e: Float = 1.442695040888963
/// ln 2 in two parts: the first has so few bits that its product with an exponent is exact.
private let ln2High: Float = 0.693359375
private let ln2Low: Float = -2.121944400546906e-4
/// Adding it leaves the nearest integer in the low bits.
let roundingShift: Float = 0x1.8p23
private let roundingShiftBits: Int32 = 0x4B40_0000

/// 2ⁿ for n in -126...127.
@inline(__always)
func powerOfTwo(_ n: Int32s) -> Floats { unsafeBitCast((n &+ 127) &<< 23, to: Floats.self) }

/// x = n·ln 2 + r with |r| ≤ ln 2 / 2. The lowest 9 bits of `bits` are those of n.
@inline(__always)
func reduceByLn2(_ x: Floats) -> (bits: Int32s, r: Floats) {
  let shifted = fma(x, Floats(repeating: log2e), roundingShift)
  let n = shifted - roundingShift
  let r = fma(n, Floats(repeating: -ln2Low), fma(n, Floats(repeating: -ln2High), x))
  return (unsafeBitCast(shifted, to: Int32s.self), r)
}

/// The same in two parts each: a float and what that lost.
@inline(__always)
func reduceByLn2(_ x: (high: Floats, low: Floats)) -> (bits: Int32s, r: (high: Floats, low: Floats)) {
  let shifted = fma(x.high, Floats(repeating: log2e), roundingShift)
  let n = shifted - roundingShift
  // Exact.
  let upper = fma(n, Floats(repeating: -ln2High), x.high)
  let sum = upper + x.low
  let r = fma(n, Floats(repeating: -ln2Low), sum)
  let lost = fma(n, Floats(repeating: -ln2Low), sum - r) + ((upper - sum) + x.low)
  return (unsafeBitCast(shifted, to: Int32s.self), (r, lost))
}

/// 2ⁿ for n in -126...127, given what `reduceByLn2` returns.
@inline(__always)
func scale(_ bits: Int32s) -> Floats { unsafeBitCast((bits &<< 23) &+ 0x3F80_0000, to: Floats.self) }

/// value · 2ⁿ for n as far as from -250 to 250: in two steps, so that results below the normal range are rounded once and
/// overflow is infinite.
@inline(__always)
func scaleInSteps(_ value: Floats, _ bits: Int32s) -> Floats {
  #if AVX512
    return vector_scale(value, unsafeBitCast(bits, to: Floats.self) - roundingShift)
  #else
    let n = bits &- roundingShiftBits
    let half = n &>> 1
    return value * powerOfTwo(half) * powerOfTwo(n &- half)
  #endif
}

/// value · 2ⁿ for n in -190...63, rounded once where the result is below the normal range.
@inline(__always)
func scaleDown(_ value: Floats, _ bits: Int32s) -> Floats {
  #if AVX512
    return scaleInSteps(value, bits)
  #else
    // 2ⁿ⁺⁶⁴ is a normal number.
    return value * unsafeBitCast((bits &<< 23) &+ 0x5F80_0000, to: Floats.self) * 0x1p-64
  #endif
}

/// exp(r) - 1 for |r| ≤ ln 2 / 2.
@inline(__always)
func expm1OfReduced(_ r: Floats) -> Floats { fma(squareFactor(r), r * r, r) }

/// The same in two parts.
@inline(__always)
func expm1OfReduced(_ r: (high: Floats, low: Floats)) -> (high: Floats, low: Floats) {
  (r.high, fma(squareFactor(r.high), r.high * r.high, r.low))
}

/// What exp(r) - 1 - r is divided by r².
@inline(__always)
private func squareFactor(_ r: Floats) -> Floats {
  // Pairs of terms at once: a chain of four instead of six.
  let low = fma(Floats(repeating: 0.16666520692673234), r, 0.5)
  let high = fma(Floats(repeating: 0.008368709681683432), r, 0.04166838689901567)
  return fma(fma(Floats(repeating: 0.001381464171220656), r * r, high), r * r, low)
}

/// The lanes whose magnitude is above the limit, or NaN.
@inline(__always)
func exceeds(_ x: Floats, _ limit: Float) -> SIMDMask<Int32s> {
  unsafeBitCast(vector_is_not_at_most(magnitude(x), Floats(repeating: limit)), to: SIMDMask<Int32s>.self)
}

@inline(__always)
func exp(_ x: Floats) -> Floats {
  // Within ±87, results are normal numbers, and 2ⁿ is an addition to the exponent: half the time.
  if anyLane(exceeds(x, 87)) {
    // Some processors take a hundred cycles for a result below the normal range. Its bits are the integer nearest to
    // result · 2¹⁴⁹, which is in the range, and 0 for what vanishes, as every hidden key of attention does.
    let isTiny = x .< -87.33655
    let (bits, r) = reduceByLn2(atLeast(atMost(x, 89), -104))
    let lift = Int32s().replacing(with: 149, where: isTiny)
    let result = scaleInSteps(expm1OfReduced(r) + 1, bits &+ lift)
    let tiny = unsafeBitCast(result + 0x1p23, to: Int32s.self) &- 0x4B00_0000
    return result.replacing(with: unsafeBitCast(tiny, to: Floats.self), where: isTiny)
  }
  let (bits, r) = reduceByLn2(x)
  let p = unsafeBitCast(expm1OfReduced(r) + 1, to: Int32s.self)
  return unsafeBitCast(p &+ (bits &<< 23), to: Floats.self)
}

@inline(__always)
func expm1(_ x: Floats) -> Floats {
  // Below, the result rounds to -1.
  let (bits, r) = reduceByLn2(atLeast(atMost(x, 89), -17.5))
  var p = fma(Floats(repeating: 0.00019907569), r, 0.0013928775442764163)
  p = fma(p, r, 0.00833328627049923)
  p = fma(p, r, 0.04166655242443085)
  p = fma(p, r, 0.1666666716337204)
  p = fma(p, r, 0.5)
  p = fma(p, r * r, r)
  // 2ⁿ(p + 1) - 1, halved because 2ⁿ may be just out of range.
  let half = scale(bits &- 1)
  let result = fma(half, p, half - 0.5) * 2
  return result.replacing(with: x, where: magnitude(x) .< 0x1p-25)
}

// MARK: - Logarithms

/// The bits of √½, so that the exponent changes there.
private let rootHalfBits: Int32 = 0x3F35_04F3

/// x = 2ᵉ(1 + f) with 1 + f in √½...√2, for positive normal x.
@inline(__always)
private func splitExponent(_ x: Floats) -> (f: Floats, exponent: Floats) {
  let (mantissa, exponent) = splitLogArgument(x)
  return (mantissa - 1, lanes_int32_to_float32(exponent))
}

/// x = 2ᵉ·m with m in √½...√2, for positive normal x.
@inline(__always)
func splitLogArgument(_ x: Floats) -> (mantissa: Floats, exponent: Int32s) {
  let bits = unsafeBitCast(x, to: Int32s.self) &- rootHalfBits
  return (unsafeBitCast((bits & 0x7F_FFFF) &+ rootHalfBits, to: Floats.self), bits &>> 23)
}

/// The lanes that are no positive normal numbers.
@inline(__always)
func isNoLogArgument(_ x: Floats) -> SIMDMask<Int32s> {
  unsafeBitCast(x, to: Int32s.self) &- 0x80_0000 &+ .min .>= 0x7F00_0000 &+ .min
}

/// `function(f, exponent)`, with what every logarithm has where x is not a positive normal number.
@inline(__always)
private func logarithm(_ x: Floats, _ function: (Floats, Floats) -> Floats) -> Floats {
  let isSpecial = anyLane(isNoLogArgument(x))
  var (argument, shift) = (x, Floats())
  if isSpecial {
    let isSubnormal = x .< 0x1p-126
    argument = x.replacing(with: x * 0x1p23, where: isSubnormal)
    shift = shift.replacing(with: -23, where: isSubnormal)
  }
  let (f, exponent) = splitExponent(argument)
  let result = function(f, exponent + shift)
  return isSpecial ? withLogLimits(result, of: x) : result
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
func log(_ x: Floats) -> Floats { logarithm(x) { f, exponent in log(f, exponent: exponent) } }

@inline(__always)
func log1p(_ x: Floats) -> Floats {
  let sum = x + 1
  // What the sum lost.
  let lost = (x - (sum - 1)).replacing(with: 0, where: sum .>= 0x1p24)
  let result = logarithm(sum) { f, exponent in
    // Nothing is lost beyond 2²⁴.
    let inverseScale = powerOfTwo(0 &- exponentBits(atMost(exponent, 24)))
    return log(fma(lost, inverseScale, f), exponent: exponent)
  }
  return result.replacing(with: x, where: magnitude(x) .< 0x1p-25)
}

/// A small integer held as a float.
@inline(__always)
private func exponentBits(_ x: Floats) -> Int32s {
  unsafeBitCast(x + roundingShift, to: Int32s.self) &- roundingShiftBits
}

@inline(__always)
func log2(_ x: Floats) -> Floats {
  logarithm(x) { f, exponent in
    let rest = fma(f * f, Floats(repeating: -0.5), logTail(f))
    // log₂ e = 1 + 0.4426…, so that the leading terms are exact.
    let excess: Float = 0.4426950408889634
    let low = fma(rest, Floats(repeating: excess), f * excess)
    return low + rest + f + exponent
  }
}

@inline(__always)
func log10(_ x: Floats) -> Floats {
  logarithm(x) { f, exponent in
    let rest = fma(f * f, Floats(repeating: -0.5), logTail(f))
    // log₁₀ e and log₁₀ 2 in two parts each, the first with few bits.
    let (logEHigh, logELow): (Float, Float) = (0.43359375, 7.00731903251827651129e-4)
    let (log2High, log2Low): (Float, Float) = (0.30078125, 2.48745663981195213739e-4)
    var result = (f + rest) * logELow
    result = fma(exponent, Floats(repeating: log2Low), result)
    result = fma(rest, Floats(repeating: logEHigh), result)
    result = fma(f, Floats(repeating: logEHigh), result)
    return fma(exponent, Floats(repeating: log2High), result)
  }
}

/// log(exp(x) + exp(y)).
@inline(__always)
func logaddexp(_ x: Floats, _ y: Floats) -> Floats {
  let larger = y.replacing(with: x, where: (x .> y) .| (x .!= x))
  let result = larger + log1p(exp(-magnitude(x - y)))
  // Of two equal infinities the difference is NaN.
  return result.replacing(with: x + 0.693147180559945, where: x .== y)
}
