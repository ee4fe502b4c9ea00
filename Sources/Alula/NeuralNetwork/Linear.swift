extension Operation {
  public static let linear: Operation = Operation(
    "linear", "x @ weightᵀ + bias, along the last axis of x.",
    source: .pytorch,
    inputs: [
      .value("x", "Shape (..., in)."), .value("weight", "Shape (out, in)."), .optional("bias", "Shape (out,)."),
    ],
    dtypes: .floating, promotion: .common,
    body: .primitive { (c) throws(AlulaError) in
      let (x, weight) = (c[0].layout.shape, c[1].layout.shape)
      guard x.count > 0, weight.count == 2, x[x.count - 1] == weight[1] else {
        throw .invalidArgument("linear: an input (..., in) and a weight (out, in) are needed, not \(x) and \(weight)")
      }
      if let bias = c.optional(2)?.layout.shape, bias.count != 1 || bias[0] != weight[0] {
        throw .invalidArgument("linear: bias \(bias) does not match the rows of weight \(weight)")
      }
      var shape = x
      shape[x.count - 1] = weight[0]
      return [TensorSpec(c[0].dtype, shape)]
    },
    gradient: .rule(saves: [.input(0), .input(1)]) { (c) throws(AlulaError) in
      let gradient = try c.gradient
      var gradientWeight: Tensor?
      if c.needsGradient(1) {
        var (rows, x) = (gradient, try c.input(0))
        if rows.rank != 2 {
          let weight = c.shape(1)
          let count = gradient.shape.dropLast().reduce(1, *)
          rows = try rows.reshape(shape: [count, weight[0]])
          x = try x.reshape(shape: [count, weight[1]])
        }
        gradientWeight = try rows.matrixTranspose().matmul(x)
      }
      return [
        c.needsGradient(0) ? try gradient.matmul(c.input(1)) : nil,
        gradientWeight,
        // Summed over the leading axes as the gradient of every broadcast operand is.
        c.needsGradient(2) ? gradient : nil,
      ]
    },
    samples: [
      Sample(.normal(3, 4), .normal(5, 4), .normal(5)), Sample(.normal(2, 3, 4), .normal(5, 4), nil),
      Sample(.normal(4), .normal(5, 4), .normal(5)),
    ],
    reference: "x @ weight.T + (0 if bias is None else bias)")
}
