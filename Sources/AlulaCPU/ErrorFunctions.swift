import CSupport
import Glibc

// The error function and the normal distribution. For |x| not small, erfc(a) = exp(-a²)·erfcx(a), and
// (1 + 2a)·erfcx(a) is a polynomial in (a - 2)/(a + 2) (M. M. Shepherd and J. G. Laframboise, "Chebyshev
// Approximation of (1+2x)exp(x²)erfc x in 0≤x<∞", Math. Comp. 36, 1981); likewise for the normal distribution.

/// What the polynomials of the tails are computed in: float32 in two parts, or, where there are no fused multiply-adds to
/// tell what a product lost, float64.
#if FMA
  private typealias Precise = Floats
#else
  private typealias Precise = Doubles
#endif

/// The polynomial of erfc without its last coefficient: erfc(a)·exp(a²)·(1 + 2a) = p·q + `erfcConstant`.
@inline(__always)
private func erfcPolynomial(_ q: Precise) -> Precise {
  var p = fma(Precise(repeating: -0.0004005770315416157), q, -0.0012299276422709227)
  p = fma(p, q, 0.001313523156568408)
  p = fma(p, q, 0.008631681092083454)
  p = fma(p, q, -0.00805987510830164)
  p = fma(p, q, -0.0542043000459671)
  p = fma(p, q, 0.16405534744262695)
  p = fma(p, q, -0.16603142023086548)
  return fma(p, q, -0.0927639827132225)
}

@inline(__always)
private var erfcConstant: Precise.Scalar { 1.2769783735275269 }

/// The polynomial of the normal distribution's tail Φ(-a) for a in 0...14.5, without its last coefficient:
/// Φ(-a)·exp(a²/2)·(1 + ¾a) = p·q + `normalConstant` with q = (a - 2½)/(a + 2½). With ¾, small a do not magnify the
/// rounding of q.
@inline(__always)
private func normalPolynomial(_ q: Precise) -> Precise {
  var p = fma(Precise(repeating: -4.126384374103509e-05), q, -0.00016647887241560966)
  p = fma(p, q, -4.9334699724568054e-05)
  p = fma(p, q, 0.0008604858885519207)
  p = fma(p, q, 0.0011707923840731382)
  p = fma(p, q, -0.0037982515059411526)
  p = fma(p, q, -0.007806722540408373)
  p = fma(p, q, 0.028409911319613457)
  p = fma(p, q, -3.4351699014223414e-06)
  return fma(p, q, -0.12570805847644806)
}

@inline(__always)
private var normalConstant: Precise.Scalar { 0.40632757544517517 }

#if FMA
  /// A number as the sum of its float and what that lost.
  private typealias Parts = (high: Floats, low: Floats)

  @inline(__always)
  private func square(_ a: Floats) -> Parts {
    let high = a * a
    return (high, fma(a, a, -high))
  }

  /// p·q + c, where |p·q| is less than c.
  @inline(__always)
  private func lastStep(_ p: Floats, _ q: Floats, _ c: Float) -> Parts {
    let high = fma(p, q, c)
    return (high, fma(p, q, c - high))
  }

  /// p / (1 + slope·a).
  @inline(__always)
  private func quotient(_ p: Parts, _ a: Floats, slope: Float) -> Parts {
    let divisor = fma(a, Floats(repeating: slope), 1)
    let lost = fma(a, Floats(repeating: slope), 1 - divisor)
    let inverse = 1 / divisor
    let high = p.high * inverse
    return (high, (fma(-high, divisor, p.high) + fma(-high, lost, p.low)) * inverse)
  }

  /// factor · exp(r) for |r| ≤ ln 2 / 2.
  @inline(__always)
  private func timesExponential(_ factor: Parts, _ r: Parts) -> Floats {
    let t = expm1OfReduced(r)
    return factor.high + fma(factor.high, t.high, fma(factor.high, t.low, factor.low))
  }

  /// Φ(-a)·exp(a²/2) for a in 0...14.5, where Φ is the standard normal distribution function.
  @inline(__always)
  private func scaledNormalTail(_ a: Floats) -> Parts {
    let q = (a - 2.5) / (a + 2.5)
    return quotient(lastStep(normalPolynomial(q), q, normalConstant), a, slope: 0.75)
  }
