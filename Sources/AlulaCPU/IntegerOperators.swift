import CSupport

// Operators on the vectors of 8 integers that kernels use. They shadow those of Swift's SIMD types that are generic loops over the lanes,
// which the optimiser does not always put together again: up to 70 times as fast.

extension Int32s {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<MaskStorage>) -> Self {
    vector_select(unsafeBitCast(mask, to: MaskStorage.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<MaskStorage>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }
}

extension UInt32s {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<MaskStorage>) -> Self {
    vector_select(unsafeBitCast(mask, to: MaskStorage.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<MaskStorage>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }
}

extension Lanes<Int64> {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<MaskStorage>) -> Self {
    vector_select(unsafeBitCast(mask, to: MaskStorage.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<MaskStorage>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }
}

extension Lanes<UInt64> {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<MaskStorage>) -> Self {
    vector_select(unsafeBitCast(mask, to: MaskStorage.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<MaskStorage>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }
}

extension Lanes<Int16> {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<MaskStorage>) -> Self {
    vector_select(unsafeBitCast(mask, to: MaskStorage.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<MaskStorage>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }
}

extension Lanes<UInt16> {
  @inline(__always)
  static func & (a: Self, b: Self) -> Self { vector_and(a, b) }

  @inline(__always)
  static func & (a: Self, b: Scalar) -> Self { a & Self(repeating: b) }

  @inline(__always)
  static func | (a: Self, b: Self) -> Self { vector_or(a, b) }

  @inline(__always)
  static func | (a: Self, b: Scalar) -> Self { a | Self(repeating: b) }

  @inline(__always)
  static func ^ (a: Self, b: Self) -> Self { vector_xor(a, b) }

  @inline(__always)
  static func ^ (a: Self, b: Scalar) -> Self { a ^ Self(repeating: b) }

  @inline(__always)
  static func &<< (a: Self, b: Self) -> Self { vector_shift_left(a, b) }

  @inline(__always)
  static func &<< (a: Self, b: Scalar) -> Self { a &<< Self(repeating: b) }

  @inline(__always)
  static func &>> (a: Self, b: Self) -> Self { vector_shift_right(a, b) }

  @inline(__always)
  static func &>> (a: Self, b: Scalar) -> Self { a &>> Self(repeating: b) }

  @inline(__always)
  static func &+ (a: Self, b: Scalar) -> Self { a &+ Self(repeating: b) }

  @inline(__always)
  static func &- (a: Self, b: Scalar) -> Self { a &- Self(repeating: b) }

  @inline(__always)
  static func &- (a: Scalar, b: Self) -> Self { Self(repeating: a) &- b }

  @inline(__always)
  static func .== (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .== Self(repeating: b) }

  @inline(__always)
  static func .!= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .!= Self(repeating: b) }

  @inline(__always)
  static func .< (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .< Self(repeating: b) }

  @inline(__always)
  static func .<= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .<= Self(repeating: b) }

  @inline(__always)
  static func .> (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .> Self(repeating: b) }

  @inline(__always)
  static func .>= (a: Self, b: Scalar) -> SIMDMask<MaskStorage> { a .>= Self(repeating: b) }

  @inline(__always)
  func replacing(with other: Self, where mask: SIMDMask<MaskStorage>) -> Self {
    vector_select(unsafeBitCast(mask, to: MaskStorage.self), other, self)
  }

  @inline(__always)
  func replacing(with other: Scalar, where mask: SIMDMask<MaskStorage>) -> Self {
    replacing(with: Self(repeating: other), where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Self, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }

  @inline(__always)
  mutating func replace(with other: Scalar, where mask: SIMDMask<MaskStorage>) {
    self = replacing(with: other, where: mask)
  }
}
