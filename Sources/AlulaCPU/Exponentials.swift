import CSupport

// Kernels of exponentials and logarithms.

func registerExponentials(_ receive: KernelReceiver) {
  registerFloats(
    receive, "exp",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in exp(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in exp(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in exp(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in exp(x) } })
  registerFloats(
    receive, "expm1",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in expm1(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in expm1(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in expm1(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in expm1(x) } })
  registerFloats(
    receive, "log",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in log(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in log(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in log(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in log(x) } })
  registerFloats(
    receive, "log1p",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in log1p(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in log1p(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in log1p(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in log1p(x) } })
  registerFloats(
    receive, "log2",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in log2(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in log2(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in log2(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in log2(x) } })
  registerFloats(
    receive, "log10",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in log10(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in log10(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in log10(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in log10(x) } })
  registerFloats(
    receive, "logaddexp",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in logaddexp(x, y) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, y: Floats) in logaddexp(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in logaddexp(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in logaddexp(x, y) } })
}
