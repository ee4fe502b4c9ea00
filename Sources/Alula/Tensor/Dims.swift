/// A short list of integers (a shape or strides), inline up to rank 8 so that small tensors need no
/// further allocation, and on the heap up to the largest rank.
public struct Dims: Sendable {
  /// NumPy's limit.
  public static let maximumRank = 64
  private static let inlineCapacity = 8

  public private(set) var count: Int
  private var inline: InlineArray<8, Int>
  private var heap: [Int]?

  public init() {
    count = 0
    inline = InlineArray(repeating: 0)
    heap = nil
  }

  public init(repeating value: Int, count: Int) {
    self.count = max(0, count)
    inline = InlineArray(repeating: value)
    heap = count > Dims.inlineCapacity ? Array(repeating: value, count: count) : nil
  }

  public init(_ values: some Collection<Int>) {
    self.init(repeating: 0, count: values.count)
    var i = 0
    for value in values {
      self[i] = value
      i += 1
    }
  }

  @inline(__always)
  public subscript(_ i: Int) -> Int {
    get {
      if heap == nil { return inline[i] }
      return heap?[i] ?? 0
    }
    set {
      if heap == nil { inline[i] = newValue } else { heap?[i] = newValue }
    }
  }

  public mutating func append(_ value: Int) {
    if count < Dims.inlineCapacity {
      inline[count] = value
    } else if heap != nil {
      heap?.append(value)
    } else {
      heap = array + [value]
    }
    count += 1
  }

  public var array: [Int] { (0..<count).map { self[$0] } }

  /// The first `length` of them, which are no more than there are.
  package func prefix(_ length: Int) -> Dims {
    var result = Dims(repeating: 0, count: length)
    for i in 0..<result.count { result[i] = self[i] }
    return result
  }
  public var indices: Range<Int> { 0..<count }

  /// The largest number of elements: byte offsets of 16-byte elements cannot overflow then.
  package static let maximumProduct = Int.max / 32

  /// The product, or nil when the extents that are not zero multiply to more than `maximumProduct`. So no product
  /// of some of a tensor's extents can overflow, not even beside an empty axis.
  package var checkedProduct: Int? {
    var product = 1
    var isEmpty = false
    for i in 0..<count {
      let extent = self[i]
      if extent == 0 {
        isEmpty = true
        continue
      }
      let (value, overflow) = product.multipliedReportingOverflow(by: extent)
      if overflow || value > Dims.maximumProduct { return nil }
      product = value
    }
    return isEmpty ? 0 : product
  }
}

extension Dims: Equatable {
  public static func == (a: Dims, b: Dims) -> Bool {
    guard a.count == b.count else { return false }
    for i in 0..<a.count where a[i] != b[i] { return false }
    return true
  }
}

extension Dims: ExpressibleByArrayLiteral {
  @inline(__always)
  public init(arrayLiteral elements: Int...) {
    self.init(repeating: 0, count: elements.count)
    for i in 0..<elements.count { self[i] = elements[i] }
  }
}

extension Dims: CustomStringConvertible {
  /// Python's notation for tuples: `()`, `(3,)`, `(3, 4)`.
  public var description: String {
    if count == 1 { return "(\(self[0]),)" }
    return "(" + array.map { String($0) }.joined(separator: ", ") + ")"
  }
}
