extension Operation {
  /// Calls the operation and writes its result into the first input, which keeps its dtype.
  ///
  /// - Throws: `autograd` when the write would lose a gradient: into a leaf that requires one, or through a
  ///   view; `invalidArgument` when the result does not fit; `invalidDType` when the target's kind of number (boolean,
  ///   integer, real or complex) cannot hold the result of an element-wise operation.
  public func callInPlace(_ inputs: Operands, _ attributes: [AttributeValue] = []) throws(AlulaError) {
    guard let target = inputs.first ?? nil else { throw .invalidArgument("\(name)_: the target is missing") }
    try target.checkWritable(name)
    let isRecording = GradientMode.isEnabled && inputs.contains { $0?.edge != nil }
    if isRecording { try target.checkRecordedWrite(name) }
    var arguments = inputs
    // The tensor as it is now, history included: the write replaces both.
    if isRecording { arguments[0] = target.snapshot() }
    switch body {
    case .elementwise, .update:
      if let call = try directCall(target, arguments, attributes) {
        try execute(call, into: [target])
        try recordWrite(call, to: target)
        return
      }
    default: break
    }
    let result = try first(arguments, attributes)
    // As in NumPy and PyTorch; assignment to elements converts instead.
    if case .elementwise = body, result.dtype.kind > target.dtype.kind {
      throw .invalidDType(
        "\(name)_: the result's dtype \(result.dtype) does not fit into \(target.dtype); convert the target first")
    }
    try target.assign(result, operation: name)
  }

  /// The same for a call on one or two tensors and nothing else: only the loop, where the result fits over the target
  /// as it is and no gradient is wanted.
  public func applyInPlace(_ target: Tensor, _ b: Tensor? = nil) throws(AlulaError) {
    guard case .elementwise(.same, _) = body, isPlain, inputs.count == (b == nil ? 1 : 2), isUniform(target, b),
      !GradientMode.isEnabled || (target.edge == nil && b?.edge == nil), mayWrite(target, reading: b)
    else { return try callInPlace(b.map { Operands(target, $0) } ?? Operands(target)) }
    try target.device.backend.runElementwise(self, target, b, nil, parameters: [], into: target)
    target.storage.markWritten()
  }

  /// Whether `b` has the target's shape or none, and its elements lie elsewhere or just where the target's do.
  private func mayWrite(_ target: Tensor, reading b: Tensor?) -> Bool {
    guard target.layout.isContiguous else { return false }
    guard let b, b !== target else { return true }
    if b.layout === target.layout || b.layout.shape == target.layout.shape || b.rank == 0 {
      return !b.overlaps(target)
    }
    return false
  }

  /// The call, when its result may be written straight over the target; nil when it needs room of its own.
  private func directCall(_ target: Tensor, _ arguments: Operands, _ attributes: [AttributeValue])
    throws(AlulaError) -> Call?
  {
    let call = Call(self, arguments, attributes)
    try check(call)
    // Anything else is promoted first, or refused with that call's message.
    guard dtypes.contains(target.dtype) else { return nil }
    for (i, tensor) in arguments.enumerated() {
      guard let tensor else { continue }
      if input(i).role == .value, tensor.dtype != target.dtype { return nil }
      guard i > 0, tensor.overlaps(target) else { continue }
      // Elements are read before they are written only where both lie at the same place.
      if case .update = body { return nil }
      if tensor.data != target.data || tensor.layout.strides != target.layout.strides { return nil }
    }
    try checkDTypes(call)
    let spec = try infer(call)
    guard spec[0].dtype == target.dtype, spec[0].shape == target.layout.shape else { return nil }
    return call
  }
}

extension Tensor {
  /// Writes `source`'s elements, broadcast and converted to this dtype, over this tensor's.
  public func assign(_ source: Tensor, operation: String = "assign") throws(AlulaError) {
    try checkWritable(operation)
    if GradientMode.isEnabled, edge != nil || source.edge != nil { try checkRecordedWrite(operation) }
    guard source.layout.broadcast(to: layout.shape) != nil else {
      throw .invalidArgument(
        "\(operation): a value of shape \(source.layout.shape) does not fit into shape \(layout.shape)")
    }
    var value = source
    if value.overlaps(self) { value = try value.copy() }
    if value.dtype != dtype { value = try value.cast(dtype: dtype) }
    if value.layout.shape != layout.shape { value = try value.broadcastTo(shape: shape) }
    try copyElements(from: value)
    storage.markWritten()
    // The old value is gone: from here on this tensor is what was written.
    if GradientMode.isEnabled, edge != nil || value.edge != nil { edge = value.edge }
  }

  /// The tensor as it is now, history included.
  func snapshot() -> Tensor {
    Tensor(storage: storage, layout: layout, dtype: dtype, edge: edge, isView: isView)
  }

  /// Fills this tensor with `source`'s elements, which have its shape and dtype.
  func copyElements(from source: Tensor) throws(AlulaError) {
    try Operation.copy.execute(Call(.copy, Operands(source)), into: [self])
  }

  /// Whether some byte belongs to both. Two storages may be borrowed from the same memory.
  func overlaps(_ other: Tensor) -> Bool {
    guard let mine = addresses, let others = other.addresses else { return false }
    return mine.overlaps(others)
  }

  /// From the first byte of the elements to beyond the last; nil without elements.
  private var addresses: Range<UnsafeMutableRawPointer>? {
    guard let (low, high) = layout.extent else { return nil }
    return storage.base + low * dtype.itemSize..<storage.base + (high + 1) * dtype.itemSize
  }

  /// Refuses writes to elements that stand for several places.
  func checkWritable(_ operation: String) throws(AlulaError) {
    for i in 0..<rank where layout.strides[i] == 0 && layout.shape[i] > 1 && count > 0 {
      throw .invalidArgument(
        "\(operation): in-place write to a tensor of shape \(layout.shape) that repeats elements along axis \(i); copy it first"
      )
    }
  }

  /// Refuses writes whose gradient would be lost.
  func checkRecordedWrite(_ operation: String) throws(AlulaError) {
    if edge?.node.isLeaf == true {
      throw .autograd("\(operation): in-place write to a leaf that requires a gradient; use no_grad or detach it")
    }
    if isView {
      throw .autograd(
        "\(operation): a recorded in-place write through a view is not supported; write to its base by index")
    }
  }
}
