import Alula
import CAlula
import CSupport

/// A caller's context pointer: handed back to the caller's deleter, once, when nothing can call the callback any more.
final class CallbackContext: @unchecked Sendable {
  // Unchecked: the pointer is only carried; what lies behind it is the caller's.

  typealias Deleter = @convention(c) (UnsafeMutableRawPointer?) -> Void

  let pointer: UnsafeMutableRawPointer?
  private var deleter: Deleter?

  init(_ pointer: UnsafeMutableRawPointer?, _ deleter: Deleter?) {
    self.pointer = pointer
    self.deleter = deleter
  }

  /// Leaves the context to the caller after all: the function that was to take it over has failed.
  func disown() { deleter = nil }

  deinit { deleter?(pointer) }
}

/// Lends tensors to a callback as handles and takes over what it returns.
struct CallbackHandles: ~Copyable {
  private var lent: [OpaquePointer?] = []

  /// A handle to each tensor, NULL for nil, good until this value ends.
  mutating func lend(_ tensors: [Tensor?], _ name: String) throws(AlulaError) -> [OpaquePointer?] {
    var handles: [OpaquePointer?] = []
    for tensor in tensors {
      let handle = tensor.flatMap { Handles.create($0) }
      if tensor != nil && handle == nil { throw .outOfMemory("\(name): too many handles") }
      lent.append(handle)
      handles.append(handle)
    }
    return handles
  }

  deinit {
    for handle in lent { _ = Handles.release(handle, as: Tensor.self) }
  }

  /// The tensors that a callback returned; their references are the library's from here on.
  static func takeOver(_ handles: [OpaquePointer?], _ name: String) throws(AlulaError) -> [Tensor?] {
    let tensors = handles.map { Handles.object($0, as: Tensor.self) }
    for handle in handles { _ = Handles.release(handle, as: Tensor.self) }
    for (handle, tensor) in zip(handles, tensors) where handle != nil && tensor == nil {
      throw .callback("\(name): the callback returned something that is not the handle of a living tensor")
    }
    return tensors
  }
}

/// Runs a callback with the gradient mode it may change put back afterwards, and turns its failure into an error.
func runCallback(_ name: String, _ body: () -> alula_status) throws(AlulaError) {
  let enabled = GradientMode.isEnabled
  let earlier = (csupport_current_thread().pointee.last_status, String(cString: csupport_last_error()))
  csupport_set_error(Int32(ALULA_OK.rawValue), "")
  let status = body()
  GradientMode.isEnabled = enabled
  let reason = String(cString: csupport_last_error())
  if status == ALULA_OK { return csupport_set_error(earlier.0, earlier.1) }
  throw .callback("\(name): the callback failed" + (reason.isEmpty ? " with status \(status.rawValue)" : ": \(reason)"))
}
