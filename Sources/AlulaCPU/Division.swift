import CSupport
import Glibc

// Division rounded down and its remainder, which has the divisor's sign, as in Python. Integers divided by zero give
// zero for both, as in NumPy; the one quotient that is out of range wraps around.

func registerDivision(_ receive: KernelReceiver) {
  registerSigned(
    receive, "floor_divide",
    { n, p, s, _ in map(n, p, s) { (x: Lanes<Int8>, y: Lanes<Int8>) in floorDivide(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Lanes<Int16>, y: Lanes<Int16>) in floorDivide(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in floorDivide(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in floorDivide(x, y) } })
  registerUnsigned(
    receive, "floor_divide",
    { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>, y: Lanes<UInt8>) in floorDivide(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt16>, y: Lanes<UInt16>) in floorDivide(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s, y: UInt32s) in floorDivide(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s, y: UInt64s) in floorDivide(x, y) } })
  registerFloats(
    receive, "floor_divide",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in floorDivide(x, y) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, y: Floats) in floorDivide(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in floorDivide(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in lanewise(x, y) { floorDivide($0, $1) } } })
  registerSigned(
    receive, "remainder",
    { n, p, s, _ in map(n, p, s) { (x: Lanes<Int8>, y: Lanes<Int8>) in remainder(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Lanes<Int16>, y: Lanes<Int16>) in remainder(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in remainder(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in remainder(x, y) } })
  registerUnsigned(
    receive, "remainder",
    { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt8>, y: Lanes<UInt8>) in remainder(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Lanes<UInt16>, y: Lanes<UInt16>) in remainder(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s, y: UInt32s) in remainder(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s, y: UInt64s) in remainder(x, y) } })
  registerFloats(
    receive, "remainder",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in remainder(x, y) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, y: Floats) in remainder(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in remainder(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in lanewise(x, y) { remainder($0, $1) } } })
}

// MARK: - Integers
//
// Up to 32 bits the quotient of floats that hold the operands exactly, rounded down, is the integers': a fraction is
// further from the next integer than rounding reaches. Adding a large power of two leaves the quotient in the low bits.

