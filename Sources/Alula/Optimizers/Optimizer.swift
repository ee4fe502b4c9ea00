/// Changes parameters so as to lower a loss, given the gradients that a backward pass left with them.
///
/// Any thread may call, one at a time. Subclasses are the algorithms.
public class Optimizer: @unchecked Sendable {
  // Unchecked: callers must not use one optimizer on two threads at once, as with the tensors that it writes to.

  public let parameters: [Tensor]
  /// The step size.
  public private(set) var learningRate = 0.0

  /// For each parameter, its state in the order of `stateNames`; empty before its first step.
  package internal(set) var states: [[Tensor]]
  /// How many steps each parameter has taken.
  package internal(set) var stepCounts: [Int]

  /// - Throws: `invalidArgument` for a parameter that is no leaf, is given twice, or is no float.
  init(_ name: String, _ parameters: [Tensor]) throws(AlulaError) {
    var seen: Set<ObjectIdentifier> = []
    for (i, parameter) in parameters.enumerated() {
      guard parameter.isLeaf else {
        throw .invalidArgument("\(name): parameter \(i) is the result of an operation; only leaves can be optimized")
      }
      guard parameter.dtype.isFloatingPoint else {
        throw .invalidDType("\(name): parameter \(i) has dtype \(parameter.dtype), but must be a float")
      }
      guard seen.insert(ObjectIdentifier(parameter)).inserted else {
        throw .invalidArgument("\(name): parameter \(i) is given twice")
      }
    }
    self.parameters = parameters
    states = Array(repeating: [], count: parameters.count)
    stepCounts = Array(repeating: 0, count: parameters.count)
  }

  /// The name in messages.
  public var name: String { "optimizer" }
  /// The names of a parameter's state tensors, in the order in which the kernel takes them.
  var stateNames: [String] { [] }

  /// Changes the step size between steps, as schedules do.
  public func setLearningRate(_ value: Double) throws(AlulaError) {
    guard value >= 0, value.isFinite else {
      throw .invalidArgument("\(name): learning rate \(value) must be finite and not negative")
    }
    learningRate = value
  }

  /// Gives parameters that have stepped the state that options ask for from now on, at zero where it is new.
  func completeStates() throws(AlulaError) {
    for i in parameters.indices where stepCounts[i] > 0 {
      while states[i].count < stateNames.count { states[i].append(try newState(i)) }
    }
  }

  private func newState(_ i: Int) throws(AlulaError) -> Tensor {
    try Tensor.zeros(shape: parameters[i].shape, dtype: parameters[i].dtype, device: parameters[i].device)
  }

  /// Updates every parameter that has a gradient, all that are alike in one pass.
  public func step() throws(AlulaError) {
    try GradientMode.without { () throws(AlulaError) in
      var groups: [StepGroup] = []
      for (i, parameter) in parameters.enumerated() {
        guard let gradient = parameter.gradient else { continue }
        guard gradient.dtype == parameter.dtype, gradient.layout.shape == parameter.layout.shape else {
          throw .invalidArgument(
            "\(name): gradient of shape \(gradient.layout.shape) and dtype \(gradient.dtype) for parameter \(i) of "
              + "shape \(parameter.layout.shape) and dtype \(parameter.dtype)")
        }
        let (dtype, count) = (parameter.dtype, stepCounts[i])
        // Parameters are alike as a rule: then there is one group.
        let known = groups.firstIndex { $0.dtype == dtype && $0.stepCount == count && $0.device == parameter.device }
        if let known {
          groups[known].members.append((i, gradient))
        } else {
          groups.append(StepGroup(dtype: dtype, stepCount: count, device: parameter.device, members: [(i, gradient)]))
        }
      }
      for group in groups { try step(group) }
    }
  }

  /// Parameters of one dtype that have taken the same number of steps, with their gradients.
  private struct StepGroup {
    let dtype: DType
    let stepCount: Int
    let device: Device
    var members: [(index: Int, gradient: Tensor)]
  }

