import Alula
import CAlula
import CSupport

@_cdecl("alula_python_start") @implementation
public func alula_python_start(_ package: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  PythonSetup.start(package)
}

/// Makes the native half of the Python package.
enum PythonSetup {
  /// What C holds on to for ever: types and functions point to it.
  private static func keep<T>(_ values: [T]) -> UnsafeMutablePointer<T> {
    let room = UnsafeMutablePointer<T>.allocate(capacity: values.count)
    room.initialize(from: values, count: values.count)
    return room
  }

  private static func address<Function>(_ function: Function) -> UnsafeMutableRawPointer {
    unsafeBitCast(function, to: UnsafeMutableRawPointer.self)
  }

  /// `package` is a tuple: `failure`, `types.MethodType`, the dtypes. The result is one of five functions (one that makes
  /// functions of operations, one that makes the class of tensors, `wrap`, `copied` and `borrowed`), or nil, without an
  /// exception, where this interpreter cannot be served: it is not CPython, or another one in the process is served already.
  static func start(_ package: PyObject?) -> PyObject? {
    guard let package, !Python.isStarted, let api = PythonAPI() else { return nil }
    guard api.tupleSize(package) == 3, let failure = api.tupleItem(package, 0),
      let methodType = api.tupleItem(package, 1), let dtypes = api.tupleItem(package, 2),
      // The header of an object is what it should be.
      package.pythonType == api.tupleType
    else { return nil }
    for object in [failure, methodType, dtypes] { api.incRef(object) }
    guard let functionType = functionType(api) else { return nil }
    Python.start(
      PythonState(api: api, failure: failure, methodType: methodType, functionType: functionType, dtypes: dtypes))
    guard let result = py.newTuple(5) else { return nil }
    let functions: [(StaticString, UnsafeMutableRawPointer, Int32)] = [
      ("operation", address(makeFunction), PyFlag.fast), ("tensor_class", address(makeTensorType), PyFlag.fast),
      ("wrap", address(wrap), PyFlag.oneArgument), ("copied", address(PythonBuffers.copied), PyFlag.oneArgument),
      ("borrowed", address(PythonBuffers.borrowed), PyFlag.fast),
    ]
    for (i, (name, function, flags)) in functions.enumerated() {
      let definition = csupport_py_method(
        name: PythonText.c(name), function: function, flags: flags, documentation: nil)
      _ = py.setTupleItem(result, i, py.newFunction(keep([definition]), nil, nil))
    }
    return result
  }

  private typealias Fast = @convention(c) (PyObject?, PyArguments?, Int) -> PyObject?

  // MARK: - Operations

  private static func functionType(_ api: PythonAPI) -> PyObject? {
    let offset = { (field: PartialKeyPath<csupport_py_function>) in
      MemoryLayout<csupport_py_function>.offset(of: field) ?? 0
    }
    let members = [
      csupport_py_member(
        name: PythonText.c("__vectorcalloffset__"), type: PyFlag.size, offset: offset(\.vectorcall),
        flags: PyFlag.readOnly, documentation: nil),
      csupport_py_member(
        name: PythonText.c("__dictoffset__"), type: PyFlag.size, offset: offset(\.dictionary), flags: PyFlag.readOnly,
        documentation: nil),
      csupport_py_member(),
    ]
    let properties = [
      csupport_py_property(
        name: PythonText.c("__dict__"), get: api.genericDictionary, set: nil, documentation: nil, closure: nil),
      csupport_py_property(),
    ]
    let reduce: PythonOperators.Binary = { object, _ in PythonText.attribute(object, "__qualname__") }
    let methods = [
      csupport_py_method(
        name: PythonText.c("__reduce__"), function: address(reduce), flags: PyFlag.noArguments, documentation: nil),
      csupport_py_method(),
    ]
    // As functions do: bound by the instance that they are looked up on.
    let bind: @convention(c) (PyObject, PyObject?, PyObject?) -> PyObject? = { function, object, _ in
      guard let object, object != py.none else { return PythonCall.new(function) }
      return PythonCall.call(Python.state.pointee.methodType, function, object)
    }
    let represent: PythonOperators.Unary = { object in
      guard let name = PythonText.attribute(object, "__qualname__") else { return nil }
      defer { py.decRef(name) }
      return py.newText("<operation \(PythonText.string(name) ?? "")>")
    }
    let slots = [
      csupport_py_slot(slot: PySlot.members, function: keep(members)),
      csupport_py_slot(slot: PySlot.properties, function: keep(properties)),
      csupport_py_slot(slot: PySlot.methods, function: keep(methods)),
      csupport_py_slot(slot: PySlot.call, function: api.vectorcallCall),
      csupport_py_slot(slot: PySlot.descriptorGet, function: address(bind)),
      csupport_py_slot(slot: PySlot.represent, function: address(represent)),
      csupport_py_slot(),
    ]
    var spec = csupport_py_spec(
      name: PythonText.c("alula._native.operation"), basic_size: Int32(MemoryLayout<csupport_py_function>.size),
      item_size: 0, flags: PyFlag.hasVectorcall | PyFlag.methodDescriptor, slots: keep(slots))
    return api.typeFromSpec(&spec, nil)
  }

  /// `operation(name, function, result class or None, in place)`: the function that takes the place of the package's.
  private static let makeFunction: Fast = { _, arguments, count in
    guard count == 4, let arguments, let text = arguments[0].flatMap({ PythonText.string($0) }),
      let function = arguments[1], let resultType = arguments[2],
      let operation = Catalog.operations.first(where: { $0.name == text })
    else {
      py.setErrorText(
        py.typeError, "operation: a name of the catalog, a function, a class or None, and a bool are needed")
      return nil
    }
    guard let object = py.allocate(Python.state.pointee.functionType, 0) else { return nil }
    let fields = object.assumingMemoryBound(to: csupport_py_function.self)
    let native = PythonFunction(
      operation, inPlace: arguments[3] == py.yes, function: function,
      resultType: resultType == py.none ? nil : resultType)
    fields.pointee.function = Unmanaged.passRetained(native).toOpaque()
    fields.pointee.vectorcall = address(callFunction)
    return object
  }

