/// The tensors that an operation is called on; nil stands for an optional one that was left out.
public typealias Operands = ShortList<Tensor?>

extension ShortList where Element == Tensor? {
  public init(_ tensors: some Sequence<Tensor>) {
    self.init()
    for tensor in tensors { append(tensor) }
  }
}

/// An operation with its arguments, in the order of its declaration.
public struct Call: Sendable {
  public let operation: Operation
  public internal(set) var inputs: Operands
  public let attributes: [AttributeValue]

  package init(_ operation: Operation, _ inputs: Operands, _ attributes: [AttributeValue] = []) {
    self.operation = operation
    self.inputs = inputs
    self.attributes = attributes
  }

  /// The i-th input, which is required: the dispatcher has checked that it is there.
  public subscript(i: Int) -> Tensor {
    @inline(__always) get {
      guard let tensor = inputs[i] else { missing(i) }
      return tensor
    }
  }

  /// Apart, since a message made on the spot has every access copy the call.
  @inline(never)
  private func missing(_ i: Int) -> Never { preconditionFailure("\(operation.name): required input \(i) is missing") }

  /// The i-th input, or nil when the caller left it out.
  public func optional(_ i: Int) -> Tensor? { i < inputs.count ? inputs[i] : nil }

  /// The attributes that an element-wise operation's kernels are given.
  var elementwiseParameters: [Double] {
    guard case .elementwise(_, let parameters) = operation.body else { return [] }
    return parameters.map { float($0) }
  }

  /// The inputs of a list operation.
  public var list: [Tensor] { inputs.compactMap { $0 } }

  // Attributes by name. The names are short strings, compared as two machine words.

  private func value(_ name: String) -> AttributeValue {
    for i in 0..<operation.attributeNames.count where operation.attributeNames[i] == name { return attributes[i] }
    return .none
  }

  public func bool(_ name: String) -> Bool {
    if case .bool(let value) = value(name) { value } else { false }
  }
  public func int(_ name: String) -> Int { optionalInt(name) ?? 0 }
  public func optionalInt(_ name: String) -> Int? {
    if case .int(let value) = value(name) { value } else { nil }
  }
  public func float(_ name: String) -> Double {
    if case .float(let value) = value(name) { value } else { 0 }
  }
  public func ints(_ name: String) -> [Int] { optionalInts(name) ?? [] }
  public func optionalInts(_ name: String) -> [Int]? {
    if case .ints(let value) = value(name) { value } else { nil }
  }
  public func dtype(_ name: String = "dtype") -> DType? {
    if case .dtype(let value) = value(name) { value } else { nil }
  }
  public func scalar(_ name: String) -> Scalar {
    if case .scalar(let value) = value(name) { value } else { .float(0) }
  }
  public func string(_ name: String) -> String {
    if case .string(let value) = value(name) { value } else { "" }
  }
  public func device(_ name: String = "device") -> Device {
    if case .device(let value) = value(name) { value } else { .cpu }
  }
  public func generator(_ name: String = "generator") -> Generator {
    if case .generator(let value) = value(name) { value } else { .default }
  }

  /// The device that the call runs on: its first input's.
  package var device: Device {
    for i in 0..<inputs.count {
      if let tensor = inputs[i] { return tensor.device }
    }
    return device()
  }
}

// MARK: - Axes

extension Call {
  /// An axis in 0..<rank from one that may count from the end.
  public func axis(_ axis: Int, rank: Int) throws(AlulaError) -> Int {
    guard axis >= -rank, axis < rank else {
      throw .outOfRange("\(operation.name): axis \(axis) is out of range for rank \(rank)")
    }
    return axis < 0 ? axis + rank : axis
  }

  /// Distinct axes in 0..<rank, sorted; all of them when `axes` is nil.
  public func axes(_ axes: [Int]?, rank: Int) throws(AlulaError) -> [Int] {
    guard let axes else { return Array(0..<rank) }
    var result: [Int] = []
    for axis in axes { result.append(try self.axis(axis, rank: rank)) }
    result.sort()
    for i in result.indices.dropFirst() where result[i] == result[i - 1] {
      throw .invalidArgument("\(operation.name): axis \(result[i]) is given twice")
    }
    return result
  }
}
