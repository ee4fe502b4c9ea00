import Alula
import CAlula

@_cdecl("alula_tensor_set_requires_grad") @implementation
public func alula_tensor_set_requires_grad(_ tensor: OpaquePointer?, _ required: Bool) -> alula_status {
  boundary { () throws(AlulaError) in
    try AlulaC.tensor(tensor, "alula_tensor_set_requires_grad").setRequiresGradient(required)
  }
}

@_cdecl("alula_tensor_requires_grad") @implementation
public func alula_tensor_requires_grad(_ out: UnsafeMutablePointer<Bool>?, _ tensor: OpaquePointer?) -> alula_status {
  out?.pointee = false
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_requires_grad"
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    out.pointee = try AlulaC.tensor(tensor, name).requiresGradient
  }
}

@_cdecl("alula_tensor_is_leaf") @implementation
public func alula_tensor_is_leaf(_ out: UnsafeMutablePointer<Bool>?, _ tensor: OpaquePointer?) -> alula_status {
  out?.pointee = false
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_is_leaf"
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    out.pointee = try AlulaC.tensor(tensor, name).isLeaf
  }
}

@_cdecl("alula_tensor_grad") @implementation
public func alula_tensor_grad(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ tensor: OpaquePointer?) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_grad"
    if let gradient = try AlulaC.tensor(tensor, name).gradient { try store(gradient, out, name) }
  }
}

@_cdecl("alula_tensor_set_grad") @implementation
public func alula_tensor_set_grad(_ tensor: OpaquePointer?, _ grad: OpaquePointer?) -> alula_status {
  boundary { () throws(AlulaError) in
    let name = "alula_tensor_set_grad"
    let value = grad == nil ? nil : try AlulaC.tensor(grad, name)
    try AlulaC.tensor(tensor, name).setGradient(value)
  }
}

@_cdecl("alula_tensor_detach") @implementation
public func alula_tensor_detach(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ tensor: OpaquePointer?)
  -> alula_status
{
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_detach"
    try store(try AlulaC.tensor(tensor, name).detach(), out, name)
  }
}

@_cdecl("alula_tensor_grad_fn") @implementation
public func alula_tensor_grad_fn(
  _ out: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ tensor: OpaquePointer?
) -> alula_status {
  boundary { () throws(AlulaError) in
    let name = "alula_tensor_grad_fn"
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    out.pointee = StaticStrings.cString("")
    out.pointee = StaticStrings.cString(try AlulaC.tensor(tensor, name).gradientFunctionName ?? "")
  }
}

@_cdecl("alula_backward") @implementation
public func alula_backward(
  _ roots: UnsafePointer<OpaquePointer?>?, _ seeds: UnsafePointer<OpaquePointer?>?, _ root_count: Int,
  _ retain_graph: Bool, _ create_graph: Bool
) -> alula_status {
  boundary { () throws(AlulaError) in
    let name = "alula_backward"
    let roots = try tensorList(roots, root_count, name)
    try Autograd.backward(
      roots, seeds: try optionalTensorList(seeds, root_count, name), retainGraph: retain_graph,
      createGraph: create_graph)
  }
}

@_cdecl("alula_grad") @implementation
public func alula_grad(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ outputs: UnsafePointer<OpaquePointer?>?,
  _ seeds: UnsafePointer<OpaquePointer?>?, _ output_count: Int, _ inputs: UnsafePointer<OpaquePointer?>?,
  _ input_count: Int, _ retain_graph: Bool, _ create_graph: Bool
) -> alula_status {
  boundary { () throws(AlulaError) in
    let name = "alula_grad"
    let targets = try tensorList(inputs, input_count, name)
    if targets.isEmpty { return }
    guard let out else { throw .invalidArgument("\(name): the pointer for the results is NULL") }
    for i in targets.indices { out[i] = nil }
    let gradients = try Autograd.gradients(
      of: try tensorList(outputs, output_count, name), withRespectTo: targets,
      seeds: try optionalTensorList(seeds, output_count, name), retainGraph: retain_graph,
      createGraph: create_graph)
    for (i, gradient) in gradients.enumerated() {
      if let gradient { try store(gradient, out + i, name) }
    }
  }
}

@_cdecl("alula_grad_enabled") @implementation
public func alula_grad_enabled() -> Bool { GradientMode.isEnabled }

@_cdecl("alula_set_grad_enabled") @implementation
public func alula_set_grad_enabled(_ enabled: Bool) { GradientMode.isEnabled = enabled }

@_cdecl("alula_no_grad_begin") @implementation
public func alula_no_grad_begin() { GradientMode.begin() }

@_cdecl("alula_no_grad_end") @implementation
public func alula_no_grad_end() -> alula_status {
  boundary { () throws(AlulaError) in
    guard GradientMode.end() else { throw .invalidArgument("alula_no_grad_end: no alula_no_grad_begin is open") }
  }
}

func tensorList(_ handles: UnsafePointer<OpaquePointer?>?, _ count: Int, _ name: String) throws(AlulaError)
  -> [Tensor]
{
  var result: [Tensor] = []
  for handle in try copyList(handles, count, name) { result.append(try tensor(handle, name)) }
  return result
}

/// A list whose entries may be NULL; empty when the list is NULL.
private func optionalTensorList(_ handles: UnsafePointer<OpaquePointer?>?, _ count: Int, _ name: String)
  throws(AlulaError) -> [Tensor?]
{
  if handles == nil { return [] }
  var result: [Tensor?] = []
  for handle in try copyList(handles, count, name) { result.append(handle == nil ? nil : try tensor(handle, name)) }
  return result
}
