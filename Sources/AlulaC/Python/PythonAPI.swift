import CSupport
import Glibc

// CPython's functions, found in the running process. Nothing of Python is linked or compiled against: they and the
// layouts in `python_layout.h` are those of its stable ABI, so that one library serves every version.

typealias PyObject = UnsafeMutableRawPointer
typealias PyArguments = UnsafePointer<PyObject?>

/// What CPython's type slots are numbered, and the flags of types, methods and members.
enum PySlot {
  static let absolute: Int32 = 6
  static let add: Int32 = 7
  static let and: Int32 = 8
  static let bool: Int32 = 9
  static let float: Int32 = 11
  static let floorDivide: Int32 = 12
  static let inPlaceAdd: Int32 = 14
  static let inPlaceMultiply: Int32 = 18
  static let inPlacePower: Int32 = 20
  static let inPlaceSubtract: Int32 = 23
  static let inPlaceTrueDivide: Int32 = 24
  static let invert: Int32 = 27
  static let leftShift: Int32 = 28
  static let multiply: Int32 = 29
  static let negative: Int32 = 30
  static let or: Int32 = 31
  static let power: Int32 = 33
  static let remainder: Int32 = 34
  static let rightShift: Int32 = 35
  static let subtract: Int32 = 36
  static let trueDivide: Int32 = 37
  static let xor: Int32 = 38
  static let getBuffer: Int32 = 1
  static let releaseBuffer: Int32 = 2
  static let setSubscript: Int32 = 3
  static let subscript_: Int32 = 5
  static let call: Int32 = 50
  static let deallocate: Int32 = 52
  static let descriptorGet: Int32 = 54
  static let documentation: Int32 = 56
  static let hash: Int32 = 59
  static let richCompare: Int32 = 67
  static let methods: Int32 = 64
  static let represent: Int32 = 66
  static let members: Int32 = 72
  static let properties: Int32 = 73
  static let free: Int32 = 74
  static let matrixMultiply: Int32 = 75
}

enum PyFlag {
  static let subclassable: UInt32 = 1 << 10
  static let hasVectorcall: UInt32 = 1 << 11
  static let methodDescriptor: UInt32 = 1 << 17
  /// Methods and functions: of an array of arguments, with or without keywords, of one, of none.
  static let fast: Int32 = 0x80
  static let fastWithKeywords: Int32 = 0x82
  static let oneArgument: Int32 = 0x08
  static let noArguments: Int32 = 0x04
  /// Members: a read-only Py_ssize_t.
  static let size: Int32 = 19
  static let readOnly: Int32 = 1
  /// Beside the count of a vectorcall's arguments.
  static let argumentsOffset = 1 << 63 as UInt
}

/// The functions and objects in use. All are called with the interpreter's lock held, but for `restoreThread`.
struct PythonAPI {
  let incRef: @convention(c) (PyObject?) -> Void
  let decRef: @convention(c) (PyObject?) -> Void
  let saveThread: @convention(c) () -> UnsafeMutableRawPointer?
  let restoreThread: @convention(c) (UnsafeMutableRawPointer?) -> Void

  let typeFromSpec: @convention(c) (UnsafeMutablePointer<csupport_py_spec>, PyObject?) -> PyObject?
  let typeSlot: @convention(c) (PyObject?, Int32) -> UnsafeMutableRawPointer?
  let isSubtype: @convention(c) (PyObject?, PyObject?) -> Int32
  let allocate: @convention(c) (PyObject?, Int) -> PyObject?
  let clearWeakReferences: @convention(c) (PyObject) -> Void
  let newFunction: @convention(c) (UnsafeMutablePointer<csupport_py_method>, PyObject?, PyObject?) -> PyObject?

  let attribute: @convention(c) (PyObject?, UnsafePointer<CChar>) -> PyObject?
  let genericDictionary: UnsafeMutableRawPointer
  let vectorcall: @convention(c) (PyObject?, PyArguments?, UInt, PyObject?) -> PyObject?
  let vectorcallCall: UnsafeMutableRawPointer

