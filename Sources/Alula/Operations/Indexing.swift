// Reading and writing by index, as NumPy does it: integers, slices, ellipses and new axes make a view; tensors
// then pick positions in it.

extension Tensor {
  /// The elements at an index: a view when it has no tensors, else a copy.
  ///
  /// ```swift
  /// try x.at([.integer(0), .slice(start: 1)])   // x[0, 1:]
  /// try x.at([.ellipsis, .tensor(mask)])        // x[..., mask]
  /// ```
  ///
  /// - Throws: `outOfRange` with the index, its axis and that axis's size; `invalidArgument` when index tensors do
  ///   not broadcast or a mask does not fit.
  public func at(_ items: [TensorIndex]) throws(AlulaError) -> Tensor {
    let index = try ResolvedIndex(items, shape: layout.shape)
    guard let target = try AdvancedTarget(index) else { return try sliced(index.basic) }
    // Without a view of its own, many such reads share one gradient.
    let view = index.basic.isIdentity(layout.shape) ? self : try sliced(index.basic)
    let source = target.order == nil ? view : try view.permuteDims(axes: target.order ?? [])
    return try Operation.index.first(Operands(source, target.index), target.attributes)
  }

  /// Writes `value`, broadcast and converted, at an index. Where places repeat, the last value stays.
  ///
  /// - Throws: as `at`; `invalidArgument` when the value does not fit, `autograd` for a write that would lose a
  ///   gradient.
  public func set(_ items: [TensorIndex], to value: Tensor) throws(AlulaError) {
    if try fill(items, with: value) { return }
    let index = try ResolvedIndex(items, shape: layout.shape)
    let isWhole = index.basic.isIdentity(layout.shape)
    let view = layout.sliced(index.basic)
    guard let target = try AdvancedTarget(index) else {
      let value = try value.withoutLeadingOnes(beyond: view.rank)
      return try Operation.sliceScatter.callInPlace([self, value], index.basic.attributes)
    }
    let isRecorded = GradientMode.isEnabled && dtype.isDifferentiable && (edge != nil || value.edge != nil)
    if isWhole, target.order == nil {
      let value = try value.withoutLeadingOnes(beyond: target.rank(view.rank))
      return try Operation.indexPut.callInPlace([self, target.index, value], target.attributes)
    }
    if isRecorded { try checkRecordedWrite("index") }
    // The part that the index's basic items choose, its axes in the order that the tensors need.
    var part = isRecorded ? try sliced(index.basic) : aliased(view)
    if let order = target.order { part = try part.permuteDims(axes: order) }
    let fitting = try value.withoutLeadingOnes(beyond: target.rank(view.rank))
    if !isRecorded {
      return try Operation.indexPut.callInPlace([part, target.index, fitting], target.attributes)
    }
    part = try Operation.indexPut.first(Operands(part, target.index, fitting), target.attributes)
    if let order = target.order {
      var inverse = order
      for (i, axis) in order.enumerated() { inverse[axis] = i }
      part = try part.permuteDims(axes: inverse)
    }
    try Operation.sliceScatter.callInPlace([self, part], index.basic.attributes)
  }

  /// A value for every element that a single mask chooses needs no list of positions. False when that is not
  /// what is asked for.
  private func fill(_ items: [TensorIndex], with value: Tensor) throws(AlulaError) -> Bool {
    guard items.count == 1, case .tensor(let mask) = items[0], mask.dtype == .bool, mask.rank > 0,
      mask.rank <= rank, (0..<mask.rank).allSatisfy({ mask.layout.shape[$0] == layout.shape[$0] })
    else { return false }
    let rest = Dims(shape[mask.rank...])
    guard value.layout.broadcast(to: rest) != nil else { return false }
    let wide = try mask.reshape(shape: mask.shape + Array(repeating: 1, count: rest.count))
    try Operation.maskedFill.callInPlace([self, wide, value])
    return true
  }

  /// The tensor without such axes of extent 1 in front as NumPy ignores when it assigns.
  private func withoutLeadingOnes(beyond rank: Int) throws(AlulaError) -> Tensor {
    let surplus = self.rank - rank
    guard surplus > 0, (0..<surplus).allSatisfy({ layout.shape[$0] == 1 }) else { return self }
    return try squeeze(axis: Array(0..<surplus))
  }
}

/// Where advanced indices read and write: one index over adjacent axes of a view.
private struct AdvancedTarget {
  /// The order in which the view's axes must be put first, or nil when they can stay.
  var order: [Int]?
  var axis: Int
  var axes: Int
  var named: Int
  var index: Tensor

  /// nil when there are no advanced indices.
  init?(_ resolved: ResolvedIndex) throws(AlulaError) {
    guard let first = resolved.advanced.first else { return nil }
    let view = Dims(resolved.basic.extents)
    named = first.named
    let indexed = resolved.advanced.flatMap { Array($0.axis..<($0.axis + $0.axes)) }
    axes = indexed.count
    if resolved.isSeparated {
      axis = 0
      order = indexed + view.indices.filter { !indexed.contains($0) }
      if order == Array(view.indices) { order = nil }
    } else {
      axis = first.axis
      order = nil
    }
    if resolved.advanced.count == 1 {
      index = first.tensor
    } else {
      index = try Operation.joinIndices.first(
        Operands(resolved.advanced.map(\.tensor)),
        [
          .ints(resolved.advanced.map { Dims(($0.axis..<($0.axis + $0.axes)).map { view[$0] }).checkedProduct ?? 0 }),
          .ints(resolved.advanced.map(\.named)),
        ])
    }
  }

  var attributes: [AttributeValue] { [.int(axis), .int(axes), .int(named)] }

  /// The rank of what is read or written, in a view of that rank.
  func rank(_ view: Int) -> Int { view - axes + index.rank }
}
