import CSupport

// float16 and bfloat16 are computed in float32: widened, computed, and rounded to nearest even.
// Both are handled as their bits.

typealias Halves = Lanes<UInt16>

@inline(__always)
func widenFloat16(_ bits: Halves) -> Floats {
  #if FMA
    return lanes_float16_to_float32(bits)
  #else
    let wide = lanes_uint16_to_uint32(bits)
    let sign = (wide & 0x8000) &<< 16
    let magnitude = (wide & 0x7FFF) &<< 13
    // The exponent's bias is corrected by a multiplication, which also normalises subnormal numbers.
    let scaled = unsafeBitCast(unsafeBitCast(magnitude, to: Floats.self) * 0x1p112, to: UInt32s.self)
    let finite = magnitude .< UInt32s(repeating: 0x7C00 << 13)
    let result = (magnitude | 0x7F80_0000).replacing(with: scaled, where: finite)
    return unsafeBitCast(result | sign, to: Floats.self)
  #endif
}

@inline(__always)
func narrowFloat16(_ x: Floats) -> Halves {
  #if FMA
    return lanes_float32_to_float16(x)
  #else
    let bits = unsafeBitCast(x, to: UInt32s.self)
    let magnitude = bits & 0x7FFF_FFFF
    let sign = (bits &>> 16) & 0x8000
    // Round to the 10 bits that stay, half to even; a carry runs into the exponent as it should.
    let odd = (magnitude &>> 13) & 1
    let normal = (magnitude &+ 0xFFF &+ odd &- (112 << 23)) &>> 13
    // Subnormal results: adding 0.5 leaves the rounded result in the low bits.
    let subnormal = unsafeBitCast(unsafeBitCast(magnitude, to: Floats.self) + 0.5, to: UInt32s.self) &- 0x3F00_0000
    var result = normal.replacing(with: subnormal, where: magnitude .< 0x3880_0000)
    result.replace(with: 0x7C00, where: magnitude .>= 0x4780_0000)
    result.replace(with: 0x7E00 | ((magnitude &>> 13) & 0x1FF), where: magnitude .> 0x7F80_0000)
    return lanes_uint32_to_uint16(result | sign)
  #endif
}

@inline(__always)
func widenBFloat16(_ bits: Halves) -> Floats {
  unsafeBitCast(lanes_uint16_to_uint32(bits) &<< 16, to: Floats.self)
}

@inline(__always)
func narrowBFloat16(_ x: Floats) -> Halves {
  let bits = unsafeBitCast(x, to: UInt32s.self)
  let rounded = (bits &+ 0x7FFF &+ ((bits &>> 16) & 1)) &>> 16
  return lanes_uint32_to_uint16(rounded.replacing(with: (bits &>> 16) | 0x40, where: x .!= x))
}

// MARK: - Loops

@inline(__always)
func mapFloat16(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (Floats) -> Floats
) {
  map(count, pointers, strides) { (x: Halves) in narrowFloat16(body(widenFloat16(x))) }
}

@inline(__always)
func mapFloat16(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (Floats, Floats) -> Floats
) {
  map(count, pointers, strides) { (x: Halves, y: Halves) in narrowFloat16(body(widenFloat16(x), widenFloat16(y))) }
}

@inline(__always)
func mapBFloat16(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (Floats) -> Floats
) {
  map(count, pointers, strides) { (x: Halves) in narrowBFloat16(body(widenBFloat16(x))) }
}

@inline(__always)
func mapBFloat16(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (Floats, Floats) -> Floats
) {
  map(count, pointers, strides) { (x: Halves, y: Halves) in narrowBFloat16(body(widenBFloat16(x), widenBFloat16(y))) }
}

@inline(__always)
func mapFloat16(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (Floats, Floats, Floats) -> Floats
) {
  map(count, pointers, strides) { (x: Halves, y: Halves, z: Halves) in
    narrowFloat16(body(widenFloat16(x), widenFloat16(y), widenFloat16(z)))
  }
}

@inline(__always)
func mapBFloat16(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (Floats, Floats, Floats) -> Floats
) {
  map(count, pointers, strides) { (x: Halves, y: Halves, z: Halves) in
    narrowBFloat16(body(widenBFloat16(x), widenBFloat16(y), widenBFloat16(z)))
  }
}

@inline(__always)
func testFloat16(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (Floats) -> Lanes<UInt8>
) {
  map(count, pointers, strides) { (x: Halves) in body(widenFloat16(x)) }
}

@inline(__always)
func testFloat16(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (Floats, Floats) -> Lanes<UInt8>
) {
  map(count, pointers, strides) { (x: Halves, y: Halves) in body(widenFloat16(x), widenFloat16(y)) }
}

@inline(__always)
func testBFloat16(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (Floats) -> Lanes<UInt8>
) {
  map(count, pointers, strides) { (x: Halves) in body(widenBFloat16(x)) }
}

@inline(__always)
func testBFloat16(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, _ body: (Floats, Floats) -> Lanes<UInt8>
) {
  map(count, pointers, strides) { (x: Halves, y: Halves) in body(widenBFloat16(x), widenBFloat16(y)) }
}
