import Alula
import CSupport

/// An operation of the catalog as a function of Python: what the package's own function does with plain arguments.
/// With any other (arrays, names of dtypes, a missing argument) it calls that function, whose place it takes.
final class PythonFunction {
  /// A parameter of the function, and what it is to the operation. Names, kinds and defaults stand elsewhere: what has no
  /// reference in it is read at no cost.
  private struct Parameter {
    let isInput: Bool
    /// Among the operation's inputs, or its attributes.
    let index: Int
    let isOptional: Bool
    /// A value input, which takes part in promotion.
    let isValue: Bool
    /// A list of tensors: the only input then.
    let isList: Bool
  }

  private let operation: Operation
  /// Whether the result is written into the first input.
  private let isInPlace: Bool
  /// The package's function, and the class of several results.
  private let function: PyObject
  private let resultType: PyObject?
  /// In the order of the package's function: first what must be given.
  private let parameters: UnsafeMutablePointer<Parameter>
  private let names: UnsafeMutablePointer<PyObject?>
  private let parameterCount: Int
  private let kinds: [Attribute.Kind]
  private let defaults: [AttributeValue]
  /// The number of tensors of an operation that takes nothing else, or 0.
  private let arity: Int
  /// Whether a number takes the dtype of the one value that it meets.
  private let takesNumbers: Bool
  private let isView: Bool
  /// Inputs in another order than the parameters'.
  private let isForFunction: Bool

  init(_ operation: Operation, inPlace: Bool, function: PyObject, resultType: PyObject?) {
    self.operation = operation
    isInPlace = inPlace
    self.function = PythonCall.new(function)
    self.resultType = resultType.map { PythonCall.new($0) }
    var all: [(name: String, parameter: Parameter)] = []
    for (i, input) in operation.inputs.enumerated() {
      let parameter = Parameter(
        isInput: true, index: i, isOptional: input.arity == .optional, isValue: input.role == .value,
        isList: input.arity == .list)
      all.append((input.name, parameter))
    }
    for (i, attribute) in operation.attributes.enumerated() {
      let parameter = Parameter(
        isInput: false, index: i, isOptional: attribute.defaultValue != nil, isValue: false, isList: false)
      all.append((attribute.name, parameter))
    }
    all = all.filter { !$0.parameter.isOptional } + all.filter { $0.parameter.isOptional }
    parameterCount = all.count
    parameters = .allocate(capacity: all.count)
    names = .allocate(capacity: all.count)
    for (i, (name, parameter)) in all.enumerated() {
      (parameters + i).initialize(to: parameter)
      (names + i).initialize(to: py.internedText(name))
    }
    kinds = operation.attributes.map(\.kind)
    defaults = operation.attributes.map { $0.defaultValue ?? .none }
    let isPlain =
      operation.attributes.isEmpty && operation.outputs.count == 1
      && operation.inputs.allSatisfy { $0.arity == .one && $0.role == .value }
    arity = isPlain && operation.inputs.count <= 2 ? operation.inputs.count : 0
    takesNumbers = operation.inputs.count { $0.role == .value } == 2
    isView = if case .view = operation.body { true } else { false }
    let order = all.filter(\.parameter.isInput).map(\.parameter.index)
    isForFunction = order != Array(operation.inputs.indices)
  }

  // MARK: - Calls

  func call(_ arguments: PyArguments?, _ flags: UInt, _ names: PyObject?) -> PyObject? {
    let count = Int(flags & ~PyFlag.argumentsOffset)
    if count == arity, count > 0, names == nil, let arguments, let result = callPlain(arguments) {
      return result.object
    }
    // Parameters are few: the room is on the stack.
    let result = withUnsafeTemporaryAllocation(of: PyObject?.self, capacity: parameterCount) { room -> Result? in
      guard !isForFunction, let values = room.baseAddress, bind(arguments, count, names, values) else { return nil }
      return callAny(values)
    }
    if let result { return result.object }
    return py.vectorcall(function, arguments, flags, names)
  }

  /// What a call came to: an object, or nil with an exception set.
  private struct Result {
    let object: PyObject?
  }

