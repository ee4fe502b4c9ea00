import CSupport

// Conversions of float vectors, as the casts need them.

// MARK: - To integers: cut towards zero, out of range to the nearest limit, NaN to 0

@inline(__always)
func toInt8(_ x: Floats) -> SIMD8<Int8> {
  vector8_int32_to_int8(vector8_float32_to_int32(atLeast(atMost(zeroForNaN(x), 127), -128)))
}

@inline(__always)
func toInt8(_ x: SIMD8<Double>) -> SIMD8<Int8> { toInt8(vector8_float64_to_float32(trunc(x))) }

@inline(__always)
func toInt16(_ x: Floats) -> SIMD8<Int16> {
  vector8_int32_to_int16(vector8_float32_to_int32(atLeast(atMost(zeroForNaN(x), 32767), -32768)))
}

@inline(__always)
func toInt16(_ x: SIMD8<Double>) -> SIMD8<Int16> { toInt16(vector8_float64_to_float32(trunc(x))) }

@inline(__always)
func toUInt8(_ x: Floats) -> SIMD8<UInt8> {
  unsafeBitCast(
    vector8_int32_to_int8(vector8_float32_to_int32(atLeast(atMost(zeroForNaN(x), 255), 0))), to: SIMD8<UInt8>.self)
}

@inline(__always)
func toUInt8(_ x: SIMD8<Double>) -> SIMD8<UInt8> { toUInt8(vector8_float64_to_float32(trunc(x))) }

@inline(__always)
func toUInt16(_ x: Floats) -> SIMD8<UInt16> {
  unsafeBitCast(
    vector8_int32_to_int16(vector8_float32_to_int32(atLeast(atMost(zeroForNaN(x), 65535), 0))), to: SIMD8<UInt16>.self)
}

@inline(__always)
func toUInt16(_ x: SIMD8<Double>) -> SIMD8<UInt16> { toUInt16(vector8_float64_to_float32(trunc(x))) }

@inline(__always)
func toInt32(_ x: Floats) -> Int32s {
  // The limit itself is not a float: everything from 2³¹ on becomes it.
  let large = x .>= 0x1p31
  let inRange = atLeast(zeroForNaN(x).replacing(with: 0, where: large), -0x1p31)
  return vector8_float32_to_int32(inRange).replacing(with: .max, where: large)
}

@inline(__always)
func toInt32(_ x: SIMD8<Double>) -> Int32s {
  vector8_int64_to_int32(lowBits(x, atLeast: -0x1p31, atMost: 0x1p31 - 1))
}

@inline(__always)
func toUInt32(_ x: SIMD8<Double>) -> UInt32s {
  unsafeBitCast(vector8_int64_to_int32(lowBits(x, atLeast: 0, atMost: 0x1p32 - 1)), to: UInt32s.self)
}

@inline(__always)
func toInt64(_ x: SIMD8<Double>) -> SIMD8<Int64> {
  var result = SIMD8<Int64>()
  for i in 0..<8 where x[i] == x[i] {
    result[i] = x[i] >= 0x1p63 ? .max : x[i] <= -0x1p63 ? .min : Int64(x[i])
  }
  return result
}

@inline(__always)
func toUInt64(_ x: SIMD8<Double>) -> SIMD8<UInt64> {
  var result = SIMD8<UInt64>()
  for i in 0..<8 where x[i] >= 1 { result[i] = x[i] >= 0x1p64 ? .max : UInt64(x[i]) }
  return result
}

/// An integer whose low bits are x, cut towards zero, within limits.
@inline(__always)
private func lowBits(_ x: SIMD8<Double>, atLeast low: Double, atMost high: Double) -> SIMD8<Int64> {
  let number = x.replacing(with: 0, where: x .!= x)
  let inRange = number.replacing(with: low, where: number .< low).replacing(with: high, where: number .> high)
  return unsafeBitCast(trunc(inRange) + 0x1.8p52, to: SIMD8<Int64>.self)
}

@inline(__always)
private func zeroForNaN(_ x: Floats) -> Floats { x.replacing(with: 0, where: x .!= x) }

@inline(__always)
private func trunc(_ x: SIMD8<Double>) -> SIMD8<Double> {
  SIMD8<Double>(lowHalf: trunc(x.lowHalf), highHalf: trunc(x.highHalf))
}

// MARK: - To narrower floats

/// x as a float32 whose last bit is set when it is not exact: rounding that once more rounds as x itself would.
@inline(__always)
func roundToOdd(_ x: SIMD8<Double>) -> Floats {
  let nearest = vector8_float64_to_float32(x)
  let back = vector8_float32_to_float64(nearest)
  let further = SIMD8<UInt64>().replacing(with: 1, where: magnitude(back) .> magnitude(x))
  let inexact = SIMD8<UInt64>().replacing(with: 1, where: (back .!= x) .& (x .== x))
  let bits = unsafeBitCast(nearest, to: UInt32s.self) &- vector8_uint64_to_uint32(further)
  return unsafeBitCast(bits | vector8_uint64_to_uint32(inexact), to: Floats.self)
}

@inline(__always)
private func magnitude(_ x: SIMD8<Double>) -> SIMD8<Double> {
  SIMD8<Double>(lowHalf: magnitude(x.lowHalf), highHalf: magnitude(x.highHalf))
}

// MARK: - Complex numbers: pairs

@inline(__always)
func complex(_ x: Floats) -> SIMD16<Float> {
  var result = SIMD16<Float>()
  result.evenHalf = x
  return result
}

@inline(__always)
func complex(_ x: SIMD8<Double>) -> SIMD16<Double> {
  var result = SIMD16<Double>()
  result.evenHalf = x
  return result
}

@inline(__always)
func widenComplex(_ x: SIMD16<Float>) -> SIMD16<Double> {
  SIMD16<Double>(
    lowHalf: vector8_float32_to_float64(x.lowHalf), highHalf: vector8_float32_to_float64(x.highHalf))
}

@inline(__always)
func narrowComplex(_ x: SIMD16<Double>) -> SIMD16<Float> {
  SIMD16<Float>(lowHalf: vector8_float64_to_float32(x.lowHalf), highHalf: vector8_float64_to_float32(x.highHalf))
}
