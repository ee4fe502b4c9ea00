import CSupport
import Glibc

// Softmax and its kin down columns that lie side by side: along an axis that is not the last, and for short rows, many of
// which are turned into columns at a time.
//
// They are row kernels whose rows are the elements that compete and whose `count` is that of the columns, at most
// `softmaxColumns`.

/// Columns whose maxima and sums stay in the nearest cache while their rows stream by.
private let softmaxColumns = 256

func registerSoftmaxColumns(_ receive: KernelReceiver) {
  registerRows(
    receive, "softmax_columns",
    float32: { n, count, data, steps, _ in
      softmaxDown(
        n, count, data, steps, widenFloats, { maximumOrNaN($0, $1) }, { finiteOrMore($0) }, { exp($0) },
        { narrowDoubles($0) })
    },
    float64: { n, count, data, steps, _ in
      softmaxDown(
        n, count, data, steps, widenDoubles, { maximumOrNaN($0, $1) }, { finiteOrMore($0) }, { exp($0) }, { $0 })
    })
  registerRows(
    receive, "log_softmax_columns",
    float32: { n, count, data, steps, _ in
      logSoftmaxDown(n, count, data, steps, widenFloats, { maximumOrNaN($0, $1) }, { finiteOrMore($0) }) { exp($0) }
    },
    float64: { n, count, data, steps, _ in
      logSoftmaxDown(n, count, data, steps, widenDoubles, { maximumOrNaN($0, $1) }, { finiteOrMore($0) }) { exp($0) }
    })
  registerRows(
    receive, "softmax_backward_columns",
    float32: { n, count, data, steps, _ in
      softmaxBackwardDown(n, count, data, steps, widenFloats) { narrowDoubles($0) }
    },
    float64: { n, count, data, steps, _ in softmaxBackwardDown(n, count, data, steps, widenDoubles) { $0 } })
  registerRows(
    receive, "log_softmax_backward_columns",
    float32: { n, count, data, steps, _ in
      logSoftmaxBackwardDown(n, count, data, steps, widenFloats, { exp($0) }) { narrowDoubles($0) }
    },
    float64: { n, count, data, steps, _ in
      logSoftmaxBackwardDown(n, count, data, steps, widenDoubles, { exp($0) }) { $0 }
    })
}

@inline(__always)
private func narrowDoubles(_ x: Lanes<Double>) -> Floats { lanes_float64_to_float32(x) }

/// Calls `body` with scratch for a number and a sum per column.
@inline(__always)
private func withColumns<Scalar>(
  _ count: Int, _ body: (UnsafeMutablePointer<Scalar>, UnsafeMutablePointer<Double>) -> Void
) {
  withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * softmaxColumns) { scratch in
    guard let sums = scratch.baseAddress, count <= softmaxColumns else { return }
    body(UnsafeMutableRawPointer(sums + softmaxColumns).assumingMemoryBound(to: Scalar.self), sums)
  }
}

/// The largest element of each column and Σ exp(x - max), in one pass: a block of rows at a time, for which the sum so far
/// is scaled to the new maximum. Where all elements are -infinity, the maximum that is kept is 0.
@inline(__always)
private func sumExponentials<V: SIMD, A: SIMD>(
  _ n: Int, _ count: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ maxima: UnsafeMutablePointer<V.Scalar>,
  _ sums: UnsafeMutablePointer<Double>, _ widen: (V) -> A, _ larger: (V, V) -> V, _ finite: (V) -> V, _ exp: (V) -> V
) where V.Scalar: BinaryFloatingPoint, A.Scalar == Double {
  for j in 0..<count { (maxima[j], sums[j]) = (-.infinity, 0) }
  var i = 0
  while i < n {
    guard let x = rowStart(data, steps, 1, i), let step = steps?[1] else { return }
    let rows = min(8, n &- i)
    forEachVector(count, V.self) { j, lanes in
      let old = loadVector(maxima, j, lanes, fill: 0, as: V.self)
      var largest = old
      for k in 0..<rows { largest = larger(largest, loadVector(x + k &* step, j, lanes, fill: 0, as: V.self)) }
      largest = finite(largest)
      var sum = V.zero
      for k in 0..<rows { sum += exp(loadVector(x + k &* step, j, lanes, fill: 0, as: V.self) - largest) }
      let before = loadVector(sums, j, lanes, fill: 0, as: A.self) * widen(exp(old - largest))
      storeVector(before + widen(sum), sums, j, lanes)
      storeVector(largest, maxima, j, lanes)
    }
    i &+= rows
  }
}

@inline(__always)
private func finiteOrMore(_ x: Floats) -> Floats { x.replacing(with: 0, where: x .== -.infinity) }

@inline(__always)
private func finiteOrMore(_ x: Doubles) -> Doubles { x.replacing(with: 0, where: x .== -.infinity) }

