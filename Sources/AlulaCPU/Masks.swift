import CSupport

// Masks as bytes: 1 where true.

@inline(__always)
func byte(_ mask: SIMDMask<Int8s>) -> UInt8s { unsafeBitCast(mask, to: UInt8s.self) & 1 }

@inline(__always)
func byte(_ mask: SIMDMask<Int16s>) -> UInt16Bytes {
  vector_uint16_to_bytes(unsafeBitCast(mask, to: UInt16s.self) & 1)
}

@inline(__always)
func byte(_ mask: SIMDMask<Int32s>) -> Lanes<UInt8> {
  lanes_uint32_to_uint8(unsafeBitCast(mask, to: UInt32s.self) & 1)
}

@inline(__always)
func byte(_ mask: SIMDMask<Int64s>) -> UInt64Bytes {
  vector_uint64_to_bytes(unsafeBitCast(mask, to: UInt64s.self) & 1)
}

@inline(__always)
func byte(_ mask: SIMDMask<Lanes<Int8>>) -> Lanes<UInt8> { unsafeBitCast(mask, to: Lanes<UInt8>.self) & 1 }

@inline(__always)
func byte(_ mask: SIMDMask<Lanes<Int16>>) -> Lanes<UInt8> {
  lanes_uint16_to_uint8(unsafeBitCast(mask, to: Halves.self) & 1)
}

@inline(__always)
func byte(_ mask: SIMDMask<Lanes<Int64>>) -> Lanes<UInt8> {
  lanes_uint64_to_uint8(unsafeBitCast(mask, to: Lanes<UInt64>.self) & 1)
}
