import CSupport

// Logic on any elements: all but zero are true, NaN included.

func registerLogical(_ receive: KernelReceiver) {
  registerBool(receive, "logical_and") { n, p, s, _ in
    map(n, p, s) { (x: UInt8s, y: UInt8s) in byte((x .!= 0) .& (y .!= 0)) }
  }
  registerIntegers(
    receive, "logical_and",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in byte((x .!= 0) .& (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in byte((x .!= 0) .& (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in byte((x .!= 0) .& (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in byte((x .!= 0) .& (y .!= 0)) } })
  registerFloats(
    receive, "logical_and",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats, y: Floats) in byte((x .!= 0) .& (y .!= 0)) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats, y: Floats) in byte((x .!= 0) .& (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in byte((x .!= 0) .& (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in byte((x .!= 0) .& (y .!= 0)) } })
  registerBool(receive, "logical_or") { n, p, s, _ in
    map(n, p, s) { (x: UInt8s, y: UInt8s) in byte((x .!= 0) .| (y .!= 0)) }
  }
  registerIntegers(
    receive, "logical_or",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in byte((x .!= 0) .| (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in byte((x .!= 0) .| (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in byte((x .!= 0) .| (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in byte((x .!= 0) .| (y .!= 0)) } })
  registerFloats(
    receive, "logical_or",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats, y: Floats) in byte((x .!= 0) .| (y .!= 0)) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats, y: Floats) in byte((x .!= 0) .| (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in byte((x .!= 0) .| (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in byte((x .!= 0) .| (y .!= 0)) } })
  registerBool(receive, "logical_xor") { n, p, s, _ in
    map(n, p, s) { (x: UInt8s, y: UInt8s) in byte((x .!= 0) .^ (y .!= 0)) }
  }
  registerIntegers(
    receive, "logical_xor",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in byte((x .!= 0) .^ (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in byte((x .!= 0) .^ (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in byte((x .!= 0) .^ (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in byte((x .!= 0) .^ (y .!= 0)) } })
  registerFloats(
    receive, "logical_xor",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats, y: Floats) in byte((x .!= 0) .^ (y .!= 0)) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats, y: Floats) in byte((x .!= 0) .^ (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in byte((x .!= 0) .^ (y .!= 0)) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in byte((x .!= 0) .^ (y .!= 0)) } })
  registerBool(receive, "logical_not") { n, p, s, _ in map(n, p, s) { (x: UInt8s) in byte(x .== 0) } }
  registerIntegers(
    receive, "logical_not",
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in byte(x .== 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in byte(x .== 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in byte(x .== 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in byte(x .== 0) } })
  registerFloats(
    receive, "logical_not",
    { n, p, s, _ in testFloat16(n, p, s) { (x: Floats) in byte(x .== 0) } },
    { n, p, s, _ in testBFloat16(n, p, s) { (x: Floats) in byte(x .== 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in byte(x .== 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in byte(x .== 0) } })
}