/// out = exp(x - max) / Σ exp(x - max). Operands: out, x.
@inline(__always)
private func softmaxDown<V: SIMD, A: SIMD>(
  _ n: Int, _ count: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ widen: (V) -> A,
  _ larger: (V, V) -> V, _ finite: (V) -> V, _ exp: (V) -> V, _ narrow: (A) -> V
) where V.Scalar: BinaryFloatingPoint, A.Scalar == Double {
  withColumns(count) { (maxima: UnsafeMutablePointer<V.Scalar>, sums) in
    sumExponentials(n, count, data, steps, maxima, sums, widen, larger, finite, exp)
    // The scales take the place of the sums.
    let scales = UnsafeMutableRawPointer(sums)
    forEachVector(count, V.self) { j, lanes in
      let scale = narrow(A(repeating: 1) / loadVector(sums, j, lanes, fill: 1, as: A.self))
      storeVector(scale, scales, j, lanes)
    }
    for i in 0..<n {
      guard let out = rowStart(data, steps, 0, i), let x = rowStart(data, steps, 1, i) else { return }
      forEachVector(count, V.self) { j, lanes in
        let value = exp(
          loadVector(x, j, lanes, fill: 0, as: V.self) - loadVector(maxima, j, lanes, fill: 0, as: V.self))
        storeVector(value * loadVector(scales, j, lanes, fill: 0, as: V.self), out, j, lanes)
      }
    }
  }
}

/// out = x - max - log Σ exp(x - max). Operands: out, x.
@inline(__always)
private func logSoftmaxDown<V: SIMD, A: SIMD>(
  _ n: Int, _ count: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ widen: (V) -> A,
  _ larger: (V, V) -> V, _ finite: (V) -> V, _ exp: (V) -> V
) where V.Scalar: BinaryFloatingPoint, A.Scalar == Double {
  withColumns(count) { (maxima: UnsafeMutablePointer<V.Scalar>, sums) in
    sumExponentials(n, count, data, steps, maxima, sums, widen, larger, finite, exp)
    // The logarithms take the place of the sums.
    let logarithms = UnsafeMutableRawPointer(sums).assumingMemoryBound(to: V.Scalar.self)
    for j in 0..<count { logarithms[j] = V.Scalar(Glibc.log(sums[j])) }
    for i in 0..<n {
      guard let out = rowStart(data, steps, 0, i), let x = rowStart(data, steps, 1, i) else { return }
      forEachVector(count, V.self) { j, lanes in
        let distance = loadVector(x, j, lanes, fill: 0, as: V.self) - loadVector(maxima, j, lanes, fill: 0, as: V.self)
        storeVector(distance - loadVector(logarithms, j, lanes, fill: 0, as: V.self), out, j, lanes)
      }
    }
  }
}

/// out = y (g - Σ g y). Operands: out, g, y.
@inline(__always)
private func softmaxBackwardDown<V: SIMD, A: SIMD>(
  _ n: Int, _ count: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ widen: (V) -> A, _ narrow: (A) -> V
) where V.Scalar: BinaryFloatingPoint, A.Scalar == Double {
  withColumns(count) { (means: UnsafeMutablePointer<V.Scalar>, sums) in
    for j in 0..<count { sums[j] = 0 }
    for i in 0..<n {
      guard let g = rowStart(data, steps, 1, i), let y = rowStart(data, steps, 2, i) else { return }
      forEachVector(count, V.self) { j, lanes in
        let product = loadVector(g, j, lanes, fill: 0, as: V.self) * loadVector(y, j, lanes, fill: 0, as: V.self)
        storeVector(loadVector(sums, j, lanes, fill: 0, as: A.self) + widen(product), sums, j, lanes)
      }
    }
    forEachVector(count, V.self) { j, lanes in
      storeVector(narrow(loadVector(sums, j, lanes, fill: 0, as: A.self)), means, j, lanes)
    }
    for i in 0..<n {
      guard let out = rowStart(data, steps, 0, i), let g = rowStart(data, steps, 1, i),
        let y = rowStart(data, steps, 2, i)
      else { return }
      forEachVector(count, V.self) { j, lanes in
        let distance = loadVector(g, j, lanes, fill: 0, as: V.self) - loadVector(means, j, lanes, fill: 0, as: V.self)
        storeVector(loadVector(y, j, lanes, fill: 0, as: V.self) * distance, out, j, lanes)
      }
    }
  }
}

/// out = g - exp(y) Σ g. Operands: out, g, y.
@inline(__always)
private func logSoftmaxBackwardDown<V: SIMD, A: SIMD>(
  _ n: Int, _ count: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ widen: (V) -> A, _ exp: (V) -> V,
  _ narrow: (A) -> V
) where V.Scalar: BinaryFloatingPoint, A.Scalar == Double {
  withColumns(count) { (totals: UnsafeMutablePointer<V.Scalar>, sums) in
    for j in 0..<count { sums[j] = 0 }
    for i in 0..<n {
      guard let g = rowStart(data, steps, 1, i) else { return }
      forEachVector(count, V.self) { j, lanes in
        let gradient = widen(loadVector(g, j, lanes, fill: 0, as: V.self))
        storeVector(loadVector(sums, j, lanes, fill: 0, as: A.self) + gradient, sums, j, lanes)
      }
    }
    forEachVector(count, V.self) { j, lanes in
      storeVector(narrow(loadVector(sums, j, lanes, fill: 0, as: A.self)), totals, j, lanes)
    }
    for i in 0..<n {
      guard let out = rowStart(data, steps, 0, i), let g = rowStart(data, steps, 1, i),
        let y = rowStart(data, steps, 2, i)
      else { return }
      forEachVector(count, V.self) { j, lanes in
        let share =
          exp(loadVector(y, j, lanes, fill: 0, as: V.self)) * loadVector(totals, j, lanes, fill: 0, as: V.self)
        storeVector(loadVector(g, j, lanes, fill: 0, as: V.self) - share, out, j, lanes)
      }
    }
  }
}
