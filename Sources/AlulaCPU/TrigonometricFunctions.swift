import CSupport
import Glibc

// Sine and cosine of float32 vectors: the argument is reduced to ±π/4 in float64, where minimax polynomials are
// within 1 unit in the last place. Beyond a million, and in float64, the C library's functions serve.

private let largestReduced: Float = 1e6

/// The quadrant of x and its distance from the nearest multiple of π/2, for |x| ≤ largestReduced.
@inline(__always)
private func reduceByHalfPi(_ x: Floats) -> (quadrant: Int32s, r: Floats) {
  let wide = vector8_float32_to_float64(x)
  let shift = 0x1.8p52
  let shifted = wide * 0.6366197723675814 + shift
  let n = shifted - shift
  // π/2 in two parts; the first has 33 bits, so that its product with n is exact.
  let r = (wide - n * 1.57079632673412561417) - n * 6.07710050650619224932e-11
  return (vector8_int64_to_int32(unsafeBitCast(shifted, to: SIMD8<Int64>.self)), vector8_float64_to_float32(r))
}

/// The sine of what lies `quarter` quarters of a turn further.
@inline(__always)
private func sine(_ x: Floats, advancedBy quarter: Int32) -> Floats {
  let (quadrant, r) = reduceByHalfPi(x)
  let s = r * r
  var sine = fma(Floats(repeating: -0.0001951729936990887), s, 0.008332177996635437)
  sine = fma(sine, s, -0.16666655242443085)
  sine = fma(sine, s * r, r)
  var cosine = fma(Floats(repeating: 2.4438451873720624e-05), s, -0.001388736767694354)
  cosine = fma(cosine, s, 0.04166664555668831)
  cosine = fma(cosine, s * s, fma(s, Floats(repeating: -0.5), 1))
  let position = quadrant &+ quarter
  let result = sine.replacing(with: cosine, where: (position & 1) .!= 0)
  let sign = unsafeBitCast(position & 2, to: UInt32s.self) &<< 30
  return unsafeBitCast(unsafeBitCast(result, to: UInt32s.self) ^ sign, to: Floats.self)
}

@inline(__always)
func sin(_ x: Floats) -> Floats {
  let large = magnitude(x) .> largestReduced
  let result = sine(x.replacing(with: 0, where: large), advancedBy: 0).replacing(with: x, where: x .== 0)
  return anyLane(large) ? result.replacing(with: lanewise(x) { sinf($0) }, where: large) : result
}

@inline(__always)
func cos(_ x: Floats) -> Floats {
  let large = magnitude(x) .> largestReduced
  let result = sine(x.replacing(with: 0, where: large), advancedBy: 1)
  return anyLane(large) ? result.replacing(with: lanewise(x) { cosf($0) }, where: large) : result
}

@inline(__always)
func sin(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.sin($0) } }

@inline(__always)
func cos(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.cos($0) } }
