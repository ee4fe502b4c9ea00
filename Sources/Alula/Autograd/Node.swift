import CSupport
import Synchronization

/// One step of the tape: takes the gradients of its results to the gradients of its inputs.
package class Node: @unchecked Sendable {
  // Unchecked: built by one thread, then only read; backward passes over one graph must not run at once.

  /// Called with the gradient of one result, in order of registration; may replace it.
  var hooks: [Hook] = []

  package var name: String { "node" }
  package var outputCount: Int { 1 }
  package var inputCount: Int { 0 }

  /// Where the i-th input's gradient goes; nil where none is wanted.
  package func edge(_ i: Int) -> Edge? { nil }

  /// The dtype and shape of the i-th input, to which its gradient is brought; nil to leave it as it is.
  func inputSpec(_ i: Int) -> TensorSpec? { nil }

  /// Whether the gradients that it returns are its own making, so that backward may add to them where they are.
  var ownsResults: Bool { true }

  /// The inputs' gradients, nil where none flows.
  func inputGradients(_ gradients: [Tensor?]) throws(AlulaError) -> [Tensor?] {
    throw .internal("\(name): no gradient rule")
  }

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
  var tensors: [Tensor] = []

  func drain() {
    while true {
      // Taking an element frees it at the end of the iteration, when it was the last reference.
      if let edge = edges.popLast() { _ = edge } else if let tensor = tensors.popLast() { _ = tensor } else { return }
    }
  }
}

/// The end of the tape at a tensor that requires a gradient: keeps what arrives.
package final class LeafNode: Node, @unchecked Sendable {
  package var gradient: Tensor?
  let spec: TensorSpec

  init(_ spec: TensorSpec) { self.spec = spec }

  deinit { tearDown() }

  package override var name: String { "leaf" }

  /// Adds `value`; `owned` says that nobody else holds its storage.
  func accumulate(_ value: Tensor, owned: Bool) throws(AlulaError) {
    if let present = gradient {
      // Without a graph over it the present gradient can be added to where it is.
      if present.edge == nil, value.edge == nil, present.layout == value.layout, present.layout.isContiguous {
        try Operation.add.callInPlace([present, value])
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
    if let gradient { list.tensors.append(gradient) }
    gradient = nil
  }
}

/// A call of a catalog operation.
package final class OperationNode: Node, @unchecked Sendable {
  /// What is remembered of an input: nil spec for one that was left out.
  struct Input {
    let spec: TensorSpec?
    var edge: Edge?
    var saved: SavedTensor?
  }

  struct Output {
    let spec: TensorSpec
    var saved: SavedTensor?
  }

  let operation: Operation
  let attributes: [AttributeValue]
  private(set) var inputs: [Input]
  private(set) var outputs: [Output] = []
  private var isReleased = false

  init(_ call: Call, saves: Gradient.Saved) {
    operation = call.operation
    attributes = call.attributes
    inputs = []
    inputs.reserveCapacity(call.inputs.count)
    for (i, tensor) in call.inputs.enumerated() {
      guard let tensor else {
        inputs.append(Input(spec: nil))
        continue
      }
      inputs.append(
        Input(
          spec: TensorSpec(tensor.dtype, tensor.layout.shape),
          edge: tensor.dtype.isDifferentiable ? tensor.edge : nil,
          saved: saves.containsInput(i) ? SavedTensor(tensor) : nil))
    }
  }

  deinit { tearDown() }

  package override var name: String { operation.name }
  package override var outputCount: Int { outputs.count }
  package override var inputCount: Int { inputs.count }
  package override func edge(_ i: Int) -> Edge? { inputs[i].edge }
  override func inputSpec(_ i: Int) -> TensorSpec? { inputs[i].spec }

  /// Remembers the results, and saves those that the rule needs.
  func attach(_ results: [Tensor], saves: Gradient.Saved) {
    outputs = results.enumerated().map { i, tensor in
      // Without its edge, which would lead back here and keep the node alive for ever.
      Output(
        spec: TensorSpec(tensor.dtype, tensor.layout.shape),
        saved: saves.containsOutput(i) ? SavedTensor(tensor.detachedAlias()) : nil)
    }
  }

  override func inputGradients(_ gradients: [Tensor?]) throws(AlulaError) -> [Tensor?] {
    if isReleased {
      throw .autograd(
        "backward: the graph of '\(name)' was already used and freed; pass retain_graph to use it again")
    }
    switch operation.gradient {
    case .rule(_, let rule): return try rule(GradientContext(node: self, gradients: gradients))
    case .unsupported(let reason): throw .unsupported("\(name): no gradient: \(reason)")
    case .composed, .notDifferentiable: return inputs.map { _ in nil }
    }
  }

  override func releaseSaved() {
    // A rule that needs nothing but shapes can run again.
    isReleased = isReleased || inputs.contains { $0.saved != nil } || outputs.contains { $0.saved != nil }
    for i in inputs.indices { inputs[i].saved = nil }
    for i in outputs.indices { outputs[i].saved = nil }
  }

  override var leadsOn: Bool {
    inputs.contains { input in
      if let node = input.edge?.node, !(node is LeafNode) { return true }
      return input.saved?.tensor.edge != nil
    }
  }

  override func surrender(to list: TeardownList) {
    for input in inputs {
      if let edge = input.edge { list.edges.append(edge) }
      if let tensor = input.saved?.tensor { list.tensors.append(tensor) }
    }
    inputs = []
  }
}

/// A tensor as it was when an operation needed it.
struct SavedTensor: Sendable {
  let tensor: Tensor
  private let version: Int

  init(_ tensor: Tensor) {
    self.tensor = tensor.snapshot()
    version = tensor.storage.version
  }

  /// The tensor with its history, after a check that nobody wrote over it.
  func restore(operation: String, producer: Edge? = nil) throws(AlulaError) -> Tensor {
    guard tensor.storage.version == version else {
      throw .autograd(
        "backward: a tensor of shape \(tensor.layout.shape) that '\(operation)' needs for its gradient was overwritten "
          + "by an in-place operation (version \(tensor.storage.version), saved at \(version))")
    }
    guard let producer else { return tensor }
    return Tensor(storage: tensor.storage, layout: tensor.layout, dtype: tensor.dtype, edge: producer)
  }
}
