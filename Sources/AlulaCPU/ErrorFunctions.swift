import CSupport
import Glibc

// The error function and the normal distribution. For |x| not small, erfc(a) = exp(-a²)·erfcx(a), and
// (1 + 2a)·erfcx(a) is a polynomial in (a - 2)/(a + 2) (M. M. Shepherd and J. G. Laframboise, "Chebyshev
// Approximation of (1+2x)exp(x²)erfc x in 0≤x<∞", Math. Comp. 36, 1981); likewise for the normal distribution.

/// a² as its float and what that lost.
@inline(__always)
private func square(_ a: Floats) -> (high: Floats, low: Floats) {
  let high = a * a
  #if FMA
    return (high, fma(a, a, -high))
  #else
    // The square of the upper 12 bits is exact.
    let upper = unsafeBitCast(unsafeBitCast(a, to: UInt32s.self) & 0xFFFF_F000, to: Floats.self)
    return (high, (upper * upper - high) + (a - upper) * (a + upper))
  #endif
}

/// The last step of a polynomial, c + p·q, and what it lost; |p·q| is less than c.
@inline(__always)
private func lastStep(_ p: Floats, _ q: Floats, _ c: Float) -> (high: Floats, low: Floats) {
  let high = fma(p, q, c)
  return (high, fma(p, q, c - high))
}

/// 2a + 1 and what it lost.
@inline(__always)
private func doubledPlusOne(_ a: Floats) -> (high: Floats, low: Floats) {
  let high = fma(a, Floats(repeating: 2), 1)
  return (high, fma(a, Floats(repeating: 2), 1 - high))
}

/// p / d of numbers in two parts, in two parts.
@inline(__always)
private func quotient(_ p: (high: Floats, low: Floats), _ d: (high: Floats, low: Floats)) -> (high: Floats, low: Floats)
{
  let inverse = 1 / d.high
  #if FMA
    let high = p.high * inverse
    return (high, (fma(-high, d.high, p.high) + fma(-high, d.low, p.low)) * inverse)
  #else
    let high = p.high / d.high
    return (high, fma(-high, d.low, p.low) * inverse)
  #endif
}

/// For |x| < 1.
@inline(__always)
private func erfOfSmall(_ x: Floats) -> Floats {
  let s = x * x
  var p = fma(Floats(repeating: 7.889132393756881e-05), s, -0.0008020845125429332)
  p = fma(p, s, 0.005189535673707724)
  p = fma(p, s, -0.026854444295167923)
  p = fma(p, s, 0.11283600330352783)
  p = fma(p, s, -0.3761262595653534)
  p = fma(p, s, 0.12837910652160645)
  return fma(p, x, x)
}

#if AVX512
  @inline(__always)
  func erf(_ x: Floats) -> Floats {
    let (piece, t) = piece(of: atMost(magnitude(x), 3.9), step: 0.125)
    return copysign(polynomial(t, degree: 5) { erf_coefficient($0, piece) }, x)
  }
#else
  @inline(__always)
  func erf(_ x: Floats) -> Floats {
    // 1 - erfc(a), where log erfc(a) is a polynomial; beyond 4 the result rounds to 1.
    let a = atMost(magnitude(x), 4)
    var p = fma(Floats(repeating: -1.2580022633209585e-05), a, 0.00033634814742824614)
    p = fma(p, a, -0.0036977269368198493)
    p = fma(p, a, 0.023879407293353416)
    p = fma(p, a, -0.10637368218519529)
    p = fma(p, a, -0.6350682194675522)
    p = fma(p, a, -0.1286690533223998)
    let (bits, r) = reduceByLn2(fma(p, a, -a))
    let power = scale(bits)
    let large = fma(-power, expm1OfReduced(r), 1 - power)
    return copysign(large, x).replacing(with: erfOfSmall(x), where: magnitude(x) .< 0.95)
  }
#endif

@inline(__always)
func erfc(_ x: Floats) -> Floats {
  // Beyond, the result is 0.
  let a = atMost(magnitude(x), 10.1)
  let q = (a - 2) / (a + 2)
  var p = fma(Floats(repeating: -0.0004005770315416157), q, -0.0012299276422709227)
  p = fma(p, q, 0.001313523156568408)
  p = fma(p, q, 0.008631681092083454)
  p = fma(p, q, -0.00805987510830164)
  p = fma(p, q, -0.0542043000459671)
  p = fma(p, q, 0.16405534744262695)
  p = fma(p, q, -0.16603142023086548)
  p = fma(p, q, -0.0927639827132225)
  let y = quotient(lastStep(p, q, 1.2769783735275269), doubledPlusOne(a))
  let (high, low) = square(a)
  let (bits, r) = reduceByLn2(-high)
  let upper = scaleInSteps(y.high + fma(y.high, expm1OfReduced(r - low), y.low), bits)
  let large = upper.replacing(with: 2 - upper, where: x .< 0)
  return large.replacing(with: 1 - erfOfSmall(x), where: magnitude(x) .< 0.5)
}

