extension Optimizer {
  /// Scales the gradients of `parameters` in place so that their norm, taken over all of them as one vector, is at
  /// most `maximumNorm`: PyTorch's `clip_grad_norm_`.
  ///
  /// - Parameter order: 2, 1, or infinity for the largest absolute value.
  /// - Returns: the norm before.
  /// - Throws: `invalidArgument` for another order, a negative or NaN `maximumNorm`, or, on request, a norm that is not
  ///   finite.
  @discardableResult
  public static func clipGradientNorm(
    _ parameters: [Tensor], maximumNorm: Double, order: Double = 2, errorIfNotFinite: Bool = false
  ) throws(AlulaError) -> Double {
    guard order == 1 || order == 2 || order == .infinity else {
      throw .invalidArgument("clip_grad_norm: norm type \(order) is not supported; 1, 2 and infinity are")
    }
    guard maximumNorm >= 0 else {
      throw .invalidArgument("clip_grad_norm: the maximum norm \(maximumNorm) must not be negative")
    }
    return try GradientMode.without { () throws(AlulaError) in
      var gradients: [Tensor] = []
      for parameter in parameters {
        guard let gradient = parameter.gradient, !gradients.contains(where: { $0 === gradient }) else { continue }
        guard gradient.dtype.isFloatingPoint else {
          throw .invalidDType("clip_grad_norm: gradients must be floats, not \(gradient.dtype)")
        }
        gradients.append(gradient)
      }
      let groups = DType.allCases.map { dtype in gradients.filter { $0.dtype == dtype } }.filter { !$0.isEmpty }
      var norm = 0.0
      for group in groups {
        let parts = try Operation.gradientNorms.first(Operands(group), [.int(order == .infinity ? 0 : Int(order))])
        for part in try parts.values(as: Double.self) {
          norm = order == .infinity ? (part > norm || part.isNaN ? part : norm) : norm + part
        }
      }
      if order == 2 { norm = norm.squareRoot() }
      if errorIfNotFinite, !norm.isFinite {
        throw .invalidArgument("clip_grad_norm: the norm of the gradients is \(norm)")
      }
      let scale = maximumNorm / (norm + 1e-6)
      // Not below 1 also when it is NaN: then the gradients become NaN, as the norm says.
      if !(scale >= 1) {
        for group in groups {
          try Operation.gradientScale.execute(Call(.gradientScale, Operands(group), [.float(scale)]), into: group)
          for gradient in group { gradient.storage.markWritten() }
        }
      }
      return norm
    }
  }
}
