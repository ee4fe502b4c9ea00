/// Reverse-mode differentiation over the tape.
public enum Autograd {
  /// Adds the gradients of `roots` to the leaves they depend on.
  ///
  /// - Parameters:
  ///   - seeds: the gradient of each root; nil means one, for roots of a single element.
  ///   - retainGraph: keep what the gradient rules saved, for another pass over the same graph.
  ///   - createGraph: record the pass itself, for gradients of gradients.
  public static func backward(
    _ roots: [Tensor], seeds: [Tensor?] = [], retainGraph: Bool = false, createGraph: Bool = false
  ) throws(AlulaError) {
    var pass = try BackwardPass(roots, seeds, operation: "backward")
    _ = try pass.run(capturing: nil, retainGraph: retainGraph || createGraph, createGraph: createGraph)
  }

  /// The gradients of the sum of `outputs` with respect to `inputs`, nil where they do not depend on one.
  /// Leaves' own gradients stay as they are.
  public static func gradients(
    of outputs: [Tensor], withRespectTo inputs: [Tensor], seeds: [Tensor?] = [], retainGraph: Bool = false,
    createGraph: Bool = false
  ) throws(AlulaError) -> [Tensor?] {
    var targets: [Edge] = []
    for (i, input) in inputs.enumerated() {
      guard let edge = input.edge else {
        throw .autograd("grad: input \(i) of shape \(input.layout.shape) does not require a gradient")
      }
      targets.append(edge)
    }
    var pass = try BackwardPass(outputs, seeds, operation: "grad")
    return try pass.run(capturing: targets, retainGraph: retainGraph || createGraph, createGraph: createGraph)
  }
}

/// A gradient on its way to a node's result.
private struct Pending {
  var value: Tensor
  /// Whether nobody else holds its storage.
  var isOwned: Bool
}

private struct BackwardPass {
  let roots: [(edge: Edge, seed: Tensor)]
  /// The nodes that the roots depend on, each after all those that it leads to.
  var order: [Node] = []
  var position: [ObjectIdentifier: Int] = [:]
  var pending: [[Pending?]] = []

  init(_ roots: [Tensor], _ seeds: [Tensor?], operation: String) throws(AlulaError) {
    guard seeds.isEmpty || seeds.count == roots.count else {
      throw .invalidArgument("\(operation): \(seeds.count) gradients given for \(roots.count) tensors")
    }
    var starts: [(Edge, Tensor)] = []
    for (i, root) in roots.enumerated() {
      guard let edge = root.edge else {
        throw .autograd("\(operation): the tensor does not require a gradient and has no graph")
      }
      if i < seeds.count, let seed = seeds[i] {
        guard seed.layout.shape == root.layout.shape else {
          throw .invalidArgument(
            "\(operation): gradient of shape \(seed.layout.shape) for a tensor of shape \(root.layout.shape)")
        }
        starts.append((edge, try seed.cast(dtype: root.dtype)))
      } else {
        guard root.count == 1 else {
          throw .invalidArgument(
            "\(operation): a gradient must be given for a tensor of shape \(root.layout.shape); only for a single "
              + "element is it taken to be one")
        }
        starts.append((edge, try Tensor.ones(shape: root.shape, dtype: root.dtype)))
      }
    }
    self.roots = starts
  }

  mutating func run(capturing targets: [Edge]?, retainGraph: Bool, createGraph: Bool) throws(AlulaError)
    -> [Tensor?]
  {
    sort()
    pending = order.map { Array(repeating: nil, count: $0.outputCount) }
    let needed = targets.map { neededNodes($0) }
    return try GradientMode.with(createGraph) { () throws(AlulaError) in
      for (edge, seed) in roots { try add(Pending(value: seed, isOwned: false), to: edge) }
      var captured: [Tensor?] = Array(repeating: nil, count: targets?.count ?? 0)
      for i in stride(from: order.count - 1, through: 0, by: -1) {
        if let needed, !needed[i] { continue }
        try runHooks(i)
        if let targets {
          for (k, target) in targets.enumerated() where target.node === order[i] {
            captured[k] = pending[i][target.output]?.value
          }
        }
        try step(i, accumulating: targets == nil)
        pending[i] = []
        if !retainGraph { order[i].releaseSaved() }
      }
      return captured
    }
  }

