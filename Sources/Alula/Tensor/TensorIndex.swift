/// One item of an index, as between the brackets of NumPy's `x[...]`.
public enum TensorIndex: Sendable {
  /// One position, which removes its axis; negative ones count from the end.
  case integer(Int)
  /// Evenly spaced positions, with Python's meaning of bounds that are left out, negative or too large.
  case slice(start: Int? = nil, stop: Int? = nil, step: Int? = nil)
  /// As many full slices as there are axes left.
  case ellipsis
  /// A new axis of extent 1.
  case newAxis
  /// Positions (an integer dtype) along one axis, or a mask (bool) over as many axes as it has.
  case tensor(Tensor)

  /// A full slice.
  public static let all = TensorIndex.slice()
}

/// An index taken apart: a view by integers, slices and new axes, and then the positions of tensors in it.
struct ResolvedIndex {
  /// The view; axes that tensors index are whole in it.
  var basic = BasicIndex()
  var advanced: [Advanced] = []
  /// Whether other items stand between those that index with tensors (integers count among these): then the
  /// result has their axes in front.
  var isSeparated = false

  /// Positions along some axes of the view.
  struct Advanced {
    /// The first axis in the view.
    var axis: Int
    /// How many axes: several for a mask.
    var axes: Int
    /// The first axis of the indexed tensor, for messages.
    var named: Int
    var tensor: Tensor
  }

  /// - Throws: `outOfRange` for an integer or too many items, `invalidArgument` for a mask of another shape,
  ///   a step of zero or a second ellipsis, `invalidDType` for positions that are not integers.
  init(_ items: [TensorIndex], shape: Dims) throws(AlulaError) {
    let consumed = try ResolvedIndex.consumedAxes(items, shape)
    let hasTensors = items.contains { if case .tensor = $0 { true } else { false } }
    var axis = 0
    // 0 before the first advanced item, 1 within their run, 2 after it.
    var phase = 0
    func note(advanced: Bool) {
      if advanced, phase == 2 { isSeparated = true }
      if advanced, phase == 0 { phase = 1 }
      if !advanced, phase == 1 { phase = 2 }
    }
    for item in items {
      switch item {
      case .integer(let position):
        basic.start.append(try ResolvedIndex.position(position, axis, shape[axis]))
        axis += 1
        if hasTensors { note(advanced: true) }
      case .slice(let start, let stop, let step):
        try addSlice(axis, shape[axis], start, stop, step)
        axis += 1
        note(advanced: false)
      case .ellipsis:
        for _ in 0..<(shape.count - consumed) {
          addWhole(axis, shape[axis])
          axis += 1
        }
        note(advanced: false)
      case .newAxis:
        addNew()
        note(advanced: false)
      case .tensor(let tensor):
        note(advanced: true)
        if tensor.dtype == .bool {
          try addMask(tensor, &axis, shape)
        } else {
          guard tensor.dtype.isInteger else {
            throw .invalidDType("index: a tensor of \(tensor.dtype) is no index; integers and bool are")
          }
          advanced.append(Advanced(axis: basic.axes.count, axes: 1, named: axis, tensor: tensor))
          addWhole(axis, shape[axis])
          axis += 1
        }
      }
    }
    while axis < shape.count {
      addWhole(axis, shape[axis])
      axis += 1
    }
    guard basic.axes.count <= Dims.maximumRank else {
      throw .invalidArgument("index: rank \(basic.axes.count) exceeds the limit of \(Dims.maximumRank)")
    }
  }

  /// The number of axes that items stand for, the ellipsis aside.
  private static func consumedAxes(_ items: [TensorIndex], _ shape: Dims) throws(AlulaError) -> Int {
    var consumed = 0
    var ellipses = 0
    for item in items {
      switch item {
      case .integer, .slice: consumed += 1
      case .ellipsis: ellipses += 1
      case .newAxis: break
      case .tensor(let tensor): consumed += tensor.dtype == .bool ? tensor.rank : 1
      }
    }
    guard ellipses <= 1 else { throw .invalidArgument("index: more than one ellipsis") }
    guard consumed <= shape.count else {
      throw .outOfRange("index: \(consumed) axes are indexed, but shape \(shape) has \(shape.count)")
    }
    return consumed
  }

  private static func position(_ position: Int, _ axis: Int, _ extent: Int) throws(AlulaError) -> Int {
    guard position >= -extent, position < extent else {
      throw .outOfRange("index: \(position) is out of range for axis \(axis) with size \(extent)")
    }
    return position < 0 ? position + extent : position
  }

  private mutating func addWhole(_ axis: Int, _ extent: Int) { add(axis, start: 0, extent: extent, step: 1) }

  private mutating func addNew() {
    basic.axes.append(-1)
    basic.extents.append(1)
    basic.steps.append(1)
  }

  private mutating func add(_ axis: Int, start: Int, extent: Int, step: Int) {
    basic.start.append(start)
    basic.axes.append(axis)
    basic.extents.append(extent)
    basic.steps.append(step)
  }

  private mutating func addSlice(_ axis: Int, _ extent: Int, _ start: Int?, _ stop: Int?, _ step: Int?)
    throws(AlulaError)
  {
    let step = step ?? 1
    guard step != 0 else { throw .invalidArgument("index: the step of a slice is zero") }
    // Python's rules: bounds count from the end when negative, and are then cut to what exists.
    let (low, high) = step > 0 ? (0, extent) : (-1, extent - 1)
    func bound(_ value: Int?, _ missing: Int) -> Int {
      guard let value else { return missing }
      return min(max(value < 0 ? value + extent : value, low), high)
    }
    let first = bound(start, step > 0 ? low : high)
    let end = bound(stop, step > 0 ? high : low)
    let span = step > 0 ? end - first : first - end
    let distance = step.magnitude
    let count = span <= 0 ? 0 : Int((UInt(span) - 1) / distance) + 1
    // A single position needs no step, however large it is.
    add(axis, start: count == 0 ? 0 : first, extent: count, step: count > 1 ? step : 1)
  }

  private mutating func addMask(_ mask: Tensor, _ axis: inout Int, _ shape: Dims) throws(AlulaError) {
    for i in 0..<mask.rank where mask.layout.shape[i] != shape[axis + i] {
      throw .invalidArgument(
        "index: a mask of shape \(mask.layout.shape) does not fit shape \(shape) at axis \(axis): axis \(axis + i) has "
          + "size \(shape[axis + i]), the mask \(mask.layout.shape[i])")
    }
    if mask.rank == 0 {
      // Yes or no: a new axis with one position or none.
      let chosen = try mask.values(as: Bool.self)[0]
      let positions = try Tensor(indexCount: chosen ? 1 : 0) { _ in 0 }
      advanced.append(Advanced(axis: basic.axes.count, axes: 1, named: axis, tensor: positions))
      addNew()
      return
    }
    let positions = try mask.reshape(shape: [-1]).argwhere().reshape(shape: [-1])
    advanced.append(Advanced(axis: basic.axes.count, axes: mask.rank, named: axis, tensor: positions))
    for _ in 0..<mask.rank {
      addWhole(axis, shape[axis])
      axis += 1
    }
  }
}
