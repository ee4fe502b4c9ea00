import CSupport

// The gradient of a normalisation of channels, over the rows that one channel of one sample makes up.

func registerChannelNormalization(_ receive: KernelReceiver) {
  registerRows(
    receive, "channel_sums",
    float32: { rows, n, data, steps, _ in channelSums(rows, n, data, steps, widenFloats) },
    float64: { rows, n, data, steps, _ in channelSums(rows, n, data, steps, widenDoubles) })
  registerRows(
    receive, "channel_gradient",
    float32: { rows, n, data, steps, _ in channelGradient(rows, n, data, steps, Floats.self) },
    float64: { rows, n, data, steps, _ in channelGradient(rows, n, data, steps, Doubles.self) })
}

/// Σ g and Σ g (x - mean). Operands: both sums (one per row, written), g, x, mean (one per row).
@inline(__always)
private func channelSums<V: SIMD, A: SIMD>(
  _ rows: Int, _ n: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ widen: (V) -> A
) where V.Scalar: BinaryFloatingPoint, A.Scalar == Double {
  for row in 0..<rows {
    guard let sums = rowStart(data, steps, 0, row), let products = rowStart(data, steps, 1, row),
      let g = rowStart(data, steps, 2, row), let x = rowStart(data, steps, 3, row),
      let means = rowStart(data, steps, 4, row)
    else { return }
    let mean = V(repeating: means.load(as: V.Scalar.self))
    let sum = sumOfVectors(n, widen) { i, lanes in loadVector(g, i, lanes, fill: 0, as: V.self) }
    let product = sumOfVectors(n, widen) { i, lanes in
      loadVector(g, i, lanes, fill: 0, as: V.self) * (loadVector(x, i, lanes, fill: 0, as: V.self) - mean)
    }
    sums.storeBytes(of: V.Scalar(sum), as: V.Scalar.self)
    products.storeBytes(of: V.Scalar(product), as: V.Scalar.self)
  }
}

/// dx = a g + b (x - mean) + c. Operands: dx, g, x, mean, a, b, c (the last four one per row).
@inline(__always)
private func channelGradient<V: SIMD>(
  _ rows: Int, _ n: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _: V.Type
) where V.Scalar: BinaryFloatingPoint {
  for row in 0..<rows {
    guard let out = rowStart(data, steps, 0, row), let g = rowStart(data, steps, 1, row),
      let x = rowStart(data, steps, 2, row), let means = rowStart(data, steps, 3, row),
      let a = rowStart(data, steps, 4, row), let b = rowStart(data, steps, 5, row),
      let c = rowStart(data, steps, 6, row)
    else { return }
    let mean = V(repeating: means.load(as: V.Scalar.self))
    let (a8, b8) = (V(repeating: a.load(as: V.Scalar.self)), V(repeating: b.load(as: V.Scalar.self)))
    let c8 = V(repeating: c.load(as: V.Scalar.self))
    forEachVector(n, V.self) { i, lanes in
      let distance = loadVector(x, i, lanes, fill: 0, as: V.self) - mean
      storeVector(loadVector(g, i, lanes, fill: 0, as: V.self) * a8 + distance * b8 + c8, out, i, lanes)
    }
  }
}
