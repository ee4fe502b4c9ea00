import CSupport

// The larger or smaller of two elements; NaN when either is.

func registerExtrema(_ receive: KernelReceiver) {
  registerSigned(
    receive, "maximum",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in y.replacing(with: x, where: x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in y.replacing(with: x, where: x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in y.replacing(with: x, where: x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in y.replacing(with: x, where: x .> y) } })
  registerUnsigned(
    receive, "maximum",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in y.replacing(with: x, where: x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s, y: UInt16s) in y.replacing(with: x, where: x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s, y: UInt32s) in y.replacing(with: x, where: x .> y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s, y: UInt64s) in y.replacing(with: x, where: x .> y) } })
  registerFloats(
    receive, "maximum",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in y.replacing(with: x, where: (x .> y) .| (x .!= x)) }
    },
    { n, p, s, _ in
      mapBFloat16(n, p, s) { (x: Floats, y: Floats) in y.replacing(with: x, where: (x .> y) .| (x .!= x)) }
    },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in y.replacing(with: x, where: (x .> y) .| (x .!= x)) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in y.replacing(with: x, where: (x .> y) .| (x .!= x)) } })
  registerSigned(
    receive, "minimum",
    { n, p, s, _ in map(n, p, s) { (x: Int8s, y: Int8s) in y.replacing(with: x, where: x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s, y: Int16s) in y.replacing(with: x, where: x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s, y: Int32s) in y.replacing(with: x, where: x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s, y: Int64s) in y.replacing(with: x, where: x .< y) } })
  registerUnsigned(
    receive, "minimum",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s, y: UInt8s) in y.replacing(with: x, where: x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s, y: UInt16s) in y.replacing(with: x, where: x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s, y: UInt32s) in y.replacing(with: x, where: x .< y) } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s, y: UInt64s) in y.replacing(with: x, where: x .< y) } })
  registerFloats(
    receive, "minimum",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in y.replacing(with: x, where: (x .< y) .| (x .!= x)) }
    },
    { n, p, s, _ in
      mapBFloat16(n, p, s) { (x: Floats, y: Floats) in y.replacing(with: x, where: (x .< y) .| (x .!= x)) }
    },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in y.replacing(with: x, where: (x .< y) .| (x .!= x)) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in y.replacing(with: x, where: (x .< y) .| (x .!= x)) } })
}