@inline(__always)
private func floorDivide(_ x: Lanes<Int8>, _ y: Lanes<Int8>) -> Lanes<Int8> {
  let divisor = y.replacing(with: 1, where: y .== 0)
  let quotient = floor(lanes_int8_to_float32(x) / lanes_int8_to_float32(divisor))
  let bits = unsafeBitCast(quotient + 0x1.8p23, to: Int32s.self)
  return lanes_int32_to_int8(bits).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func remainder(_ x: Lanes<Int8>, _ y: Lanes<Int8>) -> Lanes<Int8> {
  (x &- floorDivide(x, y) &* y).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func floorDivide(_ x: Lanes<Int16>, _ y: Lanes<Int16>) -> Lanes<Int16> {
  let divisor = y.replacing(with: 1, where: y .== 0)
  let quotient = floor(lanes_int16_to_float32(x) / lanes_int16_to_float32(divisor))
  let bits = unsafeBitCast(quotient + 0x1.8p23, to: Int32s.self)
  return lanes_int32_to_int16(bits).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func remainder(_ x: Lanes<Int16>, _ y: Lanes<Int16>) -> Lanes<Int16> {
  (x &- floorDivide(x, y) &* y).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func floorDivide(_ x: Int32s, _ y: Int32s) -> Int32s {
  let divisor = y.replacing(with: 1, where: y .== 0)
  let quotient = floor(lanes_int32_to_float64(x) / lanes_int32_to_float64(divisor))
  let bits = unsafeBitCast(quotient + 0x1.8p52, to: Lanes<Int64>.self)
  return lanes_int64_to_int32(bits).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func remainder(_ x: Int32s, _ y: Int32s) -> Int32s {
  (x &- floorDivide(x, y) &* y).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func floorDivide(_ x: Lanes<UInt8>, _ y: Lanes<UInt8>) -> Lanes<UInt8> {
  let divisor = y.replacing(with: 1, where: y .== 0)
  let quotient = floor(lanes_uint8_to_float32(x) / lanes_uint8_to_float32(divisor))
  let bits = unsafeBitCast(quotient + 0x1.8p23, to: Int32s.self)
  return unsafeBitCast(lanes_int32_to_int8(bits), to: Lanes<UInt8>.self).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func remainder(_ x: Lanes<UInt8>, _ y: Lanes<UInt8>) -> Lanes<UInt8> {
  (x &- floorDivide(x, y) &* y).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func floorDivide(_ x: Lanes<UInt16>, _ y: Lanes<UInt16>) -> Lanes<UInt16> {
  let divisor = y.replacing(with: 1, where: y .== 0)
  let quotient = floor(lanes_uint16_to_float32(x) / lanes_uint16_to_float32(divisor))
  let bits = unsafeBitCast(quotient + 0x1.8p23, to: Int32s.self)
  return unsafeBitCast(lanes_int32_to_int16(bits), to: Lanes<UInt16>.self).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func remainder(_ x: Lanes<UInt16>, _ y: Lanes<UInt16>) -> Lanes<UInt16> {
  (x &- floorDivide(x, y) &* y).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func floorDivide(_ x: UInt32s, _ y: UInt32s) -> UInt32s {
  let divisor = y.replacing(with: 1, where: y .== 0)
  let quotient = floor(lanes_uint32_to_float64(x) / lanes_uint32_to_float64(divisor))
  let bits = unsafeBitCast(quotient + 0x1.8p52, to: Lanes<Int64>.self)
  return unsafeBitCast(lanes_int64_to_int32(bits), to: UInt32s.self).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func remainder(_ x: UInt32s, _ y: UInt32s) -> UInt32s {
  (x &- floorDivide(x, y) &* y).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func floor(_ x: Lanes<Double>) -> Lanes<Double> {
  Lanes<Double>(lowHalf: floor(x.lowHalf), highHalf: floor(x.highHalf))
}

@inline(__always)
private func floorDivide(_ x: Int64s, _ y: Int64s) -> Int64s {
  var result = Int64s()
  for i in 0..<Int64s.scalarCount where y[i] != 0 {
    if y[i] == -1 {
      result[i] = 0 &- x[i]
    } else {
      let (quotient, rest) = x[i].quotientAndRemainder(dividingBy: y[i])
      result[i] = rest != 0 && (rest < 0) != (y[i] < 0) ? quotient &- 1 : quotient
    }
  }
  return result
}

@inline(__always)
private func remainder(_ x: Int64s, _ y: Int64s) -> Int64s {
  (x &- floorDivide(x, y) &* y).replacing(with: 0, where: y .== 0)
}

@inline(__always)
private func floorDivide(_ x: UInt64s, _ y: UInt64s) -> UInt64s {
  var result = UInt64s()
  for i in 0..<UInt64s.scalarCount where y[i] != 0 { result[i] = x[i] / y[i] }
  return result
}

@inline(__always)
private func remainder(_ x: UInt64s, _ y: UInt64s) -> UInt64s {
  (x &- floorDivide(x, y) &* y).replacing(with: 0, where: y .== 0)
}

// MARK: - Floats
//
// In float64 the quotient of two float32 is never rounded to an integer that it is not, as long as it is below 2^28, and
// its integer part times the divisor is exact.

/// Where the quotient rounded down and the remainder are not to be found in float64.
@inline(__always)
private func isOutOfReach(_ quotient: Floats, _ y: Floats) -> SIMDMask<Floats.MaskStorage> {
  exceeds(quotient, 0x1p24) .| exceeds(y, .greatestFiniteMagnitude)
}

@inline(__always)
private func remainder(_ x: Floats, _ y: Floats) -> Floats {
  let (dividend, divisor) = (lanes_float32_to_float64(x), lanes_float32_to_float64(y))
  let quotient = floor(dividend / divisor)
  let rest = lanes_float64_to_float32(dividend - quotient * divisor)
  let result = rest.replacing(with: copysign(Floats(repeating: 0), y), where: rest .== 0)
  let isSlow = isOutOfReach(lanes_float64_to_float32(quotient), y)
  return anyLane(isSlow) ? result.replacing(with: lanewise(x, y) { remainder($0, $1) }, where: isSlow) : result
}

@inline(__always)
private func floorDivide(_ x: Floats, _ y: Floats) -> Floats {
  let quotient = lanes_float64_to_float32(floor(lanes_float32_to_float64(x) / lanes_float32_to_float64(y)))
  let isSlow = isOutOfReach(quotient, y)
  return anyLane(isSlow) ? quotient.replacing(with: lanewise(x, y) { floorDivide($0, $1) }, where: isSlow) : quotient
}

@inline(__always)
private func remainder(_ x: Float, _ y: Float) -> Float {
  let rest = fmodf(x, y)
  // Zero has the divisor's sign as well; NaN stays.
  if rest == 0 { return Float(signOf: y, magnitudeOf: 0) }
  return (rest < 0) != (y < 0) && rest == rest ? rest + y : rest
}

@inline(__always)
private func floorDivide(_ x: Float, _ y: Float) -> Float {
  let quotient = x / y
  if y == 0 { return quotient }
  // The quotient itself may have been rounded up to an integer: start from the remainder instead.
  let rest = fmodf(x, y)
  let cut = (x - rest) / y
  let exact = rest != 0 && (rest < 0) != (y < 0) ? cut - 1 : cut
  if exact == 0 { return Float(signOf: quotient, magnitudeOf: 0) }
  let down = exact.rounded(.down)
  return exact - down > 0.5 ? down + 1 : down
}

@inline(__always)
private func remainder(_ x: Double, _ y: Double) -> Double {
  let rest = Glibc.fmod(x, y)
  // Zero has the divisor's sign as well; NaN stays.
  if rest == 0 { return Double(signOf: y, magnitudeOf: 0) }
  return (rest < 0) != (y < 0) && rest == rest ? rest + y : rest
}

@inline(__always)
private func floorDivide(_ x: Double, _ y: Double) -> Double {
  let quotient = x / y
  if y == 0 { return quotient }
  // The quotient itself may have been rounded up to an integer: start from the remainder instead.
  let rest = Glibc.fmod(x, y)
  let cut = (x - rest) / y
  let exact = rest != 0 && (rest < 0) != (y < 0) ? cut - 1 : cut
  if exact == 0 { return Double(signOf: quotient, magnitudeOf: 0) }
  let down = exact.rounded(.down)
  return exact - down > 0.5 ? down + 1 : down
}
