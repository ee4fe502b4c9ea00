import Alula
import CAlula
import CSupport
import Synchronization

// Tensors as objects of Python: the tensor itself behind the object's header, so that a call needs no handle. One is
// made when the package's other calls ask for `_handle`.

enum PythonTensor {
  typealias Fields = csupport_py_tensor

  /// Tensors that objects hold, but for those that also have a handle. Written with the interpreter's lock held.
  private static let live = Atomic<Int>(0)
  static var liveCount: Int { live.load(ordering: .relaxed) }

  @inline(__always)
  private static func addLive(_ change: Int) {
    live.store(live.load(ordering: .relaxed) &+ change, ordering: .relaxed)
  }

  @inline(__always)
  static func isTensor(_ object: PyObject) -> Bool {
    let type = object.pythonType
    guard let tensorType = Python.state.pointee.tensorType else { return false }
    return type == tensorType || py.isSubtype(type, tensorType) != 0
  }

  @inline(__always)
  static func fields(_ object: PyObject) -> UnsafeMutablePointer<Fields> {
    object.assumingMemoryBound(to: Fields.self)
  }

  /// The tensor of an object that is one; nil before its `__init__`.
  @inline(__always)
  static func held(_ object: PyObject) -> Tensor? {
    fields(object).pointee.tensor.map { Unmanaged<Tensor>.fromOpaque($0).takeUnretainedValue() }
  }

  /// The tensor of any object; nil when it is none.
  @inline(__always)
  static func tensor(_ object: PyObject) -> Tensor? { isTensor(object) ? held(object) : nil }

  /// A new object for a tensor; nil when Python has no memory.
  @inline(__always)
  static func wrap(_ tensor: Tensor) -> PyObject? {
    guard let object = py.allocate(Python.state.pointee.tensorType, 0) else { return nil }
    fields(object).pointee.tensor = Unmanaged.passRetained(tensor).toOpaque()
    addLive(1)
    return object
  }

  /// A new object that takes over one reference of a handle; an integer in Python.
  static func wrap(handle: PyObject?) -> PyObject? {
    guard let object = py.allocate(Python.state.pointee.tensorType, 0) else { return nil }
    if setHandle(object, handle) == 0 { return object }
    py.decRef(object)
    return nil
  }

  /// `tp_dealloc`, which runs on any thread, with whatever error is on its way.
  static func deallocate(_ object: PyObject) {
    if fields(object).pointee.weak_references != nil { py.clearWeakReferences(object) }
    if fields(object).pointee.tensor != nil {
      // The end of a tensor may call back into Python: for memory that NumPy lent.
      if py.errorOccurred() == nil {
        clear(object)
      } else {
        var error: (PyObject?, PyObject?, PyObject?) = (nil, nil, nil)
        py.errorFetch(&error.0, &error.1, &error.2)
        clear(object)
        py.errorRestore(error.0, error.1, error.2)
      }
    }
    let type = object.pythonType
    if type == Python.state.pointee.tensorType, let free = Python.state.pointee.free {
      free(object)
    } else {
      // Subclasses with a dictionary come from elsewhere.
      let free = unsafeBitCast(py.typeSlot(type, PySlot.free), to: (@convention(c) (PyObject) -> Void)?.self)
      free?(object)
    }
    py.decRef(type)
  }

  private static func clear(_ object: PyObject) {
    guard let tensor = fields(object).pointee.tensor else { return }
    let handle = fields(object).pointee.handle
    fields(object).pointee.tensor = nil
    fields(object).pointee.handle = nil
    if handle == nil { addLive(-1) } else { _ = Handles.release(OpaquePointer(handle), as: Tensor.self) }
    Unmanaged<Tensor>.fromOpaque(tensor).release()
  }

  // MARK: - Handles

  /// `_handle`: an integer that lives as long as the object.
  static func handle(_ object: PyObject) -> PyObject? {
    if let handle = fields(object).pointee.handle { return py.newUnsigned(UInt64(UInt(bitPattern: handle))) }
    guard let tensor = held(object) else {
      py.setErrorText(py.attributeError, "_handle")
      return nil
    }
    guard let handle = Handles.create(tensor) else {
      return PythonError.raise(.outOfMemory("tensor: too many handles"))
    }
    fields(object).pointee.handle = UnsafeMutableRawPointer(handle)
    addLive(-1)
    return py.newUnsigned(UInt64(UInt(bitPattern: handle)))
  }

