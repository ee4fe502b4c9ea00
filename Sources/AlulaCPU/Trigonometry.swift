import CSupport
import Glibc

// Kernels of the trigonometric functions and their inverses.

func registerTrigonometry(_ receive: KernelReceiver) {
  registerFloats(
    receive, "sin",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in sin(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in sin(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in sin(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in sin(x) } })
  registerFloats(
    receive, "cos",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in cos(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in cos(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in cos(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in cos(x) } })
  registerFloats(
    receive, "tan",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in tan(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in tan(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in tan(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in lanewise(x) { Glibc.tan($0) } } })
  registerFloats(
    receive, "asin",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in lanewise(x) { asinf($0) } } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in lanewise(x) { asinf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in lanewise(x) { asinf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in lanewise(x) { Glibc.asin($0) } } })
  registerFloats(
    receive, "acos",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in lanewise(x) { acosf($0) } } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in lanewise(x) { acosf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in lanewise(x) { acosf($0) } } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in lanewise(x) { Glibc.acos($0) } } })
  registerFloats(
    receive, "atan",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in atan(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in atan(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in atan(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in lanewise(x) { Glibc.atan($0) } } })
  registerFloats(
    receive, "atan2",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in atan2(x, y) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, y: Floats) in atan2(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in atan2(x, y) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in lanewise(x, y) { Glibc.atan2($0, $1) } } })
  registerFloats(
    receive, "hypot",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats, y: Floats) in lanewise(x, y) { hypotf($0, $1) } } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats, y: Floats) in lanewise(x, y) { hypotf($0, $1) } } },
    { n, p, s, _ in map(n, p, s) { (x: Floats, y: Floats) in lanewise(x, y) { hypotf($0, $1) } } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles, y: Doubles) in lanewise(x, y) { Glibc.hypot($0, $1) } } })
}
