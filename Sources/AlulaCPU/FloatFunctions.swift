import CSupport

// Small functions of float vectors on which the others build.

/// a·b + c: one instruction where the instruction set has it.
@inline(__always)
func fma(_ a: Floats, _ b: Floats, _ c: Floats) -> Floats {
  #if FMA
    return vector_fma(a, b, c)
  #else
    return a * b + c
  #endif
}

@inline(__always)
func fma(_ a: Doubles, _ b: Doubles, _ c: Doubles) -> Doubles {
  #if FMA
    return vector_fma(a, b, c)
  #else
    return a * b + c
  #endif
}

@inline(__always)
func fma(_ a: Floats, _ b: Floats, _ c: Float) -> Floats { fma(a, b, Floats(repeating: c)) }

@inline(__always)
func fma(_ a: Doubles, _ b: Doubles, _ c: Double) -> Doubles { fma(a, b, Doubles(repeating: c)) }

#if !FMA
  /// What a function of float64 gives, rounded: without fused multiply-adds, float32 in two parts would take longer.
  @inline(__always)
  func inDoubles(_ x: Floats, _ function: (Doubles) -> Doubles) -> Floats {
    let wide = lanes_float32_to_float64(x)
    return lanes_float64_to_float32(Lanes<Double>(lowHalf: function(wide.lowHalf), highHalf: function(wide.highHalf)))
  }
#endif

@inline(__always)
func squareRoot(_ x: Floats) -> Floats { vector_sqrt(x) }

@inline(__always)
func squareRoot(_ x: Doubles) -> Doubles { vector_sqrt(x) }

@inline(__always)
func magnitude(_ x: Floats) -> Floats {
  unsafeBitCast(unsafeBitCast(x, to: UInt32s.self) & 0x7FFF_FFFF, to: Floats.self)
}

@inline(__always)
func magnitude(_ x: Doubles) -> Doubles {
  unsafeBitCast(unsafeBitCast(x, to: UInt64s.self) & 0x7FFF_FFFF_FFFF_FFFF, to: Doubles.self)
}

/// The magnitude of `x` with the sign of `sign`.
@inline(__always)
func copysign(_ x: Floats, _ sign: Floats) -> Floats {
  let signBit = unsafeBitCast(sign, to: UInt32s.self) & 0x8000_0000
  return unsafeBitCast((unsafeBitCast(x, to: UInt32s.self) & 0x7FFF_FFFF) | signBit, to: Floats.self)
}

/// A magnitude and the sign of x.
@inline(__always)
func withSign(of x: Floats, _ magnitude: Floats) -> Floats {
  unsafeBitCast(
    unsafeBitCast(magnitude, to: UInt32s.self) | (unsafeBitCast(x, to: UInt32s.self) & 0x8000_0000), to: Floats.self)
}

@inline(__always)
func copysign(_ x: Doubles, _ sign: Doubles) -> Doubles {
  let signBit = unsafeBitCast(sign, to: UInt64s.self) & 0x8000_0000_0000_0000
  return unsafeBitCast((unsafeBitCast(x, to: UInt64s.self) & 0x7FFF_FFFF_FFFF_FFFF) | signBit, to: Doubles.self)
}

/// The smaller of `x` and `limit`; NaN stays.
@inline(__always)
func atMost(_ x: Floats, _ limit: Float) -> Floats { x.replacing(with: limit, where: x .> limit) }

/// The larger of `x` and `limit`; NaN stays.
@inline(__always)
func atLeast(_ x: Floats, _ limit: Float) -> Floats { x.replacing(with: limit, where: x .< limit) }

@inline(__always)
func atMost(_ x: Doubles, _ limit: Double) -> Doubles { x.replacing(with: limit, where: x .> limit) }

@inline(__always)
func atLeast(_ x: Doubles, _ limit: Double) -> Doubles { x.replacing(with: limit, where: x .< limit) }

/// Whether any lane of the mask is set.
@inline(__always)
func anyLane(_ mask: SIMDMask<Int32s>) -> Bool { vector_any(unsafeBitCast(mask, to: Int32s.self)) }

@inline(__always)
func anyLane(_ mask: SIMDMask<Int64s>) -> Bool { vector_any(unsafeBitCast(mask, to: Int64s.self)) }

// MARK: - A scalar function, element by element

@inline(__always)
func lanewise(_ x: Floats, _ function: (Float) -> Float) -> Floats {
  var result = x
  for i in 0..<Floats.scalarCount { result[i] = function(x[i]) }
  return result
}

@inline(__always)
func lanewise(_ x: Doubles, _ function: (Double) -> Double) -> Doubles {
  var result = x
  for i in 0..<Doubles.scalarCount { result[i] = function(x[i]) }
  return result
}

@inline(__always)
func lanewise(_ x: Floats, _ y: Floats, _ function: (Float, Float) -> Float) -> Floats {
  var result = x
  for i in 0..<Floats.scalarCount { result[i] = function(x[i], y[i]) }
  return result
}

@inline(__always)
func lanewise(_ x: Doubles, _ y: Doubles, _ function: (Double, Double) -> Double) -> Doubles {
  var result = x
  for i in 0..<Doubles.scalarCount { result[i] = function(x[i], y[i]) }
  return result
}