  private static let callFunction: @convention(c) (PyObject, PyArguments?, UInt, PyObject?) -> PyObject? = {
    object, arguments, count, names in
    let fields = object.assumingMemoryBound(to: csupport_py_function.self)
    guard let function = fields.pointee.function else { return nil }
    return Unmanaged<PythonFunction>.fromOpaque(function)._withUnsafeGuaranteedRef { $0.call(arguments, count, names) }
  }

  // MARK: - Tensors

  private static let wrap: PythonOperators.Binary = { _, handle in PythonTensor.wrap(handle: handle) }

  /// `tensor_class(methods, name)`: a subclass of the package's class of methods, whose instances hold a tensor.
  private static let makeTensorType: Fast = { _, arguments, count in
    guard count == 2, let methods = arguments?[0], let name = arguments?[1].flatMap({ PythonText.string($0) }),
      Python.state.pointee.tensorType == nil
    else {
      py.setErrorText(py.typeError, "tensor_class: one class and a name are needed, once")
      return nil
    }
    guard let operators = PythonOperators.entries(methods), let own = PythonMethods(methods) else { return nil }
    let offset = MemoryLayout<csupport_py_tensor>.offset(of: \.weak_references) ?? 0
    let members = [
      csupport_py_member(
        name: PythonText.c("__weaklistoffset__"), type: PyFlag.size, offset: offset, flags: PyFlag.readOnly,
        documentation: nil),
      csupport_py_member(),
    ]
    let deallocate: @convention(c) (PyObject) -> Void = { PythonTensor.deallocate($0) }
    var slots = [
      csupport_py_slot(slot: PySlot.deallocate, function: address(deallocate)),
      csupport_py_slot(slot: PySlot.members, function: keep(members)),
      csupport_py_slot(slot: PySlot.properties, function: keep(propertyTable)),
      csupport_py_slot(slot: PySlot.methods, function: keep(methodTable)),
      csupport_py_slot(slot: PySlot.richCompare, function: address(PythonOperators.richCompare)),
      // By identity: a class that compares has none by itself.
      csupport_py_slot(slot: PySlot.hash, function: py.typeSlot(py.objectType, PySlot.hash)),
      csupport_py_slot(slot: PySlot.bool, function: address(PythonMethods.bool)),
      csupport_py_slot(slot: PySlot.float, function: address(PythonMethods.float)),
      csupport_py_slot(slot: PySlot.subscript_, function: address(PythonMethods.subscript_)),
      csupport_py_slot(slot: PySlot.setSubscript, function: address(PythonMethods.setSubscript)),
      csupport_py_slot(slot: PySlot.getBuffer, function: address(PythonBuffers.get)),
      csupport_py_slot(slot: PySlot.releaseBuffer, function: address(PythonBuffers.release)),
    ]
    for declaration in PythonOperators.declarations where declaration.slot != 0 {
      slots.append(csupport_py_slot(slot: declaration.slot, function: declaration.function))
    }
    slots.append(csupport_py_slot())
    let bases = py.newTuple(1)
    _ = py.setTupleItem(bases, 0, PythonCall.new(methods))
    defer { py.decRef(bases) }
    var spec = csupport_py_spec(
      name: keep(Array(name.utf8CString)), basic_size: Int32(MemoryLayout<csupport_py_tensor>.size), item_size: 0,
      flags: PyFlag.subclassable, slots: keep(slots))
    guard let type = py.typeFromSpec(&spec, bases) else { return nil }
    Python.state.pointee.tensorType = PythonCall.new(type)
    Python.state.pointee.free = unsafeBitCast(
      py.typeSlot(type, PySlot.free), to: (@convention(c) (PyObject) -> Void)?.self)
    Python.state.pointee.operators = operators
    Python.state.pointee.methods = own
    return type
  }

  private static var propertyTable: [csupport_py_property] {
    func property(_ name: StaticString, _ get: @escaping PythonMethods.Getter, _ set: PythonMethods.Setter? = nil)
      -> csupport_py_property
    {
      csupport_py_property(
        name: PythonText.c(name), get: address(get), set: set.map { address($0) }, documentation: nil, closure: nil)
    }
    return [
      property("_handle", { object, _ in PythonTensor.handle(object) }) { object, value, _ in
        PythonTensor.setHandle(object, value)
      },
      property("shape", PythonMethods.shape), property("ndim", PythonMethods.ndim),
      property("dtype", PythonMethods.dtype), property("is_leaf", PythonMethods.isLeaf),
      property("requires_grad", PythonMethods.requiresGrad, PythonMethods.setRequiresGrad),
      property("grad", PythonMethods.grad, PythonMethods.setGrad), csupport_py_property(),
    ]
  }

  private static var methodTable: [csupport_py_method] {
    [
      csupport_py_method(
        name: PythonText.c("item"), function: address(PythonMethods.item), flags: PyFlag.noArguments, documentation: nil
      ),
      csupport_py_method(
        name: PythonText.c("backward"), function: address(PythonMethods.backward), flags: PyFlag.fastWithKeywords,
        documentation: nil),
      csupport_py_method(
        name: PythonText.c("detach"), function: address(PythonMethods.detach), flags: PyFlag.noArguments,
        documentation: nil),
      csupport_py_method(),
    ]
  }
}
