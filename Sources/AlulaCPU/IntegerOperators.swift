import CSupport

// Operators on the vectors of 8 integers that kernels use. They shadow those of Swift's SIMD types that are generic loops over the lanes,
// which the optimiser does not always put together again: up to 70 times as fast.

extension SIMD8 where Scalar == Int32 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector8_int32_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector8_int32_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector8_int32_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector8_int32_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector8_int32_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

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
    vector8_int32_select(unsafeBitCast(mask, to: SIMD8<Int32>.self), other, self)
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

extension SIMD8 where Scalar == UInt32 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector8_uint32_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector8_uint32_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector8_uint32_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector8_uint32_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector8_uint32_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

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
    vector8_uint32_select(unsafeBitCast(mask, to: SIMD8<Int32>.self), other, self)
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

extension SIMD8 where Scalar == Int64 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector8_int64_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector8_int64_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector8_int64_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector8_int64_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector8_int64_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

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
    vector8_int64_select(unsafeBitCast(mask, to: SIMD8<Int64>.self), other, self)
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

extension SIMD8 where Scalar == UInt64 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector8_uint64_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector8_uint64_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector8_uint64_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector8_uint64_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector8_uint64_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

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
    vector8_uint64_select(unsafeBitCast(mask, to: SIMD8<Int64>.self), other, self)
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

extension SIMD8 where Scalar == Int16 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector8_int16_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector8_int16_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector8_int16_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector8_int16_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector8_int16_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<SIMD8<Int16>>) -> Self {
    vector8_int16_select(unsafeBitCast(mask, to: SIMD8<Int16>.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<SIMD8<Int16>>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<SIMD8<Int16>>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<SIMD8<Int16>>) {
    self = replacing(with: other, where: mask)
  }
}

extension SIMD8 where Scalar == UInt16 {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector8_uint16_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector8_uint16_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector8_uint16_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector8_uint16_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector8_uint16_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<SIMD8<Int16>> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<SIMD8<Int16>>) -> Self {
    vector8_uint16_select(unsafeBitCast(mask, to: SIMD8<Int16>.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<SIMD8<Int16>>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<SIMD8<Int16>>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<SIMD8<Int16>>) {
    self = replacing(with: other, where: mask)
  }
}
