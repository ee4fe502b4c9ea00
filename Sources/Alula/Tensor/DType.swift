/// The type of a tensor's elements. Raw values are the codes of the C interface and of the kernel table;
/// they are never renumbered.
public enum DType: Int32, CaseIterable, Sendable {
  case bool = 0
  case int8, int16, int32, int64
  case uint8, uint16, uint32, uint64
  case float16, bfloat16, float32, float64
  case complex64, complex128

  /// The dtypes that factories use when none is named.
  public static let defaultFloat = DType.float32
  public static let defaultInteger = DType.int64

  /// The number of bytes of one element.
  public var itemSize: Int {
    switch self {
    case .bool, .int8, .uint8: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .int64, .uint64, .float64, .complex64: 8
    case .complex128: 16
    }
  }

  /// The slot of this dtype in a kernel table.
  package var code: Int { Int(rawValue) }

  public var isSignedInteger: Bool { rawValue >= 1 && rawValue <= 4 }
  public var isUnsignedInteger: Bool { rawValue >= 5 && rawValue <= 8 }
  public var isInteger: Bool { rawValue >= 1 && rawValue <= 8 }
  public var isFloatingPoint: Bool { rawValue >= 9 && rawValue <= 12 }
  public var isComplex: Bool { rawValue >= 13 }
  /// Whether gradients can flow through elements of this dtype.
  public var isDifferentiable: Bool { rawValue >= 9 }

  public var name: String {
    switch self {
    case .bool: "bool"
    case .int8: "int8"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .uint8: "uint8"
    case .uint16: "uint16"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    case .float32: "float32"
    case .float64: "float64"
    case .complex64: "complex64"
    case .complex128: "complex128"
    }
  }
}

extension DType: CustomStringConvertible {
  public var description: String { name }
}

// MARK: - Promotion

extension DType {
  /// The order of kinds in promotion: a weak scalar raises an array's dtype only when its kind is higher.
  package var kind: Int {
    switch self {
    case .bool: 0
    case _ where isInteger: 1
    case _ where isFloatingPoint: 2
    default: 3
    }
  }

  /// The dtype that two arrays' elements are converted to before they meet: the array API standard's
  /// table, extended to integers with floats as NumPy 2 does.
  public static func promote(_ a: DType, _ b: DType) -> DType {
    if a == b { return a }
    if a.kind > b.kind { return promote(b, a) }
    switch (a.kind, b.kind) {
    case (0, _): return b
    case (1, 1): return promoteIntegers(a, b)
    case (1, 2), (1, 3): return promoteInteger(a, withFloat: b)
    case (2, 2):
      if a == .float64 || b == .float64 { return .float64 }
      return .float32  // float16 with bfloat16, or either with float32
    case (2, 3): return a == .float64 ? .complex128 : b
    default: return .complex128
    }
  }

  private static func promoteIntegers(_ a: DType, _ b: DType) -> DType {
    if a.isSignedInteger == b.isSignedInteger { return a.itemSize > b.itemSize ? a : b }
    let (signed, unsigned) = a.isSignedInteger ? (a, b) : (b, a)
    if signed.itemSize > unsigned.itemSize { return signed }
    switch unsigned {
    case .uint8: return .int16
    case .uint16: return .int32
    case .uint32: return .int64
    default: return .float64  // no integer dtype holds both uint64 and a negative number
    }
  }

  /// NumPy 2: the float must represent the integers of small width exactly.
  private static func promoteInteger(_ integer: DType, withFloat float: DType) -> DType {
    switch (integer.itemSize, float) {
    case (1, _): return float
    case (2, .float16), (2, .bfloat16): return .float32
    case (2, _): return float
    case (_, .complex64), (_, .complex128): return .complex128
    default: return .float64
    }
  }

  /// The dtype of a mixture of arrays and weak scalars, or nil for no operands.
  ///
  /// A weak scalar (a Python number) takes the arrays' dtype unless its kind is higher: then the default
  /// dtype of its kind.
  package static func promote(arrays: DType?, weak: DType?) -> DType? {
    guard let weak else { return arrays }
    guard let arrays else { return weak.weakDefault }
    if weak.kind <= arrays.kind { return arrays }
    switch weak.kind {
    case 1: return .defaultInteger
    case 2: return .defaultFloat
    default: return arrays == .float64 ? .complex128 : .complex64
    }
  }

  /// The dtype of a result of numbers alone, which are kept in their kind's widest dtype.
  private var weakDefault: DType {
    switch self {
    case .float64: .defaultFloat
    case .complex128: .complex64
    default: self
    }
  }

  /// The dtype of numbers together, such as 1.0 and 2: that of the highest kind, not wider than it.
  package static func promote(weak a: DType, _ b: DType) -> DType {
    a.kind == b.kind ? promote(a, b) : a.kind > b.kind ? a : b
  }

  /// The dtype in which a float-valued function of this dtype's elements is computed.
  package var floating: DType { isDifferentiable ? self : .defaultFloat }

  /// The real dtype behind a complex one.
  package var real: DType {
    switch self {
    case .complex64: .float32
    case .complex128: .float64
    default: self
    }
  }
}
