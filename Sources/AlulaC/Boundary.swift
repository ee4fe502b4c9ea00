import Alula
import CAlula
import CSupport

public typealias TensorOut = UnsafeMutablePointer<OpaquePointer?>?

/// The tensors of a call as its caller gave them.
typealias HandleList = ShortList<OpaquePointer?>

/// The border of the library: runs `body`, turns what it throws into a status, and keeps the message for
/// `alula_last_error`.
func boundary(_ body: () throws(AlulaError) -> Void) -> alula_status {
  do {
    try body()
    return ALULA_OK
  } catch {
    let status = alula_status(rawValue: numericCast(error.kind.rawValue))
    csupport_set_error(Int32(status.rawValue), error.message)
    return status
  }
}

// MARK: - Handles

func tensor(_ handle: OpaquePointer?, _ name: String) throws(AlulaError) -> Tensor {
  guard let tensor = Handles.object(handle, as: Tensor.self) else { throw badHandle(handle, name, "tensor") }
  return tensor
}

/// The object of any other type behind a handle; `type` is the noun for messages.
func object<Object: Handles.Handled>(_ handle: OpaquePointer?, _ name: String, _ type: String)
  throws(AlulaError) -> Object
{
  guard let object = Handles.object(handle, as: Object.self) else { throw badHandle(handle, name, type) }
  return object
}

func badHandle(_ handle: OpaquePointer?, _ name: String, _ type: String) -> AlulaError {
  let noun = (type.hasPrefix("o") ? "an " : "a ") + type
  if handle == nil { return .invalidHandle("\(name): \(noun) is NULL") }
  return Handles.isLive(handle)
    ? .invalidHandle("\(name): a handle of another type was given as \(noun)")
    : .invalidHandle("\(name): not the handle of a living \(type): already released, or never one")
}

func retain<Object: Handles.Handled>(_ handle: OpaquePointer?, as: Object.Type, _ name: String, _ type: String)
  -> alula_status
{
  boundary { () throws(AlulaError) in
    if Handles.retain(handle, as: Object.self) { return }
    guard Handles.object(handle, as: Object.self) == nil else { throw .outOfMemory("\(name): too many references") }
    throw badHandle(handle, name, type)
  }
}

func release<Object: Handles.Handled>(_ handle: OpaquePointer?, as: Object.Type, _ name: String, _ type: String)
  -> alula_status
{
  if handle == nil || Handles.release(handle, as: Object.self) { return ALULA_OK }
  return boundary { () throws(AlulaError) in throw badHandle(handle, name, type) }
}

/// Stores a new handle to `object` in `*out`.
@inline(__always)
func store(_ object: consuming some Handles.Handled, _ out: UnsafeMutablePointer<OpaquePointer?>?, _ name: String)
  throws(AlulaError)
{
  guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
  guard let handle = Handles.create(object) else { throw .outOfMemory("\(name): too many handles") }
  out.pointee = handle
}

// MARK: - Operations

/// Calls an operation of one tensor without attributes.
func apply(_ operation: Operation, _ out: TensorOut, _ a: OpaquePointer?) -> alula_status {
  out?.pointee = nil
  guard let a = Handles.pin(a, as: Tensor.self) else { return refuse(a, operation) }
  return a.with { a in
    boundary { () throws(AlulaError) in try store(try operation.apply(a), out, operation.name) }
  }
}

/// Calls an operation of two tensors without attributes.
func apply(_ operation: Operation, _ out: TensorOut, _ a: OpaquePointer?, _ b: OpaquePointer?) -> alula_status {
  out?.pointee = nil
  guard let a = Handles.pin(a, as: Tensor.self) else { return refuse(a, operation) }
  guard let b = Handles.pin(b, as: Tensor.self) else { return refuse(b, operation) }
  return a.with { a in
    b.with { b in
      boundary { () throws(AlulaError) in try store(try operation.apply(a, b), out, operation.name) }
    }
  }
}

/// Calls an element-wise operation without attributes that writes into its first tensor.
func applyInPlace(_ operation: Operation, _ a: OpaquePointer?) -> alula_status {
  guard let a = Handles.pin(a, as: Tensor.self) else { return refuse(a, operation) }
  return a.with { a in boundary { () throws(AlulaError) in try operation.applyInPlace(a) } }
}

