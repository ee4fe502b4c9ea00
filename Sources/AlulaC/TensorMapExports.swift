import Alula
import CAlula

private func map(_ handle: OpaquePointer?, _ name: String) throws(AlulaError) -> TensorMap {
  try object(handle, name, "tensor map")
}

private func text(_ string: UnsafePointer<CChar>?, _ what: String, _ name: String) throws(AlulaError) -> String {
  guard let string else { throw .invalidArgument("\(name): the \(what) is NULL") }
  guard let text = String(validatingCString: string) else {
    throw .invalidArgument("\(name): the \(what) is not valid UTF-8")
  }
  return text
}

@_cdecl("alula_tensor_map_create") @implementation
public func alula_tensor_map_create(_ out: UnsafeMutablePointer<OpaquePointer?>?) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in try store(TensorMap(), out, "alula_tensor_map_create") }
}

@_cdecl("alula_tensor_map_retain") @implementation
public func alula_tensor_map_retain(_ map: OpaquePointer?) -> alula_status {
  retain(map, as: TensorMap.self, "alula_tensor_map_retain", "tensor map")
}

@_cdecl("alula_tensor_map_release") @implementation
public func alula_tensor_map_release(_ map: OpaquePointer?) -> alula_status {
  release(map, as: TensorMap.self, "alula_tensor_map_release", "tensor map")
}

@_cdecl("alula_tensor_map_count") @implementation
public func alula_tensor_map_count(_ out: UnsafeMutablePointer<Int>?, _ map: OpaquePointer?) -> alula_status {
  out?.pointee = 0
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_map_count"
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    out.pointee = try AlulaC.map(map, name).count
  }
}

@_cdecl("alula_tensor_map_name") @implementation
public func alula_tensor_map_name(
  _ out: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ map: OpaquePointer?, _ index: Int
) -> alula_status {
  out?.pointee = StaticStrings.cString("")
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_map_name"
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    out.pointee = try AlulaC.map(map, name).entry(index, name).name
  }
}

@_cdecl("alula_tensor_map_tensor") @implementation
public func alula_tensor_map_tensor(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ map: OpaquePointer?, _ index: Int
) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_map_tensor"
    try store(try AlulaC.map(map, name).entry(index, name).tensor, out, name)
  }
}

@_cdecl("alula_tensor_map_find") @implementation
public func alula_tensor_map_find(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ map: OpaquePointer?, _ name: UnsafePointer<CChar>?
) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let function = "alula_tensor_map_find"
    let key = try text(name, "name", function)
    guard let tensor = try AlulaC.map(map, function).find(key) else {
      throw .outOfRange("\(function): there is no tensor named '\(key)'")
    }
    try store(tensor, out, function)
  }
}

@_cdecl("alula_tensor_map_insert") @implementation
public func alula_tensor_map_insert(
  _ map: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ tensor: OpaquePointer?
) -> alula_status {
  boundary { () throws(AlulaError) in
    let function = "alula_tensor_map_insert"
    let key = try text(name, "name", function)
    try AlulaC.map(map, function).insert(try AlulaC.tensor(tensor, function), key)
  }
}

// MARK: - Metadata and files

@_cdecl("alula_tensor_map_metadata") @implementation
public func alula_tensor_map_metadata(
  _ out: UnsafeMutablePointer<UnsafePointer<CChar>?>?, _ map: OpaquePointer?, _ name: UnsafePointer<CChar>?
) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let function = "alula_tensor_map_metadata"
    guard let out else { throw .invalidArgument("\(function): the pointer for the result is NULL") }
    let key = try text(name, "name", function)
    out.pointee = try AlulaC.map(map, function).metadata(key)
  }
}

@_cdecl("alula_tensor_map_set_metadata") @implementation
public func alula_tensor_map_set_metadata(
  _ map: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
) -> alula_status {
  boundary { () throws(AlulaError) in
    let function = "alula_tensor_map_set_metadata"
    let key = try text(name, "name", function)
    try AlulaC.map(map, function).setMetadata(try text(value, "value", function), key)
  }
}

@_cdecl("alula_safetensors_load") @implementation
public func alula_safetensors_load(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ path: UnsafePointer<CChar>?)
  -> alula_status
{
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let name = "alula_safetensors_load"
    let contents = try SafeTensors.load(path: try text(path, "path", name))
    let map = try TensorMap(contents.tensors)
    for (key, value) in contents.metadata { try map.setMetadata(value, key) }
    try store(map, out, name)
  }
}

@_cdecl("alula_safetensors_save") @implementation
public func alula_safetensors_save(_ map: OpaquePointer?, _ path: UnsafePointer<CChar>?) -> alula_status {
  boundary { () throws(AlulaError) in
    let name = "alula_safetensors_save"
    let map = try AlulaC.map(map, name)
    try SafeTensors.save(map.tensors, metadata: map.metadata, path: try text(path, "path", name))
  }
}
