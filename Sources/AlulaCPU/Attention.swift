import CSupport

// Blocked attention between its matrix products. The scores of a block of keys for one panel of queries lie in a
// panel: a row per key, a lane per query, so that maxima and sums along the keys need nothing across lanes. Comparisons
// come as closures: of a generic vector they would go lane by lane.

func registerAttention(_ receive: KernelReceiver) {
  register(receive, 11) { keys, width, scores, mask, diagonal, maxima, sums, factors in
    exponentiateScores(
      keys, width, scores!, mask, diagonal, maxima!, sums!, factors!, { lanes_float32_to_float64($0) },
      { (x: Floats, y: Floats) in y.replacing(with: x, where: x .> y) },
      { (x: Floats) in x.replacing(with: 0, where: x .== -.infinity) }, { (x: Floats) in exp(x) })
  }
  register(receive, 12) { keys, width, scores, mask, diagonal, maxima, sums, factors in
    exponentiateScores(
      keys, width, scores!, mask, diagonal, maxima!, sums!, factors!, widenDoubles,
      { (x: Doubles, y: Doubles) in y.replacing(with: x, where: x .> y) },
      { (x: Doubles) in x.replacing(with: 0, where: x .== -.infinity) }, { (x: Doubles) in exp(x) })
  }
  register(receive, 11) { width, maxima, sums, factors, logarithms in
    finishSums(width, maxima!, sums!, factors!, logarithms!) { (sum: Lanes<Double>, largest: Floats) in
      let total = lanes_float64_to_float32(sum)
      let none = total .== 0
      let factor = lanes_float64_to_float32(1 / sum)
      return (factor.replacing(with: 0, where: none), (largest + log(total)).replacing(with: .infinity, where: none))
    }
  }
  register(receive, 12) { width, maxima, sums, factors, logarithms in
    finishSums(width, maxima!, sums!, factors!, logarithms!) { (sum: Doubles, largest: Doubles) in
      let none = sum .== 0
      return (
        (1 / sum).replacing(with: 0, where: none), (largest + log(sum)).replacing(with: .infinity, where: none)
      )
    }
  }
  register(receive, 11) { keys, width, scores, gradients, mask, diagonal, logarithms, deltas, scale in
    scoreGradients(keys, width, scores!, gradients!, mask, diagonal, logarithms!, deltas!, Float(scale)) {
      (x: Floats) in exp(x)
    }
  }
  register(receive, 12) { keys, width, scores, gradients, mask, diagonal, logarithms, deltas, scale in
    scoreGradients(keys, width, scores!, gradients!, mask, diagonal, logarithms!, deltas!, scale) {
      (x: Doubles) in exp(x)
    }
  }
  register(receive, 11) { rows, width, a, b, sums in columnDots(Floats(), rows, width, a!, b!, sums!) }
  register(receive, 12) { rows, width, a, b, sums in columnDots(Doubles(), rows, width, a!, b!, sums!) }
}

