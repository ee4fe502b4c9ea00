import Alula
import CAlula

private func optimizer(_ handle: OpaquePointer?, _ name: String) throws(AlulaError) -> Optimizer {
  try object(handle, name, "optimizer")
}

@_cdecl("alula_sgd_create") @implementation
public func alula_sgd_create(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ parameters: UnsafePointer<OpaquePointer?>?, _ parameter_count: Int,
  _ options: UnsafePointer<alula_sgd_options>?
) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let name = "alula_sgd_create"
    let o = read(options)
    let sgd = try SGD(
      try tensorList(parameters, parameter_count, name), learningRate: o.learning_rate, momentum: o.momentum,
      dampening: o.dampening, weightDecay: o.weight_decay, nesterov: o.nesterov, maximize: o.maximize)
    try store(sgd, out, name)
  }
}

@_cdecl("alula_sgd_set_options") @implementation
public func alula_sgd_set_options(_ optimizer: OpaquePointer?, _ options: UnsafePointer<alula_sgd_options>?)
  -> alula_status
{
  boundary { () throws(AlulaError) in
    let name = "alula_sgd_set_options"
    let any = try AlulaC.optimizer(optimizer, name)
    guard let sgd = any as? SGD else { throw .invalidArgument("\(name): the optimizer is \(any.name)") }
    let o = read(options)
    try sgd.setOptions(
      learningRate: o.learning_rate, momentum: o.momentum, dampening: o.dampening, weightDecay: o.weight_decay,
      nesterov: o.nesterov, maximize: o.maximize)
  }
}

private func read(_ options: UnsafePointer<alula_sgd_options>?) -> alula_sgd_options {
  readOptions(
    options,
    default: alula_sgd_options(
      struct_size: 0, learning_rate: 1e-3, momentum: 0, dampening: 0, weight_decay: 0, nesterov: false,
      maximize: false))
}

@_cdecl("alula_adam_create") @implementation
public func alula_adam_create(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ parameters: UnsafePointer<OpaquePointer?>?, _ parameter_count: Int,
  _ options: UnsafePointer<alula_adam_options>?
) -> alula_status {
  createAdam(out, parameters, parameter_count, options, decoupled: false, "alula_adam_create")
}

@_cdecl("alula_adamw_create") @implementation
public func alula_adamw_create(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ parameters: UnsafePointer<OpaquePointer?>?, _ parameter_count: Int,
  _ options: UnsafePointer<alula_adam_options>?
) -> alula_status {
  createAdam(out, parameters, parameter_count, options, decoupled: true, "alula_adamw_create")
}

private func createAdam(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ parameters: UnsafePointer<OpaquePointer?>?, _ count: Int,
  _ options: UnsafePointer<alula_adam_options>?, decoupled: Bool, _ name: String
) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let o = read(options, decoupled)
    let adam = try Adam(
      try tensorList(parameters, count, name), learningRate: o.learning_rate, beta1: o.beta1, beta2: o.beta2,
      epsilon: o.epsilon, weightDecay: o.weight_decay, decoupledWeightDecay: decoupled, maximize: o.maximize)
    try store(adam, out, name)
  }
}

@_cdecl("alula_adam_set_options") @implementation
public func alula_adam_set_options(_ optimizer: OpaquePointer?, _ options: UnsafePointer<alula_adam_options>?)
  -> alula_status
{
  boundary { () throws(AlulaError) in
    let name = "alula_adam_set_options"
    let any = try AlulaC.optimizer(optimizer, name)
    guard let adam = any as? Adam else { throw .invalidArgument("\(name): the optimizer is \(any.name)") }
    let o = read(options, adam.decoupledWeightDecay)
    try adam.setOptions(
      learningRate: o.learning_rate, beta1: o.beta1, beta2: o.beta2, epsilon: o.epsilon, weightDecay: o.weight_decay,
      maximize: o.maximize)
  }
}

private func read(_ options: UnsafePointer<alula_adam_options>?, _ decoupled: Bool) -> alula_adam_options {
  readOptions(
    options,
    default: alula_adam_options(
      struct_size: 0, learning_rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
      weight_decay: decoupled ? 1e-2 : 0, maximize: false))
}

@_cdecl("alula_optimizer_retain") @implementation
public func alula_optimizer_retain(_ optimizer: OpaquePointer?) -> alula_status {
  retain(optimizer, as: Optimizer.self, "alula_optimizer_retain", "optimizer")
}

@_cdecl("alula_optimizer_release") @implementation
public func alula_optimizer_release(_ optimizer: OpaquePointer?) -> alula_status {
  release(optimizer, as: Optimizer.self, "alula_optimizer_release", "optimizer")
}

@_cdecl("alula_optimizer_step") @implementation
public func alula_optimizer_step(_ optimizer: OpaquePointer?) -> alula_status {
  boundary { () throws(AlulaError) in try AlulaC.optimizer(optimizer, "alula_optimizer_step").step() }
}

@_cdecl("alula_optimizer_zero_grad") @implementation
public func alula_optimizer_zero_grad(_ optimizer: OpaquePointer?) -> alula_status {
  boundary { () throws(AlulaError) in try AlulaC.optimizer(optimizer, "alula_optimizer_zero_grad").zeroGradients() }
}

@_cdecl("alula_optimizer_learning_rate") @implementation
public func alula_optimizer_learning_rate(_ out: UnsafeMutablePointer<Double>?, _ optimizer: OpaquePointer?)
  -> alula_status
{
  out?.pointee = 0
  return boundary { () throws(AlulaError) in
    let name = "alula_optimizer_learning_rate"
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    out.pointee = try AlulaC.optimizer(optimizer, name).learningRate
  }
}

@_cdecl("alula_optimizer_set_learning_rate") @implementation
public func alula_optimizer_set_learning_rate(_ optimizer: OpaquePointer?, _ learning_rate: Double) -> alula_status {
  boundary { () throws(AlulaError) in
    try AlulaC.optimizer(optimizer, "alula_optimizer_set_learning_rate").setLearningRate(learning_rate)
  }
}

@_cdecl("alula_optimizer_state") @implementation
public func alula_optimizer_state(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ optimizer: OpaquePointer?)
  -> alula_status
{
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let name = "alula_optimizer_state"
    try store(TensorMap(try AlulaC.optimizer(optimizer, name).state()), out, name)
  }
}

@_cdecl("alula_optimizer_load_state") @implementation
public func alula_optimizer_load_state(_ optimizer: OpaquePointer?, _ state: OpaquePointer?) -> alula_status {
  boundary { () throws(AlulaError) in
    let name = "alula_optimizer_load_state"
    let map: TensorMap = try object(state, name, "tensor map")
    try AlulaC.optimizer(optimizer, name).loadState(map.tensors)
  }
}

@_cdecl("alula_clip_grad_norm") @implementation
public func alula_clip_grad_norm(
  _ out: UnsafeMutablePointer<Double>?, _ parameters: UnsafePointer<OpaquePointer?>?, _ parameter_count: Int,
  _ max_norm: Double, _ norm_type: Double
) -> alula_status {
  out?.pointee = 0
  return boundary { () throws(AlulaError) in
    let name = "alula_clip_grad_norm"
    let norm = try Optimizer.clipGradientNorm(
      try tensorList(parameters, parameter_count, name), maximumNorm: max_norm, order: norm_type)
    out?.pointee = norm
  }
}
