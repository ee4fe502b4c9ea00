import Alula
import CSupport

/// The methods and properties of tensors that are worth a native form, and the package's own behind them.
struct PythonMethods {
  let backward: PyObject
  let subscript_: PyObject
  let setSubscript: PyObject
  let bool: PyObject
  let float: PyObject
  let setRequiresGrad: PyObject
  let setGrad: PyObject

  /// Those of `methods`, a class of the package; nil with an exception set when it lacks one.
  init?(_ methods: PyObject) {
    func setter(_ name: StaticString) -> PyObject? {
      guard let property = PythonText.attribute(methods, name) else { return nil }
      defer { py.decRef(property) }
      return PythonText.attribute(property, "fset")
    }
    guard let backward = PythonText.attribute(methods, "backward"),
      let subscript_ = PythonText.attribute(methods, "__getitem__"),
      let setSubscript = PythonText.attribute(methods, "__setitem__"),
      let bool = PythonText.attribute(methods, "__bool__"), let float = PythonText.attribute(methods, "__float__"),
      let setRequiresGrad = setter("requires_grad"), let setGrad = setter("grad")
    else { return nil }
    self.backward = backward
    self.subscript_ = subscript_
    self.setSubscript = setSubscript
    self.bool = bool
    self.float = float
    self.setRequiresGrad = setRequiresGrad
    self.setGrad = setGrad
  }
}

extension PythonMethods {
  typealias Getter = @convention(c) (PyObject, UnsafeMutableRawPointer?) -> PyObject?
  typealias Setter = @convention(c) (PyObject, PyObject?, UnsafeMutableRawPointer?) -> Int32
  typealias ElementSetter = @convention(c) (PyObject, PyObject, PyObject?) -> Int32

  /// The tensor of `self`; nil with an exception set before its `__init__`.
  @inline(__always)
  private static func tensor(_ object: PyObject) -> Tensor? {
    if let tensor = PythonTensor.held(object) { return tensor }
    py.setErrorText(py.attributeError, "_handle")
    return nil
  }

  // MARK: - Properties

  static let shape: Getter = { object, _ in
    guard let dims = tensor(object)?.layout.shape else { return nil }
    guard let tuple = py.newTuple(dims.count) else { return nil }
    for i in 0..<dims.count { _ = py.setTupleItem(tuple, i, py.newInteger(Int64(dims[i]))) }
    return tuple
  }

  static let ndim: Getter = { object, _ in tensor(object).flatMap { py.newInteger(Int64($0.rank)) } }

  static let dtype: Getter = { object, _ in
    guard let code = tensor(object)?.dtype.rawValue else { return nil }
    return py.tupleItem(Python.state.pointee.dtypes, Int(code)).map { PythonCall.new($0) }
  }

  static let requiresGrad: Getter = { object, _ in tensor(object).map { PythonCall.bool($0.requiresGradient) } }

  static let setRequiresGrad: Setter = { object, value, _ in
    guard let value, value == py.yes || value == py.no, let tensor = PythonTensor.held(object) else {
      return slow(\.setRequiresGrad, object, value)
    }
    do throws(AlulaError) {
      try tensor.setRequiresGradient(value == py.yes)
      return 0
    } catch {
      PythonError.raise(error)
      return -1
    }
  }

  static let isLeaf: Getter = { object, _ in tensor(object).map { PythonCall.bool($0.isLeaf) } }

  static let grad: Getter = { object, _ in
    guard let tensor = tensor(object) else { return nil }
    return tensor.gradient.map { PythonTensor.wrap($0) } ?? PythonCall.new(py.none)
  }

  static let setGrad: Setter = { object, value, _ in
    guard let value, let tensor = PythonTensor.held(object) else { return slow(\.setGrad, object, value) }
    let gradient = PythonTensor.tensor(value)
    if gradient == nil, value != py.none { return slow(\.setGrad, object, value) }
    do throws(AlulaError) {
      try tensor.setGradient(gradient)
      return 0
    } catch {
      PythonError.raise(error)
      return -1
    }
  }

  /// Leaves it to the package's setter; nothing can be deleted.
  private static func slow(_ setter: KeyPath<PythonMethods, PyObject>, _ object: PyObject, _ value: PyObject?) -> Int32
  {
    guard let value, let methods = Python.state.pointee.methods else {
      py.setErrorText(py.attributeError, "can't delete attribute")
      return -1
    }
    guard let result = PythonCall.call(methods[keyPath: setter], object, value) else { return -1 }
    py.decRef(result)
    return 0
  }

  // MARK: - Methods

