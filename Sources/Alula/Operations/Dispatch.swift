// What happens to a call, in this order: check and promote the arguments, infer the results, execute,
// record. Each step stands alone, so that a tracer can infer without executing and record otherwise.

extension Operation {
  /// Calls the operation on `inputs` and `attributes`, in the order of its declaration.
  public func callAsFunction(_ inputs: Operands, _ attributes: [AttributeValue] = []) throws(AlulaError) -> [Tensor] {
    if let unchanged = unchanged(inputs, attributes) { return [unchanged] }
    return try run(try prepare(inputs, attributes))
  }

  private func run(_ call: Call) throws(AlulaError) -> [Tensor] {
    switch body {
    case .composite(let body): return try body(call)
    case .elementwise(let output, _): return [try elementwise(call, output)]
    case .reduction(let rule): return [try reduction(call, rule)]
    case .view(let rule): return [try view(call, rule)]
    case .primitive, .update: return try compute(call, try infer(call))
    }
  }

  private func compute(_ call: Call, _ specs: [TensorSpec]) throws(AlulaError) -> [Tensor] {
    let outputs = try allocate(specs, on: call.device)
    if case .update = body { try outputs[0].copyElements(from: call[0]) }
    try execute(call, into: outputs)
    try record(call, outputs)
    return outputs
  }

  /// The first result of the call: the only one of most operations.
  public func first(_ inputs: Operands, _ attributes: [AttributeValue] = []) throws(AlulaError) -> Tensor {
    switch body {
    case .elementwise(let output, _): return try elementwise(try prepare(inputs, attributes), output)
    case .reduction(let rule): return try reduction(try prepare(inputs, attributes), rule)
    case .view(let rule): return try view(try prepare(inputs, attributes), rule)
    case .primitive(let infer) where isIdentity == nil: return try primitive(try prepare(inputs, attributes), infer)
    default:
      if let unchanged = unchanged(inputs, attributes) { return unchanged }
      guard let first = try run(try prepare(inputs, attributes)).first else { throw .internal("\(name): no result") }
      return first
    }
  }

  /// A call on one or two tensors and nothing else: what most calls of element-wise operations are. With equal dtypes
  /// nothing needs a check or a change, and no `Call` is made.
  public func apply(_ a: Tensor, _ b: Tensor? = nil) throws(AlulaError) -> Tensor {
    func operands() -> Operands { b.map { Operands(a, $0) } ?? Operands(a) }
    guard isPlain, inputs.count == (b == nil ? 1 : 2), isUniform(a, b) else { return try first(operands()) }
    switch body {
    case .elementwise(let output, _):
      let result = try elementwise(a, b, nil, output, parameters: [])
      record(result, of: a, b)
      return result
    case .primitive(let infer) where isIdentity == nil:
      return try primitive(Call(self, operands()), infer)
    default:
      return try first(operands())
    }
  }

  /// The same for reductions: `axis` as their first attribute, `dtype` for those that have it.
  public func reduce(_ x: Tensor, _ axis: [Int]? = nil, keepdims: Bool = false, dtype: DType? = nil)
    throws(AlulaError) -> Tensor
  {
    func attributes() -> [AttributeValue] {
      let all = [axis.map { .ints($0) } ?? .none, .bool(keepdims), dtype.map { .dtype($0) } ?? AttributeValue.none]
      return Array(all.prefix(self.attributes.count))
    }
    guard case .reduction(let rule) = body else { return try first(Operands(x), attributes()) }
    let result = try reduction(x, axis, keepdims, dtype, rule)
    record(result, of: x, attributes: attributes())
    return result
  }

  @inline(__always)
  func isUniform(_ a: Tensor, _ b: Tensor?) -> Bool {
    guard b == nil || b?.dtype == a.dtype else { return false }
    // Numbers alone are wider than their result.
    if a.isWeak, b?.isWeak ?? true { return false }
    return keeps(a.dtype)
  }

  /// Whether values that all have this dtype are taken as they are.
  @inline(__always)
  private func keeps(_ dtype: DType) -> Bool {
    guard dtypes.contains(dtype) else { return false }
    if case .floating = promotion { return dtype.isDifferentiable }
    return true
  }

  /// The first input where the call returns it as it is.
  private func unchanged(_ tensors: Operands, _ attributes: [AttributeValue]) -> Tensor? {
    guard let isIdentity, tensors.count == 1, let x = tensors[0], isIdentity(x, attributes) else { return nil }
    return x
  }

  /// Whether tensors are what the operation takes, all of one dtype, so that nothing needs a check or a change.
  private func isUniform(_ tensors: Operands) -> Bool {
    guard takesValues, tensors.count == inputs.count else { return false }
    var common: DType?
    for i in 0..<tensors.count {
      guard let tensor = tensors[i] else {
        if inputs[i].arity == .optional { continue }
        return false
      }
      if tensor.isWeak || (common != nil && common != tensor.dtype) { return false }
      common = tensor.dtype
    }
    return common.map { keeps($0) } ?? false
  }

