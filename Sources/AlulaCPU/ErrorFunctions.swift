import Glibc

// The error function and the normal distribution. For |x| not small, erfc(a) = exp(-a²)·erfcx(a), and
// (1 + 2a)·erfcx(a) is a polynomial in (a - 2)/(a + 2) (M. M. Shepherd and J. G. Laframboise, "Chebyshev
// Approximation of (1+2x)exp(x²)erfc x in 0≤x<∞", Math. Comp. 36, 1981); likewise for the normal distribution.

/// exp(-scale·a²) for a ≥ 0, with the bits that a² alone would lose.
@inline(__always)
private func expOfSquare(_ a: Floats, scale: Float) -> Floats {
  // The square of the upper 12 bits is exact.
  let upper = unsafeBitCast(unsafeBitCast(a, to: UInt32s.self) & 0xFFFF_F000, to: Floats.self)
  return exp(upper * upper * -scale, plus: (a - upper) * (a + upper) * -scale)
}

/// erfc(a) for a ≥ 0.
@inline(__always)
private func erfcOfMagnitude(_ magnitude: Floats) -> Floats {
  // Beyond, the result is 0.
  let a = atMost(magnitude, 10.1)
  let q = (a - 2) / (a + 2)
  var p = fma(Floats(repeating: -0.0004005770315416157), q, -0.0012299276422709227)
  p = fma(p, q, 0.001313523156568408)
  p = fma(p, q, 0.008631681092083454)
  p = fma(p, q, -0.00805987510830164)
  p = fma(p, q, -0.0542043000459671)
  p = fma(p, q, 0.16405534744262695)
  p = fma(p, q, -0.16603142023086548)
  p = fma(p, q, -0.0927639827132225)
  p = fma(p, q, 1.2769783735275269)
  return expOfSquare(a, scale: 1) * (p / fma(a, Floats(repeating: 2), 1))
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

@inline(__always)
func erf(_ x: Floats) -> Floats {
  let large = copysign(1 - erfcOfMagnitude(magnitude(x)), x)
  return large.replacing(with: erfOfSmall(x), where: magnitude(x) .< 0.9)
}

@inline(__always)
func erfc(_ x: Floats) -> Floats {
  let upper = erfcOfMagnitude(magnitude(x))
  let large = upper.replacing(with: 2 - upper, where: x .< 0)
  return large.replacing(with: 1 - erfOfSmall(x), where: magnitude(x) .< 0.5)
}

/// x·Φ(x), where Φ is the standard normal distribution function.
@inline(__always)
func gelu(_ x: Floats) -> Floats {
  let a = atMost(magnitude(x), 14.2)
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
  // Φ(-a) = exp(-a²/2)·p / (1 + √2·a).
  let tail = expOfSquare(a, scale: 0.5) * (p / fma(a, Floats(repeating: 1.4142135623730951), 1))
  return x * tail.replacing(with: 1 - tail, where: x .> 0)
}

// MARK: - float64

@inline(__always)
func erf(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.erf($0) } }

@inline(__always)
func erfc(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.erfc($0) } }

@inline(__always)
func gelu(_ x: Doubles) -> Doubles { 0.5 * x * erfc(x * -0.7071067811865476) }
