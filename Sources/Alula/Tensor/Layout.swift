/// How a tensor's elements lie in its storage: shape, strides and offset, counted in elements.
///
/// A class, since tensors share it: a result that lies like an operand costs one reference instead of two lists.
public final class Layout: Sendable {
  public let shape: Dims
  public let strides: Dims
  public let offset: Int
  /// The number of elements; known not to overflow.
  public let count: Int
  /// Whether the elements lie in row-major order without gaps.
  public let isContiguous: Bool
  /// Whether all elements are one and the same.
  package let isRepeated: Bool

  /// A row-major layout that starts at the storage's first element.
  ///
  /// - Throws: `invalidArgument` for a negative extent, a rank above 64, or a size beyond the address space.
  public init(contiguous shape: Dims, operation: String = "tensor") throws(AlulaError) {
    guard shape.count <= Dims.maximumRank else {
      throw .invalidArgument("\(operation): rank \(shape.count) exceeds the limit of \(Dims.maximumRank)")
    }
    for i in shape.indices where shape[i] < 0 {
      throw .invalidArgument("\(operation): negative extent in shape \(shape)")
    }
    guard let count = shape.checkedProduct else {
      throw .invalidArgument("\(operation): shape \(shape) holds too many elements")
    }
    self.shape = shape
    self.count = count
    isContiguous = true
    isRepeated = count == 1
    offset = 0
    var steps = shape
    var step = 1
    for i in stride(from: shape.count - 1, through: 0, by: -1) {
      steps[i] = step
      step *= max(shape[i], 1)
    }
    strides = steps
  }

  /// That of all tensors of a single element and no axis.
  package static let scalar = Layout(shape: [], strides: [], offset: 0)

  /// A view's layout; the caller has made sure that it stays inside the storage.
  package init(shape: Dims, strides: Dims, offset: Int) {
    self.shape = shape
    self.strides = strides
    self.offset = offset
    count = shape.checkedProduct ?? 0
    isContiguous = Layout.isContiguous(shape, strides, count)
    isRepeated = count == 1 || shape.indices.allSatisfy { strides[$0] == 0 || shape[$0] == 1 }
  }

  public var rank: Int { shape.count }

  /// Whether the elements lie in row-major order without gaps from the storage's first element on.
  package var isPlain: Bool { isContiguous && offset == 0 }

  private static func isContiguous(_ shape: Dims, _ strides: Dims, _ count: Int) -> Bool {
    if count == 0 { return true }
    var step = 1
    for i in stride(from: shape.count - 1, through: 0, by: -1) where shape[i] != 1 {
      if strides[i] != step { return false }
      step *= shape[i]
    }
    return true
  }

  /// The lowest and the highest element offset that the layout touches, or nil when it is empty.
  package var extent: (low: Int, high: Int)? {
    if count == 0 { return nil }
    if isContiguous { return (offset, offset + count - 1) }
    var low = offset
    var high = offset
    for i in 0..<rank {
      let reach = (shape[i] - 1) * strides[i]
      if reach < 0 { low += reach } else { high += reach }
    }
    return (low, high)
  }

  /// The same elements repeated to `target`, or nil when the shapes do not broadcast.
  package func broadcast(to target: Dims) -> Layout? {
    if shape == target { return self }
    guard target.count >= rank else { return nil }
    var steps = Dims(repeating: 0, count: target.count)
    let lead = target.count - rank
    for i in 0..<rank {
      if shape[i] == target[lead + i] {
        steps[lead + i] = shape[i] == 1 ? 0 : strides[i]
      } else if shape[i] != 1 {
        return nil
      }
    }
    return Layout(shape: target, strides: steps, offset: offset)
  }
}

extension Layout {
  /// The layout with two of its axes exchanged.
  func swapping(_ a: Int, _ b: Int) -> Layout {
    var (shape, strides) = (shape, strides)
    (shape[a], shape[b]) = (shape[b], shape[a])
    (strides[a], strides[b]) = (strides[b], strides[a])
    return Layout(shape: shape, strides: strides, offset: offset)
  }
}

extension Layout: Equatable {
  public static func == (a: Layout, b: Layout) -> Bool {
    a === b || (a.offset == b.offset && a.shape == b.shape && a.strides == b.strides)
  }
}

extension Dims {
  /// The shape that both broadcast to by NumPy's rule, or nil.
  package static func broadcast(_ a: Dims, _ b: Dims) -> Dims? {
    if a == b { return a }
    let rank = max(a.count, b.count)
    var result = Dims(repeating: 1, count: rank)
    for i in 0..<rank {
      let x = i < rank - a.count ? 1 : a[i - (rank - a.count)]
      let y = i < rank - b.count ? 1 : b[i - (rank - b.count)]
      guard x == y || x == 1 || y == 1 else { return nil }
      result[i] = x == 1 ? y : x
    }
    return result
  }
}
