extension Operation {
  /// Calls the operation and writes its result into the first input, which keeps its dtype.
  ///
  /// - Throws: `autograd` when the write would lose a gradient: into a leaf that requires one, or through a
  ///   view; `invalidArgument` when the result does not fit.
  public func callInPlace(_ inputs: [Tensor?], _ attributes: [AttributeValue] = []) throws(AlulaError) {
    guard let target = inputs.first ?? nil else { throw .invalidArgument("\(name)_: the target is missing") }
    let recording = GradientMode.isEnabled && inputs.contains { $0?.edge != nil }
    if recording { try target.checkRecordedWrite(name) }
    var arguments = inputs
    arguments[0] = target.snapshot()
    switch body {
    case .elementwise, .update:
      if let call = try directCall(target, arguments, attributes) {
        try target.device.backend.run(self, call, into: [target.aliased(target.layout)])
        try recordWrite(call, to: target)
        return
      }
    default: break
    }
    try target.assign(try first(arguments, attributes), operation: name)
  }

  /// The call, when its result may be written straight over the target; nil when it needs room of its own.
  private func directCall(_ target: Tensor, _ arguments: [Tensor?], _ attributes: [AttributeValue])
    throws(AlulaError) -> Call?
  {
    let call = Call(self, arguments, attributes)
    for (i, tensor) in arguments.enumerated() {
      guard let tensor else { continue }
      if input(i).role == .value, tensor.dtype != target.dtype { return nil }
      // Elements are read before they are written only where both lie at the same place.
      if i > 0, tensor.storage === target.storage, tensor.layout != target.layout { return nil }
      if case .update = body, i > 0, tensor.storage === target.storage { return nil }
    }
    guard dtypes.contains(target.dtype), arguments.count == inputs.count,
      attributes.count == self.attributes.count,
      zip(self.attributes, attributes).allSatisfy({ $0.accepts($1) })
    else { return nil }
    let spec = try infer(call)
    guard spec[0].dtype == target.dtype, spec[0].shape == target.layout.shape else { return nil }
    return call
  }
}

extension Tensor {
  /// Writes `source`'s elements, broadcast and converted to this dtype, over this tensor's.
  public func assign(_ source: Tensor, operation: String = "assign") throws(AlulaError) {
    if GradientMode.isEnabled, edge != nil || source.edge != nil { try checkRecordedWrite(operation) }
    guard source.layout.broadcast(to: layout.shape) != nil else {
      throw .invalidArgument(
        "\(operation): a value of shape \(source.layout.shape) does not fit into shape \(layout.shape)")
    }
    var value = source
    if value.storage === storage && value.layout != layout { value = try value.copy() }
    if value.dtype != dtype { value = try value.cast(dtype: dtype) }
    if value.layout.shape != layout.shape { value = try value.broadcastTo(shape: shape) }
    try copyElements(from: value)
    storage.markWritten()
    // The old value is gone: from here on this tensor is what was written.
    if GradientMode.isEnabled, edge != nil || value.edge != nil { edge = value.edge }
  }

  /// The tensor as it is now, history included, for an operation that is about to replace both.
  func snapshot() -> Tensor {
    Tensor(storage: storage, layout: layout, dtype: dtype, edge: edge, isView: isView)
  }

  /// Fills this tensor with `source`'s elements, which have its shape and dtype.
  func copyElements(from source: Tensor) throws(AlulaError) {
    try device.backend.run(.copy, Call(.copy, [source], []), into: [self])
  }

  /// Refuses writes whose gradient would be lost.
  func checkRecordedWrite(_ operation: String) throws(AlulaError) {
    if edge?.node is LeafNode {
      throw .autograd("\(operation): in-place write to a leaf that requires a gradient; use no_grad or detach it")
    }
    if isView {
      throw .autograd(
        "\(operation): a recorded in-place write through a view is not supported; write to its base by index")
    }
  }
}
