import CSupport

#if FMA

  // Functions as polynomials for each piece of their argument's range (tables.h): 32 pieces with AVX-512, 8 or 16 with AVX2.
  // The coefficients of a vector of arguments are looked up by permuting a register or two, which takes hardly longer
  // than a multiplication. A million elements with AVX-512: tanh 510 to 350 µs, erf 550 to 350, gelu 785 to 365.

  /// The coefficients from the given one on, without the power of t before them.
  @inline(__always)
  private func polynomial(_ t: Floats, from first: Int, to degree: Int, _ coefficient: (Int) -> Floats) -> Floats {
    var sum = coefficient(degree)
    var next = degree
    while next > first {
      next &-= 1
      sum = fma(sum, t, coefficient(next))
    }
    return sum
  }

  /// The first two terms are added up first: where the first is 0, the second's rounding is the only one.
  @inline(__always)
  func polynomial(_ t: Floats, degree: Int, _ coefficient: (Int) -> Floats) -> Floats {
    fma(polynomial(t, from: 2, to: degree, coefficient) * t, t, fma(coefficient(1), t, coefficient(0)))
  }

  /// A number as the sum of a float and a lesser one.
  typealias Parts = (high: Floats, low: Floats)

  /// The same as its first term and the rest.
  @inline(__always)
  func polynomialInParts(_ t: Floats, degree: Int, _ coefficient: (Int) -> Floats) -> Parts {
    (coefficient(0), polynomial(t, from: 1, to: degree, coefficient) * t)
  }

#endif
