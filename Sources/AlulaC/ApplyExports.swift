import Alula
import CAlula

@_cdecl("alula_operation_number") @implementation
public func alula_operation_number(_ out: UnsafeMutablePointer<Int32>?, _ name: UnsafePointer<CChar>?) -> alula_status {
  out?.pointee = 0
  return boundary { () throws(AlulaError) in
    let function = "alula_operation_number"
    guard let out else { throw .invalidArgument("\(function): the pointer for the result is NULL") }
    guard let name else { throw .invalidArgument("\(function): the name is NULL") }
    let text = String(cString: name)
    guard let number = Catalog.applicable.firstIndex(where: { $0.name == text }) else {
      throw .invalidArgument("\(function): '\(text)' is no operation of one or two tensors and nothing else")
    }
    out.pointee = Int32(number)
  }
}

@_cdecl("alula_apply") @implementation
public func alula_apply(_ operation: Int32, _ a: OpaquePointer?, _ b: OpaquePointer?) -> OpaquePointer? {
  var out: OpaquePointer?
  guard Catalog.applicable.indices.contains(Int(operation)) else {
    _ = boundary { () throws(AlulaError) in
      throw .invalidArgument("alula_apply: \(operation) is no operation's number")
    }
    return nil
  }
  let operation = Catalog.applicable[Int(operation)]
  // What b must be, its inputs know; a missing or surplus tensor gets the usual message.
  _ = b == nil && operation.inputs.count == 1 ? apply(operation, &out, a) : apply(operation, &out, a, b)
  return out
}
