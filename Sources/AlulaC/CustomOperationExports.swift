import Alula
import CAlula

@_cdecl("alula_custom_op") @implementation
public func alula_custom_op(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ name: UnsafePointer<CChar>?,
  _ outputs: UnsafePointer<OpaquePointer?>?, _ output_count: Int,
  _ inputs: UnsafePointer<OpaquePointer?>?, _ input_count: Int,
  _ saved: UnsafePointer<OpaquePointer?>?, _ saved_count: Int,
  _ backward: alula_custom_backward?, _ context: UnsafeMutableRawPointer?,
  _ deleter: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
) -> alula_status {
  boundary { () throws(AlulaError) in
    let function = "alula_custom_op"
    let outputs = try tensorList(outputs, output_count, function)
    guard let out, !outputs.isEmpty else {
      throw .invalidArgument("\(function): needs at least one output, and a pointer for the results")
    }
    for i in outputs.indices { out[i] = nil }
    guard let backward else { throw .invalidArgument("\(function): the callback is NULL") }
    guard let name else { throw .invalidArgument("\(function): the name is NULL") }
    let inputs = try tensorList(inputs, input_count, function)
    let saved = try tensorList(saved, saved_count, function)
    let label = String(cString: name)

    let owner = CallbackContext(context, deleter)
    let results = Autograd.custom(label, outputs: outputs, inputs: inputs, saved: saved) {
      (gradients, saved) throws(AlulaError) in
      try callBackward(backward, owner, label, gradients, saved, inputCount: input_count)
    }
    do throws(AlulaError) {
      for (i, result) in results.enumerated() { try store(result, out + i, function) }
    } catch {
      owner.disown()
      for i in outputs.indices {
        _ = Handles.release(out[i], as: Tensor.self)
        out[i] = nil
      }
      throw error
    }
  }
}

private func callBackward(
  _ backward: alula_custom_backward, _ owner: CallbackContext, _ name: String, _ gradients: [Tensor?],
  _ saved: [Tensor], inputCount: Int
) throws(AlulaError) -> [Tensor?] {
  var handles = CallbackHandles()
  let lentGradients = try handles.lend(gradients, name)
  let lentSaved = try handles.lend(saved, name)
  var results: [OpaquePointer?] = Array(repeating: nil, count: inputCount)
  do throws(AlulaError) {
    try runCallback(name) {
      results.withUnsafeMutableBufferPointer { results in
        backward(
          results.baseAddress, inputCount, lentGradients, lentGradients.count, lentSaved, lentSaved.count,
          owner.pointer)
      }
    }
  } catch {
    _ = try? CallbackHandles.takeOver(results, name)
    throw error
  }
  return try CallbackHandles.takeOver(results, name)
}
