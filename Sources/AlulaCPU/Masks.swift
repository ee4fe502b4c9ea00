import CSupport

// Masks as bytes: 1 where true.

@inline(__always)
func byte(_ mask: SIMDMask<Int8s>) -> UInt8s { unsafeBitCast(mask, to: UInt8s.self) & 1 }

@inline(__always)
func byte(_ mask: SIMDMask<Int16s>) -> SIMD16<UInt8> {
  vector16_uint16_to_uint8(unsafeBitCast(mask, to: UInt16s.self)) & 1
}

@inline(__always)
func byte(_ mask: SIMDMask<Int32s>) -> SIMD8<UInt8> {
  vector8_uint32_to_uint8(unsafeBitCast(mask, to: UInt32s.self)) & 1
}

@inline(__always)
func byte(_ mask: SIMDMask<Int64s>) -> SIMD4<UInt8> {
  vector4_uint64_to_uint8(unsafeBitCast(mask, to: UInt64s.self)) & 1
}

@inline(__always)
func byte(_ mask: SIMDMask<SIMD8<Int8>>) -> SIMD8<UInt8> { unsafeBitCast(mask, to: SIMD8<UInt8>.self) & 1 }

@inline(__always)
func byte(_ mask: SIMDMask<SIMD8<Int16>>) -> SIMD8<UInt8> {
  vector8_uint16_to_uint8(unsafeBitCast(mask, to: Halves.self)) & 1
}

@inline(__always)
func byte(_ mask: SIMDMask<SIMD8<Int64>>) -> SIMD8<UInt8> {
  vector8_uint64_to_uint8(unsafeBitCast(mask, to: SIMD8<UInt64>.self)) & 1
}