/// Φ(-a)·exp(a²/2) for a in 0...15, where Φ is the standard normal distribution function: a polynomial, divided by
/// 1 + √2·a. Two parts, as in erfc, would halve gelu's error of 4 units in the last place, at a third more time.
@inline(__always)
private func scaledNormalTail(_ a: Floats) -> Floats {
  let q = (a - 3) / (a + 3)
  var p = fma(Floats(repeating: 6.11053837928921e-05), q, -1.2950547898071818e-05)
  p = fma(p, q, -0.0007101894589141011)
  p = fma(p, q, -0.0003330881881993264)
  p = fma(p, q, 0.004638133104890585)
  p = fma(p, q, 0.00042790870065800846)
  p = fma(p, q, -0.03468061238527298)
  p = fma(p, q, 0.08301495015621185)
  p = fma(p, q, -0.07428032159805298)
  p = fma(p, q, -0.0510147325694561)
  p = fma(p, q, 0.6370539665222168)
  return p / fma(a, Floats(repeating: 1.4142135623730951), 1)
}

/// exp(-a²/2) as 2ⁿ (1 + t).
@inline(__always)
private func normalExponential(_ a: Floats) -> (bits: Int32s, t: Floats) {
  let (high, low) = square(a)
  let (bits, r) = reduceByLn2(high * -0.5)
  return (bits, expm1OfReduced(fma(low, Floats(repeating: -0.5), r)))
}

/// x·Φ(x).
@inline(__always)
func gelu(_ x: Floats) -> Floats {
  #if AVX512
    let a = atMost(magnitude(x), normalTailEnd)
    let (piece, t) = piece(of: a, step: 0.1875)
    let tail = polynomial(t, degree: 6) { normal_tail_coefficient($0, piece) }
    let result = fma(-a, tail, atLeast(x, 0))
    let isFar = x .< -normalTailEnd
    return anyLane(isFar) ? result.replacing(with: geluByExponential(x), where: isFar) : result
  #else
    return geluByExponential(x)
  #endif
}

/// The derivative of x·Φ(x), Φ(x) + x φ(x), times g.
@inline(__always)
func geluBackward(_ g: Floats, _ x: Floats) -> Floats {
  #if AVX512
    let (piece, t) = piece(of: atMost(magnitude(x), normalTailEnd), step: 0.1875)
    let left = polynomial(t, degree: 6) { gelu_slope_coefficient($0, piece) }
    let result = g * left.replacing(with: 1 - left, where: x .> 0)
    let isFar = x .< -normalTailEnd
    return anyLane(isFar) ? result.replacing(with: geluBackwardByExponential(g, x), where: isFar) : result
  #else
    return geluBackwardByExponential(g, x)
  #endif
}

@inline(__always)
private func geluByExponential(_ x: Floats) -> Floats {
  let a = atMost(magnitude(x), 14.5)
  let (bits, t) = normalExponential(a)
  // The tail takes x before it may fall below the normal range.
  let y = x * scaledNormalTail(a)
  let tail = fma(y, t, y)
  let power = scale(bits)
  let result = (tail * power).replacing(with: fma(-tail, power, x), where: x .> 0)
  let isFar = exceeds(x, 12)
  if anyLane(isFar) {
    let negative = scaleInSteps(tail, bits).replacing(with: x * 0, where: x .< -14.4)
    return result.replacing(with: x.replacing(with: negative, where: x .< 0), where: isFar)
  }
  return result
}

@inline(__always)
private func geluBackwardByExponential(_ g: Floats, _ x: Floats) -> Floats {
  let a = atMost(magnitude(x), 13)
  let (bits, t) = normalExponential(a)
  let power = scale(bits)
  let exponential = fma(power, t, power).replacing(with: 0, where: magnitude(x) .> 13)
  let tail = exponential * scaledNormalTail(a)
  let distribution = tail.replacing(with: 1 - tail, where: x .> 0)
  return g * fma(copysign(a, x) * exponential, Floats(repeating: 0.3989422804014327), distribution)
}

// MARK: - float64

@inline(__always)
func erf(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.erf($0) } }

@inline(__always)
func erfc(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.erfc($0) } }

@inline(__always)
func gelu(_ x: Doubles) -> Doubles { 0.5 * x * erfc(x * -0.7071067811865476) }
