import CSupport
import Glibc

// Kernels of the hyperbolic functions and their inverses.

func registerHyperbolics(_ receive: KernelReceiver) {
  registerFloats(
    receive, "tanh",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in tanh(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in tanh(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in tanh(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in tanh(x) } })
  registerFloats(
    receive, "sinh",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in sinh(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in sinh(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in sinh(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in lanewise(x) { Glibc.sinh($0) } } })
  registerFloats(
    receive, "cosh",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in cosh(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in cosh(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in cosh(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in lanewise(x) { Glibc.cosh($0) } } })
  registerFloats(
    receive, "asinh",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in lanewise(x) { asinhf($0) } } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in lanewise(x) { asinhf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in lanewise(x) { asinhf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in lanewise(x) { Glibc.asinh($0) } } })
  registerFloats(
    receive, "acosh",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in lanewise(x) { acoshf($0) } } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in lanewise(x) { acoshf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in lanewise(x) { acoshf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in lanewise(x) { Glibc.acosh($0) } } })
  registerFloats(
    receive, "atanh",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in lanewise(x) { atanhf($0) } } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in lanewise(x) { atanhf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in lanewise(x) { atanhf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in lanewise(x) { Glibc.atanh($0) } } })
}

// MARK: - Functions

#if FMA
  @inline(__always)
  func tanh(_ x: Floats) -> Floats {
    // Beyond, the result rounds to 1.
    let a = atMost(magnitude(x), tanh_end)
    let piece = tanh_piece(a)
    let t = tanh_offset(a, piece)
    return withSign(of: x, polynomial(t, degree: tanh_degree) { tanh_coefficient($0, piece) })
  }
#else
  @inline(__always)
  func tanh(_ x: Floats) -> Floats {
    let a = magnitude(x)
    let s = x * x
    var p = fma(Floats(repeating: -0.005905882516132745), s, 0.02080539818757534)
    p = fma(p, s, -0.05378668769083701)
    p = fma(p, s, 0.1333195828227009)
    p = fma(p, s, -0.33333299272517486)
    let small = fma(p * s, x, x)
    // 1 - 2 / (exp(2a) + 1): beyond 10, the result rounds to 1.
    let limited = atMost(a, 10)
    let (bits, r) = reduceByLn2(limited + limited)
    let power = scale(bits)
    let large = 1 - 2 / fma(power, expm1OfReduced(r), power + 1)
    return copysign(small.replacing(with: large, where: a .> 0.6), x)
  }
#endif

/// exp(a)/2 for a ≥ 0.
@inline(__always)
private func halfExp(_ a: Floats) -> Floats {
  // Halved twice and doubled, because half of the result may be just out of range.
  let (bits, r) = reduceByLn2(atMost(a, 89.6))
  let quarter = scale(bits &- 2)
  return fma(quarter, expm1OfReduced(r), quarter) * 2
}

@inline(__always)
func sinh(_ x: Floats) -> Floats {
  let s = x * x
  var p = fma(Floats(repeating: 2.8174382923382744e-06), s, 0.00019836066498874017)
  p = fma(p, s, 0.00833335059670677)
  p = fma(p, s, 0.16666666488738516)
  let half = halfExp(magnitude(x))
  return fma(p * s, x, x).replacing(with: copysign(half - 0.25 / half, x), where: magnitude(x) .> 1)
}

@inline(__always)
func cosh(_ x: Floats) -> Floats {
  let half = halfExp(magnitude(x))
  return half + 0.25 / half
}
