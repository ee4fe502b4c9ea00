import CSupport
import Glibc

// The error function and the normal distribution. The tails are exponentials times factors that change little.

#if FMA
  /// Its float and what that lost.
  @inline(__always)
  private func square(_ a: Floats) -> Parts {
    let high = a * a
    return (high, fma(a, a, -high))
  }

  /// The same number with a low part that is only what the float lost.
  @inline(__always)
  private func rounded(_ x: Parts) -> Parts {
    let high = x.high + x.low
    return (high, x.low - (high - x.high))
  }

  /// factor · exp(r) for |r| ≤ ln 2 / 2 and a rounded factor.
  @inline(__always)
  private func timesExponential(_ factor: Parts, _ r: Parts) -> Floats {
    let t = expm1OfReduced(r)
    return factor.high + fma(factor.high, t.high, fma(factor.high, t.low, factor.low))
  }

  /// Φ(-a)·exp(a²/2) for a in 0...14.5, where Φ is the standard normal distribution function.
  @inline(__always)
  private func scaledNormalTail(_ a: Floats) -> Parts {
    let piece = scaled_normal_tail_piece(a)
    let offset = scaled_normal_tail_offset(a, piece)
    return rounded(
      polynomialInParts(offset, degree: scaled_normal_tail_degree) { scaled_normal_tail_coefficient($0, piece) })
  }

  /// erfc(a)·exp(a²) for a in 0...10.1.
  @inline(__always)
  private func scaledErfc(_ a: Floats) -> Parts {
    let piece = scaled_erfc_piece(a)
    let offset = scaled_erfc_offset(a, piece)
    return rounded(polynomialInParts(offset, degree: scaled_erfc_degree) { scaled_erfc_coefficient($0, piece) })
  }
#else
  // Without fused multiply-adds that tell what a product lost, in float64. (1 + 2a)·exp(a²)·erfc(a) is a polynomial in
  // (a - 2)/(a + 2) (M. M. Shepherd and J. G. Laframboise, "Chebyshev Approximation of (1+2x)exp(x²)erfc x in 0≤x<∞",
  // Math. Comp. 36, 1981); likewise for the normal distribution.

  /// erfc(a) for a in 0...10.1.
  @inline(__always)
  private func erfcOfPositive(_ a: Doubles) -> Doubles {
    let q = (a - 2) / (a + 2)
    var p = fma(Doubles(repeating: -0.0004005770315416157), q, -0.0012299276422709227)
    p = fma(p, q, 0.001313523156568408)
    p = fma(p, q, 0.008631681092083454)
    p = fma(p, q, -0.00805987510830164)
    p = fma(p, q, -0.0542043000459671)
    p = fma(p, q, 0.16405534744262695)
    p = fma(p, q, -0.16603142023086548)
    p = fma(p, q, -0.0927639827132225)
    return fma(p, q, 1.2769783735275269) / fma(a, Doubles(repeating: 2), 1) * exp(-a * a)
  }

  /// Φ(-a) for a in 0...14.5. With 1 + ¾a, small a do not magnify the rounding of q.
  @inline(__always)
  private func normalTail(_ a: Doubles) -> Doubles {
    let q = (a - 2.5) / (a + 2.5)
    var p = fma(Doubles(repeating: -4.126384374103509e-05), q, -0.00016647887241560966)
    p = fma(p, q, -4.9334699724568054e-05)
    p = fma(p, q, 0.0008604858885519207)
    p = fma(p, q, 0.0011707923840731382)
    p = fma(p, q, -0.0037982515059411526)
    p = fma(p, q, -0.007806722540408373)
    p = fma(p, q, 0.028409911319613457)
    p = fma(p, q, -3.4351699014223414e-06)
    p = fma(p, q, -0.12570805847644806)
    return fma(p, q, 0.40632757544517517) / fma(a, Doubles(repeating: 0.75), 1) * exp(a * a * -0.5)
  }
#endif

