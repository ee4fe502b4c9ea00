import CSupport
import Glibc

// Sine and cosine of float64 vectors: the argument is reduced to ±π/4 as a number and a correction, for which the
// polynomials of FreeBSD's k_sin.c and k_cos.c are within 1 unit in the last place. Of large arguments, the C library's
// functions serve.

private let largestReduced = 1e5

/// The quadrant of x (its lowest bits count), and its distance from the nearest multiple of π/2 with what that lost, for
/// |x| ≤ largestReduced.
@inline(__always)
private func reduceByHalfPi(_ x: Doubles) -> (quadrant: Int64s, r: Doubles, low: Doubles) {
  let shift = 0x1.8p52
  let shifted = x * 0.6366197723675814 + shift
  let n = shifted - shift
  // π/2 in three parts; the first two have 33 bits, so that their products with n are exact.
  let a = x - n * 1.57079632673412561417e+00
  let b = n * 6.07710050630396597660e-11
  let r = a - b
  // What the difference lost.
  let taken = r - a
  let lost = (a - (r - taken)) - (b + taken)
  let rest = lost - n * 2.02226624879595063154e-21
  let sum = r + rest
  return (unsafeBitCast(shifted, to: Int64s.self), sum, (r - sum) + rest)
}

/// The sine of what lies `quarter` quarters of a turn further.
@inline(__always)
private func sine(_ x: Doubles, advancedBy quarter: Int64) -> Doubles {
  let (quadrant, r, low) = reduceByHalfPi(x)
  let s = r * r
  var p = fma(Doubles(repeating: 1.58969099521155010221e-10), s, -2.50507602534068634195e-08)
  p = fma(p, s, 2.75573137070700676789e-06)
  p = fma(p, s, -1.98412698298579493134e-04)
  p = fma(p, s, 8.33333333332248946124e-03)
  let cube = s * r
  let sine = r - ((s * (low * 0.5 - cube * p) - low) - cube * -1.66666666666666324348e-01)
  var q = fma(Doubles(repeating: -1.13596475577881948265e-11), s, 2.08757232129817482790e-09)
  q = fma(q, s, -2.75573143513906633035e-07)
  q = fma(q, s, 2.48015872894767294178e-05)
  q = fma(q, s, -1.38888888888741095749e-03)
  q = fma(q, s, 4.16666666666666019037e-02) * s
  let half = s * 0.5
  let leading = 1 - half
  let cosine = leading + (((1 - leading) - half) + (s * q - r * low))
  let position = quadrant &+ quarter
  let result = sine.replacing(with: cosine, where: (position & 1) .!= 0)
  let sign = (position & 2) &<< 62
  return unsafeBitCast(unsafeBitCast(result, to: Int64s.self) ^ sign, to: Doubles.self)
}

@inline(__always)
func sin(_ x: Doubles) -> Doubles {
  let isLarge = exceeds(x, largestReduced)
  let result = sine(x, advancedBy: 0).replacing(with: x, where: x .== 0)
  return anyLane(isLarge) ? result.replacing(with: lanewise(x) { Glibc.sin($0) }, where: isLarge) : result
}

@inline(__always)
func cos(_ x: Doubles) -> Doubles {
  let isLarge = exceeds(x, largestReduced)
  let result = sine(x, advancedBy: 1)
  return anyLane(isLarge) ? result.replacing(with: lanewise(x) { Glibc.cos($0) }, where: isLarge) : result
}
