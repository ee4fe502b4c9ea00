import Alula
import CAlula

@_cdecl("alula_tensor_register_hook") @implementation
public func alula_tensor_register_hook(
  _ out: UnsafeMutablePointer<UInt64>?, _ tensor: OpaquePointer?, _ hook: alula_gradient_hook?,
  _ context: UnsafeMutableRawPointer?, _ deleter: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
) -> alula_status {
  out?.pointee = 0
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_register_hook"
    guard let hook else { throw .invalidArgument("\(name): the callback is NULL") }
    let target = try AlulaC.tensor(tensor, name)
    let owner = CallbackContext(context, deleter)
    do throws(AlulaError) {
      let id = try target.addHook { (gradient) throws(AlulaError) in
        var handles = CallbackHandles()
        let lent = try handles.lend([gradient], "hook")
        var replacement: OpaquePointer?
        do throws(AlulaError) {
          try runCallback("hook") { hook(&replacement, lent[0], owner.pointer) }
        } catch {
          _ = try? CallbackHandles.takeOver([replacement], "hook")
          throw error
        }
        return try CallbackHandles.takeOver([replacement], "hook")[0]
      }
      out?.pointee = id
    } catch {
      owner.disown()
      throw error
    }
  }
}

@_cdecl("alula_tensor_remove_hook") @implementation
public func alula_tensor_remove_hook(_ tensor: OpaquePointer?, _ hook: UInt64) -> alula_status {
  boundary { () throws(AlulaError) in
    let name = "alula_tensor_remove_hook"
    guard try AlulaC.tensor(tensor, name).removeHook(hook) else {
      throw .outOfRange("\(name): the tensor has no hook \(hook)")
    }
  }
}