  /// Depth first without recursion; `order` lists every node after those it leads to.
  private mutating func sort() {
    var stack: [(node: Node, next: Int)] = []
    for (edge, _) in roots where position[ObjectIdentifier(edge.node)] == nil {
      position[ObjectIdentifier(edge.node)] = -1
      stack.append((edge.node, 0))
      while let (node, next) = stack.last {
        if next < node.inputCount {
          stack[stack.count - 1].next += 1
          if let child = node.edge(next)?.node, position[ObjectIdentifier(child)] == nil {
            position[ObjectIdentifier(child)] = -1
            stack.append((child, 0))
          }
        } else {
          stack.removeLast()
          position[ObjectIdentifier(node)] = order.count
          order.append(node)
        }
      }
    }
  }

  /// Which nodes lead to one of `targets`.
  private func neededNodes(_ targets: [Edge]) -> [Bool] {
    var needed = Array(repeating: false, count: order.count)
    for target in targets {
      if let i = position[ObjectIdentifier(target.node)] { needed[i] = true }
    }
    for (i, node) in order.enumerated() where !needed[i] {
      needed[i] = (0..<node.inputCount).contains { k in
        guard let edge = node.edge(k), let child = position[ObjectIdentifier(edge.node)] else { return false }
        return needed[child]
      }
    }
    return needed
  }

  private mutating func add(_ value: Pending, to edge: Edge) throws(AlulaError) {
    guard let i = position[ObjectIdentifier(edge.node)] else { return }
    guard let present = pending[i][edge.output] else {
      pending[i][edge.output] = value
      return
    }
    let sum: Tensor
    if present.isOwned, !GradientMode.isEnabled, present.value.layout.isContiguous {
      sum = present.value
      try Operation.add.callInPlace([sum, value.value])
    } else {
      sum = try present.value + value.value
    }
    pending[i][edge.output] = Pending(value: sum, isOwned: true)
  }

  private mutating func runHooks(_ i: Int) throws(AlulaError) {
    for hook in order[i].hooks {
      guard let gradient = pending[i][hook.output] else { continue }
      var value = gradient.value
      if let replacement = try hook.body(value) {
        guard replacement.layout.shape == value.layout.shape else {
          throw .callback(
            "backward: a hook returned a gradient of shape \(replacement.layout.shape) in place of one of shape "
              + "\(value.layout.shape)")
        }
        value = try replacement.cast(dtype: value.dtype)
      }
      // Seen by others from here on, so no longer ours to write to.
      pending[i][hook.output] = Pending(value: value, isOwned: false)
    }
  }

  private mutating func step(_ i: Int, accumulating: Bool) throws(AlulaError) {
    let node = order[i]
    let arrived = pending[i]
    guard arrived.contains(where: { $0 != nil }) else { return }
    if let leaf = node as? LeafNode {
      if accumulating, let gradient = arrived[0] {
        try leaf.accumulate(gradient.value, owned: gradient.isOwned)
      }
      return
    }
    let results = try node.inputGradients(arrived.map { $0?.value })
    guard results.count == node.inputCount else {
      throw .internal("\(node.name): \(results.count) gradients for \(node.inputCount) inputs")
    }
    for (k, result) in results.enumerated() {
      guard let edge = node.edge(k), let result else { continue }
      let value = try fit(result, node.inputSpec(k), node)
      // Handed through, or to two inputs: then it is not ours alone.
      let shared =
        !node.ownsResults || arrived.contains { $0?.value.storage === value.storage }
        || results.indices.contains { $0 != k && results[$0]?.storage === value.storage }
        || value.isView
      try add(Pending(value: value, isOwned: !shared), to: edge)
    }
  }

  /// Brings a gradient to its input's shape and dtype: sums over broadcast axes, converts.
  private func fit(_ gradient: Tensor, _ spec: TensorSpec?, _ node: Node) throws(AlulaError) -> Tensor {
    guard let spec else { return gradient }
    var value = gradient
    if value.layout.shape != spec.shape { value = try value.summed(to: spec.shape, node.name) }
    if value.dtype != spec.dtype { value = try value.cast(dtype: spec.dtype) }
    return value
  }
}

extension Tensor {
  /// The sum over the axes along which `target` was broadcast to this shape.
  func summed(to target: Dims, _ operation: String) throws(AlulaError) -> Tensor {
    let lead = rank - target.count
    guard lead >= 0, let back = Dims.broadcast(target, layout.shape), back == layout.shape else {
      throw .internal("\(operation): gradient of shape \(layout.shape) for an input of shape \(target)")
    }
    var axes = Array(0..<lead)
    for i in target.indices where target[i] == 1 && layout.shape[lead + i] != 1 { axes.append(lead + i) }
    return try sum(axis: axes).reshape(shape: target.array)
  }
}