  /// One or two tensors, or a tensor and a number.
  @inline(__always)
  private func callPlain(_ arguments: PyArguments) -> Result? {
    guard let first = arguments[0] else { return nil }
    if arity == 1 {
      guard let x = PythonTensor.tensor(first), !isInPlace else { return nil }
      return Result(object: PythonOperation.apply(operation, x))
    }
    guard let second = arguments[1] else { return nil }
    if isInPlace {
      guard let x = PythonTensor.tensor(first), let y = PythonOperation.operand(second, beside: x) else { return nil }
      return Result(object: PythonOperation.applyInPlace(operation, first, x, y))
    }
    guard let (x, y) = PythonOperation.operands(first, second) else { return nil }
    return Result(object: PythonOperation.apply(operation, x, y))
  }

  /// Puts the arguments into the order of the parameters, nil where one is missing; false when they do not fit.
  private func bind(
    _ arguments: PyArguments?, _ count: Int, _ given: PyObject?, _ values: UnsafeMutablePointer<PyObject?>
  ) -> Bool {
    guard count <= parameterCount else { return false }
    for i in 0..<parameterCount { (values + i).initialize(to: i < count ? arguments?[i] : nil) }
    guard let given else { return true }
    for k in 0..<max(py.tupleSize(given), 0) {
      // Names in source code are interned, so that equal ones are one object.
      let name = py.tupleItem(given, k)
      var i = 0
      while i < parameterCount, names[i] != name { i &+= 1 }
      guard i < parameterCount, values[i] == nil else { return false }
      values[i] = arguments?[count &+ k]
    }
    return true
  }

  /// Nil when an argument is for the package's function to convert, or to refuse.
  private func callAny(_ values: UnsafeMutablePointer<PyObject?>) -> Result? {
    var inputs = Operands()
    var attributes = defaults
    var work = 1
    var first: PyObject?
    for i in 0..<parameterCount {
      let parameter = parameters[i]
      let value = values[i].flatMap { $0 == py.none ? nil : $0 }
      if parameter.isInput {
        if parameter.index == 0 { first = value }
        guard let value else {
          guard parameter.isOptional else { return nil }
          inputs.append(nil)
          continue
        }
        if parameter.isList {
          guard let elements = PythonFunction.elements(value, &inputs) else { return nil }
          work = PythonFunction.product(work, elements)
          continue
        }
        guard let tensor = PythonTensor.tensor(value) ?? number(value, parameter, values) else { return nil }
        inputs.append(tensor)
        work = PythonFunction.product(work, tensor.count)
      } else if let value = values[i] {
        guard let converted = PythonAttribute.value(value, kinds[parameter.index]) else { return nil }
        work = PythonFunction.product(work, PythonAttribute.weight(converted))
        attributes[parameter.index] = converted
      } else if !parameter.isOptional {
        return nil
      }
    }
    return run(inputs, attributes, first, short: isView || work <= PythonLock.limit)
  }

  /// Appends the tensors of a list or tuple, and counts their elements; nil where anything else is in it.
  private static func elements(_ list: PyObject, _ inputs: inout Operands) -> Int? {
    let isTuple = list.pythonType == py.tupleType
    guard isTuple || list.pythonType == py.listType else { return nil }
    var elements = 0
    for i in 0..<max(isTuple ? py.tupleSize(list) : py.listSize(list), 0) {
      guard let item = isTuple ? py.tupleItem(list, i) : py.listItem(list, i), let tensor = PythonTensor.tensor(item)
      else { return nil }
      inputs.append(tensor)
      elements = elements.addingReportingOverflow(tensor.count).partialValue
    }
    return inputs.isEmpty ? nil : elements
  }

  /// A number beside a tensor, in its dtype.
  private func number(_ value: PyObject, _ parameter: Parameter, _ values: UnsafeMutablePointer<PyObject?>) -> Tensor? {
    guard takesNumbers, parameter.isValue, parameter.index > 0 || !isInPlace else { return nil }
    for i in 0..<parameterCount where parameters[i].isValue {
      if let other = values[i], let tensor = PythonTensor.tensor(other) {
        return Python.state.pointee.numbers.operand(value, beside: tensor)
      }
    }
    return nil
  }

  private func run(_ inputs: Operands, _ attributes: [AttributeValue], _ target: PyObject?, short: Bool) -> Result {
    do {
      if isInPlace {
        try PythonLock.run(short: short) { () throws(AlulaError) in try operation.callInPlace(inputs, attributes) }
        return Result(object: target.map { PythonCall.new($0) })
      }
      guard let resultType else {
        return Result(
          object: PythonTensor.wrap(
            try PythonLock.run(short: short) { () throws(AlulaError) in try operation.first(inputs, attributes) }))
      }
      let results = try PythonLock.run(short: short) { () throws(AlulaError) in try operation(inputs, attributes) }
      return Result(object: PythonFunction.named(resultType, results))
    } catch {
      return Result(object: PythonError.raise(error))
    }
  }

