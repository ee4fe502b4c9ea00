// Element-wise operations that others are made of: what would take two passes over memory takes one.

extension Operation {
  /// Element-wise operations that are not in the catalog.
  static let uncatalogued: [Operation] = fusedGradients + [between, affine]

  /// x·scale + offset.
  static let affine = Operation(
    "affine", "x times a scale, plus an offset.",
    source: .alula, inputs: [.value("x"), .value("scale"), .value("offset")], dtypes: .floating, promotion: .common,
    body: .elementwise(),
    gradient: .rule(saves: [.input(0), .input(1)]) { (c) throws(AlulaError) in
      let g = try c.gradient
      return [
        c.needsGradient(0) ? try g * c.input(1) : nil, c.needsGradient(1) ? try g * c.input(0) : nil,
        c.needsGradient(2) ? g : nil,
      ]
    },
    samples: [], reference: nil)

  /// The elements of x, those below `low` replaced by it and then those above `high`.
  static let between = Operation(
    "between", "x limited from both sides.",
    source: .alula, inputs: [.value("x"), .value("low"), .value("high")], dtypes: .real, promotion: .common,
    body: .elementwise(),
    gradient: .rule(saves: .inputs) { (c) throws(AlulaError) in
      let (g, x, low, high) = (try c.gradient, try c.input(0), try c.input(1), try c.input(2))
      let below = try x.less(low)
      let above = try below.where(low, x).greater(high)
      let kept = try above.where(g.number(0), g)
      return [
        c.needsGradient(0) ? try below.where(g.number(0), kept) : nil,
        c.needsGradient(1) ? try below.where(kept, g.number(0)) : nil,
        c.needsGradient(2) ? try above.where(g, g.number(0)) : nil,
      ]
    },
    samples: [], reference: nil)
}
