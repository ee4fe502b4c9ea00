import Alula
import Glibc
import Testing

@Suite struct OptimizerTests {
  private static let sizes = [1, 7, 8, 33, 20_000]

  /// A parameter and the gradients of its steps, made from a seed.
  private func problem(_ count: Int, _ dtype: DType) throws -> (Tensor, [Tensor]) {
    let generator = Generator(seed: UInt64(count))
    func draw() throws -> Tensor { try Tensor.randomNormal(shape: [count], dtype: dtype, generator: generator) }
    let parameter = try draw()
    try parameter.setRequiresGradient(true)
    return (parameter, try (0..<4).map { _ in try draw() })
  }

  /// Runs the optimizer and holds it against `reference`, which updates parameter and state of one element in float64.
  private func check(
    _ dtype: DType, _ make: (Tensor) throws -> Optimizer,
    _ reference: (inout Double, Double, inout Double, inout Double, Int) -> Void
  ) throws {
    for count in Self.sizes {
      let (parameter, gradients) = try problem(count, dtype)
      var expected = try read(parameter)
      var first = Array(repeating: 0.0, count: count)
      var second = Array(repeating: 0.0, count: count)
      let optimizer = try make(parameter)
      for (t, gradient) in gradients.enumerated() {
        try parameter.setGradient(gradient)
        try optimizer.step()
        for (i, g) in try read(gradient).enumerated() { reference(&expected[i], g, &first[i], &second[i], t + 1) }
      }
      let tolerance = dtype == .float64 ? 1e-14 : 3e-6
      for (a, b) in zip(try read(parameter), expected) { #expect(abs(a - b) <= tolerance * max(1, abs(b))) }
    }
  }

  private func read(_ tensor: Tensor) throws -> [Double] {
    tensor.dtype == .float64 ? try tensor.values(as: Double.self) : try tensor.values(as: Float.self).map { Double($0) }
  }

  @Test(arguments: [DType.float32, .float64]) func sgd(dtype: DType) throws {
    try check(dtype, { try SGD([$0], learningRate: 0.1) }) { p, g, _, _, _ in p -= 0.1 * g }
    try check(dtype, { try SGD([$0], learningRate: 0.1, weightDecay: 0.5, maximize: true) }) { p, g, _, _, _ in
      p -= 0.1 * (0.5 * p - g)
    }
    try check(dtype, { try SGD([$0], learningRate: 0.1, momentum: 0.9, dampening: 0.25, weightDecay: 0.01) }) {
      p, g, b, _, t in
      let d = g + 0.01 * p
      b = t == 1 ? d : 0.9 * b + 0.75 * d
      p -= 0.1 * b
    }
    try check(dtype, { try SGD([$0], learningRate: 0.1, momentum: 0.9, nesterov: true) }) { p, g, b, _, t in
      b = t == 1 ? g : 0.9 * b + g
      p -= 0.1 * (g + 0.9 * b)
    }
  }

  @Test(arguments: [DType.float32, .float64]) func adam(dtype: DType) throws {
    func adam(_ p: inout Double, _ g: Double, _ m: inout Double, _ v: inout Double, _ t: Int) {
      m = 0.8 * m + 0.2 * g
      v = 0.95 * v + 0.05 * g * g
      let step = Double(t)
      p -= 0.01 * (m / (1 - pow(0.8, step))) / ((v / (1 - pow(0.95, step))).squareRoot() + 1e-6)
    }
    try check(dtype, { try Adam([$0], learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1) }) {
      p, g, m, v, t in adam(&p, g + 0.1 * p, &m, &v, t)
    }
    try check(
      dtype,
      {
        try Adam(
          [$0], learningRate: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1e-6, weightDecay: 0.1,
          decoupledWeightDecay: true, maximize: true)
      }
    ) { p, g, m, v, t in
      p *= 1 - 0.01 * 0.1
      adam(&p, -g, &m, &v, t)
    }
  }

  @Test func parametersWithoutGradientStay() throws {
    let (a, gradients) = try problem(5, .float32)
    let (b, _) = try problem(6, .float32)
    let before = try read(b)
    let optimizer = try Adam([a, b], learningRate: 0.1)
    try a.setGradient(gradients[0])
    try optimizer.step()
    #expect(try read(b) == before)
    #expect(try optimizer.state().map(\.name) == ["0.step", "0.exp_avg", "0.exp_avg_sq"])
    try optimizer.zeroGradients()
    #expect(a.gradient == nil && b.gradient == nil)
  }

  @Test func stepsAreWritesThatBackwardNotices() throws {
    let (a, gradients) = try problem(5, .float32)
    let loss = try (a * a).sum()
    try a.setGradient(gradients[0])
    try SGD([a], learningRate: 0.1).step()
    #expect(throws: AlulaError.self) { try Autograd.backward([loss]) }
  }

  @Test func aLoadedStateGoesOnBitForBit() throws {
    let (a, gradients) = try problem(100, .float64)
    let (b, _) = try problem(100, .float64)
    let one = try Adam([a], learningRate: 0.1)
    let two = try Adam([b], learningRate: 0.1)
    for gradient in gradients[0..<2] {
      try a.setGradient(gradient)
      try one.step()
    }
    try GradientMode.without { () throws(AlulaError) in try b.assign(a) }
    try two.loadState(try one.state())
    for gradient in gradients[2...] {
      for (parameter, optimizer) in [(a, one), (b, two)] {
        try parameter.setGradient(gradient)
        try optimizer.step()
      }
    }
    #expect(try read(a) == read(b))
  }

  @Test func badStatesAreRefused() throws {
    let (a, gradients) = try problem(3, .float64)
    let optimizer = try Adam([a], learningRate: 0.1)
    try a.setGradient(gradients[0])
    try optimizer.step()
    let good = try optimizer.state()
    let small = try Tensor.randomNormal(shape: [2], dtype: .float64)
    for bad: [(name: String, tensor: Tensor)] in [
      [("1.step", good[0].tensor)], [("step", good[0].tensor)], [("x.exp_avg", good[1].tensor)],
      [good[0], good[1]], [good[0], good[1], ("0.exp_avg_sq", small)], [good[0], good[1], ("0.other", good[2].tensor)],
      [good[1], good[2]], [("-1.step", good[0].tensor)],
    ] {
      #expect(throws: AlulaError.self) { try optimizer.loadState(bad) }
    }
    try optimizer.loadState(good)
  }

  @Test func badArgumentsAreErrors() throws {
    let (a, _) = try problem(3, .float32)
    #expect(throws: AlulaError.self) { try SGD([a], learningRate: -1) }
    #expect(throws: AlulaError.self) { try SGD([a], learningRate: .nan) }
    #expect(throws: AlulaError.self) { try SGD([a], learningRate: 1, nesterov: true) }
    #expect(throws: AlulaError.self) { try SGD([a, a], learningRate: 1) }
    #expect(throws: AlulaError.self) { try SGD([try a * a], learningRate: 1) }
    #expect(throws: AlulaError.self) { try Adam([a], beta1: 1) }
    #expect(throws: AlulaError.self) { try Adam([a], epsilon: -1) }
    #expect(throws: AlulaError.self) {
      try SGD([try Tensor.randomIntegers(low: 0, high: 2, shape: [2])], learningRate: 1)
    }
  }