  private static func named(_ type: PyObject, _ results: [Tensor]) -> PyObject? {
    withUnsafeTemporaryAllocation(of: PyObject?.self, capacity: max(results.count, 1)) { room in
      for (i, result) in results.enumerated() { room.initializeElement(at: i, to: PythonTensor.wrap(result)) }
      defer { for i in results.indices { py.decRef(room[i]) } }
      for i in results.indices where room[i] == nil { return nil }
      return py.vectorcall(type, room.baseAddress.map { PyArguments($0) }, UInt(results.count), nil)
    }
  }

  private static func product(_ a: Int, _ b: Int) -> Int {
    let (product, overflow) = a.multipliedReportingOverflow(by: max(b, 1))
    return overflow ? .max : product
  }
}

/// Python's values as those of attributes: only where there is nothing to decide.
enum PythonAttribute {
  /// Nil for what the package's functions know better.
  static func value(_ object: PyObject, _ kind: Attribute.Kind) -> AttributeValue? {
    switch kind {
    case .bool: object.pythonType == py.boolType ? .bool(object == py.yes) : nil
    case .int: integer(object).map { .int($0) }
    case .optionalInt: object == py.none ? AttributeValue.none : integer(object).map { .int($0) }
    case .float:
      object.pythonType == py.floatType ? .float(py.float(object)) : integer(object).map { .float(Double($0)) }
    case .ints: integers(object).map { .ints($0) }
    case .optionalInts: object == py.none ? AttributeValue.none : integers(object).map { .ints($0) }
    case .spatial(let axes): spatial(object, axes).map { .ints($0) }
    case .dtype: dtype(object).map { .dtype($0) }
    case .optionalDType: object == py.none ? AttributeValue.none : dtype(object).map { .dtype($0) }
    case .scalar: NumberCache.number(object).map { .scalar($0) }
    case .choice(let choices):
      PythonText.string(object).flatMap { choices.contains($0) ? .string($0) : nil }
    case .device: PythonText.string(object) == "cpu" ? .device(.cpu) : nil
    case .generator: object == py.none ? AttributeValue.none : nil
    }
  }

  /// By how much a value can multiply an operation's work: repetitions, or the extents of what is made.
  static func weight(_ value: AttributeValue) -> Int {
    switch value {
    case .int(let value): return Int(clamping: value.magnitude)
    case .ints(let values):
      var weight = 1
      for value in values {
        let (product, overflow) = weight.multipliedReportingOverflow(by: max(Int(clamping: value.magnitude), 1))
        if overflow { return .max }
        weight = product
      }
      return weight
    case .scalar(.int(let value)): return Int(clamping: value.magnitude)
    case .scalar(.float(let value)): return value.magnitude < 1e9 ? Int(value.magnitude) : .max
    default: return 1
    }
  }

  static func integer(_ object: PyObject) -> Int? {
    guard object.pythonType == py.integerType else { return nil }
    var overflow: Int32 = 0
    let value = Int(py.integer(object, &overflow))
    // The smallest integer means that none is given.
    return overflow == 0 && value != .min ? value : nil
  }

  private static func integers(_ object: PyObject) -> [Int]? {
    let type = object.pythonType
    if type == py.integerType { return integer(object).map { [$0] } }
    let isTuple = type == py.tupleType
    guard isTuple || type == py.listType else { return nil }
    let count = isTuple ? py.tupleSize(object) : py.listSize(object)
    guard count >= 0, count <= Dims.maximumRank else { return nil }
    var result: [Int] = []
    result.reserveCapacity(count)
    for i in 0..<count {
      guard let item = isTuple ? py.tupleItem(object, i) : py.listItem(object, i), let value = integer(item) else {
        return nil
      }
      result.append(value)
    }
    return result
  }

  private static func spatial(_ object: PyObject, _ axes: Int) -> [Int]? {
    guard let values = integers(object) else { return nil }
    if values.count == axes { return values }
    return values.count == 1 ? Array(repeating: values[0], count: axes) : nil
  }

  private static func dtype(_ object: PyObject) -> DType? {
    let dtypes = Python.state.pointee.dtypes
    for code in 0..<max(py.tupleSize(dtypes), 0) where py.tupleItem(dtypes, code) == object {
      return DType(rawValue: Int32(truncatingIfNeeded: code))
    }
    return nil
  }
}
