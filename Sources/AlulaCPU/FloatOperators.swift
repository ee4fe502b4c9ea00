import CSupport

// Operators on the vectors that kernels use. They shadow those of Swift's SIMD types that are generic loops over the lanes,
// which the optimiser does not always put together again: up to 70 times as fast.

extension SIMD8 where Scalar == Float {
  @inline(__always)
  static func + (a: Self, b: Self) -> Self { vector8_float32_add(a, b) }

  @inline(__always)
  static func + (a: Self, b: Scalar) -> Self { a + Self(repeating: b) }

  @inline(__always)
  static func + (a: Scalar, b: Self) -> Self { Self(repeating: a) + b }

  @inline(__always)
  static func - (a: Self, b: Self) -> Self { vector8_float32_subtract(a, b) }

  @inline(__always)
  static func - (a: Self, b: Scalar) -> Self { a - Self(repeating: b) }

  @inline(__always)
  static func - (a: Scalar, b: Self) -> Self { Self(repeating: a) - b }

  @inline(__always)
  static func * (a: Self, b: Self) -> Self { vector8_float32_multiply(a, b) }

  @inline(__always)
  static func * (a: Self, b: Scalar) -> Self { a * Self(repeating: b) }

  @inline(__always)
  static func * (a: Scalar, b: Self) -> Self { Self(repeating: a) * b }

  @inline(__always)
  static func / (a: Self, b: Self) -> Self { vector8_float32_divide(a, b) }

  @inline(__always)
  static func / (a: Self, b: Scalar) -> Self { a / Self(repeating: b) }

  @inline(__always)
  static func / (a: Scalar, b: Self) -> Self { Self(repeating: a) / b }

  @inline(__always)
  static func += (a: inout Self, b: Self) { a = a + b }

  @inline(__always)
  static func -= (a: inout Self, b: Self) { a = a - b }

  @inline(__always)
  static func *= (a: inout Self, b: Self) { a = a * b }

  @inline(__always)
  static prefix func - (a: Self) -> Self { Self(repeating: -0.0) - a }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int32>> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int32>> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int32>> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int32>> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int32>> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int32>> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<SIMD8<Int32>>) -> Self {
    vector8_float32_select(unsafeBitCast(mask, to: SIMD8<Int32>.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<SIMD8<Int32>>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<SIMD8<Int32>>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<SIMD8<Int32>>) {
    self = replacing(with: other, where: mask)
  }
}

extension SIMD8 where Scalar == Double {
  @inline(__always)
  static func + (a: Self, b: Self) -> Self { vector8_float64_add(a, b) }

  @inline(__always)
  static func + (a: Self, b: Scalar) -> Self { a + Self(repeating: b) }

  @inline(__always)
  static func + (a: Scalar, b: Self) -> Self { Self(repeating: a) + b }

  @inline(__always)
  static func - (a: Self, b: Self) -> Self { vector8_float64_subtract(a, b) }

  @inline(__always)
  static func - (a: Self, b: Scalar) -> Self { a - Self(repeating: b) }

  @inline(__always)
  static func - (a: Scalar, b: Self) -> Self { Self(repeating: a) - b }

  @inline(__always)
  static func * (a: Self, b: Self) -> Self { vector8_float64_multiply(a, b) }

  @inline(__always)
  static func * (a: Self, b: Scalar) -> Self { a * Self(repeating: b) }

  @inline(__always)
  static func * (a: Scalar, b: Self) -> Self { Self(repeating: a) * b }

  @inline(__always)
  static func / (a: Self, b: Self) -> Self { vector8_float64_divide(a, b) }

  @inline(__always)
  static func / (a: Self, b: Scalar) -> Self { a / Self(repeating: b) }

  @inline(__always)
  static func / (a: Scalar, b: Self) -> Self { Self(repeating: a) / b }

  @inline(__always)
  static func += (a: inout Self, b: Self) { a = a + b }

  @inline(__always)
  static func -= (a: inout Self, b: Self) { a = a - b }

  @inline(__always)
  static func *= (a: inout Self, b: Self) { a = a * b }

  @inline(__always)
  static prefix func - (a: Self) -> Self { Self(repeating: -0.0) - a }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int64>> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int64>> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int64>> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int64>> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int64>> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int64>> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<SIMD8<Int64>>) -> Self {
    vector8_float64_select(unsafeBitCast(mask, to: SIMD8<Int64>.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<SIMD8<Int64>>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<SIMD8<Int64>>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<SIMD8<Int64>>) {
    self = replacing(with: other, where: mask)
  }
}

extension SIMD4 where Scalar == Double {
  @inline(__always)
  static func + (a: Self, b: Self) -> Self { vector4_float64_add(a, b) }

  @inline(__always)
  static func + (a: Self, b: Scalar) -> Self { a + Self(repeating: b) }

  @inline(__always)
  static func + (a: Scalar, b: Self) -> Self { Self(repeating: a) + b }

  @inline(__always)
  static func - (a: Self, b: Self) -> Self { vector4_float64_subtract(a, b) }

  @inline(__always)
  static func - (a: Self, b: Scalar) -> Self { a - Self(repeating: b) }

  @inline(__always)
  static func - (a: Scalar, b: Self) -> Self { Self(repeating: a) - b }

  @inline(__always)
  static func * (a: Self, b: Self) -> Self { vector4_float64_multiply(a, b) }

  @inline(__always)
  static func * (a: Self, b: Scalar) -> Self { a * Self(repeating: b) }

  @inline(__always)
  static func * (a: Scalar, b: Self) -> Self { Self(repeating: a) * b }

  @inline(__always)
  static func / (a: Self, b: Self) -> Self { vector4_float64_divide(a, b) }

  @inline(__always)
  static func / (a: Self, b: Scalar) -> Self { a / Self(repeating: b) }

  @inline(__always)
  static func / (a: Scalar, b: Self) -> Self { Self(repeating: a) / b }

  @inline(__always)
  static func += (a: inout Self, b: Self) { a = a + b }

  @inline(__always)
  static func -= (a: inout Self, b: Self) { a = a - b }

  @inline(__always)
  static func *= (a: inout Self, b: Self) { a = a * b }

  @inline(__always)
  static prefix func - (a: Self) -> Self { Self(repeating: -0.0) - a }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<SIMD4<Int64>> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<SIMD4<Int64>> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<SIMD4<Int64>> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<SIMD4<Int64>> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<SIMD4<Int64>> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<SIMD4<Int64>> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<SIMD4<Int64>>) -> Self {
    vector4_float64_select(unsafeBitCast(mask, to: SIMD4<Int64>.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<SIMD4<Int64>>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<SIMD4<Int64>>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<SIMD4<Int64>>) {
    self = replacing(with: other, where: mask)
  }
}
