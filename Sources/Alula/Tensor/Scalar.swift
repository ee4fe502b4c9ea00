/// One number of any kind, without loss.
public enum Scalar: Sendable, Equatable {
  case bool(Bool)
  case int(Int64)
  case unsigned(UInt64)
  case float(Double)
  case complex(Double, Double)

  /// The dtype that a factory gives an array of such numbers when none is named.
  public var defaultDType: DType {
    switch self {
    case .bool: .bool
    case .int, .unsigned: .defaultInteger
    case .float: .defaultFloat
    case .complex: .complex64
    }
  }

  /// The value, the dtype in which it is exact, and its bytes: what a fill converts from.
  fileprivate func withBytes<R>(_ body: (DType, UnsafeRawPointer) throws(AlulaError) -> R) throws(AlulaError) -> R {
    switch self {
    case .bool(var value): return try body(.bool, &value)
    case .int(var value): return try body(.int64, &value)
    case .unsigned(var value): return try body(.uint64, &value)
    case .float(var value): return try body(.float64, &value)
    case .complex(let real, let imaginary):
      var value = SIMD2(real, imaginary)
      return try body(.complex128, &value)
    }
  }
}

extension Tensor {
  /// A 0-d tensor holding `scalar` converted to `dtype`.
  public convenience init(scalar: Scalar, dtype: DType? = nil, weak: Bool = false, device: Device = .cpu)
    throws(AlulaError)
  {
    let dtype = dtype ?? scalar.defaultDType
    let exact = try scalar.withBytes { (exact, bytes) throws(AlulaError) in
      try Tensor(copying: bytes, shape: [], dtype: exact, device: device)
    }
    let value = try exact.cast(dtype: dtype)
    self.init(storage: value.storage, layout: value.layout, dtype: dtype, isWeak: weak)
  }
}