  /// Takes over one reference of a handle.
  static func setHandle(_ object: PyObject, _ value: PyObject?) -> Int32 {
    guard let value, value.pythonType == py.integerType else {
      py.setErrorText(py.typeError, "_handle: an integer is needed")
      return -1
    }
    let bits = py.unsigned(value)
    if py.errorOccurred() != nil { return -1 }
    let handle = OpaquePointer(bitPattern: UInt(bits))
    guard let tensor = Handles.object(handle, as: Tensor.self) else {
      PythonError.raise(badHandle(handle, "_handle", "tensor"))
      return -1
    }
    clear(object)
    fields(object).pointee.tensor = Unmanaged.passRetained(tensor).toOpaque()
    fields(object).pointee.handle = UnsafeMutableRawPointer(handle)
    return 0
  }
}

enum PythonError {
  /// Raises what the engine threw, as the package's `failure` makes it an exception. Returns nil, as callers do.
  @discardableResult
  static func raise(_ error: AlulaError) -> PyObject? {
    let status = Int32(error.kind.rawValue)
    csupport_set_error(status, error.message)
    guard let number = py.newInteger(Int64(status)) else { return nil }
    defer { py.decRef(number) }
    guard let exception = PythonCall.call(Python.state.pointee.failure, number) else { return nil }
    py.setError(exception.pythonType, exception)
    py.decRef(exception)
    return nil
  }
}

/// Calls of Python functions with a few arguments.
enum PythonCall {
  static func call(_ function: PyObject?, _ a: PyObject?) -> PyObject? {
    var arguments = (a, a)
    return withUnsafeBytes(of: &arguments) {
      py.vectorcall(function, $0.assumingMemoryBound(to: PyObject?.self).baseAddress, 1, nil)
    }
  }

  static func call(_ function: PyObject?, _ a: PyObject?, _ b: PyObject?) -> PyObject? {
    var arguments = (a, b)
    return withUnsafeBytes(of: &arguments) {
      py.vectorcall(function, $0.assumingMemoryBound(to: PyObject?.self).baseAddress, 2, nil)
    }
  }

  static func call(_ function: PyObject?, _ a: PyObject?, _ b: PyObject?, _ c: PyObject?) -> PyObject? {
    var arguments = (a, b, c)
    return withUnsafeBytes(of: &arguments) {
      py.vectorcall(function, $0.assumingMemoryBound(to: PyObject?.self).baseAddress, 3, nil)
    }
  }

  /// Calls a method's function: `object` goes before the arguments.
  static func call(
    _ function: PyObject?, _ object: PyObject?, _ arguments: PyArguments?, _ count: Int, _ names: PyObject?
  ) -> PyObject? {
    let total = count + (names == nil ? 0 : max(py.tupleSize(names), 0))
    return withUnsafeTemporaryAllocation(of: PyObject?.self, capacity: total + 1) { room in
      room.initializeElement(at: 0, to: object)
      for i in 0..<total { room.initializeElement(at: i + 1, to: arguments?[i]) }
      return py.vectorcall(function, room.baseAddress.map { PyArguments($0) }, UInt(count + 1), names)
    }
  }

  /// A new reference to one of Python's constants.
  @inline(__always)
  static func new(_ constant: PyObject) -> PyObject {
    py.incRef(constant)
    return constant
  }

  @inline(__always)
  static func bool(_ value: Bool) -> PyObject { new(value ? py.yes : py.no) }
}

/// Work that gives up the interpreter's lock when it is long.
enum PythonLock {
  /// Elements, or products of operands' elements, up to which the lock is kept: giving it up and taking it back costs as
  /// much as a small operation, and a thread that waits for it would not run before the work is done.
  static let limit = 1 << 15

  /// An upper bound of an operation's work: of an element-wise one the elements, of a product the multiplications.
  @inline(__always)
  static func isShort(_ a: Tensor, _ b: Tensor) -> Bool {
    let (x, y) = (a.layout.count, b.layout.count)
    if x > limit || y > limit { return false }
    return x &* y <= limit
  }

  @inline(__always)
  static func isShort(_ a: Tensor) -> Bool { a.layout.count <= limit }

  @inline(__always)
  static func run<R>(short: Bool, _ body: () throws(AlulaError) -> R) throws(AlulaError) -> R {
    if short { return try body() }
    let thread = py.saveThread()
    defer { py.restoreThread(thread) }
    return try body()
  }
}
