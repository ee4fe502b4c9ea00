import Alula
import CSupport

/// Numbers of Python as operands: those of an expression are few and come again, so their tensors are kept.
struct NumberCache {
  private struct Entry {
    /// The number's bits, its kind and the dtype it was wanted in: 0 when vacant.
    var bits: UInt64 = 0
    var kind: UInt32 = 0
    var tensor: Unmanaged<Tensor>?
  }

  private static let size = 256
  private let entries: UnsafeMutablePointer<Entry>

  init() {
    entries = .allocate(capacity: Self.size)
    entries.initialize(repeating: Entry(), count: Self.size)
  }

  /// What an object is as a number; nil when it is none, or one that 64 bits do not hold.
  static func number(_ object: PyObject) -> Scalar? {
    let type = object.pythonType
    if type == py.floatType { return .float(py.float(object)) }
    if type == py.integerType {
      var overflow: Int32 = 0
      let value = py.integer(object, &overflow)
      return overflow == 0 ? .int(value) : nil
    }
    if type == py.boolType { return .bool(object == py.yes) }
    if type == py.complexType { return .complex(py.complexReal(object), py.complexImaginary(object)) }
    return nil
  }

  /// The tensor that stands for a number beside `other`: in its dtype, where the two's common dtype is that and has the
  /// number, or else a weak one. Nil for what is no number.
  func operand(_ object: PyObject, beside other: Tensor) -> Tensor? {
    guard let number = Self.number(object) else { return nil }
    let (bits, kind): (UInt64, DType)
    switch number {
    case .float(let value): (bits, kind) = (value.bitPattern, .float64)
    case .int(let value): (bits, kind) = (UInt64(bitPattern: value), .int64)
    case .bool(let value): (bits, kind) = (value ? 1 : 0, .bool)
    default: return try? Tensor(scalar: number, weak: true)
    }
    let common = other.isWeak ? nil : DType.promote(arrays: other.dtype, weak: kind)
    let wanted = common == other.dtype && Self.fits(number, other.dtype) ? common : nil
    let tag =
      1 << 16 | UInt32(truncatingIfNeeded: kind.rawValue) << 8 | UInt32(truncatingIfNeeded: wanted?.rawValue ?? 255)
    let hash = ((bits ^ UInt64(tag)) &* 0x9E37_79B9_7F4A_7C15) >> 56
    let entry = entries + Int(truncatingIfNeeded: hash)
    if entry.pointee.kind == tag, entry.pointee.bits == bits, let tensor = entry.pointee.tensor {
      return tensor.takeUnretainedValue()
    }
    guard let tensor = try? Tensor(scalar: number, dtype: wanted, weak: wanted == nil) else { return nil }
    entry.pointee.tensor?.release()
    entry.pointee = Entry(bits: bits, kind: tag, tensor: .passRetained(tensor))
    return tensor
  }

  /// Whether an integer is one of the dtype's; a float may be rounded, as it would be in the operation.
  private static func fits(_ number: Scalar, _ dtype: DType) -> Bool {
    guard case .int(let value) = number else { return true }
    return switch dtype {
    case .bool: value == 0 || value == 1
    case .int8: Int8(exactly: value) != nil
    case .int16: Int16(exactly: value) != nil
    case .int32: Int32(exactly: value) != nil
    case .uint8: UInt8(exactly: value) != nil
    case .uint16: UInt16(exactly: value) != nil
    case .uint32: UInt32(exactly: value) != nil
    case .uint64: value >= 0
    default: true
    }
  }

  /// A number as an object of Python.
  static func object(_ number: Scalar) -> PyObject? {
    switch number {
    case .bool(let value): PythonCall.bool(value)
    case .int(let value): py.newInteger(value)
    case .unsigned(let value): py.newUnsigned(value)
    case .float(let value): py.newFloat(value)
    case .complex(let real, let imaginary): py.newComplex(real, imaginary)
    }
  }
}
