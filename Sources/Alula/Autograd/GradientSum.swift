/// The sum of the gradients that have arrived at a node's result.
struct GradientSum {
  private(set) var value: Tensor
  /// Whether nobody else holds its storage, or needs its elements as they are now: then it grows where it is.
  private(set) var isOwned: Bool

  init(_ value: Tensor, isOwned: Bool) {
    self.value = value
    self.isOwned = isOwned
  }

  /// A first part, and zeros around it.
  init(_ part: GradientPart) throws(AlulaError) {
    value = try Tensor.zeros(shape: part.shape.array, dtype: part.gradient.dtype, device: part.gradient.device)
    isOwned = true
    try grow(part.placement, part.operands(after: value), part.attributes)
  }

  mutating func add(_ gradient: Tensor) throws(AlulaError) {
    if isOwned { return try Operation.add.applyInPlace(value, gradient) }
    value = try value + gradient
    isOwned = true
  }

  mutating func add(_ part: GradientPart) throws(AlulaError) {
    try grow(part.addition, part.operands(after: value), part.attributes)
  }

  /// Whatever adds saves nothing of the sum, so that a recorded one, too, can grow where it is.
  private mutating func grow(_ addition: Operation, _ operands: Operands, _ attributes: [AttributeValue])
    throws(AlulaError)
  {
    if isOwned {
      try addition.callInPlace(operands, attributes)
    } else {
      value = try addition.first(operands, attributes)
      isOwned = true
    }
  }
}

/// The gradient of a part of a tensor, which is zero elsewhere.
struct GradientPart {
  let gradient: Tensor
  /// The whole's.
  let shape: Dims
  /// Updates that add the gradient to one of the whole, and to zeros: called on that, `others` and the gradient.
  let addition: Operation
  let placement: Operation
  let others: [Tensor]
  let attributes: [AttributeValue]

  func operands(after whole: Tensor) -> Operands {
    var operands = Operands(whole)
    for other in others { operands.append(other) }
    operands.append(gradient)
    return operands
  }
}
