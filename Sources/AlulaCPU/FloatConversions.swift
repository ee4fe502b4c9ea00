import CSupport

// Conversions of float vectors, as the casts need them.

// MARK: - To integers: cut towards zero, out of range to the nearest limit, NaN to 0

@inline(__always)
func toInt8(_ x: Floats) -> Lanes<Int8> {
  lanes_int32_to_int8(lanes_float32_to_int32(atLeast(atMost(zeroForNaN(x), 127), -128)))
}

@inline(__always)
func toInt8(_ x: Lanes<Double>) -> Lanes<Int8> { toInt8(lanes_float64_to_float32(trunc(x))) }

@inline(__always)
func toInt16(_ x: Floats) -> Lanes<Int16> {
  lanes_int32_to_int16(lanes_float32_to_int32(atLeast(atMost(zeroForNaN(x), 32767), -32768)))
}

@inline(__always)
func toInt16(_ x: Lanes<Double>) -> Lanes<Int16> { toInt16(lanes_float64_to_float32(trunc(x))) }

@inline(__always)
func toUInt8(_ x: Floats) -> Lanes<UInt8> {
  unsafeBitCast(
    lanes_int32_to_int8(lanes_float32_to_int32(atLeast(atMost(zeroForNaN(x), 255), 0))), to: Lanes<UInt8>.self)
}

@inline(__always)
func toUInt8(_ x: Lanes<Double>) -> Lanes<UInt8> { toUInt8(lanes_float64_to_float32(trunc(x))) }

@inline(__always)
func toUInt16(_ x: Floats) -> Lanes<UInt16> {
  unsafeBitCast(
    lanes_int32_to_int16(lanes_float32_to_int32(atLeast(atMost(zeroForNaN(x), 65535), 0))), to: Lanes<UInt16>.self)
}

@inline(__always)
func toUInt16(_ x: Lanes<Double>) -> Lanes<UInt16> { toUInt16(lanes_float64_to_float32(trunc(x))) }

@inline(__always)
func toInt32(_ x: Floats) -> Int32s {
  // The limit itself is not a float: everything from 2³¹ on becomes it.
  let large = x .>= 0x1p31
  let inRange = atLeast(zeroForNaN(x).replacing(with: 0, where: large), -0x1p31)
  return lanes_float32_to_int32(inRange).replacing(with: .max, where: large)
}

@inline(__always)
func toInt32(_ x: Lanes<Double>) -> Int32s {
  lanes_int64_to_int32(lowBits(x, atLeast: -0x1p31, atMost: 0x1p31 - 1))
}

@inline(__always)
func toUInt32(_ x: Lanes<Double>) -> UInt32s {
  unsafeBitCast(lanes_int64_to_int32(lowBits(x, atLeast: 0, atMost: 0x1p32 - 1)), to: UInt32s.self)
}

@inline(__always)
func toInt64(_ x: Lanes<Double>) -> Lanes<Int64> {
  // The limit itself is not a float: everything from 2⁶³ on becomes it.
  let large = x .>= 0x1p63
  let number = x.replacing(with: 0, where: (x .!= x) .| large)
  let inRange = number.replacing(with: -0x1p63, where: number .< -0x1p63)
  return lanes_float64_to_int64(inRange).replacing(with: .max, where: large)
}

@inline(__always)
func toUInt64(_ x: Lanes<Double>) -> Lanes<UInt64> {
  let large = x .>= 0x1p64
  let inRange = Lanes<Double>().replacing(with: x, where: (x .>= 1) .& .!large)
  return lanes_float64_to_uint64(inRange).replacing(with: .max, where: large)
}

/// An integer whose low bits are x, cut towards zero, within limits.
@inline(__always)
private func lowBits(_ x: Lanes<Double>, atLeast low: Double, atMost high: Double) -> Lanes<Int64> {
  let number = x.replacing(with: 0, where: x .!= x)
  let inRange = number.replacing(with: low, where: number .< low).replacing(with: high, where: number .> high)
  return unsafeBitCast(trunc(inRange) + 0x1.8p52, to: Lanes<Int64>.self)
}

@inline(__always)
private func zeroForNaN(_ x: Floats) -> Floats { x.replacing(with: 0, where: x .!= x) }

@inline(__always)
private func trunc(_ x: Lanes<Double>) -> Lanes<Double> {
  Lanes<Double>(lowHalf: trunc(x.lowHalf), highHalf: trunc(x.highHalf))
}

// MARK: - To narrower floats

/// x as a float32 whose last bit is set when it is not exact: rounding that once more rounds as x itself would.
@inline(__always)
func roundToOdd(_ x: Lanes<Double>) -> Floats {
  let nearest = lanes_float64_to_float32(x)
  let back = lanes_float32_to_float64(nearest)
  let further = Lanes<UInt64>().replacing(with: 1, where: magnitude(back) .> magnitude(x))
  let inexact = Lanes<UInt64>().replacing(with: 1, where: (back .!= x) .& (x .== x))
  let bits = unsafeBitCast(nearest, to: UInt32s.self) &- lanes_uint64_to_uint32(further)
  return unsafeBitCast(bits | lanes_uint64_to_uint32(inexact), to: Floats.self)
}

@inline(__always)
private func magnitude(_ x: Lanes<Double>) -> Lanes<Double> {
  Lanes<Double>(lowHalf: magnitude(x.lowHalf), highHalf: magnitude(x.highHalf))
}

// MARK: - Complex numbers: pairs

@inline(__always)
func complex(_ x: Floats) -> Pairs<Float> {
  var result = Pairs<Float>()
  result.evenHalf = x
  return result
}

@inline(__always)
func complex(_ x: Lanes<Double>) -> Pairs<Double> {
  var result = Pairs<Double>()
  result.evenHalf = x
  return result
}

@inline(__always)
func widenComplex(_ x: Pairs<Float>) -> Pairs<Double> {
  Pairs<Double>(
    lowHalf: lanes_float32_to_float64(x.lowHalf), highHalf: lanes_float32_to_float64(x.highHalf))
}

@inline(__always)
func narrowComplex(_ x: Pairs<Double>) -> Pairs<Float> {
  Pairs<Float>(lowHalf: lanes_float64_to_float32(x.lowHalf), highHalf: lanes_float64_to_float32(x.highHalf))
}
