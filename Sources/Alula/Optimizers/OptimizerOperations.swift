// The optimizers' steps as primitives, so that they reach a device as everything else does. They write over their
// outputs: the parameter and its state. No caller sees them.

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
      name, "One step of an optimizer.",
      source: .pytorch, inputs: [.value("gradient")],
      attributes: parameters.map { .float($0, "See the kernel.") },
      dtypes: .floating,
      body: .primitive { (c) throws(AlulaError) in [TensorSpec(c[0].dtype, c[0].layout.shape)] },
      gradient: .notDifferentiable, samples: [], reference: nil)
  }

  /// The sums of absolute values or squares, or the largest absolute value, of one tensor, as float64.
  static let gradientNorm = Operation(
    "gradient_norm", "A part of the norm of several tensors.",
    source: .pytorch, inputs: [.value("x")],
    attributes: [.int("order", "1, 2, or 0 for the largest absolute value.")],
    dtypes: .floating,
    body: .primitive { (c) throws(AlulaError) in [TensorSpec(.float64, [])] },
    gradient: .notDifferentiable, samples: [], reference: nil)
}
