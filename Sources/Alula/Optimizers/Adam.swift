import Glibc

/// Adam (Kingma and Ba, 2015) and AdamW (Loshchilov and Hutter, 2019): PyTorch's `torch.optim.Adam` and `AdamW`.
///
/// With g the gradient, m ← `beta1` m + (1 - `beta1`) g and v ← `beta2` v + (1 - `beta2`) g²; the parameter moves by
/// -`learningRate` m̂ / (√v̂ + `epsilon`), where m̂ = m / (1 - `beta1`ᵗ) and v̂ = v / (1 - `beta2`ᵗ) in the t-th step.
/// Weight decay is added to the gradient in Adam, and shrinks the parameter itself in AdamW.
public final class Adam: Optimizer, @unchecked Sendable {
  public private(set) var beta1 = 0.0
  public private(set) var beta2 = 0.0
  public private(set) var epsilon = 0.0
  public private(set) var weightDecay = 0.0
  /// Whether this is AdamW.
  public let decoupledWeightDecay: Bool
  public private(set) var maximize = false

  /// - Throws: as `setOptions`.
  public init(
    _ parameters: [Tensor], learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999,
    epsilon: Double = 1e-8, weightDecay: Double = 0, decoupledWeightDecay: Bool = false, maximize: Bool = false
  ) throws(AlulaError) {
    self.decoupledWeightDecay = decoupledWeightDecay
    try super.init(decoupledWeightDecay ? "adamw" : "adam", parameters)
    try setOptions(
      learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: weightDecay,
      maximize: maximize)
  }

  /// Changes the options between steps, as schedules do; what parameters remember stays.
  ///
  /// - Throws: `invalidArgument` for negative values, or betas that are not in [0, 1); then nothing changes.
  public func setOptions(
    learningRate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    weightDecay: Double = 0, maximize: Bool = false
  ) throws(AlulaError) {
    guard beta1 >= 0, beta1 < 1, beta2 >= 0, beta2 < 1 else {
      throw .invalidArgument("\(name): betas \(beta1) and \(beta2) must be at least 0 and below 1")
    }
    guard epsilon >= 0, epsilon.isFinite, weightDecay >= 0, weightDecay.isFinite else {
      throw .invalidArgument(
        "\(name): epsilon \(epsilon) and weight decay \(weightDecay) must be finite and not negative")
    }
    try setLearningRate(learningRate)
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
    self.maximize = maximize
  }

  public override var name: String { decoupledWeightDecay ? "adamw" : "adam" }
  override var stateNames: [String] { ["exp_avg", "exp_avg_sq"] }

  override func update(step: Int) -> (Operation, [AttributeValue]) {
    let t = Double(step)
    return (
      .adamStep,
      [
        .float(learningRate / (1 - pow(beta1, t))), .float(1 - beta1), .float(beta2), .float(1 - beta2),
        .float(epsilon), .float((1 - pow(beta2, t)).squareRoot()), .float(decoupledWeightDecay ? 0 : weightDecay),
        .float(decoupledWeightDecay ? 1 - learningRate * weightDecay : 1), .float(maximize ? -1 : 1),
      ]
    )
  }
}