  private func prepare(_ inputs: Operands, _ attributes: [AttributeValue]) throws(AlulaError) -> Call {
    let isUniform = isUniform(inputs)
    if isUniform, attributes.isEmpty, self.attributes.isEmpty { return Call(self, inputs, attributes) }
    var call = Call(self, inputs, attributes)
    try check(call)
    if isUniform { return call }
    try promote(&call)
    try checkDTypes(call)
    return call
  }

  /// The first result of a primitive. Most have one, for which a list is made only where the back end wants it.
  private func primitive(_ call: Call, _ infer: (Call) throws(AlulaError) -> [TensorSpec]) throws(AlulaError) -> Tensor
  {
    let specs = try infer(call)
    guard specs.count == 1 else {
      guard let first = try compute(call, specs).first else { throw .internal("\(name): no result") }
      return first
    }
    let (shape, first) = (specs[0].shape, call.optional(0)?.layout)
    let layout =
      if let first, first.isPlain, first.shape == shape { first } else {
        try Layout(contiguous: shape, operation: name)
      }
    let result = try Tensor(uninitialized: layout, dtype: specs[0].dtype, device: call.device, operation: name)
    try execute(call, into: [result])
    try record(call, result)
    return result
  }

  private func elementwise(_ call: Call, _ output: ElementwiseOutput) throws(AlulaError) -> Tensor {
    let result = try elementwise(
      call[0], call.optional(1), call.optional(2), output, parameters: call.elementwiseParameters)
    try record(call, result)
    return result
  }

  @inline(__always)
  private func elementwise(
    _ a: Tensor, _ b: Tensor?, _ c: Tensor?, _ output: ElementwiseOutput, parameters: [Double]
  ) throws(AlulaError) -> Tensor {
    let dtype: DType = if case .bool = output { .bool } else { (c ?? b ?? a).dtype }
    let result = try Tensor(
      uninitialized: try elementwiseLayout(a, b, c), dtype: dtype, device: a.device, operation: name)
    try a.device.backend.enqueueElementwise(self, a, b, c, parameters: parameters, into: result)
    return result
  }

  typealias ReductionRule = (Tensor, AxisSet, DType?) throws(AlulaError) -> DType

  private func reduction(_ call: Call, _ rule: ReductionRule) throws(AlulaError) -> Tensor {
    let result = try reduction(
      call[0], call.optionalInts("axis"), call.bool("keepdims"), call.dtype(), rule)
    try record(call, result)
    return result
  }

  private func reduction(
    _ x: Tensor, _ axis: [Int]?, _ keepdims: Bool, _ dtype: DType?, _ rule: ReductionRule
  ) throws(AlulaError) -> Tensor {
    let axes = try axes(axis, rank: x.rank)
    let dtype = try rule(x, axes, dtype)
    let shape = x.layout.shape.reduced(over: axes, keepdims: keepdims)
    let layout = shape.count == 0 ? Layout.scalar : try Layout(contiguous: shape, operation: name)
    let result = try Tensor(uninitialized: layout, dtype: dtype, device: x.device, operation: name)
    // What a back end computes on the way, such as a converted copy, is not recorded.
    try GradientMode.without { () throws(AlulaError) in
      try x.device.backend.runReduction(self, x, axes, into: result)
    }
    return result
  }

  /// Fills `outputs`. What a back end computes on the way, such as a contiguous copy, is not recorded.
  func execute(_ call: Call, into outputs: [Tensor]) throws(AlulaError) {
    if case .elementwise = body {
      return try call.device.backend.runElementwise(
        self, call[0], call.optional(1), call.optional(2), parameters: call.elementwiseParameters, into: outputs[0])
    }
    try GradientMode.without { () throws(AlulaError) in try call.device.backend.run(self, call, into: outputs) }
  }

  private func view(_ call: Call, _ rule: (Call) throws(AlulaError) -> Layout) throws(AlulaError) -> Tensor {
    let layout = try rule(call)
    // A repeated axis costs no memory, but what is computed from it must stay countable.
    guard layout.shape.checkedProduct != nil else {
      throw .invalidArgument("\(name): shape \(layout.shape) holds too many elements")
    }
    let result = call[0].aliased(layout)
    try record(call, result)
    return result
  }

  // MARK: - Checks

  func check(_ call: Call) throws(AlulaError) {
    guard attributes.count == call.attributes.count else {
      throw .invalidArgument("\(name): \(call.attributes.count) attributes given, \(attributes.count) expected")
    }
    for i in attributes.indices where !attributes[i].accepts(call.attributes[i]) {
      throw .invalidArgument("\(name): '\(attributes[i].name)' cannot be \(call.attributes[i])")
    }
    if inputs.first?.arity == .list {
      guard !call.inputs.isEmpty, !call.inputs.contains(where: { $0 == nil }) else {
        throw .invalidArgument("\(name): needs at least one tensor, and none missing")
      }
    } else {
      guard inputs.count == call.inputs.count else {
        throw .invalidArgument("\(name): \(call.inputs.count) tensors given, \(inputs.count) expected")
      }
      for i in inputs.indices where call.inputs[i] == nil && inputs[i].arity != .optional {
        throw .invalidArgument("\(name): '\(inputs[i].name)' is missing")
      }
    }
  }

