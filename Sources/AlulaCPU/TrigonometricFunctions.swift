import CSupport
import Glibc

// Trigonometric functions of float32 vectors: the argument is reduced to ±π/4, where minimax polynomials are within 1
// unit in the last place. Of large arguments the C library's functions serve.

private let largestReduced: Float = 1e5

/// The quadrant of x (its lowest bits count), its distance from the nearest multiple of π/2, for |x| ≤ largestReduced.
@inline(__always)
private func reduceByHalfPi(_ x: Floats) -> (quadrant: Int32s, r: Floats) {
  #if FMA
    let shift: Float = 0x1.8p23
    let shifted = fma(x, Floats(repeating: 0.636619747), shift)
    let n = shifted - shift
    // π/2 in three parts.
    var r = fma(n, Floats(repeating: -1.57079637050628662109375), x)
    r = fma(n, Floats(repeating: 4.37113883e-8), r)
    return (unsafeBitCast(shifted, to: Int32s.self), fma(n, Floats(repeating: 1.715124499e-15), r))
  #else
    let wide = lanes_float32_to_float64(x)
    let shift = 0x1.8p52
    let shifted = wide * 0.6366197723675814 + shift
    let n = shifted - shift
    // π/2 in two parts; the first has 33 bits, so that its product with n is exact.
    let r = (wide - n * 1.57079632673412561417) - n * 6.07710050650619224932e-11
    return (lanes_int64_to_int32(unsafeBitCast(shifted, to: Lanes<Int64>.self)), lanes_float64_to_float32(r))
  #endif
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
  let isLarge = exceeds(x, largestReduced)
  let result = sine(x, advancedBy: 0).replacing(with: x, where: x .== 0)
  return anyLane(isLarge) ? result.replacing(with: lanewise(x) { sinf($0) }, where: isLarge) : result
}

@inline(__always)
func cos(_ x: Floats) -> Floats {
  let isLarge = exceeds(x, largestReduced)
  let result = sine(x, advancedBy: 1)
  return anyLane(isLarge) ? result.replacing(with: lanewise(x) { cosf($0) }, where: isLarge) : result
}

@inline(__always)
func tan(_ x: Floats) -> Floats {
  let (quadrant, r) = reduceByHalfPi(x)
  let s = r * r
  var p = fma(Floats(repeating: 0.004413753137639048), s, 9.792139223850082e-06)
  p = fma(p, s, 0.010902133205039823)
  p = fma(p, s, 0.021255067206058978)
  p = fma(p, s, 0.054065520267597755)
  p = fma(p, s, 0.13332610140003748)
  p = fma(p, s, 0.3333335143509994)
  let cube = s * r
  let tangent = fma(p, cube, r)
  let inverse = -1 / tangent
  // What the tangent lost, and the division, come back in the inverse.
  #if FMA
    let lost = fma(inverse, fma(p, cube, r - tangent), fma(inverse, tangent, 1))
  #else
    let product = lanes_float32_to_float64(inverse) * lanes_float32_to_float64(tangent)
    let lost = inverse * fma(p, cube, r - tangent) + lanes_float64_to_float32(product + 1)
  #endif
  let result = tangent.replacing(with: fma(inverse, lost, inverse), where: (quadrant & 1) .!= 0).replacing(
    with: x, where: x .== 0)
  let isLarge = exceeds(x, largestReduced)
  return anyLane(isLarge) ? result.replacing(with: lanewise(x) { tanf($0) }, where: isLarge) : result
}

/// p with atan z = z + p z, for |z| ≤ 1.
@inline(__always)
private func arctangentShare(_ z: Floats) -> Floats {
  let s = z * z
  var p = fma(Floats(repeating: 0.002974632604058529), s, -0.016581349113171332)
  p = fma(p, s, 0.04355379632894746)
  p = fma(p, s, -0.0758059824017716)
  p = fma(p, s, 0.1067894846420698)
  p = fma(p, s, -0.14214210721418422)
  p = fma(p, s, 0.19994137312408283)
  p = fma(p, s, -0.3333316696531455)
  return p * s
}

@inline(__always)
func atan(_ x: Floats) -> Floats {
  let a = magnitude(x)
  let isSteep = a .> 1
  let z = a.replacing(with: -1 / a, where: isSteep)
  let p = arctangentShare(z)
  // π/2 in two parts.
  let steep = fma(p, z, z - 4.37113883e-8) + 1.57079637
  return copysign(fma(p, z, z).replacing(with: steep, where: isSteep), x)
}

/// The angle of the point (x, y): that of the smaller to the larger coordinate, taken from or added to the nearest axis.
@inline(__always)
func atan2(_ y: Floats, _ x: Floats) -> Floats {
  let (a, b) = (magnitude(x), magnitude(y))
  let isSteep = b .> a
  let isBehind = unsafeBitCast(x, to: Int32s.self) .< 0
  let (smaller, larger) = (b.replacing(with: a, where: isSteep), a.replacing(with: b, where: isSteep))
  var z = (smaller / larger).replacing(with: 0, where: larger .== 0)
  z.replace(with: 1, where: smaller .== .infinity)
  let p = arctangentShare(z)
  z = z.replacing(with: -z, where: isSteep .^ isBehind)
  // 0, π/2 or π in two parts.
  let axis = Floats(repeating: 0).replacing(with: 3.14159274, where: isBehind).replacing(
    with: 1.57079637, where: isSteep)
  let rest = Floats(repeating: 0).replacing(with: -8.74227766e-8, where: isBehind).replacing(
    with: -4.37113883e-8, where: isSteep)
  let angle = copysign(fma(p, z, z + rest) + axis, y)
  return angle.replacing(with: x + y, where: (x .!= x) .| (y .!= y))
}