#if FMA
  @inline(__always)
  func erf(_ x: Floats) -> Floats {
    // Beyond, the result rounds to 1.
    let a = atMost(magnitude(x), erf_end)
    let piece = erf_piece(a)
    let t = erf_offset(a, piece)
    return withSign(of: x, polynomial(t, degree: erf_degree) { erf_coefficient($0, piece) })
  }
#else
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
    let (high, low) = square(a)
    let (bits, r) = reduceByLn2((-high, -low))
    let upper = scaleDown(timesExponential(scaledErfc(a), r), bits)
    return upper.replacing(with: 2 - upper, where: x .< 0)
  #else
    return inDoubles(x) { x in
      let upper = erfcOfPositive(atMost(magnitude(x), 10.1))
      return upper.replacing(with: 2 - upper, where: x .< 0)
    }
  #endif
}

/// x·Φ(x). A zero has the sign of x.
@inline(__always)
func gelu(_ x: Floats) -> Floats {
  #if FMA
    let a = atMost(magnitude(x), normal_tail_end)
    let piece = normal_tail_piece(a)
    let t = normal_tail_offset(a, piece)
    let tail = polynomialInParts(t, degree: normal_tail_degree) { normal_tail_coefficient($0, piece) }
    let result = fma(-a, tail.high, fma(-a, tail.low, atLeast(x, 0)))
    let isFar = exceeds(x, normal_tail_end)
    return withSign(of: x, anyLane(isFar) ? result.replacing(with: geluByExponential(x), where: isFar) : result)
  #else
    return geluByExponential(x)
  #endif
}

/// The derivative of x·Φ(x), Φ(x) + x φ(x), times g.
@inline(__always)
func geluBackward(_ g: Floats, _ x: Floats) -> Floats {
  #if FMA
    let a = atMost(magnitude(x), gelu_slope_end)
    let piece = gelu_slope_piece(a)
    let t = gelu_slope_offset(a, piece)
    let left = polynomial(t, degree: gelu_slope_degree) { gelu_slope_coefficient($0, piece) }
    let result = g * left.replacing(with: 1 - left, where: x .> 0)
    let isFar = exceeds(x, gelu_slope_end)
    return anyLane(isFar) ? result.replacing(with: geluBackwardByExponential(g, x), where: isFar) : result
  #else
    return geluBackwardByExponential(g, x)
  #endif
}

#if FMA
  @inline(__always)
  private func geluByExponential(_ x: Floats) -> Floats {
    // Beyond, a·Φ(-a) is 0.
    let a = atMost(magnitude(x), 14.5)
    let scaled = scaledNormalTail(a)
    let product = a * scaled.high
    let lost = fma(a, scaled.low, fma(a, scaled.high, -product))
    let (high, low) = square(a)
    let (bits, r) = reduceByLn2((high * -0.5, low * -0.5))
    let tail = timesExponential((product, lost), r)
    return (atLeast(x, 0) - scaleDown(tail, bits)).replacing(with: .nan, where: x .== -.infinity)
  }

  @inline(__always)
  private func geluBackwardByExponential(_ g: Floats, _ x: Floats) -> Floats {
    // Beyond, the density and the tail are 0.
    let a = atMost(magnitude(x), 14.9)
    let (high, low) = square(a)
    let (bits, r) = reduceByLn2(high * -0.5)
    let exponential = expm1OfReduced(fma(low, Floats(repeating: -0.5), r)) + 1
    let scaled = scaledNormalTail(a)
    let difference = fma(a, Floats(repeating: -0.3989422804014327), scaled.high) + scaled.low
    let left = scaleDown(exponential * difference, bits)
    return g * left.replacing(with: 1 - left, where: x .> 0)
  }
#else
  @inline(__always)
  private func geluByExponential(_ x: Floats) -> Floats {
    inDoubles(x) { x in
      let a = atMost(magnitude(x), 14.5)
      return (atLeast(x, 0) - a * normalTail(a)).replacing(with: .nan, where: x .== -.infinity)
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
