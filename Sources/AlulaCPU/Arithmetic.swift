import CSupport

// Sums, products and what changes only a sign. Integers wrap around.

func registerArithmetic(_ receive: KernelReceiver) {
  registerSumsAndProducts(receive)
  registerSigns(receive)
  registerQuotients(receive)
}

private func registerSumsAndProducts(_ receive: KernelReceiver) {
  registerIntegers(
    receive, "add",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in x &+ y } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in x &+ y } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in x &+ y } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in x &+ y } })
  registerFloats(
    receive, "add",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in x + y } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, y: Floats) in x + y } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in x + y } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in x + y } })
  registerIntegers(
    receive, "subtract",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in x &- y } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in x &- y } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in x &- y } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in x &- y } })
  registerFloats(
    receive, "subtract",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in x - y } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, y: Floats) in x - y } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in x - y } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in x - y } })
  registerIntegers(
    receive, "multiply",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in x &* y } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in x &* y } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in x &* y } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in x &* y } })
  registerFloats(
    receive, "multiply",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in x * y } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, y: Floats) in x * y } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in x * y } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in x * y } })
  registerIntegers(
    receive, "square",
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in x &* x } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in x &* x } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in x &* x } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in x &* x } })
  registerFloats(
    receive, "square",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in x * x } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in x * x } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in x * x } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in x * x } })
}

private func registerSigns(_ receive: KernelReceiver) {
  registerIntegers(
    receive, "negative",
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in 0 &- x } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in 0 &- x } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in 0 &- x } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in 0 &- x } })
  registerFloats(
    receive, "negative",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in -x } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in -x } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in -x } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in -x } })
  registerSigned(
    receive, "abs",
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in (0 &- x).replacing(with: x, where: x .> 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in (0 &- x).replacing(with: x, where: x .> 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in (0 &- x).replacing(with: x, where: x .> 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in (0 &- x).replacing(with: x, where: x .> 0) } })
  registerUnsigned(
    receive, "abs",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s) in x } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s) in x } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s) in x } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s) in x } })
  registerFloats(
    receive, "abs",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in magnitude(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in magnitude(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in magnitude(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in magnitude(x) } })
  registerSigned(
    receive, "sign",
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in sign(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in sign(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in sign(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in sign(x) } })
  registerUnsigned(
    receive, "sign",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s) in sign(x) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s) in sign(x) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s) in sign(x) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s) in sign(x) } })
  registerFloats(
    receive, "sign",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in sign(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in sign(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in sign(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in sign(x) } })
  registerFloats(
    receive, "copysign",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in copysign(x, y) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, y: Floats) in copysign(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in copysign(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in copysign(x, y) } })
}

private func registerQuotients(_ receive: KernelReceiver) {
  registerFloats(
    receive, "divide",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in x / y } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, y: Floats) in x / y } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in x / y } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in x / y } })
  registerFloats(
    receive, "reciprocal",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in 1 / x } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in 1 / x } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in 1 / x } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in 1 / x } })
  registerFloats(
    receive, "sqrt",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in squareRoot(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in squareRoot(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in squareRoot(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in squareRoot(x) } })
  registerFloats(
    receive, "rsqrt",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in 1 / squareRoot(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in 1 / squareRoot(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in 1 / squareRoot(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in 1 / squareRoot(x) } })
}

// MARK: - Functions

@inline(__always)
private func sign(_ x: Int8s) -> Int8s {
  let zero = Int8s()
  return zero.replacing(with: 1, where: x .> 0).replacing(with: -1, where: x .< 0)
}

@inline(__always)
private func sign(_ x: Int16s) -> Int16s {
  let zero = Int16s()
  return zero.replacing(with: 1, where: x .> 0).replacing(with: -1, where: x .< 0)
}

@inline(__always)
private func sign(_ x: Int32s) -> Int32s {
  let zero = Int32s()
  return zero.replacing(with: 1, where: x .> 0).replacing(with: -1, where: x .< 0)
}

@inline(__always)
private func sign(_ x: Int64s) -> Int64s {
  let zero = Int64s()
  return zero.replacing(with: 1, where: x .> 0).replacing(with: -1, where: x .< 0)
}

@inline(__always)
private func sign(_ x: UInt8s) -> UInt8s {
  let zero = UInt8s()
  return zero.replacing(with: 1, where: x .> 0)
}

@inline(__always)
private func sign(_ x: UInt16s) -> UInt16s {
  let zero = UInt16s()
  return zero.replacing(with: 1, where: x .> 0)
}

@inline(__always)
private func sign(_ x: UInt32s) -> UInt32s {
  let zero = UInt32s()
  return zero.replacing(with: 1, where: x .> 0)
}

@inline(__always)
private func sign(_ x: UInt64s) -> UInt64s {
  let zero = UInt64s()
  return zero.replacing(with: 1, where: x .> 0)
}

@inline(__always)
private func sign(_ x: Floats) -> Floats {
  // Zeros and NaN are their own signs.
  x.replacing(with: 1, where: x .> 0).replacing(with: -1, where: x .< 0)
}

@inline(__always)
private func sign(_ x: Doubles) -> Doubles {
  x.replacing(with: 1, where: x .> 0).replacing(with: -1, where: x .< 0)
}
