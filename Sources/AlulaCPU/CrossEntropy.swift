import CSupport
import Glibc

// Cross-entropy of rows of logits with one class each, and its gradient: softmax minus the class.

func registerCrossEntropy(_ receive: KernelReceiver) {
  registerRows(
    receive, "cross_entropy",
    float32: { rows, n, data, steps, p in
      crossEntropy(rows, n, data, steps, p, widenFloats, { maximumOrNaN($0, $1) }) { exp($0) }
    },
    float64: { rows, n, data, steps, p in
      crossEntropy(rows, n, data, steps, p, widenDoubles, { maximumOrNaN($0, $1) }) { exp($0) }
    })
  registerRows(
    receive, "cross_entropy_backward",
    float32: { rows, n, data, steps, p in crossEntropyBackward(rows, n, data, steps, p, widenFloats) { exp($0) } },
    float64: { rows, n, data, steps, p in crossEntropyBackward(rows, n, data, steps, p, widenDoubles) { exp($0) } })
}

/// With ℓ = log Σ exp(x), loss = (1 - ε) w_t (ℓ - x_t) + ε/n Σ w (ℓ - x), or 0 for the ignored class. Operands: loss and ℓ
/// (one per row, written), x, t (int64), w (shared; may be left out). Parameters: ε, the ignored class or -1.
@inline(__always)
private func crossEntropy<V: SIMD, A: SIMD>(
  _ rows: Int, _ n: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ parameters: UnsafePointer<Double>?,
  _ widen: (V) -> A, _ larger: (V, V) -> V, _ exp: (V) -> V
) where V.Scalar: BinaryFloatingPoint, A.Scalar == Double {
  guard let parameters else { return }
  let (smoothing, ignored) = (parameters[0], Int64(parameters[1]))
  let weight = rowStart(data, steps, 4, 0)
  for row in 0..<rows {
    guard let losses = rowStart(data, steps, 0, row), let logSums = rowStart(data, steps, 1, row),
      let x = rowStart(data, steps, 2, row), let targets = rowStart(data, steps, 3, row)
    else { return }
    let largest = maximumOfRow(x, n, larger)
    let center = V(repeating: largest)
    let sum = sumOfVectors(n, widen) { i, lanes in
      exp(loadVector(x, i, lanes, fill: -V.Scalar.infinity, as: V.self) - center)
    }
    let logSum = Double(largest) + Glibc.log(sum)
    logSums.storeBytes(of: V.Scalar(logSum), as: V.Scalar.self)
    let target = targets.load(as: Int64.self)
    var loss = 0.0
    if target != ignored, target >= 0, target < n {
      let logits = x.assumingMemoryBound(to: V.Scalar.self)
      let weights = weight?.assumingMemoryBound(to: V.Scalar.self)
      let targetWeight = weights.map { Double($0[Int(target)]) } ?? 1
      loss = (1 - smoothing) * targetWeight * (logSum - Double(logits[Int(target)]))
      if smoothing != 0 {
        var rest = 0.0
        for c in 0..<n { rest += (weights.map { Double($0[c]) } ?? 1) * (logSum - Double(logits[c])) }
        loss += smoothing / Double(n) * rest
      }
    }
    losses.storeBytes(of: V.Scalar(loss), as: V.Scalar.self)
  }
}

/// dx = g ((w_t (1 - ε) + ε/n Σ w) exp(x - ℓ) - ε/n w), less g w_t (1 - ε) at t; 0 for the ignored class. Operands: dx, g (one
/// per row), x, ℓ, t, w. Parameters: ε, the ignored class or -1.
@inline(__always)
private func crossEntropyBackward<V: SIMD, A: SIMD>(
  _ rows: Int, _ n: Int, _ data: RowPointers, _ steps: UnsafePointer<Int>?, _ parameters: UnsafePointer<Double>?,
  _ widen: (V) -> A, _ exp: (V) -> V
) where V.Scalar: BinaryFloatingPoint, A.Scalar == Double {
  guard let parameters else { return }
  let (smoothing, ignored) = (parameters[0], Int64(parameters[1]))
  let weight = rowStart(data, steps, 5, 0)
  var weightSum = Double(n)
  if let weight {
    weightSum = sumOfVectors(n, widen) { i, lanes in loadVector(weight, i, lanes, fill: 0, as: V.self) }
  }
  for row in 0..<rows {
    guard let out = rowStart(data, steps, 0, row), let gradients = rowStart(data, steps, 1, row),
      let x = rowStart(data, steps, 2, row), let logSums = rowStart(data, steps, 3, row),
      let targets = rowStart(data, steps, 4, row)
    else { return }
    let target = targets.load(as: Int64.self)
    if target == ignored || target < 0 || target >= n {
      forEachVector(n, V.self) { i, lanes in storeVector(V.zero, out, i, lanes) }
      continue
    }
    let gradient = Double(gradients.load(as: V.Scalar.self))
    let logSum = V(repeating: logSums.load(as: V.Scalar.self))
    let weights = weight?.assumingMemoryBound(to: V.Scalar.self)
    let atTarget = gradient * (1 - smoothing) * (weights.map { Double($0[Int(target)]) } ?? 1)
    let share = gradient * smoothing / Double(n)
    let factor = V(repeating: V.Scalar(atTarget + share * weightSum))
    let shares = V(repeating: V.Scalar(share))
    forEachVector(n, V.self) { i, lanes in
      var value = exp(loadVector(x, i, lanes, fill: 0, as: V.self) - logSum) * factor
      if smoothing != 0 {
        value -= weight.map { loadVector($0, i, lanes, fill: 0, as: V.self) * shares } ?? shares
      }
      storeVector(value, out, i, lanes)
    }
    out.assumingMemoryBound(to: V.Scalar.self)[Int(target)] -= V.Scalar(atTarget)
  }
}
