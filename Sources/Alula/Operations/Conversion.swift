extension Operation {
  static let conversion = [cast, copy, contiguous]

  public static let cast = Operation(
    "cast", "The elements converted to another dtype. The tensor itself when it has that dtype.",
    source: .alula, inputs: [.any("x", "Any dtype.")],
    attributes: [.dtype("dtype", "The dtype of the result.")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let dtype = c.dtype() ?? c[0].dtype
      if dtype == c[0].dtype { return [c[0]] }
      return try convert([c[0]], [.dtype(dtype)])
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
    body: .composite { (c) throws(AlulaError) in c[0].layout.isContiguous ? [c[0]] : [try c[0].copy()] },
    gradient: .composed,
    samples: [Sample(.normal(3, 4))],
    reference: "np.ascontiguousarray(x)")
}