#else
  /// Φ(-a) for a in 0...14.5.
  @inline(__always)
  private func normalTail(_ a: Doubles) -> Doubles {
    let q = (a - 2.5) / (a + 2.5)
    return fma(normalPolynomial(q), q, normalConstant) / fma(a, Doubles(repeating: 0.75), 1) * exp(a * a * -0.5)
  }
#endif

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
  #if FMA
    // Beyond, the result is 0.
    let a = atMost(magnitude(x), 10.1)
    let q = (a - 2) / (a + 2)
    let scaled = quotient(lastStep(erfcPolynomial(q), q, erfcConstant), a, slope: 2)
    let (high, low) = square(a)
    let (bits, r) = reduceByLn2((-high, -low))
    let upper = scaleInSteps(timesExponential(scaled, r), bits)
    let large = upper.replacing(with: 2 - upper, where: x .< 0)
    return large.replacing(with: 1 - erfOfSmall(x), where: magnitude(x) .< 0.45)
  #else
    return inDoubles(x) { x in
      let a = atMost(magnitude(x), 10.1)
      let q = (a - 2) / (a + 2)
      let upper = fma(erfcPolynomial(q), q, erfcConstant) / fma(a, Doubles(repeating: 2), 1) * exp(-a * a)
      return upper.replacing(with: 2 - upper, where: x .< 0)
    }
  #endif
}

/// x·Φ(x).
@inline(__always)
func gelu(_ x: Floats) -> Floats {
  #if AVX512
    let a = atMost(magnitude(x), normalTailEnd)
    let (piece, t) = piece(of: a, step: 0.1875)
    let tail = polynomialInParts(t, degree: 6) { normal_tail_coefficient($0, piece) }
    let result = fma(-a, tail.first, fma(-a, tail.rest, atLeast(x, 0)))
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

#if FMA
  @inline(__always)
  private func geluByExponential(_ x: Floats) -> Floats {
    let a = atMost(magnitude(x), 14.5)
    let scaled = scaledNormalTail(a)
    // Takes x before it may fall below the normal range.
    let product = x * scaled.high
    let lost = fma(x, scaled.low, fma(x, scaled.high, -product))
    let (high, low) = square(a)
    let (bits, r) = reduceByLn2(high * -0.5)
    let tail = timesExponential((product, lost), (fma(low, Floats(repeating: -0.5), r), Floats()))
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
    let (high, low) = square(a)
    let (bits, r) = reduceByLn2(high * -0.5)
    let power = scale(bits)
    let t = expm1OfReduced(fma(low, Floats(repeating: -0.5), r))
    let exponential = fma(power, t, power).replacing(with: 0, where: magnitude(x) .> 13)
    let tail = exponential * scaledNormalTail(a).high
    let distribution = tail.replacing(with: 1 - tail, where: x .> 0)
    return g * fma(copysign(a, x) * exponential, Floats(repeating: 0.3989422804014327), distribution)
  }
#else
  @inline(__always)
  private func geluByExponential(_ x: Floats) -> Floats {
    inDoubles(x) { x in
      let tail = x * normalTail(atMost(magnitude(x), 14.5))
      let negative = tail.replacing(with: x * 0, where: x .< -14.4)
      return negative.replacing(with: x - tail.replacing(with: 0, where: x .> 14.4), where: x .> 0)
    }
  }

  @inline(__always)
  private func geluBackwardByExponential(_ g: Floats, _ x: Floats) -> Floats {
    g
      * inDoubles(x) { x in
        let a = atMost(magnitude(x), 14.5)
        let tail = normalTail(a)
        let density = copysign(a, x) * exp(a * a * -0.5) * 0.3989422804014327
        return tail.replacing(with: 1 - tail, where: x .> 0) + density
      }
  }
#endif

// MARK: - float64

@inline(__always)
func erf(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.erf($0) } }

@inline(__always)
func erfc(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.erfc($0) } }

@inline(__always)
func gelu(_ x: Doubles) -> Doubles { 0.5 * x * erfc(x * -0.7071067811865476) }
