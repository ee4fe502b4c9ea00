extension Operation {
  static let conversion = [cast, copy, contiguous]

  public static let cast = Operation(
    "cast", "The elements converted to another dtype. The tensor itself when it has that dtype.",
    source: .alula, inputs: [.any("x", "Any dtype.")],
    attributes: [.dtype("dtype", "The dtype of the result.")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      try convert(Operands(c[0]), [.dtype(c.dtype() ?? c[0].dtype)])
    },
    isIdentity: { (x, attributes) in
      if case .dtype(x.dtype)? = attributes.first { true } else { false }
    },
    gradient: .composed,
    samples: [Sample(.normal(3, 4), attributes: ["dtype": .dtype(.float32)])],
    reference: "x.astype(dtype)")

  /// What `cast` runs when there is something to do.
  static let convert = Operation(
    "convert", "The elements converted to another dtype.",
    source: .alula, inputs: [.any("x")], attributes: [.dtype("dtype", "The dtype of the result.")],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c.dtype() ?? c[0].dtype, c[0].layout.shape)] },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in [try c.gradient] },
    samples: [], reference: nil)

  public static let copy = Operation(
    "copy", "A row-major copy of the elements, in memory of its own.",
    source: .numpy, inputs: [.any("x")],
    dtypes: .all,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, c[0].layout.shape)] },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in [try c.gradient] },
    samples: [Sample(.normal(3, 4))],
    reference: "x.copy()")

  public static let contiguous = Operation(
    "contiguous", "The tensor itself when it lies row-major without gaps, else a copy that does.",
    source: .pytorch, inputs: [.any("x")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in [try c[0].copy()] },
    isIdentity: { (x, _) in x.layout.isContiguous },
    gradient: .composed,
    samples: [Sample(.normal(3, 4))],
    reference: "np.ascontiguousarray(x)")
}
