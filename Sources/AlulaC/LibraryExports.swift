import Alula
import CAlula
import CSupport
import Glibc
import Synchronization

@_cdecl("alula_abi_version") @implementation
public func alula_abi_version() -> Int32 { ALULA_ABI_VERSION }

@_cdecl("alula_version") @implementation
public func alula_version() -> UnsafePointer<CChar>? {
  StaticStrings.cString("\(ALULA_VERSION_MAJOR).\(ALULA_VERSION_MINOR).\(ALULA_VERSION_PATCH)")
}

@_cdecl("alula_last_error") @implementation
public func alula_last_error() -> UnsafePointer<CChar>? { csupport_last_error() }

@_cdecl("alula_status_name") @implementation
public func alula_status_name(_ status: alula_status) -> UnsafePointer<CChar>? {
  let names = [
    "ALULA_OK", "ALULA_INVALID_ARGUMENT", "ALULA_INVALID_DTYPE", "ALULA_OUT_OF_RANGE", "ALULA_OUT_OF_MEMORY",
    "ALULA_INVALID_HANDLE", "ALULA_UNSUPPORTED", "ALULA_AUTOGRAD_ERROR", "ALULA_IO_ERROR", "ALULA_CALLBACK_FAILED",
    "ALULA_INTERNAL_ERROR",
  ]
  let code = Int(status.rawValue)
  return StaticStrings.cString(names.indices.contains(code) ? names[code] : "unknown status")
}

@_cdecl("alula_dtype_size") @implementation
public func alula_dtype_size(_ dtype: alula_dtype) -> Int { (try? DType(dtype))?.itemSize ?? 0 }

@_cdecl("alula_dtype_name") @implementation
public func alula_dtype_name(_ dtype: alula_dtype) -> UnsafePointer<CChar>? {
  StaticStrings.cString((try? DType(dtype))?.name ?? "invalid")
}

@_cdecl("alula_isa") @implementation
public func alula_isa() -> UnsafePointer<CChar>? { StaticStrings.cString(InstructionSet.current.rawValue) }

/// C strings that live as long as the process: one per distinct text.
enum StaticStrings {
  private static let table = Mutex<[String: UInt]>([:])

  static func cString(_ text: String) -> UnsafePointer<CChar>? {
    let address = table.withLock { table in
      if let known = table[text] { return known }
      let copy = UInt(bitPattern: strdup(text))
      table[text] = copy
      return copy
    }
    return UnsafePointer(bitPattern: address)
  }
}
