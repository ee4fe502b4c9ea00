// The axes of a reduction, and the shapes before and after it.

extension DType {
  /// The dtype of a sum: wide enough for many small integers.
  package var accumulated: DType {
    switch self {
    case .bool, .int8, .int16, .int32: .int64
    case .uint8, .uint16, .uint32: .uint64
    default: self
    }
  }
}

/// Distinct axes, counted from the front: bits of a word, since no rank is above 64.
public struct AxisSet: Sendable, ExpressibleByArrayLiteral {
  private let bits: UInt64

  private init(bits: UInt64) { self.bits = bits }

  public init(_ axes: some Sequence<Int>) {
    var bits: UInt64 = 0
    for axis in axes { bits |= 1 << UInt64(truncatingIfNeeded: axis) }
    self.bits = bits
  }

  public init(arrayLiteral axes: Int...) { self.init(axes) }

  /// The first `rank` axes.
  static func all(_ rank: Int) -> AxisSet { AxisSet(bits: ~(~0 << UInt64(truncatingIfNeeded: rank))) }

  @inline(__always)
  public func contains(_ axis: Int) -> Bool { bits >> UInt64(truncatingIfNeeded: axis) & 1 == 1 }

  /// In ascending order.
  public var array: [Int] { (0..<UInt64.bitWidth).filter { contains($0) } }
}

extension Operation {
  /// Distinct axes from ones that may count from the end; all of them when `axes` is nil.
  func axes(_ axes: [Int]?, rank: Int) throws(AlulaError) -> AxisSet {
    guard let axes else { return .all(rank) }
    return AxisSet(try Call(self, Operands()).axes(axes, rank: rank))
  }
}

extension Dims {
  /// The shape that is left after a reduction over `axes`.
  func reduced(over axes: AxisSet, keepdims: Bool) -> Dims {
    var result = Dims()
    for i in indices {
      if !axes.contains(i) { result.append(self[i]) } else if keepdims { result.append(1) }
    }
    return result
  }
}

extension Call {
  /// The axes in attribute `axis`.
  func reducedAxes() throws(AlulaError) -> AxisSet { try operation.axes(optionalInts("axis"), rank: self[0].rank) }

  /// The shape that is left of the first input after its reduction over attribute `axis`.
  func reducedShape() throws(AlulaError) -> Dims {
    self[0].layout.shape.reduced(over: try reducedAxes(), keepdims: bool("keepdims"))
  }

  /// The attributes of `var` in the order of the primitive behind it.
  var varianceAttributes: [AttributeValue] { [attributes[0], attributes[2], attributes[1]] }
}

extension GradientContext {
  /// The axes of attribute `axis`, or all of them.
  func reducedAxes() throws(AlulaError) -> [Int] {
    try Call(node.operation, Operands()).axes(optionalInts("axis"), rank: shape(0).count)
  }

  /// A reduction's gradient (or result) with its reduced axes back as extent 1, as far as broadcasting needs them.
  func expandReduced(_ tensor: Tensor) throws(AlulaError) -> Tensor {
    if tensor.rank == 0 { return tensor }
    var shape = shape(0)
    for axis in try reducedAxes() { shape[axis] = 1 }
    return try tensor.reshape(shape: shape)
  }
}

extension Tensor {
  /// The number of elements over `axes`.
  func reducedCount(_ axes: AxisSet) -> Int {
    var count = 1
    for i in 0..<rank where axes.contains(i) { count *= layout.shape[i] }
    return count
  }

  /// Refuses to reduce axes without elements to results that exist.
  func checkNotEmpty(_ axes: AxisSet, _ operation: String) throws(AlulaError) {
    if count != 0 { return }
    let shape = layout.shape
    let reducesNothing = shape.indices.contains { axes.contains($0) && shape[$0] == 0 }
    let hasResults = shape.indices.allSatisfy { axes.contains($0) || shape[$0] != 0 }
    if reducesNothing && hasResults {
      throw .invalidArgument("\(operation): shape \(shape) has no element along axis \(Dims(axes.array))")
    }
  }
}
