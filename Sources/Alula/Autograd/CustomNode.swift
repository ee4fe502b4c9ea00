/// An operation whose forward was done by the caller and whose backward is the caller's function.
final class CustomNode: Node, @unchecked Sendable {
  private let label: String
  private let inputTypes: [(dtype: DType, layout: Layout)]
  private var edges: [Edge?]
  private let resultCount: Int
  private var saved: [Saved] = []
  private var backward: CustomBackward?

  private struct Saved {
    let storage: SavedStorage
    let dtype: DType
    let layout: Layout
    /// Nil for a result: it would lead back here and keep the node alive for ever.
    let edge: Edge?
    /// The result that the tensor is, or nil for any other tensor.
    let output: Int?
  }

  init(_ name: String, inputs: [Tensor], outputs: [Tensor], saved: [Tensor], backward: @escaping CustomBackward) {
    label = name
    inputTypes = inputs.map { ($0.dtype, $0.layout) }
    resultCount = outputs.count
    self.backward = backward
    edges = inputs.map { $0.dtype.isDifferentiable ? $0.edge : nil }
    super.init()
    self.saved = saved.map { tensor in
      let output = outputs.firstIndex { $0 === tensor }
      return Saved(
        storage: SavedStorage(tensor), dtype: tensor.dtype, layout: tensor.layout,
        edge: output == nil ? tensor.edge : nil, output: output)
    }
  }

  deinit { tearDown() }

  override var name: String { label }
  override var inputCount: Int { inputTypes.count }
  override var outputCount: Int { resultCount }
  override var ownsResults: Bool { false }

  override func edge(_ i: Int) -> Edge? { edges[i] }
  override func inputType(_ i: Int) -> (dtype: DType, layout: Layout)? { inputTypes[i] }

  override func inputGradients(_ gradients: [Tensor?]) throws(AlulaError) -> [Tensor?] {
    guard let backward else {
      throw .autograd(
        "backward: the graph of '\(name)' was already used and freed; pass retain_graph to use it again")
    }
    var restored: [Tensor] = []
    for saved in saved {
      let edge = saved.output.map { Edge(node: self, output: $0) } ?? saved.edge
      restored.append(try saved.storage.restore(saved.dtype, saved.layout, edge: edge, operation: name))
    }
    let results = try backward(gradients, restored)
    guard results.count == inputTypes.count else {
      throw .callback("\(name): \(results.count) gradients for \(inputTypes.count) inputs")
    }
    for (i, result) in results.enumerated() {
      guard let result, result.layout.shape != inputTypes[i].layout.shape else { continue }
      throw .callback(
        "\(name): gradient of shape \(result.layout.shape) for input \(i) of shape \(inputTypes[i].layout.shape)")
    }
    return results
  }

  override func releaseSaved() {
    saved = []
    backward = nil
  }

  override var leadsOn: Bool {
    edges.contains { $0 != nil } || saved.contains { $0.edge != nil }
  }

  override func surrender(to list: TeardownList) {
    for case let edge? in edges { list.edges.append(edge) }
    edges = []
    list.edges.append(contentsOf: saved.compactMap(\.edge))
    saved = []
  }
}

/// Takes the gradients of the results (nil where none arrived) and the saved tensors to the gradients of the inputs (nil
/// where none flows), each of its input's shape.
public typealias CustomBackward = @Sendable ([Tensor?], [Tensor]) throws(AlulaError) -> [Tensor?]

extension Autograd {
  /// Puts an operation on the tape whose results the caller has computed.
  ///
  /// - Parameters:
  ///   - outputs: the results, computed without recording.
  ///   - inputs: the tensors to which gradients go.
  ///   - saved: what `backward` is handed. Results among them come back with their history, so that a backward written
  ///     with operations can be differentiated again.
  /// - Returns: the results with their history; without one when nothing is recorded now or no input requires a gradient.
  public static func custom(
    _ name: String, outputs: [Tensor], inputs: [Tensor], saved: [Tensor], backward: @escaping CustomBackward
  ) -> [Tensor] {
    let results = outputs.map { $0.detachedAlias() }
    guard GradientMode.isEnabled, inputs.contains(where: { $0.edge != nil && $0.dtype.isDifferentiable }) else {
      return results
    }
    let node = CustomNode(name, inputs: inputs, outputs: outputs, saved: saved, backward: backward)
    for (i, result) in results.enumerated() where result.dtype.isDifferentiable {
      result.edge = Edge(node: node, output: i)
    }
    return results
  }
}
