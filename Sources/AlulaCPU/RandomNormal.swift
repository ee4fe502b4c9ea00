import CSupport

// Normal numbers by the method of Box and Muller: two uniform ones give a radius and an angle. A group's first half
// makes the radii, its second the angles; the cosines come first, then the sines. Logarithm, sine and cosine are
// polynomials of a few ULP: those of FreeBSD's and Cephes' libraries, over arguments reduced exactly.

// Parameters: mean and standard deviation.
let normalFloat: random_kernel = { out, count, key, group, parameters in
  guard let out, let parameters else { return }
  let mean = SIMD16<Float>(repeating: Float(parameters[0]))
  let deviation = SIMD16<Float>(repeating: Float(parameters[1]))
  forEachGroup(count, perGroup: 32, key, group) { i, words in
    let uniform = floats(unsafeBitCast(words.0, to: SIMD16<UInt32>.self)) * 0x1p-32 + 0x1p-33
    let radius = vector_sqrt(SIMD16<Float>(repeating: -2) * logarithm(uniform)) * deviation
    let (cosine, sine) = circle(unsafeBitCast(words.1, to: SIMD16<UInt32>.self))
    storeGroup((radius * cosine + mean, radius * sine + mean), out + i &* 4, byteCount: (count &- i) &* 4)
  }
}

let normalDouble: random_kernel = { out, count, key, group, parameters in
  guard let out, let parameters else { return }
  let mean = SIMD8<Double>(repeating: parameters[0])
  let deviation = SIMD8<Double>(repeating: parameters[1])
  forEachGroup(count, perGroup: 16, key, group) { i, words in
    let uniform = doubles(words.0) * 0x1p-64 + 0x1p-65
    let radius = vector_sqrt(SIMD8<Double>(repeating: -2) * logarithm(uniform)) * deviation
    let (cosine, sine) = circle(words.1)
    storeGroup((radius * cosine + mean, radius * sine + mean), out + i &* 8, byteCount: (count &- i) &* 8)
  }
}

// MARK: - float32

/// The natural logarithm of normal numbers in (0, 1].
@inline(__always)
private func logarithm(_ x: SIMD16<Float>) -> SIMD16<Float> {
  // x = 2ᵏ (1 + f) with 1 + f between √½ and √2.
  let bits = unsafeBitCast(x, to: SIMD16<UInt32>.self) &+ (0x3F80_0000 &- 0x3F35_04F3)
  let k = floats(bits &>> 23) - 127
  let f = unsafeBitCast((bits & 0x007F_FFFF) &+ 0x3F35_04F3, to: SIMD16<Float>.self) - 1
  let s = f / (f + 2)
  let z = s * s
  let w = z * z
  let odd = w * (w * 0.24279078841 + 0.40000972152)
  let even = z * (w * 0.28498786688 + 0.66666662693)
  let half = f * f * 0.5
  return s * (half + odd + even) + k * 9.0580006145e-06 - half + f + k * 6.9313812256e-01
}

/// Cosine and sine of an angle of which `bits` are the 2³²th parts of a turn, turned by an eighth, which leaves a
/// uniform angle uniform and saves a step.
@inline(__always)
private func circle(_ bits: SIMD16<UInt32>) -> (SIMD16<Float>, SIMD16<Float>) {
  let fraction = unsafeBitCast(((bits &<< 2) &>> 9) | 0x3F80_0000, to: SIMD16<Float>.self) - 1.5
  let x = fraction * 1.57079632679
  let z = x * x
  let sine = x + x * z * (z * (z * -1.9515295891e-4 + 8.3321608736e-3) - 1.6666654611e-1)
  let cosine = z * z * (z * (z * 2.443315711809948e-5 - 1.388731625493765e-3) + 4.166664568298827e-2) - z * 0.5 + 1
  // Quadrants 1 and 3 exchange the two; the cosine is negative in 1 and 2, the sine in 2 and 3.
  let quadrant = bits &>> 30
  let exchanged = (quadrant & 1) .== 1
  let a = unsafeBitCast(cosine.replacing(with: sine, where: exchanged), to: SIMD16<UInt32>.self)
  let b = unsafeBitCast(sine.replacing(with: cosine, where: exchanged), to: SIMD16<UInt32>.self)
  return (
    unsafeBitCast(a ^ ((quadrant ^ (quadrant &>> 1)) &<< 31), to: SIMD16<Float>.self),
    unsafeBitCast(b ^ ((quadrant &>> 1) &<< 31), to: SIMD16<Float>.self)
  )
}

// MARK: - float64

@inline(__always)
private func logarithm(_ x: SIMD8<Double>) -> SIMD8<Double> {
  let bits = unsafeBitCast(x, to: SIMD8<UInt64>.self) &+ (0x3FF0_0000_0000_0000 &- 0x3FE6_A09E_667F_3BCD)
  let k = doubles(bits &>> 52) - 1023
  let f = unsafeBitCast((bits & 0x000F_FFFF_FFFF_FFFF) &+ 0x3FE6_A09E_667F_3BCD, to: SIMD8<Double>.self) - 1
  let s = f / (f + 2)
  let z = s * s
  let w = z * z
  let even = w * (w * (w * 1.531383769920937332e-01 + 2.222219843214978396e-01) + 3.999999999940941908e-01)
  let inner = w * (w * 1.479819860511658591e-01 + 1.818357216161805012e-01) + 2.857142874366239149e-01
  let odd = z * (w * inner + 6.666666666666735130e-01)
  let half = f * f * 0.5
  return s * (half + odd + even) + k * 1.90821492927058770002e-10 - half + f + k * 6.93147180369123816490e-01
}

@inline(__always)
private func circle(_ bits: SIMD8<UInt64>) -> (SIMD8<Double>, SIMD8<Double>) {
  let fraction =
    unsafeBitCast(((bits &<< 2) &>> 12) | 0x3FF0_0000_0000_0000, to: SIMD8<Double>.self) - 1.5
  let x = fraction * 1.57079632679489661923
  let z = x * x
  let s2 = z * (z * (z * 1.58969099521155010221e-10 - 2.50507602534068634195e-08) + 2.75573137070700676789e-06)
  let s1 = z * (s2 - 1.98412698298579493134e-04) + 8.33333333332248946124e-03
  let sine = x + x * z * (z * s1 - 1.66666666666666324348e-01)
  let c2 = z * (z * (z * -1.13596475577881948265e-11 + 2.08757232129817482790e-09) - 2.75573143513906633035e-07)
  let c1 = z * (c2 + 2.48015872894767294178e-05) - 1.38888888888741095749e-03
  let cosine = z * z * (z * c1 + 4.16666666666666019037e-02) - z * 0.5 + 1
  let quadrant = bits &>> 62
  let exchanged = (quadrant & 1) .== 1
  let a = unsafeBitCast(cosine.replacing(with: sine, where: exchanged), to: SIMD8<UInt64>.self)
  let b = unsafeBitCast(sine.replacing(with: cosine, where: exchanged), to: SIMD8<UInt64>.self)
  return (
    unsafeBitCast(a ^ ((quadrant ^ (quadrant &>> 1)) &<< 63), to: SIMD8<Double>.self),
    unsafeBitCast(b ^ ((quadrant &>> 1) &<< 63), to: SIMD8<Double>.self)
  )
}