  let errorOccurred: @convention(c) () -> PyObject?
  let errorFetch: @convention(c) (_ type: PyOut, _ value: PyOut, _ trace: PyOut) -> Void
  let errorRestore: @convention(c) (PyObject?, PyObject?, PyObject?) -> Void
  let setError: @convention(c) (PyObject?, PyObject?) -> Void
  let setErrorText: @convention(c) (PyObject?, UnsafePointer<CChar>) -> Void

  let newTuple: @convention(c) (Int) -> PyObject?
  let setTupleItem: @convention(c) (PyObject?, Int, PyObject?) -> Int32
  let tupleSize: @convention(c) (PyObject?) -> Int
  let tupleItem: @convention(c) (PyObject?, Int) -> PyObject?
  let listSize: @convention(c) (PyObject?) -> Int
  let listItem: @convention(c) (PyObject?, Int) -> PyObject?
  let unpackSlice: @convention(c) (PyObject?, IntOut, IntOut, IntOut) -> Int32

  let newInteger: @convention(c) (Int64) -> PyObject?
  let newUnsigned: @convention(c) (UInt64) -> PyObject?
  let integer: @convention(c) (PyObject?, UnsafeMutablePointer<Int32>) -> Int64
  let unsigned: @convention(c) (PyObject?) -> UInt64
  let newFloat: @convention(c) (Double) -> PyObject?
  let float: @convention(c) (PyObject?) -> Double
  let newComplex: @convention(c) (Double, Double) -> PyObject?
  let complexReal: @convention(c) (PyObject?) -> Double
  let complexImaginary: @convention(c) (PyObject?) -> Double
  let newText: @convention(c) (UnsafePointer<CChar>) -> PyObject?
  let internedText: @convention(c) (UnsafePointer<CChar>) -> PyObject?
  let text: @convention(c) (PyObject?, UnsafeMutablePointer<Int>?) -> UnsafePointer<CChar>?

  let getBuffer: @convention(c) (PyObject?, UnsafeMutablePointer<csupport_py_buffer>, Int32) -> Int32
  let releaseBuffer: @convention(c) (UnsafeMutablePointer<csupport_py_buffer>) -> Void
  let clearError: @convention(c) () -> Void

  let none: PyObject
  let yes: PyObject
  let no: PyObject
  let notImplemented: PyObject
  let ellipsis: PyObject
  let objectType: PyObject
  let integerType: PyObject
  let boolType: PyObject
  let floatType: PyObject
  let complexType: PyObject
  let tupleType: PyObject
  let listType: PyObject
  let sliceType: PyObject
  let textType: PyObject
  let typeError: PyObject
  let attributeError: PyObject
  let bufferError: PyObject

  typealias PyOut = UnsafeMutablePointer<PyObject?>
  typealias IntOut = UnsafeMutablePointer<Int>

