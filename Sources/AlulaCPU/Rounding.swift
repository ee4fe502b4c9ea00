import CSupport

// Rounding to integers; integers stay as they are.

func registerRounding(_ receive: KernelReceiver) {
  registerIntegersAsTheyAre(receive, "floor")
  registerFloats(
    receive, "floor",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in floor(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in floor(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in floor(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in floor(x) } })
  registerIntegersAsTheyAre(receive, "ceil")
  registerFloats(
    receive, "ceil",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in ceil(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in ceil(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in ceil(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in ceil(x) } })
  registerIntegersAsTheyAre(receive, "trunc")
  registerFloats(
    receive, "trunc",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in trunc(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in trunc(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in trunc(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in trunc(x) } })
  registerIntegersAsTheyAre(receive, "round")
  registerFloats(
    receive, "round",
    { n, p, s, _ in mapFloat16(n, p, s) { (x: Floats) in roundToEven(x) } },
    { n, p, s, _ in mapBFloat16(n, p, s) { (x: Floats) in roundToEven(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Floats) in roundToEven(x) } },
    { n, p, s, _ in map(n, p, s) { (x: Doubles) in roundToEven(x) } })
}

private func registerIntegersAsTheyAre(_ receive: KernelReceiver, _ name: StaticString) {
  registerIntegers(
    receive, name,
    { n, p, s, _ in map(n, p, s) { (x: Int8s) in x } },
    { n, p, s, _ in map(n, p, s) { (x: Int16s) in x } },
    { n, p, s, _ in map(n, p, s) { (x: Int32s) in x } },
    { n, p, s, _ in map(n, p, s) { (x: Int64s) in x } })
}

// MARK: - Functions

/// To the nearest integer, halves to even.
@inline(__always)
func roundToEven(_ x: Floats) -> Floats {
  #if FMA
    return x.rounded(.toNearestOrEven)
  #else
    // Beyond 2 to the number of fraction bits there are only integers; adding that much rounds the others.
    let a = magnitude(x)
    let rounded = copysign((a + 0x1p23) - 0x1p23, x)
    return x.replacing(with: rounded, where: a .< 0x1p23)
  #endif
}

@inline(__always)
func floor(_ x: Floats) -> Floats {
  #if FMA
    return x.rounded(.down)
  #else
    let rounded = roundToEven(x)
    return copysign(rounded.replacing(with: rounded - 1, where: rounded .> x), x)
  #endif
}

@inline(__always)
func ceil(_ x: Floats) -> Floats {
  #if FMA
    return x.rounded(.up)
  #else
    let rounded = roundToEven(x)
    return copysign(rounded.replacing(with: rounded + 1, where: rounded .< x), x)
  #endif
}

@inline(__always)
func trunc(_ x: Floats) -> Floats {
  #if FMA
    return x.rounded(.towardZero)
  #else
    return copysign(floor(magnitude(x)), x)
  #endif
}

/// To the nearest integer, halves to even.
@inline(__always)
func roundToEven(_ x: Doubles) -> Doubles {
  #if FMA
    return x.rounded(.toNearestOrEven)
  #else
    // Beyond 2 to the number of fraction bits there are only integers; adding that much rounds the others.
    let a = magnitude(x)
    let rounded = copysign((a + 0x1p52) - 0x1p52, x)
    return x.replacing(with: rounded, where: a .< 0x1p52)
  #endif
}

@inline(__always)
func floor(_ x: Doubles) -> Doubles {
  #if FMA
    return x.rounded(.down)
  #else
    let rounded = roundToEven(x)
    return copysign(rounded.replacing(with: rounded - 1, where: rounded .> x), x)
  #endif
}

@inline(__always)
func ceil(_ x: Doubles) -> Doubles {
  #if FMA
    return x.rounded(.up)
  #else
    let rounded = roundToEven(x)
    return copysign(rounded.replacing(with: rounded + 1, where: rounded .< x), x)
  #endif
}

@inline(__always)
func trunc(_ x: Doubles) -> Doubles {
  #if FMA
    return x.rounded(.towardZero)
  #else
    return copysign(floor(magnitude(x)), x)
  #endif
}
