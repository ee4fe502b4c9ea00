import CSupport
import Glibc

// Powers. Those of integers wrap around; a negative exponent gives the integer part of the exact power.

func registerPower(_ receive: KernelReceiver) {
  registerSigned(
    receive, "pow",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in power(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in power(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in power(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in power(x, y) } })
  registerUnsigned(
    receive, "pow",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in power(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s, y: UInt16s) in power(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s, y: UInt32s) in power(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s, y: UInt64s) in power(x, y) } })
  registerFloats(
    receive, "pow",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in power(x, y) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, y: Floats) in power(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in power(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in power(x, y) } })
}

// MARK: - Functions

@inline(__always)
private func power(_ x: Int8s, _ y: Int8s) -> Int8s {
  var base = x
  var exponent = y.replacing(with: 0, where: y .< 0)
  var result = Int8s(repeating: 1)
  while vector_any(unsafeBitCast(exponent, to: Int64s.self)) {
    result.replace(with: result &* base, where: (exponent & 1) .!= 0)
    base = base &* base
    exponent = exponent &>> 1
  }
  return negativePower(x, y, result)
}

@inline(__always)
private func power(_ x: Int16s, _ y: Int16s) -> Int16s {
  var base = x
  var exponent = y.replacing(with: 0, where: y .< 0)
  var result = Int16s(repeating: 1)
  while vector_any(unsafeBitCast(exponent, to: Int64s.self)) {
    result.replace(with: result &* base, where: (exponent & 1) .!= 0)
    base = base &* base
    exponent = exponent &>> 1
  }
  return negativePower(x, y, result)
}

@inline(__always)
private func power(_ x: Int32s, _ y: Int32s) -> Int32s {
  var base = x
  var exponent = y.replacing(with: 0, where: y .< 0)
  var result = Int32s(repeating: 1)
  while vector_any(unsafeBitCast(exponent, to: Int64s.self)) {
    result.replace(with: result &* base, where: (exponent & 1) .!= 0)
    base = base &* base
    exponent = exponent &>> 1
  }
  return negativePower(x, y, result)
}

@inline(__always)
private func power(_ x: Int64s, _ y: Int64s) -> Int64s {
  var base = x
  var exponent = y.replacing(with: 0, where: y .< 0)
  var result = Int64s(repeating: 1)
  while vector_any(exponent) {
    result.replace(with: result &* base, where: (exponent & 1) .!= 0)
    base = base &* base
    exponent = exponent &>> 1
  }
  return negativePower(x, y, result)
}

@inline(__always)
private func power(_ x: UInt8s, _ y: UInt8s) -> UInt8s {
  var base = x
  var exponent = y
  var result = UInt8s(repeating: 1)
  while vector_any(unsafeBitCast(exponent, to: Int64s.self)) {
    result.replace(with: result &* base, where: (exponent & 1) .!= 0)
    base = base &* base
    exponent = exponent &>> 1
  }
  return result
}

@inline(__always)
private func power(_ x: UInt16s, _ y: UInt16s) -> UInt16s {
  var base = x
  var exponent = y
  var result = UInt16s(repeating: 1)
  while vector_any(unsafeBitCast(exponent, to: Int64s.self)) {
    result.replace(with: result &* base, where: (exponent & 1) .!= 0)
    base = base &* base
    exponent = exponent &>> 1
  }
  return result
}

@inline(__always)
private func power(_ x: UInt32s, _ y: UInt32s) -> UInt32s {
  var base = x
  var exponent = y
  var result = UInt32s(repeating: 1)
  while vector_any(unsafeBitCast(exponent, to: Int64s.self)) {
    result.replace(with: result &* base, where: (exponent & 1) .!= 0)
    base = base &* base
    exponent = exponent &>> 1
  }
  return result
}

@inline(__always)
private func power(_ x: UInt64s, _ y: UInt64s) -> UInt64s {
  var base = x
  var exponent = y
  var result = UInt64s(repeating: 1)
  while vector_any(unsafeBitCast(exponent, to: Int64s.self)) {
    result.replace(with: result &* base, where: (exponent & 1) .!= 0)
    base = base &* base
    exponent = exponent &>> 1
  }
  return result
}

/// `result`, and where the exponent is negative the power cut to an integer: 0 but for 1 and -1.
@inline(__always)
private func negativePower(_ x: Int8s, _ y: Int8s, _ result: Int8s) -> Int8s {
  let one = Int8s(repeating: 1)
  let sign = one.replacing(with: -1, where: (x .== -1) .& ((y & 1) .!= 0))
  let power = Int8s().replacing(with: sign, where: (x .== 1) .| (x .== -1))
  return result.replacing(with: power, where: y .< 0)
}

/// `result`, and where the exponent is negative the power cut to an integer: 0 but for 1 and -1.
@inline(__always)
private func negativePower(_ x: Int16s, _ y: Int16s, _ result: Int16s) -> Int16s {
  let one = Int16s(repeating: 1)
  let sign = one.replacing(with: -1, where: (x .== -1) .& ((y & 1) .!= 0))
  let power = Int16s().replacing(with: sign, where: (x .== 1) .| (x .== -1))
  return result.replacing(with: power, where: y .< 0)
}

