import CSupport

/// One step of the tape: takes the gradients of its results to the gradients of its inputs.
package class Node: @unchecked Sendable {
  // Unchecked: built by one thread, then only read; backward passes over one graph must not run at once.

  /// Where each input's gradient goes; nil where none is wanted.
  package internal(set) var edges: [Edge?]
  /// Called with the gradient of one result, in order of registration; may replace it.
  var hooks: [Hook] = []

  init(edges: [Edge?]) { self.edges = edges }

  package var name: String { "node" }
  package var outputCount: Int { 1 }

  /// The inputs' gradients, nil where none flows.
  func inputGradients(_ gradients: [Tensor?]) throws(AlulaError) -> [Tensor?] {
    throw .internal("\(name): no gradient rule")
  }

  /// The dtype and shape of the i-th input, to which its gradient is brought; nil to leave it as it is.
  func inputSpec(_ i: Int) -> TensorSpec? { nil }

  /// Lets go of what only the gradient rule needs.
  func releaseSaved() {}

  /// Moves everything that may own further nodes into `list`, so that they are torn down one by one.
  func surrender(to list: TeardownList) {
    list.edges.append(contentsOf: edges)
    edges = []
  }

  deinit {
    // Freeing a node frees those it leads to: done recursively, a long tape would overflow the stack.
    // The first node on a thread drains the list; nested ones only append to it.
    let thread = csupport_current_thread()
    if let active = thread?.pointee.teardown {
      surrender(to: Unmanaged<TeardownList>.fromOpaque(active).takeUnretainedValue())
      return
    }
    let list = TeardownList()
    surrender(to: list)
    if list.isEmpty { return }
    thread?.pointee.teardown = Unmanaged.passUnretained(list).toOpaque()
    list.drain()
    thread?.pointee.teardown = nil
  }
}

/// A result of a node: where a tensor's gradient goes.
package struct Edge: Sendable {
  package let node: Node
  package let output: Int
}

struct Hook: Sendable {
  let id: UInt64
  let output: Int
  let body: @Sendable (Tensor) throws(AlulaError) -> Tensor?
}

/// What torn-down nodes owned, waiting to be freed without recursion.
final class TeardownList {
  var edges: [Edge?] = []
  var tensors: [Tensor?] = []

  var isEmpty: Bool { edges.isEmpty && tensors.isEmpty }

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

  init(_ spec: TensorSpec) {
    self.spec = spec
    super.init(edges: [])
  }

  package override var name: String { "leaf" }

  /// Adds `value`; `owned` says that nobody else holds its storage.
  func accumulate(_ value: Tensor, owned: Bool) throws(AlulaError) {
    if let present = gradient {
      // Without a graph over it the present gradient can be added to where it is.
      if present.edge == nil, value.edge == nil, present.layout == value.layout {
        try Operation.add.callInPlace([present, value])
      } else {
        gradient = try present + value
      }
    } else if owned && value.layout.isContiguous || value.edge != nil {
      gradient = value
    } else {
      gradient = try value.copy()
    }
  }

  override func surrender(to list: TeardownList) {
    if let gradient { list.tensors.append(gradient) }
    gradient = nil
  }
}

/// A call of a catalog operation.
package final class OperationNode: Node, @unchecked Sendable {
  let operation: Operation
  let attributes: [AttributeValue]
  let inputSpecs: [TensorSpec?]
  let outputSpecs: [TensorSpec]
  private(set) var savedInputs: [SavedTensor?]
  fileprivate(set) var savedOutputs: [SavedTensor?]
  private var isReleased = false

  init(_ call: Call, outputs: [TensorSpec], saves: Gradient.Saved) {
    operation = call.operation
    attributes = call.attributes
    inputSpecs = call.inputs.map { $0.map { TensorSpec($0.dtype, $0.layout.shape) } }
    outputSpecs = outputs
    savedInputs = call.inputs.enumerated().map { i, tensor in
      saves.containsInput(i) ? tensor.map { SavedTensor($0) } : nil
    }
    savedOutputs = []
    super.init(
      edges: call.inputs.map { tensor in tensor.flatMap { $0.dtype.isDifferentiable ? $0.edge : nil } })
  }

  package override var name: String { operation.name }
  package override var outputCount: Int { outputSpecs.count }
  override func inputSpec(_ i: Int) -> TensorSpec? { i < inputSpecs.count ? inputSpecs[i] : nil }

  override func inputGradients(_ gradients: [Tensor?]) throws(AlulaError) -> [Tensor?] {
    if isReleased {
      throw .autograd(
        "backward: the graph of '\(name)' was already used and freed; pass retain_graph to use it again")
    }
    switch operation.gradient {
    case .rule(_, let rule): return try rule(GradientContext(node: self, gradients: gradients))
    case .unsupported(let reason): throw .unsupported("\(name): no gradient: \(reason)")
    case .composed, .notDifferentiable: return edges.map { _ in nil }
    }
  }

  override func releaseSaved() {
    isReleased = true
    savedInputs = []
    savedOutputs = []
  }

  override func surrender(to list: TeardownList) {
    super.surrender(to: list)
    list.tensors.append(contentsOf: savedInputs.map { $0?.tensor })
    savedInputs = []
    savedOutputs = []
  }

  func save(_ outputs: [Tensor], saves: Gradient.Saved) {
    savedOutputs = outputs.enumerated().map { i, tensor in
      // Without its edge, which would lead back here and keep the node alive for ever.
      saves.containsOutput(i) ? SavedTensor(tensor.detachedAlias()) : nil
    }
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
