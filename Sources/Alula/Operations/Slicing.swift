// Basic indexing: the views that integers, slices and new axes make, and writes through them.

/// A basic index with everything resolved and checked.
struct BasicIndex {
  /// For every axis of the source, the position at which the result begins.
  var start: [Int]
  /// For every axis of the result, the source's axis, or -1 for a new one.
  var axes: [Int]
  var extents: [Int]
  var steps: [Int]

  /// All of a tensor of that shape.
  init(all shape: Dims) {
    start = Array(repeating: 0, count: shape.count)
    axes = Array(shape.indices)
    extents = shape.array
    steps = Array(repeating: 1, count: shape.count)
  }

  init() { (start, axes, extents, steps) = ([], [], [], []) }

  fileprivate init(_ attributes: (String) -> [Int]) {
    start = attributes("start")
    axes = attributes("axes")
    extents = attributes("extents")
    steps = attributes("steps")
  }

  var attributes: [AttributeValue] { [.ints(start), .ints(axes), .ints(extents), .ints(steps)] }

  /// The new axes of an index that keeps all of a tensor of that shape in order; nil for any other.
  func addedAxes(_ shape: Dims) -> [Int]? {
    var added: [Int] = []
    for (i, axis) in axes.enumerated() {
      if axis < 0 {
        added.append(i)
      } else if axis != i - added.count || extents[i] != shape[axis] || steps[i] != 1 {
        return nil
      }
    }
    return axes.count - added.count == shape.count ? added : nil
  }

  /// Whether the index gives back all of a tensor of that shape as it is.
  func isIdentity(_ shape: Dims) -> Bool { addedAxes(shape)?.isEmpty ?? false }
}

extension Operation {
  private static let basicAttributes: [Attribute] = [
    .ints("start", "The first position, for every axis of x."),
    .ints("axes", "The axis of x, or -1 for a new one, for every axis of the result."),
    .ints("extents", "The shape of the result."),
    .ints("steps", "The distance of two positions, for every axis of the result."),
  ]

  /// What basic indices and all that can be said by them run.
  static let slice: Operation = Operation(
    "slice", "A view of evenly spaced positions along every axis.",
    source: .alula, inputs: [.any("x")], attributes: basicAttributes,
    dtypes: .all,
    body: .view { (c) throws(AlulaError) in c[0].layout.sliced(BasicIndex(c.ints)) },
    gradient: .part(adding: sliceAdd, placing: sliceScatter),
    samples: [], reference: nil)

  /// What is written through a basic index; `value` broadcasts and is converted.
  static let sliceScatter: Operation = Operation(
    "slice_scatter", "A copy of x with another value at evenly spaced positions along every axis.",
    source: .pytorch, inputs: [.any("x"), .any("value")], attributes: basicAttributes,
    dtypes: .all,
    body: .update { (c) throws(AlulaError) in try c.checkSlicedValue() },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      let index = BasicIndex(c.ints).attributes
      let zero = try Tensor.zeros(shape: [], dtype: c.gradient.dtype, device: c.gradient.device)
      return [
        c.needsGradient(0) ? try sliceScatter.first(Operands(c.gradient, zero), index) : nil,
        c.needsGradient(1) ? try slice.first(Operands(c.gradient), index) : nil,
      ]
    },
    samples: [], reference: nil)

  static let sliceAdd: Operation = Operation(
    "slice_add", "A copy of x with a value added at evenly spaced positions along every axis.",
    source: .alula, inputs: [.any("x"), .any("value")], attributes: basicAttributes,
    dtypes: .all,
    body: .update { (c) throws(AlulaError) in try c.checkSlicedValue() },
    gradient: .rule(saves: .nothing) { (c) throws(AlulaError) in
      [try c.gradient, c.needsGradient(1) ? try slice.first(Operands(c.gradient), BasicIndex(c.ints).attributes) : nil]
    },
    samples: [], reference: nil)
}

extension Tensor {
  /// The view that a resolved basic index makes.
  func sliced(_ index: BasicIndex) throws(AlulaError) -> Tensor {
    // The gradient of all of a tensor needs no zeros around it.
    if requiresGradient, let added = index.addedAxes(layout.shape) { return try expandDims(axis: added) }
    return try Operation.slice.first(Operands(self), index.attributes)
  }
}

extension Call {
  /// The resolved index of the operations on slices.
  var basicIndex: BasicIndex { BasicIndex(ints) }

  fileprivate func checkSlicedValue() throws(AlulaError) {
    let target = Dims(ints("extents"))
    guard self[1].layout.broadcast(to: target) != nil else {
      throw .invalidArgument("index: a value of shape \(self[1].layout.shape) does not fit into shape \(target)")
    }
  }
}

extension Layout {
  func sliced(_ index: BasicIndex) -> Layout {
    var steps = Dims(repeating: 0, count: index.axes.count)
    for (i, axis) in index.axes.enumerated() where axis >= 0 {
      // Beside an empty axis strides mean nothing, and may be of any size.
      steps[i] = strides[axis] &* index.steps[i]
    }
    let view = Layout(shape: Dims(index.extents), strides: steps, offset: offset)
    if view.count == 0 { return view }
    var position = offset
    for (axis, start) in index.start.enumerated() { position += start * strides[axis] }
    return Layout(shape: view.shape, strides: steps, offset: position)
  }
}
