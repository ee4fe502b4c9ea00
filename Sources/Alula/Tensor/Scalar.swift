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

  /// The dtype that holds the number without loss, as a weak one does until it meets an array.
  fileprivate var exactDType: DType {
    switch self {
    case .bool: .bool
    case .int: .int64
    case .unsigned: .uint64
    case .float: .float64
    case .complex: .complex128
    }
  }

  /// The value in a dtype that holds it exactly, and its bytes: what a conversion starts from. That is `dtype` itself
  /// where the value can be had in it here.
  fileprivate func withBytes<R>(_ dtype: DType, _ body: (DType, UnsafeRawPointer) throws(AlulaError) -> R)
    throws(AlulaError) -> R
  {
    switch (self, dtype) {
    case (.float(let value), .float32):
      var value = Float(value)
      return try body(.float32, &value)
    case (.int(let value), .float32) where value.magnitude <= 1 << 24:
      var value = Float(value)
      return try body(.float32, &value)
    case (.int(let value), .float64) where value.magnitude <= 1 << 53:
      var value = Double(value)
      return try body(.float64, &value)
    case (.bool(var value), _): return try body(.bool, &value)
    case (.int(var value), _): return try body(.int64, &value)
    case (.unsigned(var value), _): return try body(.uint64, &value)
    case (.float(var value), _): return try body(.float64, &value)
    case (.complex(let real, let imaginary), _):
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
    let dtype = dtype ?? (weak ? scalar.exactDType : scalar.defaultDType)
    let plain = try scalar.withBytes(dtype) { (exact, bytes) throws(AlulaError) in
      try Tensor(copying: bytes, shape: [], dtype: exact, device: device)
    }
    let value = plain.dtype == dtype ? plain : try plain.cast(dtype: dtype)
    self.init(storage: value.storage, layout: value.layout, dtype: dtype, isWeak: weak)
  }

  /// A number's tensor in the dtype of what it meets.
  func number(as target: DType) throws(AlulaError) -> Tensor {
    // Read here: a conversion by kernel costs several times as much.
    switch dtype {
    case .float64: try Tensor(scalar: .float(element(Double.self)), dtype: target, device: device)
    case .int64: try Tensor(scalar: .int(element(Int64.self)), dtype: target, device: device)
    default: try cast(dtype: target)
    }
  }

  /// The element of a tensor that has just one, of this dtype.
  func element<Element: TensorElement>(_: Element.Type) -> Element {
    withUnsafeTemporaryAllocation(of: Element.self, capacity: 1) { room in
      guard let start = room.baseAddress else { return data.load(as: Element.self) }
      device.backend.copyOut(start, from: data, byteCount: MemoryLayout<Element>.size)
      return start.pointee
    }
  }
}
