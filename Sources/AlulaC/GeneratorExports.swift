import Alula
import CAlula

/// The generator behind a handle; NULL stands for the default one.
private func generator(_ handle: OpaquePointer?, _ name: String) throws(AlulaError) -> Generator {
  handle == nil ? .default : try object(handle, name, "generator")
}

@_cdecl("alula_generator_create") @implementation
public func alula_generator_create(_ out: UnsafeMutablePointer<OpaquePointer?>?, _ seed: UInt64) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in try store(Generator(seed: seed), out, "alula_generator_create") }
}

@_cdecl("alula_generator_default") @implementation
public func alula_generator_default(_ out: UnsafeMutablePointer<OpaquePointer?>?) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in try store(Generator.default, out, "alula_generator_default") }
}

@_cdecl("alula_generator_retain") @implementation
public func alula_generator_retain(_ generator: OpaquePointer?) -> alula_status {
  retain(generator, as: Generator.self, "alula_generator_retain", "generator")
}

@_cdecl("alula_generator_release") @implementation
public func alula_generator_release(_ generator: OpaquePointer?) -> alula_status {
  release(generator, as: Generator.self, "alula_generator_release", "generator")
}

@_cdecl("alula_generator_seed") @implementation
public func alula_generator_seed(_ out: UnsafeMutablePointer<UInt64>?, _ generator: OpaquePointer?) -> alula_status {
  out?.pointee = 0
  return boundary { () throws(AlulaError) in
    let name = "alula_generator_seed"
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    out.pointee = try AlulaC.generator(generator, name).seed
  }
}

@_cdecl("alula_generator_set_seed") @implementation
public func alula_generator_set_seed(_ generator: OpaquePointer?, _ seed: UInt64) -> alula_status {
  boundary { () throws(AlulaError) in
    try AlulaC.generator(generator, "alula_generator_set_seed").setSeed(seed)
  }
}

@_cdecl("alula_generator_set_random_seed") @implementation
public func alula_generator_set_random_seed(_ out: UnsafeMutablePointer<UInt64>?, _ generator: OpaquePointer?)
  -> alula_status
{
  out?.pointee = 0
  return boundary { () throws(AlulaError) in
    let seed = try AlulaC.generator(generator, "alula_generator_set_random_seed").setRandomSeed()
    out?.pointee = seed
  }
}

@_cdecl("alula_generator_state") @implementation
public func alula_generator_state(_ out: UnsafeMutablePointer<UInt8>?, _ size: Int, _ generator: OpaquePointer?)
  -> alula_status
{
  boundary { () throws(AlulaError) in
    let name = "alula_generator_state"
    let state = try AlulaC.generator(generator, name).state
    guard let out, size == state.count else {
      throw .invalidArgument("\(name): needs room for exactly \(state.count) bytes, ALULA_GENERATOR_STATE_SIZE")
    }
    for (i, byte) in state.enumerated() { out[i] = byte }
  }
}

@_cdecl("alula_generator_set_state") @implementation
public func alula_generator_set_state(
  _ generator: OpaquePointer?, _ state: UnsafePointer<UInt8>?, _ size: Int
) -> alula_status {
  boundary { () throws(AlulaError) in
    let name = "alula_generator_set_state"
    try AlulaC.generator(generator, name).setState(try copyList(state, size, name))
  }
}
