import CSupport
import Synchronization

/// One step of the tape: takes the gradients of its results to the gradients of its inputs.
package class Node: @unchecked Sendable {
  // Unchecked: built by one thread, then only read; backward passes over one graph must not run at once.

  /// Called with the gradient of one result, in order of registration; may replace it.
  var hooks: [Hook] = []

  package var name: String { "node" }
  /// Whether gradients end here.
  package var isLeaf: Bool { false }
  package var outputCount: Int { 1 }
  package var inputCount: Int { 0 }

  /// Where the i-th input's gradient goes; nil where none is wanted.
  package func edge(_ i: Int) -> Edge? { nil }

  /// The dtype and layout of the i-th input, to whose shape its gradient is brought; nil to leave it as it is.
  func inputType(_ i: Int) -> (dtype: DType, layout: Layout)? { nil }

  /// Whether the gradients that it returns are its own making, so that backward may add to them where they are.
  var ownsResults: Bool { true }

  /// The inputs' gradients, nil where none flows.
  func inputGradients(_ gradients: [Tensor?]) throws(AlulaError) -> [Tensor?] {
    throw .internal("\(name): no gradient rule")
  }

  /// The gradient of the part of the first input that the result is; nil when it is none.
  func inputPart(_ gradients: [Tensor?]) throws(AlulaError) -> GradientPart? { nil }

  /// Lets go of what only the gradient rule needs.
  func releaseSaved() {}

  /// Whether freeing this node may free further ones that lead on.
  var leadsOn: Bool { false }

  /// Moves everything that may own further nodes into `list`, so that they are torn down one by one.
  func surrender(to list: TeardownList) {}

  /// Frees what this node leads to without recursion, which would overflow the stack on a long tape: the first
  /// node on a thread drains the list; nested ones only append to it. Called by every subclass's deinit, while its
  /// own properties still live.
  final func tearDown() {
    guard leadsOn, let thread = csupport_current_thread() else { return }
    if let active = thread.pointee.teardown {
      surrender(to: Unmanaged<TeardownList>.fromOpaque(active).takeUnretainedValue())
      return
    }
    let list = TeardownList()
    surrender(to: list)
    thread.pointee.teardown = Unmanaged.passUnretained(list).toOpaque()
    list.drain()
    thread.pointee.teardown = nil
  }
}

/// A result of a node: where a tensor's gradient goes.
package struct Edge: Sendable {
  package let node: Node
  package let output: Int
}

struct Hook: Sendable {
  static let created = Atomic<UInt64>(0)

  let id: UInt64
  let output: Int
  let body: @Sendable (Tensor) throws(AlulaError) -> Tensor?
}

/// What torn-down nodes owned, waiting to be freed without recursion.
final class TeardownList {
  var edges: [Edge] = []

  func drain() {
    // Taking an element frees it at the end of the iteration, when it was the last reference.
    while let edge = edges.popLast() { _ = edge }
  }
}

/// The end of the tape at a tensor that requires a gradient: keeps what arrives.
package final class LeafNode: Node, @unchecked Sendable {
  package var gradient: Tensor?
  deinit { tearDown() }

  package override var name: String { "leaf" }
  package override var isLeaf: Bool { true }

  /// Adds `value`; `owned` says that nobody else holds its storage.
  func accumulate(_ value: Tensor, owned: Bool) throws(AlulaError) {
    if let present = gradient {
      // Without a graph over it the present gradient can be added to where it is.
      if present.edge == nil, value.edge == nil, present.layout.isContiguous,
        present.layout.shape == value.layout.shape
      {
        try Operation.add.applyInPlace(present, value)
      } else {
        gradient = try present + value
      }
    } else if value.layout.isContiguous, owned || value.edge != nil {
      gradient = value
    } else {
      gradient = try value.copy()
    }
  }

  // A gradient may have a graph of its own, when it was made with create_graph.
  override var leadsOn: Bool { gradient?.edge != nil }

  override func surrender(to list: TeardownList) {
    // Its edge outlives it on the list, so that its end frees no node.
    if let edge = gradient?.edge { list.edges.append(edge) }
    gradient = nil
  }
}

