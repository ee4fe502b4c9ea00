import CSupport

// Casts from complex numbers, which are pairs. Real dtypes keep the real part; bool asks whether either part is not 0.

func registerComplexCasts(_ receive: KernelReceiver) {
  registerComplex64Casts(receive)
  registerComplex128Casts(receive)
}

private func registerComplex64Casts(_ receive: KernelReceiver) {
  registerCasts(
    receive, from: 13,
    [
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in byte((x.evenHalf .!= 0) .| (x.oddHalf .!= 0)) }
      },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in toInt8(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in toInt16(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in toInt32(x.evenHalf) } },
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in toInt64(lanes_float32_to_float64(x.evenHalf)) }
      },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in toUInt8(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in toUInt16(x.evenHalf) } },
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in toUInt32(lanes_float32_to_float64(x.evenHalf)) }
      },
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in toUInt64(lanes_float32_to_float64(x.evenHalf)) }
      },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in narrowFloat16(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in narrowBFloat16(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in x.evenHalf } },
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in lanes_float32_to_float64(x.evenHalf) }
      },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in x } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Float>) in widenComplex(x) } },
    ])
}

private func registerComplex128Casts(_ receive: KernelReceiver) {
  registerCasts(
    receive, from: 14,
    [
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in byte((x.evenHalf .!= 0) .| (x.oddHalf .!= 0)) }
      },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in toInt8(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in toInt16(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in toInt32(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in toInt64(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in toUInt8(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in toUInt16(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in toUInt32(x.evenHalf) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in toUInt64(x.evenHalf) } },
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in narrowFloat16(roundToOdd(x.evenHalf)) }
      },
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in narrowBFloat16(roundToOdd(x.evenHalf)) }
      },
      { n, p, s, _ in
        map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in lanes_float64_to_float32(x.evenHalf) }
      },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in x.evenHalf } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in narrowComplex(x) } },
      { n, p, s, _ in map(n, p, s, lanes: Floats.scalarCount) { (x: Pairs<Double>) in x } },
    ])
}