  @Test func clippingBoundsTheNorm() throws {
    let (a, gradients) = try problem(33, .float32)
    let (b, others) = try problem(20_000, .float32)
    let values = try read(gradients[0]) + read(others[0])
    let norms: [(Double, Double)] = [
      (2, values.reduce(0) { $0 + $1 * $1 }.squareRoot()), (1, values.reduce(0) { $0 + abs($1) }),
      (.infinity, values.map { abs($0) }.max() ?? 0),
    ]
    for (order, expected) in norms {
      try a.setGradient(try gradients[0].add(try Tensor([0], shape: [1])))
      try b.setGradient(try others[0].add(try Tensor([0], shape: [1])))
      let norm = try Optimizer.clipGradientNorm([a, b], maximumNorm: expected / 2, order: order)
      #expect(abs(norm - expected) < 1e-6 * expected)
      let after = try Optimizer.clipGradientNorm([a, b], maximumNorm: expected, order: order)
      #expect(abs(after - expected / 2) < 1e-5 * expected)
    }
    #expect(throws: AlulaError.self) { try Optimizer.clipGradientNorm([a], maximumNorm: -1) }
    #expect(throws: AlulaError.self) { try Optimizer.clipGradientNorm([a], maximumNorm: 1, order: 3) }
    try a.setGradient(try Tensor(Array(repeating: Float.nan, count: 33), shape: [33]))
    #expect(throws: AlulaError.self) { try Optimizer.clipGradientNorm([a], maximumNorm: 1, errorIfNotFinite: true) }
  }
}
