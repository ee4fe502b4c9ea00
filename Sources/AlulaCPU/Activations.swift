import CSupport

// Kernels of activation functions.

func registerActivations(_ receive: KernelReceiver) {
  registerSigned(
    receive, "relu",
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in x.replacing(with: 0, where: x .< 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in x.replacing(with: 0, where: x .< 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in x.replacing(with: 0, where: x .< 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in x.replacing(with: 0, where: x .< 0) } })
  registerUnsigned(
    receive, "relu",
    { n, p, s, _ in map(n, p, s) { (x: UInt8s) in x } },
    { n, p, s, _ in map(n, p, s) { (x: UInt16s) in x } },
    { n, p, s, _ in map(n, p, s) { (x: UInt32s) in x } },
    { n, p, s, _ in map(n, p, s) { (x: UInt64s) in x } })
  registerFloats(
    receive, "relu",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in x.replacing(with: 0, where: x .< 0) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in x.replacing(with: 0, where: x .< 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in x.replacing(with: 0, where: x .< 0) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in x.replacing(with: 0, where: x .< 0) } })
  registerFloats(
    receive, "sigmoid",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in sigmoid(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in sigmoid(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in sigmoid(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in sigmoid(x) } })
  registerFloats(
    receive, "softplus",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in softplus(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in softplus(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in softplus(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in softplus(x) } })
  registerFloats(
    receive, "silu",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in x * sigmoid(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in x * sigmoid(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in x * sigmoid(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in x * sigmoid(x) } })
  registerFloats(
    receive, "gelu",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in gelu(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in gelu(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in gelu(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in gelu(x) } })
  registerFloats(
    receive, "gelu_tanh",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in geluTanh(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in geluTanh(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in geluTanh(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in geluTanh(x) } })
  registerFloats(
    receive, "erf",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in erf(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in erf(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in erf(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in erf(x) } })
  registerFloats(
    receive, "erfc",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in erfc(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in erfc(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in erfc(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in erfc(x) } })
  registerFloats(
    receive, "elu",
    { n, p, s, parameters in
      let parameter = Float(parameters?.pointee ?? 0)
      mapFloat16(n, p, s) { (x: Floats) in elu(x, parameter) }
    },
    { n, p, s, parameters in
      let parameter = Float(parameters?.pointee ?? 0)
      mapBFloat16(n, p, s) { (x: Floats) in elu(x, parameter) }
    },
    { n, p, s, parameters in
      let parameter = Float(parameters?.pointee ?? 0)
      map(n, p, s) { (x: Floats) in elu(x, parameter) }
    },
    { n, p, s, parameters in
      let parameter = parameters?.pointee ?? 0
      map(n, p, s) { (x: Doubles) in elu(x, parameter) }
    })
  registerFloats(
    receive, "leaky_relu",
    { n, p, s, parameters in
      let parameter = Float(parameters?.pointee ?? 0)
      mapFloat16(n, p, s) { (x: Floats) in x.replacing(with: parameter * x, where: x .< 0) }
    },
    { n, p, s, parameters in
      let parameter = Float(parameters?.pointee ?? 0)
      mapBFloat16(n, p, s) { (x: Floats) in x.replacing(with: parameter * x, where: x .< 0) }
    },
    { n, p, s, parameters in
      let parameter = Float(parameters?.pointee ?? 0)
      map(n, p, s) { (x: Floats) in x.replacing(with: parameter * x, where: x .< 0) }
    },
    { n, p, s, parameters in
      let parameter = parameters?.pointee ?? 0
      map(n, p, s) { (x: Doubles) in x.replacing(with: parameter * x, where: x .< 0) }
    })
}

// MARK: - Functions

/// 1 / (1 + exp(-x)), without overflow and exact in both tails.
@inline(__always)
func sigmoid(_ x: Floats) -> Floats {
  let e = exp(-magnitude(x))
  return e.replacing(with: 1, where: x .> 0) / (e + 1)
}

/// log(1 + exp(x)).
@inline(__always)
func softplus(_ x: Floats) -> Floats {
  x.replacing(with: 0, where: x .< 0) + log1p(exp(-magnitude(x)))
}

/// The approximation of x·Φ(x) by tanh (D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units", 2016):
/// ½(1 + tanh u) is sigmoid(2u).
@inline(__always)
func geluTanh(_ x: Floats) -> Floats {
  let doubleU = 1.5957691216057308 * x * fma(x * x, Floats(repeating: 0.044715), 1)
  return x * sigmoid(doubleU)
}

@inline(__always)
func elu(_ x: Floats, _ alpha: Floats.Scalar) -> Floats { x.replacing(with: alpha * expm1(x), where: x .< 0) }

/// 1 / (1 + exp(-x)), without overflow and exact in both tails.
@inline(__always)
func sigmoid(_ x: Doubles) -> Doubles {
  let e = exp(-magnitude(x))
  return e.replacing(with: 1, where: x .> 0) / (e + 1)
}

/// log(1 + exp(x)).
@inline(__always)
func softplus(_ x: Doubles) -> Doubles {
  x.replacing(with: 0, where: x .< 0) + log1p(exp(-magnitude(x)))
}

/// The approximation of x·Φ(x) by tanh (D. Hendrycks and K. Gimpel, "Gaussian Error Linear Units", 2016):
/// ½(1 + tanh u) is sigmoid(2u).
@inline(__always)
func geluTanh(_ x: Doubles) -> Doubles {
  let doubleU = 1.5957691216057308 * x * fma(x * x, Doubles(repeating: 0.044715), 1)
  return x * sigmoid(doubleU)
}

@inline(__always)
func elu(_ x: Doubles, _ alpha: Doubles.Scalar) -> Doubles { x.replacing(with: alpha * expm1(x), where: x .< 0) }
