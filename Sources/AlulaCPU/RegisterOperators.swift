import CSupport

// Operators on the vectors of integers, as wide as a register, that kernels use. They shadow those of Swift's SIMD types that are generic loops over the lanes,
// which the optimiser does not always put together again: up to 70 times as fast.

extension SIMD4 where Scalar == Int64 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector4_int64_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector4_int64_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector4_int64_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector4_int64_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector4_int64_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

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
    vector4_int64_select(unsafeBitCast(mask, to: SIMD4<Int64>.self), other, self)
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

extension SIMD4 where Scalar == UInt64 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector4_uint64_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector4_uint64_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector4_uint64_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector4_uint64_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector4_uint64_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

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
    vector4_uint64_select(unsafeBitCast(mask, to: SIMD4<Int64>.self), other, self)
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

extension SIMD16 where Scalar == Int16 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector16_int16_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector16_int16_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector16_int16_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector16_int16_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector16_int16_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<SIMD16<Int16>>) -> Self {
    vector16_int16_select(unsafeBitCast(mask, to: SIMD16<Int16>.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<SIMD16<Int16>>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<SIMD16<Int16>>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<SIMD16<Int16>>) {
    self = replacing(with: other, where: mask)
  }
}

extension SIMD16 where Scalar == UInt16 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector16_uint16_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector16_uint16_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector16_uint16_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector16_uint16_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector16_uint16_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<SIMD16<Int16>> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<SIMD16<Int16>>) -> Self {
    vector16_uint16_select(unsafeBitCast(mask, to: SIMD16<Int16>.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<SIMD16<Int16>>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<SIMD16<Int16>>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<SIMD16<Int16>>) {
    self = replacing(with: other, where: mask)
  }
}

extension SIMD32 where Scalar == Int8 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector32_int8_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector32_int8_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector32_int8_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector32_int8_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector32_int8_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<SIMD32<Int8>>) -> Self {
    vector32_int8_select(unsafeBitCast(mask, to: SIMD32<Int8>.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<SIMD32<Int8>>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<SIMD32<Int8>>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<SIMD32<Int8>>) {
    self = replacing(with: other, where: mask)
  }
}

extension SIMD32 where Scalar == UInt8 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector32_uint8_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector32_uint8_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector32_uint8_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector32_uint8_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector32_uint8_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<SIMD32<Int8>> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<SIMD32<Int8>>) -> Self {
    vector32_uint8_select(unsafeBitCast(mask, to: SIMD32<Int8>.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<SIMD32<Int8>>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<SIMD32<Int8>>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<SIMD32<Int8>>) {
    self = replacing(with: other, where: mask)
  }
}
