import Alula
import CSupport

/// Python's operators on tensors. What is no tensor and no plain number, they leave to the methods of the package's own
/// class, which also says what Python makes of it.
enum PythonOperators {
  typealias Unary = @convention(c) (PyObject) -> PyObject?
  typealias Binary = @convention(c) (PyObject, PyObject) -> PyObject?
  typealias Ternary = @convention(c) (PyObject, PyObject, PyObject) -> PyObject?

  /// An operator as it is declared: its slot, its operation and the methods that stand behind it.
  struct Declaration {
    let slot: Int32
    let operation: Operation
    let method: StaticString
    let reflected: StaticString?
    let function: UnsafeMutableRawPointer?

    init(_ slot: Int32, _ operation: Operation, _ method: StaticString, _ function: @escaping Unary) {
      self.init(slot, operation, method, nil, unsafeBitCast(function, to: UnsafeMutableRawPointer.self))
    }

    init(
      _ slot: Int32, _ operation: Operation, _ method: StaticString, _ reflected: StaticString? = nil,
      _ function: @escaping Binary
    ) {
      self.init(slot, operation, method, reflected, unsafeBitCast(function, to: UnsafeMutableRawPointer.self))
    }

    init(
      _ slot: Int32, _ operation: Operation, _ method: StaticString, _ reflected: StaticString? = nil,
      ternary: @escaping Ternary
    ) {
      self.init(slot, operation, method, reflected, unsafeBitCast(ternary, to: UnsafeMutableRawPointer.self))
    }

    /// Comparisons share one slot, which is not named here.
    init(comparison operation: Operation, _ method: StaticString) {
      self.init(0, operation, method, nil, nil)
    }

    private init(
      _ slot: Int32, _ operation: Operation, _ method: StaticString, _ reflected: StaticString?,
      _ function: UnsafeMutableRawPointer?
    ) {
      self.slot = slot
      self.operation = operation
      self.method = method
      self.reflected = reflected
      self.function = function
    }
  }

  /// An operator's number is its place here.
  static var declarations: [Declaration] {
    [
      // In the order of Python's numbers for them, from 0 on.
      Declaration(comparison: .less, "__lt__"), Declaration(comparison: .lessEqual, "__le__"),
      Declaration(comparison: .equal, "__eq__"), Declaration(comparison: .notEqual, "__ne__"),
      Declaration(comparison: .greater, "__gt__"), Declaration(comparison: .greaterEqual, "__ge__"),
      Declaration(PySlot.add, .add, "__add__", "__radd__") { PythonOperators.binary(6, $0, $1) },
      Declaration(PySlot.subtract, .subtract, "__sub__", "__rsub__") { PythonOperators.binary(7, $0, $1) },
      Declaration(PySlot.multiply, .multiply, "__mul__", "__rmul__") { PythonOperators.binary(8, $0, $1) },
      Declaration(PySlot.trueDivide, .divide, "__truediv__", "__rtruediv__") { PythonOperators.binary(9, $0, $1) },
      Declaration(PySlot.floorDivide, .floorDivide, "__floordiv__", "__rfloordiv__") {
        PythonOperators.binary(10, $0, $1)
      },
      Declaration(PySlot.remainder, .remainder, "__mod__", "__rmod__") { PythonOperators.binary(11, $0, $1) },
      Declaration(PySlot.power, .pow, "__pow__", "__rpow__", ternary: { PythonOperators.power(12, $0, $1, $2) }),
      Declaration(PySlot.matrixMultiply, .matmul, "__matmul__", "__rmatmul__") {
        PythonOperators.matrixProduct(13, $0, $1)
      },
      Declaration(PySlot.and, .bitwiseAnd, "__and__", "__rand__") { PythonOperators.binary(14, $0, $1) },
      Declaration(PySlot.or, .bitwiseOr, "__or__", "__ror__") { PythonOperators.binary(15, $0, $1) },
      Declaration(PySlot.xor, .bitwiseXor, "__xor__", "__rxor__") { PythonOperators.binary(16, $0, $1) },
      Declaration(PySlot.leftShift, .bitwiseLeftShift, "__lshift__", "__rlshift__") {
        PythonOperators.binary(17, $0, $1)
      },
      Declaration(PySlot.rightShift, .bitwiseRightShift, "__rshift__", "__rrshift__") {
        PythonOperators.binary(18, $0, $1)
      },
      Declaration(PySlot.negative, .negative, "__neg__") { PythonOperators.unary(19, $0) },
      Declaration(PySlot.absolute, .abs, "__abs__") { PythonOperators.unary(20, $0) },
      Declaration(PySlot.invert, .bitwiseInvert, "__invert__") { PythonOperators.unary(21, $0) },
      Declaration(PySlot.inPlaceAdd, .add, "__iadd__") { PythonOperators.inPlace(22, $0, $1) },
      Declaration(PySlot.inPlaceSubtract, .subtract, "__isub__") { PythonOperators.inPlace(23, $0, $1) },
      Declaration(PySlot.inPlaceMultiply, .multiply, "__imul__") { PythonOperators.inPlace(24, $0, $1) },
      Declaration(PySlot.inPlaceTrueDivide, .divide, "__itruediv__") { PythonOperators.inPlace(25, $0, $1) },
      Declaration(
        PySlot.inPlacePower, .pow, "__ipow__",
        ternary: { base, exponent, _ in PythonOperators.inPlace(26, base, exponent) }),
    ]
  }

  /// `tp_richcompare`
  static let richCompare: @convention(c) (PyObject, PyObject, Int32) -> PyObject? = { a, b, comparison in
    PythonOperators.binary(Int(comparison), a, b)
  }

