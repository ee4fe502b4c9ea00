import CSupport

// Bits. Shifts by a negative distance or by at least the width shift every bit out, as NumPy's do.

func registerBitwise(_ receive: KernelReceiver) {
  registerBool(receive, "bitwise_and") { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in x & y } }
  registerIntegers(
    receive, "bitwise_and",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in x & y } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in x & y } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in x & y } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in x & y } })
  registerBool(receive, "bitwise_or") { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in x | y } }
  registerIntegers(
    receive, "bitwise_or",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in x | y } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in x | y } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in x | y } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in x | y } })
  registerBool(receive, "bitwise_xor") { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in x ^ y } }
  registerIntegers(
    receive, "bitwise_xor",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in x ^ y } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in x ^ y } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in x ^ y } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in x ^ y } })
  registerBool(receive, "bitwise_invert") { n, p, s, _ in map(n, p, s) { (x: UInt8s) in x ^ 1 } }
  registerIntegers(
    receive, "bitwise_invert",
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in ~x } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in ~x } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in ~x } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in ~x } })
  registerSigned(
    receive, "bitwise_left_shift",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in shiftLeft(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in shiftLeft(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in shiftLeft(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in shiftLeft(x, y) } })
  registerUnsigned(
    receive, "bitwise_left_shift",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in shiftLeft(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s, y: UInt16s) in shiftLeft(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s, y: UInt32s) in shiftLeft(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s, y: UInt64s) in shiftLeft(x, y) } })
  registerSigned(
    receive, "bitwise_right_shift",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in shiftRight(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in shiftRight(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in shiftRight(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in shiftRight(x, y) } })
  registerUnsigned(
    receive, "bitwise_right_shift",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in shiftRight(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s, y: UInt16s) in shiftRight(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s, y: UInt32s) in shiftRight(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s, y: UInt64s) in shiftRight(x, y) } })
}

// MARK: - Shifts

@inline(__always)
private func shiftLeft(_ x: Int8s, _ y: Int8s) -> Int8s { (x &<< y).replacing(with: 0, where: (y .< 0) .| (y .>= 8)) }

@inline(__always)
private func shiftRight(_ x: Int8s, _ y: Int8s) -> Int8s { x &>> y.replacing(with: 7, where: (y .< 0) .| (y .>= 8)) }

@inline(__always)
private func shiftLeft(_ x: Int16s, _ y: Int16s) -> Int16s {
  (x &<< y).replacing(with: 0, where: (y .< 0) .| (y .>= 16))
}

@inline(__always)
private func shiftRight(_ x: Int16s, _ y: Int16s) -> Int16s {
  x &>> y.replacing(with: 15, where: (y .< 0) .| (y .>= 16))
}

@inline(__always)
private func shiftLeft(_ x: Int32s, _ y: Int32s) -> Int32s {
  (x &<< y).replacing(with: 0, where: (y .< 0) .| (y .>= 32))
}

@inline(__always)
private func shiftRight(_ x: Int32s, _ y: Int32s) -> Int32s {
  x &>> y.replacing(with: 31, where: (y .< 0) .| (y .>= 32))
}

@inline(__always)
private func shiftLeft(_ x: Int64s, _ y: Int64s) -> Int64s {
  (x &<< y).replacing(with: 0, where: (y .< 0) .| (y .>= 64))
}

@inline(__always)
private func shiftRight(_ x: Int64s, _ y: Int64s) -> Int64s {
  x &>> y.replacing(with: 63, where: (y .< 0) .| (y .>= 64))
}

@inline(__always)
private func shiftLeft(_ x: UInt8s, _ y: UInt8s) -> UInt8s { (x &<< y).replacing(with: 0, where: y .>= 8) }

@inline(__always)
private func shiftRight(_ x: UInt8s, _ y: UInt8s) -> UInt8s { (x &>> y).replacing(with: 0, where: y .>= 8) }

@inline(__always)
private func shiftLeft(_ x: UInt16s, _ y: UInt16s) -> UInt16s { (x &<< y).replacing(with: 0, where: y .>= 16) }

@inline(__always)
private func shiftRight(_ x: UInt16s, _ y: UInt16s) -> UInt16s { (x &>> y).replacing(with: 0, where: y .>= 16) }

@inline(__always)
private func shiftLeft(_ x: UInt32s, _ y: UInt32s) -> UInt32s { (x &<< y).replacing(with: 0, where: y .>= 32) }

@inline(__always)
private func shiftRight(_ x: UInt32s, _ y: UInt32s) -> UInt32s { (x &>> y).replacing(with: 0, where: y .>= 32) }

@inline(__always)
private func shiftLeft(_ x: UInt64s, _ y: UInt64s) -> UInt64s { (x &<< y).replacing(with: 0, where: y .>= 64) }

@inline(__always)
private func shiftRight(_ x: UInt64s, _ y: UInt64s) -> UInt64s { (x &>> y).replacing(with: 0, where: y .>= 64) }