private func register(_ receive: KernelReceiver, _ slot: Int, _ kernel: attention_softmax_kernel) {
  receive("attention.softmax", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

private func register(_ receive: KernelReceiver, _ slot: Int, _ kernel: attention_finish_kernel) {
  receive("attention.finish", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

private func register(_ receive: KernelReceiver, _ slot: Int, _ kernel: attention_gradient_kernel) {
  receive("attention.gradient", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

private func register(_ receive: KernelReceiver, _ slot: Int, _ kernel: panel_dot_kernel) {
  receive("panel.dot", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

/// Adds the mask, and hides keys: the one in row j from the queries in lanes below j - diagonal.
@inline(__always)
private func maskScores<V: SIMD>(
  _: V.Type, _ keys: Int, _ width: Int, _ scores: UnsafeMutableRawPointer, _ mask: UnsafeRawPointer?, _ diagonal: Int
) where V.Scalar: BinaryFloatingPoint {
  if let mask {
    let bytes = keys &* width &* MemoryLayout<V.Scalar>.stride
    var i = 0
    while i < bytes {
      scores.storeBytes(
        of: scores.loadUnaligned(fromByteOffset: i, as: V.self) + mask.loadUnaligned(fromByteOffset: i, as: V.self),
        toByteOffset: i, as: V.self)
      i &+= MemoryLayout<V>.size
    }
  }
  var key = max(0, diagonal &+ 1)
  while key < keys {
    let row = scores.assumingMemoryBound(to: V.Scalar.self) + key &* width
    for lane in 0..<min(width, key &- diagonal) { row[lane] = -V.Scalar.infinity }
    key &+= 1
  }
}

/// Scores become exp(score - maximum), where the maximum is over these and earlier blocks of keys; `sums` grow by them, after
/// multiplication with `factors`, which bring earlier exponentials to the new maximum.
@inline(__always)
private func exponentiateScores<V: SIMD, A: SIMD>(
  _ keys: Int, _ width: Int, _ scores: UnsafeMutableRawPointer, _ mask: UnsafeRawPointer?, _ diagonal: Int,
  _ maxima: UnsafeMutableRawPointer, _ sums: UnsafeMutablePointer<Double>, _ factors: UnsafeMutableRawPointer,
  _ widen: (V) -> A, _ larger: (V, V) -> V, _ zeroForNone: (V) -> V, _ exp: (V) -> V
) where V.Scalar: BinaryFloatingPoint, A.Scalar == Double {
  maskScores(V.self, keys, width, scores, mask, diagonal)
  let step = width &* MemoryLayout<V.Scalar>.stride
  var lane = 0
  while lane < width {
    let offset = lane &* MemoryLayout<V.Scalar>.stride
    let start = scores + offset
    let before = maxima.loadUnaligned(fromByteOffset: offset, as: V.self)
    var (a, b) = (before, before)
    var row = start
    var left = keys
    while left >= 2 {
      let (x, y) = (row.loadUnaligned(as: V.self), row.loadUnaligned(fromByteOffset: step, as: V.self))
      a = larger(a, x)
      b = larger(b, y)
      row += 2 &* step
      left &-= 2
    }
    if left > 0 {
      let x = row.loadUnaligned(as: V.self)
      a = larger(a, x)
    }
    let largest = larger(a, b)
    maxima.storeBytes(of: largest, toByteOffset: offset, as: V.self)
    // Where every key is hidden the exponentials are to be zero.
    let base = zeroForNone(largest)

    // The first stretch is the row of factors, which the earlier sums are multiplied by; then the keys, in stretches
    // whose sums are carried in float64.
    let ownSums = UnsafeMutableRawPointer(sums + lane)
    factors.storeBytes(of: before, toByteOffset: offset, as: V.self)
    var total = ownSums.loadUnaligned(as: A.self)
    var isFirst = true
    var stretch = 1
    var position = factors + offset
    var next = start
    left = keys
    while true {
      var sum = V.zero
      for _ in 0..<stretch {
        let value = exp(position.loadUnaligned(as: V.self) - base)
        position.storeBytes(of: value, as: V.self)
        sum += value
        position += step
      }
      if isFirst { total *= widen(sum) } else { total += widen(sum) }
      isFirst = false
      if left == 0 { break }
      stretch = min(left, 64)
      left &-= stretch
      position = next
      next += stretch &* step
    }
    ownSums.storeBytes(of: total, as: A.self)
    lane &+= V.scalarCount
  }
}

/// The factors that turn sums of weighted values into means, and the logarithms of the sums of exponentials; 0 and
/// infinity where no key was seen.
@inline(__always)
private func finishSums<V: SIMD, A: SIMD>(
  _ width: Int, _ maxima: UnsafeRawPointer, _ sums: UnsafePointer<Double>, _ factors: UnsafeMutableRawPointer,
  _ logarithms: UnsafeMutableRawPointer, _ finish: (A, V) -> (V, V)
) where A.Scalar == Double {
  var lane = 0
  while lane < width {
    let offset = lane &* MemoryLayout<V.Scalar>.stride
    let (factor, logarithm) = finish(
      UnsafeRawPointer(sums + lane).loadUnaligned(as: A.self), maxima.loadUnaligned(fromByteOffset: offset, as: V.self))
    factors.storeBytes(of: factor, toByteOffset: offset, as: V.self)
    logarithms.storeBytes(of: logarithm, toByteOffset: offset, as: V.self)
    lane &+= V.scalarCount
  }
}

/// Scores become probabilities p = exp(score - logarithm), and their gradients dp become scale p (dp - delta).
@inline(__always)
private func scoreGradients<V: SIMD>(
  _ keys: Int, _ width: Int, _ scores: UnsafeMutableRawPointer, _ gradients: UnsafeMutableRawPointer,
  _ mask: UnsafeRawPointer?, _ diagonal: Int, _ logarithms: UnsafeRawPointer, _ deltas: UnsafeRawPointer,
  _ scale: V.Scalar, _ exp: (V) -> V
) where V.Scalar: BinaryFloatingPoint {
  maskScores(V.self, keys, width, scores, mask, diagonal)
  let step = width &* MemoryLayout<V.Scalar>.stride
  var lane = 0
  while lane < width {
    let offset = lane &* MemoryLayout<V.Scalar>.stride
    let logarithm = logarithms.loadUnaligned(fromByteOffset: offset, as: V.self)
    let delta = deltas.loadUnaligned(fromByteOffset: offset, as: V.self)
    let scales = V(repeating: scale)
    var score = scores + offset
    var gradient = gradients + offset
    for _ in 0..<keys {
      let p = exp(score.loadUnaligned(as: V.self) - logarithm)
      score.storeBytes(of: p, as: V.self)
      gradient.storeBytes(of: p * (gradient.loadUnaligned(as: V.self) - delta) * scales, as: V.self)
      score += step
      gradient += step
    }
    lane &+= V.scalarCount
  }
}

/// The dot products of the columns of two panels.
@inline(__always)
private func columnDots<V: SIMD>(
  _ zero: V, _ rows: Int, _ width: Int, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, _ sums: UnsafeMutableRawPointer
) where V.Scalar: BinaryFloatingPoint {
  let step = width &* MemoryLayout<V.Scalar>.stride
  var lane = 0
  while lane < width {
    let offset = lane &* MemoryLayout<V.Scalar>.stride
    var (even, odd) = (zero, zero)
    var (x, y) = (a + offset, b + offset)
    var left = rows
    while left >= 2 {
      even += x.loadUnaligned(as: V.self) * y.loadUnaligned(as: V.self)
      odd += x.loadUnaligned(fromByteOffset: step, as: V.self) * y.loadUnaligned(fromByteOffset: step, as: V.self)
      x += 2 &* step
      y += 2 &* step
      left &-= 2
    }
    if left > 0 { even += x.loadUnaligned(as: V.self) * y.loadUnaligned(as: V.self) }
    sums.storeBytes(of: even + odd, toByteOffset: offset, as: V.self)
    lane &+= V.scalarCount
  }
}
