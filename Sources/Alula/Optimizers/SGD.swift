/// Stochastic gradient descent, optionally with momentum: PyTorch's `torch.optim.SGD`.
///
/// With g the gradient (plus `weightDecay` times the parameter), the momentum is b ← `momentum` b + (1 - `dampening`) g
/// (b ← g in the first step), and the parameter moves by -`learningRate` times b, or times g + `momentum` b with Nesterov's variant.
public final class SGD: Optimizer, @unchecked Sendable {
  public private(set) var momentum = 0.0
  public private(set) var dampening = 0.0
  public private(set) var weightDecay = 0.0
  public private(set) var nesterov = false
  public private(set) var maximize = false

  /// - Throws: as `setOptions`.
  public init(
    _ parameters: [Tensor], learningRate: Double, momentum: Double = 0, dampening: Double = 0,
    weightDecay: Double = 0, nesterov: Bool = false, maximize: Bool = false
  ) throws(AlulaError) {
    try super.init("sgd", parameters)
    try setOptions(
      learningRate: learningRate, momentum: momentum, dampening: dampening, weightDecay: weightDecay,
      nesterov: nesterov, maximize: maximize)
  }

  /// Changes the options between steps, as schedules do; what parameters remember stays.
  ///
  /// - Throws: `invalidArgument` for negative values, or Nesterov's momentum without momentum or with dampening; then
  ///   nothing changes.
  public func setOptions(
    learningRate: Double, momentum: Double = 0, dampening: Double = 0, weightDecay: Double = 0, nesterov: Bool = false,
    maximize: Bool = false
  ) throws(AlulaError) {
    guard momentum >= 0, momentum.isFinite, dampening.isFinite else {
      throw .invalidArgument("sgd: momentum \(momentum) must not be negative, and dampening \(dampening) finite")
    }
    guard weightDecay >= 0, weightDecay.isFinite else {
      throw .invalidArgument("sgd: weight decay \(weightDecay) must be finite and not negative")
    }
    guard !nesterov || (momentum > 0 && dampening == 0) else {
      throw .invalidArgument("sgd: nesterov needs momentum above 0 and no dampening, not \(momentum) and \(dampening)")
    }
    try setLearningRate(learningRate)
    self.momentum = momentum
    self.dampening = dampening
    self.weightDecay = weightDecay
    self.nesterov = nesterov
    self.maximize = maximize
    try completeStates()
  }

  public override var name: String { "sgd" }
  override var stateNames: [String] { momentum == 0 ? [] : ["momentum_buffer"] }

  override func update(step: Int) -> (Operation, [AttributeValue]) {
    // The momentum starts as the first gradient, undampened.
    let share = step == 1 ? 1 : 1 - dampening
    return (
      .sgdStep,
      [
        .float(learningRate), .float(momentum), .float(share), .float(weightDecay), .float(maximize ? -1 : 1),
        .float(nesterov ? 1 : 0),
      ]
    )
  }
}