/// A call of a catalog operation.
package final class OperationNode: Node, @unchecked Sendable {
  /// What is remembered of an input that was not left out.
  struct Input {
    let dtype: DType
    let layout: Layout
    let edge: Edge?
    var saved: SavedStorage?
  }

  struct Output {
    let dtype: DType
    let layout: Layout
    var saved: SavedStorage?
  }

  let operation: Operation
  let attributes: [AttributeValue]
  private(set) var inputs = ShortList<Input?>()
  private(set) var outputs = ShortList<Output?>()
  /// Whether something is saved that `releaseSaved` lets go of; a rule that needs nothing but shapes can run again.
  private var hasSaved = false
  private var isReleased = false
  private var continues = false

  init(_ operation: Operation, _ attributes: [AttributeValue]) {
    self.operation = operation
    self.attributes = attributes
  }

  /// Remembers the next input, and saves it if the rule needs it.
  func append(_ tensor: Tensor?) {
    guard let tensor else { return inputs.append(nil) }
    let edge = tensor.dtype.isDifferentiable ? tensor.edge : nil
    if let edge, !edge.node.isLeaf { continues = true }
    let isSaved = operation.saved.containsInput(inputs.count)
    hasSaved = hasSaved || isSaved
    inputs.append(
      Input(dtype: tensor.dtype, layout: tensor.layout, edge: edge, saved: isSaved ? SavedStorage(tensor) : nil))
  }

  deinit { tearDown() }

  package override var name: String { operation.name }
  package override var outputCount: Int { outputs.count }
  package override var inputCount: Int { inputs.count }
  package override func edge(_ i: Int) -> Edge? { inputs.with(i) { $0?.edge } }
  override func inputType(_ i: Int) -> (dtype: DType, layout: Layout)? {
    inputs.with(i) { input in input.map { ($0.dtype, $0.layout) } }
  }

  /// Remembers a result, and saves it if the rule needs it: without its edge, which would lead back here and keep the
  /// node alive for ever.
  func attach(_ result: Tensor) {
    let isSaved = operation.saved.containsOutput(outputs.count)
    hasSaved = hasSaved || isSaved
    outputs.append(
      Output(dtype: result.dtype, layout: result.layout, saved: isSaved ? SavedStorage(result) : nil))
  }

  /// Remembers the only result, and leads its gradient here.
  func finish(_ result: Tensor) {
    attach(result)
    if result.dtype.isDifferentiable { result.edge = Edge(node: self, output: 0) }
  }

  /// The i-th input as it was, with its history; nil when it was left out or not saved.
  func savedInput(_ i: Int) throws(AlulaError) -> Tensor? {
    guard let input = inputs[i], let saved = input.saved else { return nil }
    return try saved.restore(input.dtype, input.layout, edge: input.edge, operation: operation.name)
  }

  /// The i-th result as it was; nil when it was not saved.
  func savedOutput(_ i: Int) throws(AlulaError) -> Tensor? {
    guard let output = outputs[i], let saved = output.saved else { return nil }
    return try saved.restore(
      output.dtype, output.layout, edge: Edge(node: self, output: i), operation: operation.name)
  }

  override func inputGradients(_ gradients: [Tensor?]) throws(AlulaError) -> [Tensor?] {
    try checkNotReleased()
    switch operation.gradient {
    case .rule(_, let rule): return try rule(GradientContext(node: self, gradients: gradients))
    case .unsupported(let reason): throw .unsupported("\(name): no gradient: \(reason)")
    case .part, .composed, .notDifferentiable: return inputs.map { _ in nil }
    }
  }

  override func inputPart(_ gradients: [Tensor?]) throws(AlulaError) -> GradientPart? {
    guard case .part(let addition, let placement) = operation.gradient, let gradient = gradients[0],
      let whole = inputs[0]
    else { return nil }
    try checkNotReleased()
    var others: [Tensor] = []
    for i in 1..<inputs.count {
      if let other = try savedInput(i) { others.append(other) }
    }
    return GradientPart(
      gradient: gradient, shape: whole.layout.shape, addition: addition, placement: placement ?? addition,
      others: others,
      attributes: attributes)
  }

  private func checkNotReleased() throws(AlulaError) {
    guard isReleased else { return }
    throw .autograd("backward: the graph of '\(name)' was already used and freed; pass retain_graph to use it again")
  }

  override func releaseSaved() {
    guard hasSaved else { return }
    for i in 0..<inputs.count { inputs[i]?.saved = nil }
    for i in 0..<outputs.count { outputs[i]?.saved = nil }
    hasSaved = false
    isReleased = true
  }

  override var leadsOn: Bool { continues }

  override func surrender(to list: TeardownList) {
    for i in 0..<inputs.count {
      if let edge = inputs[i]?.edge { list.edges.append(edge) }
    }
    inputs = ShortList()
  }
}

/// A tensor's elements as they were when an operation needed them.
struct SavedStorage: Sendable {
  private let storage: Storage
  private let version: Int

  init(_ tensor: Tensor) {
    storage = tensor.storage
    version = tensor.storage.version
  }

  /// The tensor with its history, after a check that nobody wrote over it.
  func restore(_ dtype: DType, _ layout: Layout, edge: Edge?, operation: String) throws(AlulaError) -> Tensor {
    guard storage.version == version else {
      throw .autograd(
        "backward: a tensor of shape \(layout.shape) that '\(operation)' needs for its gradient was overwritten "
          + "by an in-place operation (version \(storage.version), saved at \(version))")
    }
    return Tensor(storage: storage, layout: layout, dtype: dtype, edge: edge, isView: true)
  }
}