  /// An operator as it is called.
  struct Entry {
    let operation: Unmanaged<Operation>
    let method: PyObject?
    let reflected: PyObject?
  }

  /// The operators of `methods`, a class of the package; nil with an exception set when it lacks one.
  static func entries(_ methods: PyObject) -> UnsafeMutablePointer<Entry>? {
    let entries = UnsafeMutablePointer<Entry>.allocate(capacity: declarations.count)
    for (i, declaration) in declarations.enumerated() {
      guard let method = PythonText.attribute(methods, declaration.method) else { return nil }
      let reflected = declaration.reflected.flatMap { PythonText.attribute(methods, $0) }
      if declaration.reflected != nil, reflected == nil { return nil }
      (entries + i).initialize(
        to: Entry(operation: .passRetained(declaration.operation), method: method, reflected: reflected))
    }
    return entries
  }

  // MARK: - Calls

  @inline(__always)
  private static func entry(_ i: Int) -> UnsafeMutablePointer<Entry> {
    Python.state.pointee.operators.unsafelyUnwrapped + i
  }

  private static func unary(_ i: Int, _ a: PyObject) -> PyObject? {
    guard let x = PythonTensor.held(a) else { return PythonCall.call(entry(i).pointee.method, a) }
    return PythonOperation.apply(entry(i).pointee.operation.takeUnretainedValue(), x)
  }

  /// One of the two is a tensor.
  @inline(__always)
  private static func binary(_ i: Int, _ a: PyObject, _ b: PyObject) -> PyObject? {
    guard let (x, y) = PythonOperation.operands(a, b) else { return slow(i, a, b) }
    return PythonOperation.apply(entry(i).pointee.operation.takeUnretainedValue(), x, y)
  }

  private static func slow(_ i: Int, _ a: PyObject, _ b: PyObject) -> PyObject? {
    if PythonTensor.isTensor(a) { return PythonCall.call(entry(i).pointee.method, a, b) }
    guard let reflected = entry(i).pointee.reflected, PythonTensor.isTensor(b) else {
      return PythonCall.new(py.notImplemented)
    }
    return PythonCall.call(reflected, b, a)
  }

  private static func power(_ i: Int, _ a: PyObject, _ b: PyObject, _ modulus: PyObject) -> PyObject? {
    modulus == py.none ? binary(i, a, b) : PythonCall.new(py.notImplemented)
  }

  /// A number is no matrix: it gets the package's message.
  private static func matrixProduct(_ i: Int, _ a: PyObject, _ b: PyObject) -> PyObject? {
    guard let x = PythonTensor.tensor(a), let y = PythonTensor.tensor(b) else { return slow(i, a, b) }
    return PythonOperation.apply(entry(i).pointee.operation.takeUnretainedValue(), x, y)
  }

  private static func inPlace(_ i: Int, _ a: PyObject, _ b: PyObject) -> PyObject? {
    guard let x = PythonTensor.held(a), let y = PythonOperation.operand(b, beside: x) else {
      return PythonCall.call(entry(i).pointee.method, a, b)
    }
    return PythonOperation.applyInPlace(entry(i).pointee.operation.takeUnretainedValue(), a, x, y)
  }
}

/// Calls of operations on one or two tensors.
enum PythonOperation {
  /// Two operands, of which one at least is a tensor; nil when the other one is neither that nor a number.
  @inline(__always)
  static func operands(_ a: PyObject, _ b: PyObject) -> (Tensor, Tensor)? {
    if let x = PythonTensor.tensor(a) {
      guard let y = operand(b, beside: x) else { return nil }
      return (x, y)
    }
    guard let y = PythonTensor.tensor(b), let x = Python.state.pointee.numbers.operand(a, beside: y) else { return nil }
    return (x, y)
  }

  @inline(__always)
  static func operand(_ object: PyObject, beside other: Tensor) -> Tensor? {
    if let tensor = PythonTensor.tensor(object) { return tensor }
    return Python.state.pointee.numbers.operand(object, beside: other)
  }

  @inline(__always)
  static func apply(_ operation: Operation, _ x: Tensor) -> PyObject? {
    do {
      return PythonTensor.wrap(
        try PythonLock.run(short: PythonLock.isShort(x)) { () throws(AlulaError) in try operation.apply(x) })
    } catch {
      return PythonError.raise(error)
    }
  }

  @inline(__always)
  static func apply(_ operation: Operation, _ x: Tensor, _ y: Tensor) -> PyObject? {
    do {
      return PythonTensor.wrap(
        try PythonLock.run(short: PythonLock.isShort(x, y)) { () throws(AlulaError) in try operation.apply(x, y) })
    } catch {
      return PythonError.raise(error)
    }
  }

  /// Writes into the first operand, whose object is the result.
  static func applyInPlace(_ operation: Operation, _ object: PyObject, _ x: Tensor, _ y: Tensor) -> PyObject? {
    do {
      try PythonLock.run(short: PythonLock.isShort(x, y)) { () throws(AlulaError) in
        try operation.applyInPlace(x, y)
      }
      return PythonCall.new(object)
    } catch {
      return PythonError.raise(error)
    }
  }
}

enum PythonText {
  /// A literal as C has it.
  static func c(_ text: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
  }

  /// An attribute, as a new reference; nil with an exception set.
  static func attribute(_ object: PyObject?, _ name: StaticString) -> PyObject? { py.attribute(object, c(name)) }

  /// The text of a `str`; nil for anything else.
  static func string(_ object: PyObject) -> String? {
    guard object.pythonType == py.textType, let text = py.text(object, nil) else { return nil }
    return String(cString: text)
  }
}
