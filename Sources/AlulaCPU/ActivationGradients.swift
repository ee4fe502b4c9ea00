import CSupport

// The gradients of activations in one pass: of the result's gradient g and the activation's input x or output y.

func registerActivationGradients(_ receive: KernelReceiver) {
  registerFloats(
    receive, "relu_backward",
    { n, p, s, _ in mapFloat16(n, p, s) { (g: Floats, x: Floats) in reluBackward(g, x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (g: Floats, x: Floats) in reluBackward(g, x) } },
    { n, p, s, _ in map(n, p, s) { (g: Floats, x: Floats) in reluBackward(g, x) } },
    { n, p, s, _ in map(n, p, s) { (g: Doubles, x: Doubles) in reluBackward(g, x) } })
  registerFloats(
    receive, "sigmoid_backward",
    { n, p, s, _ in mapFloat16(n, p, s) { (g: Floats, x: Floats) in sigmoidBackward(g, x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (g: Floats, x: Floats) in sigmoidBackward(g, x) } },
    { n, p, s, _ in map(n, p, s) { (g: Floats, x: Floats) in sigmoidBackward(g, x) } },
    { n, p, s, _ in map(n, p, s) { (g: Doubles, x: Doubles) in sigmoidBackward(g, x) } })
  registerFloats(
    receive, "tanh_backward",
    { n, p, s, _ in mapFloat16(n, p, s) { (g: Floats, x: Floats) in tanhBackward(g, x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (g: Floats, x: Floats) in tanhBackward(g, x) } },
    { n, p, s, _ in map(n, p, s) { (g: Floats, x: Floats) in tanhBackward(g, x) } },
    { n, p, s, _ in map(n, p, s) { (g: Doubles, x: Doubles) in tanhBackward(g, x) } })
  registerFloats(
    receive, "silu_backward",
    { n, p, s, _ in mapFloat16(n, p, s) { (g: Floats, x: Floats) in siluBackward(g, x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (g: Floats, x: Floats) in siluBackward(g, x) } },
    { n, p, s, _ in map(n, p, s) { (g: Floats, x: Floats) in siluBackward(g, x) } },
    { n, p, s, _ in map(n, p, s) { (g: Doubles, x: Doubles) in siluBackward(g, x) } })
  registerFloats(
    receive, "gelu_backward",
    { n, p, s, _ in mapFloat16(n, p, s) { (g: Floats, x: Floats) in geluBackward(g, x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (g: Floats, x: Floats) in geluBackward(g, x) } },
    { n, p, s, _ in map(n, p, s) { (g: Floats, x: Floats) in geluBackward(g, x) } },
    { n, p, s, _ in map(n, p, s) { (g: Doubles, x: Doubles) in geluBackward(g, x) } })
}

@inline(__always)
private func reluBackward(_ g: Floats, _ y: Floats) -> Floats { Floats().replacing(with: g, where: y .> 0) }

@inline(__always)
private func sigmoidBackward(_ g: Floats, _ y: Floats) -> Floats { g * (y * (1 - y)) }

@inline(__always)
private func tanhBackward(_ g: Floats, _ y: Floats) -> Floats { g * (1 - y * y) }

@inline(__always)
private func siluBackward(_ g: Floats, _ x: Floats) -> Floats {
  let s = sigmoid(x)
  return g * (s * fma(x, 1 - s, 1))
}

@inline(__always)
private func reluBackward(_ g: Doubles, _ y: Doubles) -> Doubles { Doubles().replacing(with: g, where: y .> 0) }

@inline(__always)
private func sigmoidBackward(_ g: Doubles, _ y: Doubles) -> Doubles { g * (y * (1 - y)) }

@inline(__always)
private func tanhBackward(_ g: Doubles, _ y: Doubles) -> Doubles { g * (1 - y * y) }

@inline(__always)
private func siluBackward(_ g: Doubles, _ x: Doubles) -> Doubles {
  let s = sigmoid(x)
  return g * (s * fma(x, 1 - s, 1))
}

/// Φ(x) + x φ(x) by the density of the standard normal distribution, times g.
@inline(__always)
private func geluBackward(_ g: Doubles, _ x: Doubles) -> Doubles {
  let density = exp(x * x * -0.5) * 0.3989422804014327
  return g * fma(x, density, erfc(x * -0.7071067811865476) * 0.5)
}
