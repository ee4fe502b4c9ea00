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
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in silu(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in silu(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in silu(x) } },
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

#if FMA
  /// factor / (1 + exp(-x)), without overflow and exact in both tails, below the normal range too. A zero has the sign of the
  /// factor.
  @inline(__always)
  private func sigmoid(_ x: Floats, times factor: Floats) -> Floats {
    let isFar = exceeds(x, logistic_tail_end)
    let a = atMost(magnitude(x), logistic_tail_end)
    let piece = logistic_tail_piece(a)
    let t = logistic_tail_offset(a, piece)
    let tail = polynomialInParts(t, degree: logistic_tail_degree) { logistic_tail_coefficient($0, piece) }
    let isPositive = x .> 0
    let signed = factor.replacing(with: -factor, where: isPositive)
    let result = fma(signed, tail.high, fma(signed, tail.low, Floats().replacing(with: factor, where: isPositive)))
    return withSign(
      of: factor,
      anyLane(isFar) ? result.replacing(with: sigmoidByExponential(x, times: factor), where: isFar) : result)
  }

  @inline(__always)
  private func sigmoidByExponential(_ x: Floats, times factor: Floats) -> Floats {
    // Below -120, as far as the factor may go, the result is 0.
    let limited = atLeast(factor, -128)
    let (bits, r) = reduceByLn2((atLeast(-magnitude(x), -120), Floats()))
    let power = scaleDown(Floats(repeating: 1), bits)
    let t = expm1OfReduced(r)
    // exp(-|x|) = power (1 + t). What is lost of its sum with 1 and of the inverse comes back in the last step.
    let sum = power + 1
    let exponential = t.high + t.low
    let rounded = fma(power, exponential, sum)
    let lost = fma(power, exponential, sum - rounded)
    let inverse = 1 / rounded
    let correction = fma(-lost, inverse, fma(-rounded, inverse, 1))
    let leading = limited * inverse
    let cut = fma(limited, inverse, -leading)
    let ofPositive = leading + fma(leading, correction, cut)
    let ofNegative = leading + fma(leading, t.high, fma(leading, t.low + correction, cut))
    // Where exp(-x) vanishes beside 1, the factor may be infinite.
    return scaleDown(ofNegative, bits).replacing(with: ofPositive, where: x .> 0)
      .replacing(with: factor, where: x .> 87).replacing(with: factor * 0, where: x .== -.infinity)
  }

#endif

/// 1 / (1 + exp(-x)).
@inline(__always)
func sigmoid(_ x: Floats) -> Floats {
  #if FMA
    return sigmoid(x, times: Floats(repeating: 1))
  #else
    return inDoubles(x) { sigmoid($0) }
  #endif
}

/// x / (1 + exp(-x)).
@inline(__always)
func silu(_ x: Floats) -> Floats {
  #if FMA
    return sigmoid(x, times: x)
  #else
    return inDoubles(x) { $0 * sigmoid($0) }
  #endif
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
  #if FMA
    let doubleU = 1.5957691216057308 * x * fma(x * x, Floats(repeating: 0.044715), 1)
    return sigmoid(doubleU, times: x)
  #else
    return inDoubles(x) { geluTanh($0) }
  #endif
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