  private func step(_ group: StepGroup) throws(AlulaError) {
    let stateCount = stateNames.count
    var gradients: [Tensor] = []
    var updated = group.members.map { parameters[$0.index] }
    for (i, gradient) in group.members {
      gradients.append(try gradient.contiguous())
      while states[i].count < stateCount { states[i].append(try newState(i)) }
    }
    for k in 0..<stateCount { updated += group.members.map { states[$0.index][k] } }
    let (operation, attributes) = try update(step: group.stepCount + 1)
    try operation.execute(Call(operation, Operands(gradients), attributes), into: updated)
    for (i, _) in group.members { stepCounts[i] += 1 }
    for tensor in updated { tensor.storage.markWritten() }
  }

  /// The primitive that makes parameters' `step`-th step (from 1), and its attributes.
  func update(step: Int) throws(AlulaError) -> (Operation, [AttributeValue]) {
    throw .internal("\(name): no algorithm")
  }

  /// Forgets the parameters' gradients, or overwrites them with zeros.
  public func zeroGradients(setToNone: Bool = true) throws(AlulaError) {
    for parameter in parameters {
      guard let gradient = parameter.gradient else { continue }
      if setToNone {
        try parameter.setGradient(nil)
      } else {
        try GradientMode.without { () throws(AlulaError) in
          // A gradient with a history belongs to a graph; it is replaced, not overwritten.
          let zeros = try Tensor.zeros(shape: gradient.shape, dtype: gradient.dtype, device: gradient.device)
          if gradient.edge == nil { try gradient.assign(zeros) } else { try parameter.setGradient(zeros) }
        }
      }
    }
  }

  // MARK: - Checkpoints

  /// Everything but the parameters that the next step depends on: `INDEX.NAME` for each state tensor of the
  /// parameter at INDEX, and `INDEX.step`, an int64 of no axes. The tensors are the optimizer's own.
  public func state() throws(AlulaError) -> [(name: String, tensor: Tensor)] {
    var result: [(name: String, tensor: Tensor)] = []
    for i in parameters.indices where stepCounts[i] > 0 {
      result.append(("\(i).step", try Tensor(scalar: .int(Int64(stepCounts[i])))))
      for (key, tensor) in zip(stateNames, states[i]) { result.append(("\(i).\(key)", tensor)) }
    }
    return result
  }

  /// Copies what `state()` gave, so that steps go on as if there had been no break.
  ///
  /// - Throws: `invalidArgument` for an unknown name, a wrong shape, or an incomplete parameter; then nothing changes.
  public func loadState(_ entries: [(name: String, tensor: Tensor)]) throws(AlulaError) {
    var newStates: [[String: Tensor]] = Array(repeating: [:], count: parameters.count)
    var newCounts = Array(repeating: 0, count: parameters.count)
    for (entry, tensor) in entries {
      let parts = entry.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, let i = Int(parts[0]), parameters.indices.contains(i) else {
        throw .invalidArgument("\(name): '\(entry)' names none of the \(parameters.count) parameters' state")
      }
      let key = String(parts[1])
      if key == "step" {
        // Also floats, as PyTorch stores them.
        let count = try tensor.item()
        guard count >= 0, count < 0x1p53 else {
          throw .invalidArgument("\(name): '\(entry)' is \(count), which is no number of steps")
        }
        newCounts[i] = Int(count)
      } else {
        guard stateNames.contains(key) else { throw .invalidArgument("\(name): unknown state '\(entry)'") }
        guard tensor.layout.shape == parameters[i].layout.shape else {
          throw .invalidArgument(
            "\(name): '\(entry)' has shape \(tensor.layout.shape), its parameter \(parameters[i].layout.shape)")
        }
        let copy = try GradientMode.without { () throws(AlulaError) in
          try tensor.detach().cast(dtype: parameters[i].dtype).copy()
        }
        newStates[i][key] = copy
      }
    }
    for i in parameters.indices {
      let expected = newCounts[i] > 0 ? stateNames.count : 0
      guard newStates[i].count == expected else {
        throw .invalidArgument(
          "\(name): the state of parameter \(i) has \(newStates[i].count) tensors, not \(expected)")
      }
    }
    states = newStates.map { state in stateNames.compactMap { state[$0] } }
    stepCounts = newCounts
  }
}
