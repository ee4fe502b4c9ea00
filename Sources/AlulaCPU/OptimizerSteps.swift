import CSupport

// Fused steps of optimizers: one pass over a parameter, its gradient and its state, in PyTorch's formulas.

func registerOptimizerSteps(_ receive: KernelReceiver) {
  register(receive, "sgd_step", 11, sgdFloat)
  register(receive, "sgd_step", 12, sgdDouble)
  register(receive, "adam_step", 11, adamFloat)
  register(receive, "adam_step", 12, adamDouble)
  register(receive, "gradient_scale", 11) { values, _, _, count, parameters in
    guard let values, let factor = parameters?[0] else { return }
    step(SIMD8<Float>.self, states: 0, values, values, nil, count) { p, _, _, _ in p *= Float(factor) }
  }
  register(receive, "gradient_scale", 12) { values, _, _, count, parameters in
    guard let values, let factor = parameters?[0] else { return }
    step(SIMD4<Double>.self, states: 0, values, values, nil, count) { p, _, _, _ in p *= factor }
  }
  receive("gradient_norm", 11, unsafeBitCast(normFloat, to: UnsafeRawPointer.self))
  receive("gradient_norm", 12, unsafeBitCast(normDouble, to: UnsafeRawPointer.self))
}

private func register(_ receive: KernelReceiver, _ name: StaticString, _ slot: Int, _ kernel: optimizer_kernel) {
  receive(name, slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

/// Calls `body` with vectors of parameters, gradients and the states, of which there are `states` (at most two; a
/// literal, so that the loop is made for it), and stores what it makes of the first, third and fourth. The last elements
/// pass through buffers: without a branch per operand and vector, 131 072 values take Adam 56 µs instead of 78, and plain
/// descent 17 instead of 36.
@inline(__always)
private func step<V: SIMD>(
  _ type: V.Type, states: Int, _ values: UnsafeMutableRawPointer, _ gradients: UnsafeRawPointer,
  _ state: UnsafePointer<UnsafeMutableRawPointer?>?, _ count: Int, _ body: (inout V, V, inout V, inout V) -> Void
) {
  let vector = MemoryLayout<V>.size
  let end = count &* MemoryLayout<V.Scalar>.size
  guard let first = states > 0 ? state?[0] : values, let second = states > 1 ? state?[1] : values else { return }
  withUnsafeTemporaryAllocation(byteCount: 4 &* vector, alignment: 32) { buffers in
    guard let buffer = buffers.baseAddress else { return }
    buffer.initializeMemory(as: UInt8.self, repeating: 0, count: 4 &* vector)
    var offset = 0
    while offset < end {
      var bytes = (end &- offset) / vector &* vector
      let rest = bytes == 0 ? end &- offset : 0
      var (p, g, m, v) = (values + offset, gradients + offset, first + offset, second + offset)
      if rest > 0 {
        buffer.copyMemory(from: p, byteCount: rest)
        (buffer + vector).copyMemory(from: g, byteCount: rest)
        (buffer + 2 &* vector).copyMemory(from: m, byteCount: rest)
        (buffer + 3 &* vector).copyMemory(from: v, byteCount: rest)
        (p, g, m, v) = (buffer, UnsafeRawPointer(buffer + vector), buffer + 2 &* vector, buffer + 3 &* vector)
        bytes = vector
      }
      var j = 0
      while j < bytes {
        var x = p.loadUnaligned(fromByteOffset: j, as: V.self)
        var (a, b) = (V(), V())
        if states > 0 { a = m.loadUnaligned(fromByteOffset: j, as: V.self) }
        if states > 1 { b = v.loadUnaligned(fromByteOffset: j, as: V.self) }
        body(&x, g.loadUnaligned(fromByteOffset: j, as: V.self), &a, &b)
        p.storeBytes(of: x, toByteOffset: j, as: V.self)
        if states > 0 { m.storeBytes(of: a, toByteOffset: j, as: V.self) }
        if states > 1 { v.storeBytes(of: b, toByteOffset: j, as: V.self) }
        j &+= vector
      }
      if rest > 0 {
        (values + offset).copyMemory(from: buffer, byteCount: rest)
        if states > 0 { (first + offset).copyMemory(from: buffer + 2 &* vector, byteCount: rest) }
        if states > 1 { (second + offset).copyMemory(from: buffer + 3 &* vector, byteCount: rest) }
        return
      }
      offset &+= bytes
    }
  }
}

@inline(__always)
private func load<V: SIMD>(_ type: V.Type, _ source: UnsafeRawPointer, _ byteCount: Int) -> V {
  if byteCount == MemoryLayout<V>.size { return source.loadUnaligned(as: V.self) }
  var result = V()
  withUnsafeMutableBytes(of: &result) { $0.baseAddress?.copyMemory(from: source, byteCount: byteCount) }
  return result
}

// MARK: - Stochastic gradient descent

// Parameters: learning rate, momentum, the gradient's share in the momentum (1 - dampening), weight decay, the
// gradient's sign (-1 to maximise), 1 for Nesterov's momentum. States: the momentum, or none.

private let sgdFloat: optimizer_kernel = { values, gradients, state, count, parameters in
  guard let values, let gradients, let h = parameters else { return }
  let (rate, momentum, share) = (Float(h[0]), Float(h[1]), Float(h[2]))
  let (decay, sign, nesterov) = (Float(h[3]), Float(h[4]), h[5] != 0)
  if momentum == 0 {
    step(SIMD8<Float>.self, states: 0, values, gradients, nil, count) { p, g, _, _ in
      var d = g * sign
      if decay != 0 { d += p * decay }
      p -= d * rate
    }
  } else {
    step(SIMD8<Float>.self, states: 1, values, gradients, state, count) { p, g, m, _ in
      var d = g * sign
      if decay != 0 { d += p * decay }
      m = m * momentum + d * share
      d = nesterov ? d + m * momentum : m
      p -= d * rate
    }
  }
}

private let sgdDouble: optimizer_kernel = { values, gradients, state, count, parameters in
  guard let values, let gradients, let h = parameters else { return }
  let (rate, momentum, share) = (h[0], h[1], h[2])
  let (decay, sign, nesterov) = (h[3], h[4], h[5] != 0)
  if momentum == 0 {
    step(SIMD4<Double>.self, states: 0, values, gradients, nil, count) { p, g, _, _ in
      var d = g * sign
      if decay != 0 { d += p * decay }
      p -= d * rate
    }
  } else {
    step(SIMD4<Double>.self, states: 1, values, gradients, state, count) { p, g, m, _ in
      var d = g * sign
      if decay != 0 { d += p * decay }
      m = m * momentum + d * share
      d = nesterov ? d + m * momentum : m
      p -= d * rate
    }
  }
}

// MARK: - Adam

// Parameters: the bias-corrected step size, 1 - beta1, beta2, 1 - beta2, epsilon, the square root of the second
// moment's bias correction, weight decay as a part of the gradient, the factor of decoupled weight decay, the
// gradient's sign. States: the running means of the gradient and of its square.

private let adamFloat: optimizer_kernel = { values, gradients, state, count, parameters in
  guard let values, let gradients, let state, let h = parameters else { return }
  let (size, share1, beta2, share2) = (Float(h[0]), Float(h[1]), Float(h[2]), Float(h[3]))
  let (epsilon, correction, decay) = (Float(h[4]), Float(h[5]), Float(h[6]))
  let (shrink, sign) = (Float(h[7]), Float(h[8]))
  step(SIMD8<Float>.self, states: 2, values, gradients, state, count) { p, g, m, v in
    p *= shrink
    var d = g * sign
    if decay != 0 { d += p * decay }
    m += (d - m) * share1
    v = v * beta2 + d * d * share2
    p -= m / (vector8_float32_sqrt(v) / correction + epsilon) * size
  }
}

private let adamDouble: optimizer_kernel = { values, gradients, state, count, parameters in
  guard let values, let gradients, let state, let h = parameters else { return }
  let (size, share1, beta2, share2) = (h[0], h[1], h[2], h[3])
  let (epsilon, correction, decay) = (h[4], h[5], h[6])
  let (shrink, sign) = (h[7], h[8])
  step(SIMD4<Double>.self, states: 2, values, gradients, state, count) { p, g, m, v in
    p *= shrink
    var d = g * sign
    if decay != 0 { d += p * decay }
    m += (d - m) * share1
    v = v * beta2 + d * d * share2
    p -= m / (vector4_float64_sqrt(v) / correction + epsilon) * size
  }
}

// MARK: - Norms

private let normFloat: norm_kernel = { values, count, order in
  guard let values else { return 0 }
  var sums = (SIMD4<Double>.zero, SIMD4<Double>.zero)
  var i = 0
  while i < count {
    let x = load(SIMD8<Float>.self, values + i &* 4, min(count &- i, 8) &* 4)
    accumulate(&sums.0, SIMD4(Double(x[0]), Double(x[1]), Double(x[2]), Double(x[3])), order)
    accumulate(&sums.1, SIMD4(Double(x[4]), Double(x[5]), Double(x[6]), Double(x[7])), order)
    i &+= 8
  }
  return total(sums.0, sums.1, order)
}

private let normDouble: norm_kernel = { values, count, order in
  guard let values else { return 0 }
  var sums = (SIMD4<Double>.zero, SIMD4<Double>.zero)
  var i = 0
  while i < count {
    let bytes = min(count &- i, 8) &* 8
    accumulate(&sums.0, load(SIMD4<Double>.self, values + i &* 8, min(bytes, 32)), order)
    if bytes > 32 { accumulate(&sums.1, load(SIMD4<Double>.self, values + (i &* 8 &+ 32), bytes &- 32), order) }
    i &+= 8
  }
  return total(sums.0, sums.1, order)
}

@inline(__always)
private func accumulate(_ sum: inout SIMD4<Double>, _ x: SIMD4<Double>, _ order: Int) {
  if order == 2 {
    sum += x * x
  } else {
    let magnitude = unsafeBitCast(unsafeBitCast(x, to: SIMD4<UInt64>.self) & (UInt64.max &>> 1), to: SIMD4<Double>.self)
    if order == 1 { sum += magnitude } else { larger(&sum, magnitude) }
  }
}

@inline(__always)
private func larger(_ a: inout SIMD4<Double>, _ b: SIMD4<Double>) {
  // A NaN on either side stays.
  a.replace(with: b, where: (b .> a) .| (b .!= b))
}

@inline(__always)
private func total(_ a: SIMD4<Double>, _ b: SIMD4<Double>, _ order: Int) -> Double {
  if order != 0 {
    let sum = a + b
    return (sum[0] + sum[1]) + (sum[2] + sum[3])
  }
  var largest = a
  larger(&largest, b)
  var result = largest[0]
  for k in 1..<4 where largest[k] > result || largest[k] != largest[k] { result = largest[k] }
  return result
}
