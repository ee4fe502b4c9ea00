import CSupport

// What kind of number an element is.

func registerClassification(_ receive: KernelReceiver) {
  registerFloats(
    receive, "isnan",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats) in byte(x .!= x) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats) in byte(x .!= x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in byte(x .!= x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in byte(x .!= x) } })
  registerFloats(
    receive, "isinf",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats) in byte(magnitude(x) .== .infinity) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats) in byte(magnitude(x) .== .infinity) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in byte(magnitude(x) .== .infinity) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in byte(magnitude(x) .== .infinity) } })
  registerFloats(
    receive, "isfinite",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats) in byte(magnitude(x) .< .infinity) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats) in byte(magnitude(x) .< .infinity) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in byte(magnitude(x) .< .infinity) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in byte(magnitude(x) .< .infinity) } })
  registerFloats(
    receive, "signbit",
    { n, p, s, _ in map(n, p, s) { (x: UInt16s) in byte(x .>= 0x8000) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s) in byte(x .>= 0x8000) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in byte(x .< 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in byte(x .< 0) } })
  registerIntegers(
    receive, "isnan",
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in byte(x .!= x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in byte(x .!= x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in byte(x .!= x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in byte(x .!= x) } })
  registerIntegers(
    receive, "isinf",
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in byte(x .!= x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in byte(x .!= x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in byte(x .!= x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in byte(x .!= x) } })
  registerIntegers(
    receive, "isfinite",
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in byte(x .== x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in byte(x .== x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in byte(x .== x) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in byte(x .== x) } })
  registerSigned(
    receive, "signbit",
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in byte(x .< 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in byte(x .< 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in byte(x .< 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in byte(x .< 0) } })
  registerUnsigned(
    receive, "signbit",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s) in byte(x .!= x) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s) in byte(x .!= x) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s) in byte(x .!= x) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s) in byte(x .!= x) } })
}
