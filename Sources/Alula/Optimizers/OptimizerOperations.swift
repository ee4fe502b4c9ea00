// The optimizers' steps as primitives, so that they reach a device as everything else does. Each is one pass over all
// parameters: it writes over its outputs, which are the parameters, then the first state of each, and so on. No caller
// sees them.

extension Operation {
  static let sgdStep = optimizerStep(
    "sgd_step", ["learning_rate", "momentum", "share", "weight_decay", "sign", "nesterov"])

  static let adamStep = optimizerStep(
    "adam_step",
    [
      "step_size", "share1", "beta2", "share2", "epsilon", "correction", "weight_decay", "shrink", "sign",
    ])

  private static func optimizerStep(_ name: String, _ parameters: [String]) -> Operation {
    Operation(
      name, "One step of an optimizer for several parameters.",
      source: .pytorch, inputs: [.list("gradients", "All of one dtype.")],
      attributes: parameters.map { .float($0, "See the kernel.") },
      dtypes: .floating,
      body: .primitive { (c) throws(AlulaError) in c.list.map { TensorSpec($0.dtype, $0.layout.shape) } },
      gradient: .notDifferentiable, samples: [], reference: nil)
  }

  /// The sums of absolute values or squares, or the largest absolute values, of tensors of one dtype, as float64.
  static let gradientNorms = Operation(
    "gradient_norm", "Parts of the norm of several tensors.",
    source: .pytorch, inputs: [.list("gradients", "All of one dtype.")],
    attributes: [.int("order", "1, 2, or 0 for the largest absolute value.")],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(.float64, [c.inputs.count])] },
    gradient: .notDifferentiable, samples: [], reference: nil)

  /// Multiplies tensors of one dtype, its outputs, by a number.
  static let gradientScale = Operation(
    "gradient_scale", "Several tensors times a number, in place.",
    source: .pytorch, inputs: [.list("gradients", "The outputs again.")],
    attributes: [.float("factor", "The number.")], dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in c.list.map { TensorSpec($0.dtype, $0.layout.shape) } },
    gradient: .notDifferentiable, samples: [], reference: nil)
}