  /// Nil in a process where something is missing: another Python than CPython, or none.
  init?() {
    /// The executable or a library that it was linked to has them.
    guard let process = dlopen(nil, RTLD_NOW) else { return nil }
    defer { dlclose(process) }
    var isComplete = true
    func find(_ name: StaticString) -> UnsafeMutableRawPointer {
      let address = dlsym(process, PythonText.c(name))
      if address == nil { isComplete = false }
      // Never used when something is missing.
      return address ?? process
    }
    func function<Function>(_ name: StaticString) -> Function { unsafeBitCast(find(name), to: Function.self) }
    /// Exceptions are pointers to objects.
    func exception(_ name: StaticString) -> PyObject {
      find(name).load(as: PyObject?.self) ?? process
    }

    incRef = function("Py_IncRef")
    decRef = function("Py_DecRef")
    saveThread = function("PyEval_SaveThread")
    restoreThread = function("PyEval_RestoreThread")
    typeFromSpec = function("PyType_FromSpecWithBases")
    typeSlot = function("PyType_GetSlot")
    isSubtype = function("PyType_IsSubtype")
    allocate = function("PyType_GenericAlloc")
    clearWeakReferences = function("PyObject_ClearWeakRefs")
    newFunction = function("PyCFunction_NewEx")
    attribute = function("PyObject_GetAttrString")
    genericDictionary = find("PyObject_GenericGetDict")
    vectorcall = function("PyObject_Vectorcall")
    vectorcallCall = find("PyVectorcall_Call")
    errorOccurred = function("PyErr_Occurred")
    errorFetch = function("PyErr_Fetch")
    errorRestore = function("PyErr_Restore")
    setError = function("PyErr_SetObject")
    setErrorText = function("PyErr_SetString")
    newTuple = function("PyTuple_New")
    setTupleItem = function("PyTuple_SetItem")
    tupleSize = function("PyTuple_Size")
    tupleItem = function("PyTuple_GetItem")
    listSize = function("PyList_Size")
    listItem = function("PyList_GetItem")
    unpackSlice = function("PySlice_Unpack")
    newInteger = function("PyLong_FromLongLong")
    newUnsigned = function("PyLong_FromUnsignedLongLong")
    integer = function("PyLong_AsLongLongAndOverflow")
    unsigned = function("PyLong_AsUnsignedLongLong")
    newFloat = function("PyFloat_FromDouble")
    float = function("PyFloat_AsDouble")
    newComplex = function("PyComplex_FromDoubles")
    complexReal = function("PyComplex_RealAsDouble")
    complexImaginary = function("PyComplex_ImagAsDouble")
    newText = function("PyUnicode_FromString")
    internedText = function("PyUnicode_InternFromString")
    text = function("PyUnicode_AsUTF8AndSize")
    getBuffer = function("PyObject_GetBuffer")
    releaseBuffer = function("PyBuffer_Release")
    clearError = function("PyErr_Clear")
    none = find("_Py_NoneStruct")
    yes = find("_Py_TrueStruct")
    no = find("_Py_FalseStruct")
    notImplemented = find("_Py_NotImplementedStruct")
    ellipsis = find("_Py_EllipsisObject")
    objectType = find("PyBaseObject_Type")
    integerType = find("PyLong_Type")
    boolType = find("PyBool_Type")
    floatType = find("PyFloat_Type")
    complexType = find("PyComplex_Type")
    tupleType = find("PyTuple_Type")
    listType = find("PyList_Type")
    sliceType = find("PySlice_Type")
    textType = find("PyUnicode_Type")
    typeError = exception("PyExc_TypeError")
    attributeError = exception("PyExc_AttributeError")
    bufferError = exception("PyExc_BufferError")
    if !isComplete { return nil }
  }
}

/// What the interpreter is known by, once the Python package has asked for it; guarded by its lock.
struct PythonState {
  let api: PythonAPI
  /// `failure` of the package: the exception for a status.
  let failure: PyObject
  /// `types.MethodType`
  let methodType: PyObject
  let functionType: PyObject
  /// `alula.Tensor` and what frees its instances, once it is made.
  var tensorType: PyObject?
  var free: (@convention(c) (PyObject) -> Void)?
  /// Its operators and its other methods.
  var operators: UnsafeMutablePointer<PythonOperators.Entry>?
  var methods: PythonMethods?
  /// The package's dtypes, by code: a tuple.
  let dtypes: PyObject
  let numbers = NumberCache()
}

private nonisolated(unsafe) var shared: UnsafeMutablePointer<PythonState>?

enum Python {
  /// Only called by what Python calls, after `start`.
  @inline(__always)
  static var state: UnsafeMutablePointer<PythonState> { shared.unsafelyUnwrapped }
  static var isStarted: Bool { shared != nil }

  static func start(_ state: PythonState) {
    let room = UnsafeMutablePointer<PythonState>.allocate(capacity: 1)
    room.initialize(to: state)
    shared = room
  }
}

/// The functions of CPython.
@inline(__always)
var py: PythonAPI {
  _read { yield Python.state.pointee.api }
}

extension PyObject {
  @inline(__always)
  var pythonType: PyObject { assumingMemoryBound(to: csupport_py_object.self).pointee.type }
}
