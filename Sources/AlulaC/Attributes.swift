import Alula
import CAlula

// How the attributes of C calls become those of the catalog.

extension AttributeValue {
  /// `ALULA_NONE` is the smallest integer, as a macro too rich for Swift to see.
  static func optional(_ value: Int64) -> AttributeValue { value == .min ? .none : .int(Int(value)) }

  static func ints(_ values: UnsafePointer<Int64>?, _ count: Int) throws(AlulaError) -> AttributeValue {
    .ints(try integers(values, count))
  }

  static func optionalInts(_ values: UnsafePointer<Int64>?, _ count: Int) throws(AlulaError) -> AttributeValue {
    values == nil && count == 0 ? .none : try ints(values, count)
  }

  static func spatial(_ values: UnsafePointer<Int64>?, default defaults: [Int]) throws(AlulaError) -> AttributeValue {
    values == nil ? .ints(defaults) : try ints(values, defaults.count)
  }

  static func dtype(_ value: alula_dtype) throws(AlulaError) -> AttributeValue { .dtype(try DType(value)) }

  static func optionalDType(_ value: alula_dtype) throws(AlulaError) -> AttributeValue {
    value == ALULA_DTYPE_NONE ? .none : .dtype(try DType(value))
  }

  static func device(_ value: alula_device) throws(AlulaError) -> AttributeValue { .device(try Device(value)) }

  static func scalar(_ value: alula_scalar) throws(AlulaError) -> AttributeValue { .scalar(try Scalar(value)) }

  static func choice(_ value: UnsafePointer<CChar>?, default first: String) -> AttributeValue {
    .string(value.map { String(cString: $0) } ?? first)
  }

  static func generator(_ handle: OpaquePointer?) throws(AlulaError) -> AttributeValue {
    if handle == nil { return .none }
    return .generator(try object(handle, "random", "generator"))
  }
}

/// A shape, axes or the like.
func integers(_ values: UnsafePointer<Int64>?, _ count: Int) throws(AlulaError) -> [Int] {
  guard count >= 0, count <= Dims.maximumRank else {
    throw .invalidArgument("a list of \(count) integers; at most \(Dims.maximumRank) are possible")
  }
  return try copyList(values, count, "list").map { Int($0) }
}

extension DType {
  init(_ value: alula_dtype) throws(AlulaError) {
    guard let raw = Int32(exactly: value.rawValue), let dtype = DType(rawValue: raw) else {
      throw .invalidArgument("dtype: \(value.rawValue) is no alula_dtype")
    }
    self = dtype
  }
}

extension Device {
  init(_ value: alula_device) throws(AlulaError) {
    guard let raw = Int32(exactly: value.rawValue), let device = Device(rawValue: raw) else {
      throw .invalidArgument("device: \(value.rawValue) is no alula_device")
    }
    self = device
  }
}

extension Scalar {
  init(_ value: alula_scalar) throws(AlulaError) {
    switch value.kind {
    case ALULA_SCALAR_BOOL: self = .bool(value.integer != 0)
    case ALULA_SCALAR_INT: self = .int(value.integer)
    case ALULA_SCALAR_UINT: self = .unsigned(UInt64(bitPattern: value.integer))
    case ALULA_SCALAR_FLOAT: self = .float(value.real)
    case ALULA_SCALAR_COMPLEX: self = .complex(value.real, value.imaginary)
    default: throw .invalidArgument("scalar: \(value.kind.rawValue) is no alula_scalar_kind")
    }
  }
}

/// The caller's options, with defaults for NULL and for fields that its version of the header lacks.
func readOptions<Options: BitwiseCopyable>(_ options: UnsafePointer<Options>?, default defaults: Options) -> Options {
  guard let options else { return defaults }
  var result = defaults
  // Every options structure starts with its size.
  let given = UnsafeRawPointer(options).load(as: Int.self)
  // In whole words, so that no field is taken by halves.
  let size = min(max(given, 0) & ~7, MemoryLayout<Options>.size)
  withUnsafeMutableBytes(of: &result) { $0.baseAddress?.copyMemory(from: options, byteCount: size) }
  return result
}
