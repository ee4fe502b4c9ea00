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
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in lanewise(x) { sinhf($0) } } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in lanewise(x) { sinhf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in lanewise(x) { sinhf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in lanewise(x) { Glibc.sinh($0) } } })
  registerFloats(
    receive, "cosh",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in lanewise(x) { coshf($0) } } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in lanewise(x) { coshf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in lanewise(x) { coshf($0) } } },
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

/// Within 2 units in the last place.
@inline(__always)
func tanh(_ x: Floats) -> Floats {
  let s = x * x
  var p = fma(Floats(repeating: -0.005717043299227953), s, 0.020650586113333702)
  p = fma(p, s, -0.05374349653720856)
  p = fma(p, s, 0.13331490755081177)
  p = fma(p, s, -0.3333328366279602)
  let a = magnitude(x)
  let small = fma(p * s, x, x)
  let large = 1 - 2 / (exp(a + a) + 1)
  return copysign(small.replacing(with: large, where: a .> 0.625), x)
}

@inline(__always)
func tanh(_ x: Doubles) -> Doubles { lanewise(x) { Glibc.tanh($0) } }