func applyInPlace(_ operation: Operation, _ a: OpaquePointer?, _ b: OpaquePointer?) -> alula_status {
  guard let a = Handles.pin(a, as: Tensor.self) else { return refuse(a, operation) }
  guard let b = Handles.pin(b, as: Tensor.self) else { return refuse(b, operation) }
  return a.with { a in b.with { b in boundary { () throws(AlulaError) in try operation.applyInPlace(a, b) } } }
}

/// Calls a reduction.
func reduce(
  _ operation: Operation, _ out: TensorOut, _ x: OpaquePointer?, _ axis: UnsafePointer<Int64>?, _ axisCount: Int,
  _ keepdims: Bool, _ dtype: alula_dtype = ALULA_DTYPE_NONE
) -> alula_status {
  out?.pointee = nil
  guard let x = Handles.pin(x, as: Tensor.self) else { return refuse(x, operation) }
  return x.with { x in
    boundary { () throws(AlulaError) in
      let axes = axis == nil && axisCount == 0 ? nil : try integers(axis, axisCount)
      let dtype = dtype == ALULA_DTYPE_NONE ? nil : try DType(dtype)
      try store(try operation.reduce(x, axes, keepdims: keepdims, dtype: dtype), out, operation.name)
    }
  }
}

private func refuse(_ handle: OpaquePointer?, _ operation: Operation) -> alula_status {
  boundary { () throws(AlulaError) in throw badHandle(handle, operation.name, "tensor") }
}

/// Runs an operation with one result.
func run(
  _ operation: Operation, _ out: TensorOut, _ inputs: HandleList,
  _ attributes: @autoclosure () throws(AlulaError) -> [AttributeValue] = []
) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let result = try operation.first(try tensors(inputs, operation), try attributes())
    try store(result, out, operation.name)
  }
}

/// Runs an operation with several results.
func run(
  _ operation: Operation, _ outs: [TensorOut], _ inputs: HandleList,
  _ attributes: @autoclosure () throws(AlulaError) -> [AttributeValue] = []
) -> alula_status {
  for out in outs { out?.pointee = nil }
  return boundary { () throws(AlulaError) in
    for out in outs where out == nil {
      throw .invalidArgument("\(operation.name): a pointer for a result is NULL")
    }
    let results = try operation(try tensors(inputs, operation), try attributes())
    for (result, out) in zip(results, outs) { try store(result, out, operation.name) }
  }
}

/// Runs an operation on a list of tensors.
func run(
  _ operation: Operation, _ out: TensorOut, list: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ attributes: @autoclosure () throws(AlulaError) -> [AttributeValue] = []
) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let handles = try copyList(list, count, operation.name)
    let result = try operation.first(try tensors(HandleList(handles), operation), try attributes())
    try store(result, out, operation.name)
  }
}

/// Runs an operation and writes its result into the first input.
func runInPlace(
  _ operation: Operation, _ inputs: HandleList,
  _ attributes: @autoclosure () throws(AlulaError) -> [AttributeValue] = []
) -> alula_status {
  boundary { () throws(AlulaError) in
    try operation.callInPlace(try tensors(inputs, operation), try attributes())
  }
}

private func tensors(_ handles: HandleList, _ operation: Operation) throws(AlulaError) -> Operands {
  var result = Operands()
  for (i, handle) in handles.enumerated() {
    let isOptional = handle == nil && i < operation.inputs.count && operation.inputs[i].arity == .optional
    result.append(isOptional ? nil : try tensor(handle, operation.name))
  }
  return result
}

/// `count` values at `list`, after a check that there can be so many.
func copyList<T>(_ list: UnsafePointer<T>?, _ count: Int, _ name: String) throws(AlulaError) -> [T] {
  if count == 0 { return [] }
  guard count > 0, count <= 1 << 24 else { throw .invalidArgument("\(name): a list of \(count) elements") }
  guard let list else { throw .invalidArgument("\(name): a list of \(count) elements is NULL") }
  return Array(UnsafeBufferPointer(start: list, count: count))
}
