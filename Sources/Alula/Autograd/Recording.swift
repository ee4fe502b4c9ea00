import CSupport

/// Whether calls are recorded. Per thread.
public enum GradientMode {
  /// True unless inside `without`.
  public static var isEnabled: Bool {
    get { csupport_current_thread().pointee.no_grad_depth == 0 }
    set { csupport_current_thread().pointee.no_grad_depth = newValue ? 0 : 1 }
  }

  /// Opens a scope without recording; scopes nest.
  public static func begin() { csupport_current_thread().pointee.no_grad_depth &+= 1 }

  /// Closes the scope opened last; false when none is open.
  public static func end() -> Bool {
    let thread = csupport_current_thread()
    guard let depth = thread?.pointee.no_grad_depth, depth > 0 else { return false }
    thread?.pointee.no_grad_depth = depth - 1
    return true
  }

  /// Runs `body` without recording.
  public static func without<R>(_ body: () throws(AlulaError) -> R) throws(AlulaError) -> R {
    try with(false, body)
  }

  /// Runs `body` with recording on or off, and restores what was.
  public static func with<R>(_ enabled: Bool, _ body: () throws(AlulaError) -> R) throws(AlulaError) -> R {
    // The depth, not just whether it is zero: the caller may be inside several scopes.
    guard let thread = csupport_current_thread() else { return try body() }
    let outer = thread.pointee.no_grad_depth
    thread.pointee.no_grad_depth = enabled ? 0 : 1
    defer { thread.pointee.no_grad_depth = outer }
    return try body()
  }
}

extension Operation {
  /// A node for the call, which knows the inputs; nil when the call leaves none on the tape.
  private func node(_ call: Call) -> OperationNode? {
    guard leavesNodes, call.inputs.contains(where: { $0?.carriesGradient ?? false }), GradientMode.isEnabled else {
      return nil
    }
    let node = OperationNode(self, call.attributes)
    for input in call.inputs { node.append(input) }
    return node
  }

  /// Puts the call on the tape and gives the results their edges.
  func record(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    guard let node = node(call) else { return }
    for output in outputs { node.attach(output) }
    for (i, output) in outputs.enumerated() where output.dtype.isDifferentiable {
      output.edge = Edge(node: node, output: i)
    }
  }

  /// The same for a call with one result.
  func record(_ call: Call, _ output: Tensor) throws(AlulaError) {
    if let node = node(call) { node.finish(output) }
  }

  /// The same for a call on one or two tensors, given apart.
  func record(
    _ output: Tensor, of a: Tensor, _ b: Tensor? = nil, attributes: @autoclosure () -> [AttributeValue] = []
  ) {
    guard leavesNodes, a.carriesGradient || (b?.carriesGradient ?? false), GradientMode.isEnabled else { return }
    let node = OperationNode(self, attributes())
    node.append(a)
    if let b { node.append(b) }
    node.finish(output)
  }

  /// Notes that `target` was overwritten with the result of `call`.
  func recordWrite(_ call: Call, to target: Tensor) throws(AlulaError) {
    // Inputs are saved at the version they were read, outputs at the one just written.
    let node = node(call)
    target.storage.markWritten()
    node?.finish(target)
  }
}

// MARK: - Tensor

extension Tensor {
  /// Whether a gradient leads on from here.
  @inline(__always)
  var carriesGradient: Bool { edge != nil && dtype.isDifferentiable }

  /// Whether calls on this tensor are recorded. Setting it makes the tensor a leaf of new graphs.
  public var requiresGradient: Bool { edge != nil }

  /// Whether no recorded operation made this tensor.
  public var isLeaf: Bool { edge?.node.isLeaf ?? true }

  /// Makes a leaf collect gradients, or stop doing so.
  public func setRequiresGradient(_ wanted: Bool) throws(AlulaError) {
    if wanted == requiresGradient { return }
    guard isLeaf else {
      throw .autograd("requires_grad: only leaves can change it; detach the result of '\(edge?.node.name ?? "")' first")
    }
    guard !wanted || dtype.isDifferentiable else {
      throw .invalidDType("requires_grad: dtype \(dtype) cannot carry gradients; floats and complex can")
    }
    // A gradient with a graph leads back to its leaf, and nobody could forget it any more.
    (edge?.node as? LeafNode)?.gradient = nil
    edge = wanted ? Edge(node: LeafNode(), output: 0) : nil
  }

  /// The gradient collected by a leaf, or nil.
  public var gradient: Tensor? { (edge?.node as? LeafNode)?.gradient }

  /// Replaces a leaf's gradient; nil forgets it.
  public func setGradient(_ value: Tensor?) throws(AlulaError) {
    guard let leaf = edge?.node as? LeafNode else {
      if value == nil { return }
      throw .autograd("grad: only a leaf that requires a gradient holds one")
    }
    if let value, value.dtype != dtype || value.layout.shape != layout.shape {
      throw .invalidArgument(
        "grad: shape \(value.layout.shape) and dtype \(value.dtype) do not match the tensor's \(layout.shape) and \(dtype)"
      )
    }
    guard value?.edge?.node !== leaf else {
      throw .invalidArgument("grad: a tensor cannot be its own gradient; detach it")
    }
    leaf.gradient = value
  }

  /// The name of the operation that made this tensor, or nil for a leaf.
  public var gradientFunctionName: String? { isLeaf ? nil : edge?.node.name }

  /// The same elements without history.
  public func detach() -> Tensor { aliased(layout) }

  func detachedAlias() -> Tensor { Tensor(storage: storage, layout: layout, dtype: dtype, isView: isView) }

  /// Calls `body` with this tensor's gradient during backward; what it returns replaces the gradient.
  ///
  /// - Returns: an identifier for `removeHook`.
  @discardableResult
  public func addHook(_ body: @escaping @Sendable (Tensor) throws(AlulaError) -> Tensor?) throws(AlulaError) -> UInt64 {
    guard let edge else { throw .autograd("register_hook: the tensor does not require a gradient") }
    let id = Hook.created.wrappingAdd(1, ordering: .relaxed).newValue
    edge.node.hooks.append(Hook(id: id, output: edge.output, body: body))
    return id
  }

  /// Forgets a hook; false when the tensor has none of that identifier.
  @discardableResult
  public func removeHook(_ id: UInt64) -> Bool {
    guard let node = edge?.node, let i = node.hooks.firstIndex(where: { $0.id == id }) else { return false }
    node.hooks.remove(at: i)
    return true
  }
}
