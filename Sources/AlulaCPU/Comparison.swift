import CSupport

// Comparisons, whose results are bytes 0 and 1. NaN differs from everything, itself included.

func registerComparisons(_ receive: KernelReceiver) {
  registerEqualities(receive)
  registerOrders(receive)
}

private func registerEqualities(_ receive: KernelReceiver) {
  registerBool(receive, "equal") { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in byte(x .== y) } }
  registerIntegers(
    receive, "equal",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in byte(x .== y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in byte(x .== y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in byte(x .== y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in byte(x .== y) } })
  registerFloats(
    receive, "equal",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .== y) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .== y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in byte(x .== y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in byte(x .== y) } })
  registerBool(receive, "not_equal") { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in byte(x .!= y) } }
  registerIntegers(
    receive, "not_equal",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in byte(x .!= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in byte(x .!= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in byte(x .!= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in byte(x .!= y) } })
  registerFloats(
    receive, "not_equal",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .!= y) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .!= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in byte(x .!= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in byte(x .!= y) } })
}

private func registerOrders(_ receive: KernelReceiver) {
  registerBool(receive, "less") { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in byte(x .< y) } }
  registerSigned(
    receive, "less",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in byte(x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in byte(x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in byte(x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in byte(x .< y) } })
  registerUnsigned(
    receive, "less",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in byte(x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s, y: UInt16s) in byte(x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s, y: UInt32s) in byte(x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s, y: UInt64s) in byte(x .< y) } })
  registerFloats(
    receive, "less",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .< y) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in byte(x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in byte(x .< y) } })
  registerBool(receive, "less_equal") { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in byte(x .<= y) } }
  registerSigned(
    receive, "less_equal",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in byte(x .<= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in byte(x .<= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in byte(x .<= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in byte(x .<= y) } })
  registerUnsigned(
    receive, "less_equal",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in byte(x .<= y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s, y: UInt16s) in byte(x .<= y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s, y: UInt32s) in byte(x .<= y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s, y: UInt64s) in byte(x .<= y) } })
  registerFloats(
    receive, "less_equal",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .<= y) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .<= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in byte(x .<= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in byte(x .<= y) } })
  registerBool(receive, "greater") { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in byte(x .> y) } }
  registerSigned(
    receive, "greater",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in byte(x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in byte(x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in byte(x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in byte(x .> y) } })
  registerUnsigned(
    receive, "greater",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in byte(x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s, y: UInt16s) in byte(x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s, y: UInt32s) in byte(x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s, y: UInt64s) in byte(x .> y) } })
  registerFloats(
    receive, "greater",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .> y) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in byte(x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in byte(x .> y) } })
  registerBool(receive, "greater_equal") { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in byte(x .>= y) } }
  registerSigned(
    receive, "greater_equal",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in byte(x .>= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in byte(x .>= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in byte(x .>= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in byte(x .>= y) } })
  registerUnsigned(
    receive, "greater_equal",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in byte(x .>= y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s, y: UInt16s) in byte(x .>= y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s, y: UInt32s) in byte(x .>= y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s, y: UInt64s) in byte(x .>= y) } })
  registerFloats(
    receive, "greater_equal",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .>= y) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats, y: Floats) in byte(x .>= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in byte(x .>= y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in byte(x .>= y) } })
}
