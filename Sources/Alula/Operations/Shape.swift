extension Operation {
  static let shape = [reshape, permuteDims, broadcastTo]

  public static let reshape = Operation(
    "reshape", "The same elements in row-major order under another shape; a view where strides allow, else a copy.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: [.ints("shape", "The new shape; one extent may be -1 and follows from the others.")],
    dtypes: .all,
    body: .composite { (c) throws(AlulaError) in
      let shape = try c.resolvedShape()
      let layout = c[0].layout.reshaped(to: shape)
      if let layout, !(c[0].carriesGradient && GradientMode.isEnabled) { return [c[0].aliased(layout)] }
      return try reshapeView(Operands(layout == nil ? c[0].copy() : c[0]), [.ints(shape.array)])
    },
    gradient: .composed,
    samples: [
      Sample(.normal(3, 4), attributes: ["shape": .ints([2, -1])]),
      Sample(.normal(1), attributes: ["shape": .ints([])]),
    ],
    reference: "np.reshape(x, shape)")

  /// What `reshape` runs on elements that lie suitably.
  static let reshapeView = Operation(
    "reshape_view", "The same elements under another shape.",
    source: .alula, inputs: [.any("x")], attributes: [.ints("shape", "The new shape.")],
    dtypes: .all,
    body: .view { (c) throws(AlulaError) in
      guard let layout = c[0].layout.reshaped(to: Dims(c.ints("shape"))) else {
        throw .internal("reshape_view: strides do not allow shape \(Dims(c.ints("shape")))")
      }
      return layout
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in [try c.gradient.reshape(shape: c.shape(0))] },
    samples: [], reference: nil)

  public static let permuteDims = Operation(
    "permute_dims", "A view with the axes in another order.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: [.ints("axes", "A permutation of all axes: the i-th axis of the result is axis axes[i] of x.")],
    dtypes: .all,
    body: .view { (c) throws(AlulaError) in
      let layout = c[0].layout
      let axes = c.ints("axes")
      guard axes.count == layout.rank, try c.axes(axes, rank: layout.rank).count == layout.rank else {
        throw .invalidArgument("permute_dims: axes \(Dims(axes)) are no permutation of rank \(layout.rank)")
      }
      var shape = layout.shape
      var strides = layout.strides
      for (i, axis) in axes.enumerated() {
        let from = try c.axis(axis, rank: layout.rank)
        shape[i] = layout.shape[from]
        strides[i] = layout.strides[from]
      }
      return Layout(shape: shape, strides: strides, offset: layout.offset)
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      var inverse = c.ints("axes")
      for (i, axis) in c.ints("axes").enumerated() { inverse[axis < 0 ? axis + inverse.count : axis] = i }
      return [try c.gradient.permuteDims(axes: inverse)]
    },
    samples: [Sample(.normal(2, 3, 4), attributes: ["axes": .ints([2, 0, -2])])],
    reference: "np.transpose(x, axes)")

  public static let broadcastTo = Operation(
    "broadcast_to", "A view in which extents of 1, and new axes in front, repeat up to a shape.",
    source: .arrayAPI, inputs: [.any("x")],
    attributes: [.ints("shape", "The shape of the result.")],
    dtypes: .all,
    body: .view { (c) throws(AlulaError) in
      let target = Dims(c.ints("shape"))
      _ = try Layout(contiguous: target, operation: "broadcast_to")
      guard let layout = c[0].layout.broadcast(to: target) else {
        throw .invalidArgument("broadcast_to: shape \(c[0].layout.shape) does not broadcast to \(target)")
      }
      return layout
    },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in [try c.gradient] },
    samples: [Sample(.normal(3, 1), attributes: ["shape": .ints([2, 3, 4])])],
    reference: "np.broadcast_to(x, shape)")
}

extension Call {
  /// The `shape` attribute with its -1 replaced, checked against the first input's element count.
  func resolvedShape() throws(AlulaError) -> Dims {
    var shape = Dims(ints("shape"))
    let count = self[0].count
    var unknown: Int?
    for i in shape.indices where shape[i] == -1 {
      guard unknown == nil else {
        throw .invalidArgument("\(operation.name): shape \(shape) has more than one -1")
      }
      unknown = i
    }
    if let unknown {
      shape[unknown] = 1
      guard let known = shape.checkedProduct, known > 0, count % known == 0 else {
        shape[unknown] = -1
        throw .invalidArgument("\(operation.name): shape \(self[0].layout.shape) does not fit into \(shape)")
      }
      shape[unknown] = count / known
    }
    let target = try Layout(contiguous: shape, operation: operation.name)
    guard target.count == count else {
      throw .invalidArgument(
        "\(operation.name): shape \(self[0].layout.shape) has \(count) elements, \(shape) has \(target.count)")
    }
    return shape
  }
}

extension Layout {
  /// The layout of a view with another shape of as many elements, or nil when only a copy can have it.
  func reshaped(to target: Dims) -> Layout? {
    if count == 0 || isContiguous {
      guard let plain = try? Layout(contiguous: target) else { return nil }
      return offset == 0 ? plain : Layout(shape: target, strides: plain.strides, offset: offset)
    }
    // Match runs of old axes that lie without gaps with runs of new axes of the same size.
    var old: [(extent: Int, stride: Int)] = []
    for i in shape.indices where shape[i] != 1 {
      if let last = old.last, last.stride == strides[i] * shape[i] {
        old[old.count - 1] = (last.extent * shape[i], strides[i])
      } else {
        old.append((shape[i], strides[i]))
      }
    }
    var steps = Dims(repeating: 0, count: target.count)
    var run = old.count - 1
    var taken = 1
    for i in stride(from: target.count - 1, through: 0, by: -1) {
      if target[i] == 1 {
        steps[i] = 1
        continue
      }
      if run < 0 { return nil }
      steps[i] = old[run].stride * taken
      taken *= target[i]
      if old[run].extent % taken != 0 { return nil }
      if taken == old[run].extent {
        run -= 1
        taken = 1
      }
    }
    return Layout(shape: target, strides: steps, offset: offset)
  }
}