/// `result`, and where the exponent is negative the power cut to an integer: 0 but for 1 and -1.
@inline(__always)
private func negativePower(_ x: Int32s, _ y: Int32s, _ result: Int32s) -> Int32s {
  let one = Int32s(repeating: 1)
  let sign = one.replacing(with: -1, where: (x .== -1) .& ((y & 1) .!= 0))
  let power = Int32s().replacing(with: sign, where: (x .== 1) .| (x .== -1))
  return result.replacing(with: power, where: y .< 0)
}

/// `result`, and where the exponent is negative the power cut to an integer: 0 but for 1 and -1.
@inline(__always)
private func negativePower(_ x: Int64s, _ y: Int64s, _ result: Int64s) -> Int64s {
  let one = Int64s(repeating: 1)
  let sign = one.replacing(with: -1, where: (x .== -1) .& ((y & 1) .!= 0))
  let power = Int64s().replacing(with: sign, where: (x .== 1) .| (x .== -1))
  return result.replacing(with: power, where: y .< 0)
}

// MARK: - Floats
//
// Squares and cubes are by far the most frequent powers, and products.

@inline(__always)
private func power(_ x: Floats, _ y: Floats) -> Floats {
  let square = x * x
  let isCube = y .== 3
  let product = square.replacing(with: square * x, where: isCube)
  let isOther = .!(isCube .| (y .== 2))
  return anyLane(isOther) ? product.replacing(with: generalPower(x, y), where: isOther) : product
}

/// 2 to the power of y·log₂|x|, which is found in float64.
@inline(__always)
private func generalPower(_ x: Floats, _ y: Floats) -> Floats {
  let (mantissa, exponent) = splitLogArgument(magnitude(x))
  // A float32 quotient and a step of Newton's method: float64 divisions take a third of the time (10 000: 18.3 to 14.8 µs).
  let reciprocal = 1 / (mantissa + 1)
  let (m, w) = (lanes_float32_to_float64(mantissa), lanes_float32_to_float64(reciprocal))
  let (e, factor) = (lanes_int32_to_float64(exponent), lanes_float32_to_float64(y))
  let low = splitPower(m.lowHalf, w.lowHalf, e.lowHalf, factor.lowHalf)
  let high = splitPower(m.highHalf, w.highHalf, e.highHalf, factor.highHalf)
  let n = lanes_int64_to_int32(Lanes<Int64>(lowHalf: low.n, highHalf: high.n))
  let r = lanes_float64_to_float32(Lanes<Double>(lowHalf: low.r, highHalf: high.r))
  var p = fma(Floats(repeating: 0.00015321186249756032), r, 0.001339016125821547)
  p = fma(p, r, 0.009618526198638286)
  p = fma(p, r, 0.05550362253543664)
  p = fma(p, r, 0.2402264755052167)
  p = fma(p, r * r, r * 0.6931471805599453) + 1
  let half = n &>> 1
  var result = p * powerOfTwo(half) * powerOfTwo(n &- half)
  let isFar = exceeds(y, 0x1p23)
  let isNegative = x .< 0
  if anyLane(isNegative) {
    // They have powers of integers only, whose sign goes by parity.
    let whole = lanes_float32_to_int32(y.replacing(with: 0, where: isFar))
    let signed = unsafeBitCast(unsafeBitCast(result, to: Int32s.self) ^ (whole &<< 31), to: Floats.self)
      .replacing(with: .nan, where: lanes_int32_to_float32(whole) .!= y)
    result = result.replacing(with: signed, where: isNegative)
  }
  // Zeros, subnormal numbers, infinities and NaN are the C library's, and what is infinite or vanishes.
  let isSpecial = isNoLogArgument(magnitude(x)) .| isFar .| (n &+ 160 &+ .min .> 320 &+ .min)
  return anyLane(isSpecial) ? result.replacing(with: lanewise(x, y) { powf($0, $1) }, where: isSpecial) : result
}

/// y·log₂(2ᵉ·m) = n + r with |r| ≤ ½, given 1/(m + 1) as a float32.
@inline(__always)
private func splitPower(_ m: Doubles, _ reciprocal: Doubles, _ e: Doubles, _ y: Doubles) -> (n: Int64s, r: Doubles) {
  let s = (m - 1) * (reciprocal * (2 - (m + 1) * reciprocal))
  let z = s * s
  var q = fma(z, Doubles(repeating: 0.28290816841842553), 0.3199051016062126)
  q = fma(q, z, 0.4122092678526575)
  q = fma(q, z, 0.5770779422010922)
  q = fma(q, z, 0.9617966941139444)
  q = fma(q, z, 2.8853900817778495)
  let t = y * fma(s, q, e)
  let shifted = t + 0x1.8p52
  return (unsafeBitCast(shifted, to: Int64s.self), t - (shifted - 0x1.8p52))
}

@inline(__always)
private func power(_ x: Doubles, _ y: Doubles) -> Doubles {
  let square = x * x
  let isCube = y .== 3
  let product = square.replacing(with: square * x, where: isCube)
  let isOther = .!(isCube .| (y .== 2))
  return anyLane(isOther) ? product.replacing(with: lanewise(x, y) { Glibc.pow($0, $1) }, where: isOther) : product
}