  static let item: PythonOperators.Binary = { object, _ in
    guard let tensor = tensor(object) else { return nil }
    do throws(AlulaError) {
      return NumberCache.object(try tensor.scalar())
    } catch {
      return PythonError.raise(error)
    }
  }

  static let detach: PythonOperators.Binary = { object, _ in tensor(object).flatMap { PythonTensor.wrap($0.detach()) } }

  typealias Fast = @convention(c) (PyObject, PyArguments?, Int, PyObject?) -> PyObject?

  static let backward: Fast = { object, arguments, count, names in
    guard count == 0, names == nil, let tensor = PythonTensor.held(object) else {
      return PythonCall.call(Python.state.pointee.methods?.backward, object, arguments, count, names)
    }
    do throws(AlulaError) {
      // Always without the lock: hooks may be long, and take it back themselves.
      try PythonLock.run(short: false) { () throws(AlulaError) in try Autograd.backward([tensor]) }
      return PythonCall.new(py.none)
    } catch {
      return PythonError.raise(error)
    }
  }

  static let bool: @convention(c) (PyObject) -> Int32 = { object in
    if let tensor = PythonTensor.held(object), tensor.count == 1, let number = try? tensor.scalar() {
      switch number {
      case .bool(let value): return value ? 1 : 0
      case .int(let value): return value != 0 ? 1 : 0
      case .unsigned(let value): return value != 0 ? 1 : 0
      case .float(let value): return value != 0 ? 1 : 0
      case .complex(let real, let imaginary): return real != 0 || imaginary != 0 ? 1 : 0
      }
    }
    guard let result = PythonCall.call(Python.state.pointee.methods?.bool, object) else { return -1 }
    defer { py.decRef(result) }
    return result == py.yes ? 1 : 0
  }

  static let float: PythonOperators.Unary = { object in
    if let tensor = PythonTensor.held(object), tensor.count == 1, case .float(let value)? = try? tensor.scalar() {
      return py.newFloat(value)
    }
    return PythonCall.call(Python.state.pointee.methods?.float, object)
  }

  // MARK: - Elements

  static let subscript_: PythonOperators.Binary = { object, index in
    guard let tensor = PythonTensor.held(object), let items = items(index) else {
      return PythonCall.call(Python.state.pointee.methods?.subscript_, object, index)
    }
    do throws(AlulaError) {
      return PythonTensor.wrap(try tensor.at(items))
    } catch {
      return PythonError.raise(error)
    }
  }

  static let setSubscript: ElementSetter = { object, index, value in
    guard let value else {
      py.setErrorText(py.typeError, "elements of a tensor cannot be deleted")
      return -1
    }
    guard let target = PythonTensor.held(object), let items = items(index),
      let source = PythonTensor.tensor(value) ?? Python.state.pointee.numbers.operand(value, beside: target)
    else {
      guard let result = PythonCall.call(Python.state.pointee.methods?.setSubscript, object, index, value) else {
        return -1
      }
      py.decRef(result)
      return 0
    }
    do throws(AlulaError) {
      try PythonLock.run(short: PythonLock.isShort(target)) { () throws(AlulaError) in
        try target.set(items, to: source)
      }
      return 0
    } catch {
      PythonError.raise(error)
      return -1
    }
  }

  /// An index of integers, slices, `...` and `None`, which make a view; nil for any other.
  private static func items(_ index: PyObject) -> [TensorIndex]? {
    guard index.pythonType == py.tupleType else { return item(index).map { [$0] } }
    let count = py.tupleSize(index)
    guard count >= 0, count <= Dims.maximumRank else { return nil }
    var items: [TensorIndex] = []
    items.reserveCapacity(count)
    for i in 0..<count {
      guard let part = py.tupleItem(index, i), let item = item(part) else { return nil }
      items.append(item)
    }
    return items
  }

  private static func item(_ object: PyObject) -> TensorIndex? {
    let type = object.pythonType
    if type == py.integerType { return PythonAttribute.integer(object).map { .integer($0) } }
    if object == py.none { return .newAxis }
    if object == py.ellipsis { return .ellipsis }
    guard type == py.sliceType else { return nil }
    var bounds: [Int?] = [nil, nil, nil]
    for (i, name) in (["start", "stop", "step"] as [StaticString]).enumerated() {
      guard let bound = PythonText.attribute(object, name) else { return nil }
      defer { py.decRef(bound) }
      if bound == py.none { continue }
      guard let value = PythonAttribute.integer(bound) else { return nil }
      bounds[i] = value
    }
    return .slice(start: bounds[0], stop: bounds[1], step: bounds[2])
  }
}