  /// The declaration of the i-th tensor of a call.
  func input(_ i: Int) -> Input { inputs[Swift.min(i, inputs.count - 1)] }
  private func role(_ i: Int) -> Input.Role { inputs[Swift.min(i, inputs.count - 1)].role }

  private func promote(_ call: inout Call) throws(AlulaError) {
    if case .none = promotion { return }
    var arrays: DType?
    var weak: DType?
    var uniform = true
    for i in call.inputs.indices where role(i) == .value {
      guard let tensor = call.inputs[i] else { continue }
      if tensor.isWeak {
        uniform = false
        weak = weak.map { DType.promote(weak: $0, tensor.dtype) } ?? tensor.dtype
      } else {
        if let arrays, arrays != tensor.dtype { uniform = false }
        arrays = arrays.map { DType.promote($0, tensor.dtype) } ?? tensor.dtype
      }
    }
    guard var common = DType.promote(arrays: arrays, weak: weak) else { return }
    if case .floating = promotion, !common.isDifferentiable {
      common = .defaultFloat
      uniform = false
    }
    if uniform { return }
    for i in call.inputs.indices where role(i) == .value {
      guard let tensor = call.inputs[i], tensor.dtype != common else { continue }
      call.inputs[i] =
        tensor.isWeak && tensor.edge == nil ? try tensor.number(as: common) : try tensor.cast(dtype: common)
    }
  }

  func checkDTypes(_ call: Call) throws(AlulaError) {
    for i in call.inputs.indices {
      guard let dtype = call.inputs[i]?.dtype else { continue }
      switch role(i) {
      case .value where !dtypes.contains(dtype):
        throw .invalidDType("\(name): dtype \(dtype) of '\(input(i).name)' is not supported")
      case .index where !dtype.isInteger:
        throw .invalidDType("\(name): '\(input(i).name)' must have an integer dtype, not \(dtype)")
      case .condition where dtype != .bool:
        throw .invalidDType("\(name): '\(input(i).name)' must have dtype bool, not \(dtype)")
      default: break
      }
    }
  }

  // MARK: - Inference

  /// The results' dtypes and shapes, without computing them. Composites have none of their own: theirs are their parts'.
  func infer(_ call: Call) throws(AlulaError) -> [TensorSpec] {
    switch body {
    case .elementwise(let output, _):
      let layout = try elementwiseLayout(call[0], call.optional(1), call.optional(2))
      let dtype: DType = if case .bool = output { .bool } else { (call.inputs.last ?? nil)?.dtype ?? call[0].dtype }
      return [TensorSpec(dtype, layout.shape)]
    case .reduction(let rule):
      let axes = try call.reducedAxes()
      return [TensorSpec(try rule(call[0], axes, call.dtype()), try call.reducedShape())]
    case .primitive(let infer):
      return try infer(call)
    case .update(let check):
      try check(call)
      return [TensorSpec(call[0].dtype, call[0].layout.shape)]
    case .view(let rule):
      return [TensorSpec(call[0].dtype, try rule(call).shape)]
    case .composite:
      throw .internal("\(name): a composite has no inference of its own")
    }
  }

  /// The layout of an element-wise result, which is an operand's own where that will do.
  private func elementwiseLayout(_ a: Tensor, _ b: Tensor?, _ c: Tensor?) throws(AlulaError) -> Layout {
    var layout = a.layout
    if let b { layout = try broadcast(layout, b.layout) }
    if let c { layout = try broadcast(layout, c.layout) }
    return layout.isPlain ? layout : try Layout(contiguous: layout.shape, operation: name)
  }

  /// A layout of the shape that both broadcast to: one of them where that will do.
  @inline(__always)
  private func broadcast(_ a: Layout, _ b: Layout) throws(AlulaError) -> Layout {
    if a === b || a.shape == b.shape { return a }
    guard let common = Dims.broadcast(a.shape, b.shape) else {
      throw .invalidArgument("\(name): shapes \(a.shape) and \(b.shape) do not broadcast")
    }
    if common == a.shape { return a }
    return common == b.shape ? b : try Layout(contiguous: common, operation: name)
  }

  private func allocate(_ specs: [TensorSpec], on device: Device) throws(AlulaError) -> [Tensor] {
    var outputs: [Tensor] = []
    outputs.reserveCapacity(specs.count)
    for spec in specs {
      outputs.append(try Tensor(uninitialized: spec.shape, dtype: spec.dtype, device: device, operation: name))
    }
    return outputs
  }
}
