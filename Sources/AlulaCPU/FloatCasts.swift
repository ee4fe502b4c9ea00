import CSupport

// Casts from real floats.

func registerFloatCasts(_ receive: KernelReceiver) {
  registerFloat16Casts(receive)
  registerBFloat16Casts(receive)
  registerFloat32Casts(receive)
  registerFloat64Casts(receive)
}

private func registerFloat16Casts(_ receive: KernelReceiver) {
  registerCasts(
    receive, from: 9,
    [
      { n, p, s, _ in map(n, p, s) { (x: Halves) in byte(widenFloat16(x) .!= 0) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toInt8(widenFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toInt16(widenFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toInt32(widenFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toInt64(lanes_float32_to_float64(widenFloat16(x))) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toUInt8(widenFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toUInt16(widenFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toUInt32(lanes_float32_to_float64(widenFloat16(x))) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toUInt64(lanes_float32_to_float64(widenFloat16(x))) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in x } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in narrowBFloat16(widenFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in widenFloat16(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in lanes_float32_to_float64(widenFloat16(x)) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Halves) in complex(widenFloat16(x)) } },
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Halves) in complex(lanes_float32_to_float64(widenFloat16(x))) }
      },
    ])
}

private func registerBFloat16Casts(_ receive: KernelReceiver) {
  registerCasts(
    receive, from: 10,
    [
      { n, p, s, _ in map(n, p, s) { (x: Halves) in byte(widenBFloat16(x) .!= 0) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toInt8(widenBFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toInt16(widenBFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toInt32(widenBFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toInt64(lanes_float32_to_float64(widenBFloat16(x))) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toUInt8(widenBFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toUInt16(widenBFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toUInt32(lanes_float32_to_float64(widenBFloat16(x))) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in toUInt64(lanes_float32_to_float64(widenBFloat16(x))) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in narrowFloat16(widenBFloat16(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in x } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in widenBFloat16(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Halves) in lanes_float32_to_float64(widenBFloat16(x)) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Halves) in complex(widenBFloat16(x)) } },
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Halves) in complex(lanes_float32_to_float64(widenBFloat16(x))) }
      },
    ])
}

private func registerFloat32Casts(_ receive: KernelReceiver) {
  registerCasts(
    receive, from: 11,
    [
      { n, p, s, _ in map(n, p, s) { (x: Floats) in byte(x .!= 0) } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in toInt8(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in toInt16(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in toInt32(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in toInt64(lanes_float32_to_float64(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in toUInt8(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in toUInt16(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in toUInt32(lanes_float32_to_float64(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in toUInt64(lanes_float32_to_float64(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in narrowFloat16(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in narrowBFloat16(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in x } },
      { n, p, s, _ in map(n, p, s) { (x: Floats) in lanes_float32_to_float64(x) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Floats) in complex(x) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Floats) in complex(lanes_float32_to_float64(x)) } },
    ])
}

private func registerFloat64Casts(_ receive: KernelReceiver) {
  registerCasts(
    receive, from: 12,
    [
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in byte(x .!= 0) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in toInt8(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in toInt16(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in toInt32(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in toInt64(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in toUInt8(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in toUInt16(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in toUInt32(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in toUInt64(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in narrowFloat16(roundToOdd(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in narrowBFloat16(roundToOdd(x)) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in lanes_float64_to_float32(x) } },
      { n, p, s, _ in map(n, p, s) { (x: Lanes<Double>) in x } },
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<Double>) in complex(lanes_float64_to_float32(x)) }
      },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Lanes<Double>) in complex(x) } },
    ])
}
