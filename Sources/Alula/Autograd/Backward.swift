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

private struct BackwardPass {
  /// Nodes for which there is room at once.
  private static let capacity = 16

  private let roots: [(edge: Edge, seed: Tensor)]
  /// The nodes that the roots depend on, each after all those that it leads to.
  private var order: [Node] = []
  private var positions = NodeTable()
  /// What has arrived at the nodes' results, and where each node's part of it begins.
  private var pending: [GradientSum?] = []
  private var starts: [Int] = []

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
        let one = try Tensor(scalar: .int(1), dtype: root.dtype, device: root.device)
        starts.append((edge, root.rank == 0 ? one : try one.broadcastTo(shape: root.shape)))
      }
    }
    self.roots = starts
  }

  mutating func run(capturing targets: [Edge]?, retainGraph: Bool, createGraph: Bool) throws(AlulaError)
    -> [Tensor?]
  {
    sort()
    let needed = targets.map { neededNodes($0) }
    return try GradientMode.with(createGraph) { () throws(AlulaError) in
      for (edge, seed) in roots { try add(seed, isOwned: false, to: edge) }
      var captured: [Tensor?] = Array(repeating: nil, count: targets?.count ?? 0)
      for i in stride(from: order.count - 1, through: 0, by: -1) {
        if let needed, !needed[i] { continue }
        try runHooks(i)
        if let targets {
          for (k, target) in targets.enumerated() where target.node === order[i] {
            captured[k] = pending[starts[i] + target.output]?.value
          }
        }
        try step(i, accumulating: targets == nil)
        if !retainGraph { order[i].releaseSaved() }
      }
      return captured
    }
  }

  /// Depth first without recursion; `order` lists every node after those it leads to.
  private mutating func sort() {
    var stack: [(node: Node, next: Int, count: Int)] = []
    stack.reserveCapacity(Self.capacity)
    order.reserveCapacity(Self.capacity)
    starts.reserveCapacity(Self.capacity)
    pending.reserveCapacity(Self.capacity)
    for (edge, _) in roots where positions.insert(edge.node) {
      stack.append((edge.node, 0, edge.node.inputCount))
      while let (node, next, count) = stack.last {
        if next < count {
          stack[stack.count - 1].next += 1
          if let child = node.edge(next)?.node, positions.insert(child) {
            stack.append((child, 0, child.inputCount))
          }
        } else {
          stack.removeLast()
          positions.set(node, order.count)
          order.append(node)
          starts.append(pending.count)
          for _ in 0..<node.outputCount { pending.append(nil) }
        }
      }
    }
  }

  /// Which nodes lead to one of `targets`.
  private func neededNodes(_ targets: [Edge]) -> [Bool] {
    var needed = Array(repeating: false, count: order.count)
    for target in targets {
      if let i = positions[target.node] { needed[i] = true }
    }
    for (i, node) in order.enumerated() where !needed[i] {
      needed[i] = (0..<node.inputCount).contains { k in
        guard let edge = node.edge(k), let child = positions[edge.node] else { return false }
        return needed[child]
      }
    }
    return needed
  }

  private mutating func add(_ gradient: Tensor, isOwned: Bool, to edge: Edge) throws(AlulaError) {
    guard let slot = slot(edge) else { return }
    if pending[slot] == nil {
      pending[slot] = GradientSum(gradient, isOwned: isOwned)
    } else {
      try pending[slot]?.add(gradient)
    }
  }

  private mutating func add(_ part: GradientPart, to edge: Edge) throws(AlulaError) {
    guard let slot = slot(edge) else { return }
    if pending[slot] == nil {
      pending[slot] = try GradientSum(part)
    } else {
      try pending[slot]?.add(part)
    }
  }

  /// Where the gradients of a result are added up; nil when no root depends on it.
  private func slot(_ edge: Edge) -> Int? { positions[edge.node].map { starts[$0] + edge.output } }

  private mutating func runHooks(_ i: Int) throws(AlulaError) {
    for hook in order[i].hooks {
      let slot = starts[i] + hook.output
      guard let gradient = pending[slot] else { continue }
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
      pending[slot] = GradientSum(value, isOwned: false)
    }
  }

  private mutating func step(_ i: Int, accumulating: Bool) throws(AlulaError) {
    let node = order[i]
    let slots = starts[i]..<starts[i] + node.outputCount
    if node.isLeaf {
      if accumulating, let gradient = pending[slots.lowerBound], let leaf = node as? LeafNode {
        pending[slots.lowerBound] = nil
        try leaf.accumulate(gradient.value, owned: gradient.isOwned)
      }
      return
    }
    guard slots.contains(where: { pending[$0] != nil }) else { return }
    let arrived = pending[slots].map { $0?.value }
    for slot in slots { pending[slot] = nil }
    if let part = try node.inputPart(arrived) {
      if let edge = node.edge(0) { try add(part, to: edge) }
      return
    }
    let results = try node.inputGradients(arrived)
    guard results.count == node.inputCount else {
      throw .internal("\(node.name): \(results.count) gradients for \(node.inputCount) inputs")
    }
    for (k, result) in results.enumerated() {
      guard let edge = node.edge(k), let result else { continue }
      let value = try fit(result, node.inputType(k), node)
      // Handed through, or to two inputs, or saved for a second pass: then it is not ours alone.
      let isShared =
        value.isView || !node.ownsResults || GradientMode.isEnabled
        || arrived.contains { $0?.storage === value.storage }
        || results.indices.contains { $0 != k && results[$0]?.storage === value.storage }
      try add(value, isOwned: !isShared && value.layout.isContiguous, to: edge)
    }
  }

  /// Brings a gradient to its input's shape and dtype: sums over broadcast axes, converts.
  private func fit(_ gradient: Tensor, _ type: (dtype: DType, layout: Layout)?, _ node: Node) throws(AlulaError)
    -> Tensor
  {
    guard let (dtype, layout) = type else { return gradient }
    var value = gradient
    if value.layout !== layout, value.layout.shape != layout.shape {
      value = try value.summed(to: layout.shape, node.name)
    }
    if value.dtype != dtype { value = try value.cast(dtype: dtype) }
    return value
  }
}

/// The positions of nodes by identity: a hash table with open addressing, several times quicker than a dictionary,
/// whose hash is made for hostile keys.
private struct NodeTable {
  /// Key 0 marks a free slot.
  private var slots = Array(repeating: (key: UInt(0), value: 0), count: 16)
  private var count = 0

  /// Adds a node, at no position yet; false when it is there.
  mutating func insert(_ node: Node) -> Bool {
    if 2 * count >= slots.count { grow() }
    let (slot, found) = find(Self.key(node))
    if found { return false }
    slots[slot] = (Self.key(node), -1)
    count += 1
    return true
  }

  mutating func set(_ node: Node, _ position: Int) { slots[find(Self.key(node)).slot].value = position }

  subscript(node: Node) -> Int? {
    let (slot, found) = find(Self.key(node))
    return found ? slots[slot].value : nil
  }

  private static func key(_ node: Node) -> UInt { UInt(bitPattern: Unmanaged.passUnretained(node).toOpaque()) }

  /// The key's slot, or the free one where it belongs.
  private func find(_ key: UInt) -> (slot: Int, found: Bool) {
    let mask = slots.count - 1
    // Fibonacci hashing: the multiplication carries the address into the upper bits.
    var slot = Int((key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    while slots[slot].key != 0 {
      if slots[slot].key == key { return (slot, true) }
      slot = (slot + 1) & mask
    }
    return (slot, false)
  }

  private mutating func grow() {
    let old = slots
    slots = Array(repeating: (key: 0, value: 0), count: 2 * old.count)
    for entry in old where entry.key != 0 { slots[find(entry.key).slot] = entry }
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
