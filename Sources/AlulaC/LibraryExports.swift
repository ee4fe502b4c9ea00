import Alula
import CAlula
import CSupport
import Glibc

@_cdecl("alula_abi_version") @implementation
public func alula_abi_version() -> Int32 { ALULA_ABI_VERSION }

@_cdecl("alula_version") @implementation
public func alula_version() -> UnsafePointer<CChar>? {
  StaticStrings.cString("\(ALULA_VERSION_MAJOR).\(ALULA_VERSION_MINOR).\(ALULA_VERSION_PATCH)")
}

@_cdecl("alula_last_error") @implementation
public func alula_last_error() -> UnsafePointer<CChar>? { csupport_last_error() }

@_cdecl("alula_last_status") @implementation
public func alula_last_status() -> alula_status {
  alula_status(rawValue: numericCast(csupport_current_thread().pointee.last_status))
}

@_cdecl("alula_set_last_error") @implementation
public func alula_set_last_error(_ status: alula_status, _ message: UnsafePointer<CChar>?) -> alula_status {
  if status != ALULA_OK, let message { csupport_set_error(Int32(truncatingIfNeeded: status.rawValue), message) }
  return status
}

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

@_cdecl("alula_live_handles") @implementation
public func alula_live_handles() -> Int { Handles.liveCount &+ PythonTensor.liveCount }

@_cdecl("alula_synchronize") @implementation
public func alula_synchronize() { for device in Device.allCases { device.synchronize() } }

// MARK: - Memory

@_cdecl("alula_memory_usage") @implementation
public func alula_memory_usage(
  _ live: UnsafeMutablePointer<Int64>?, _ peak: UnsafeMutablePointer<Int64>?, _ cached: UnsafeMutablePointer<Int64>?
) -> alula_status {
  let pool = MemoryPool.shared
  live?.pointee = Int64(pool.liveBytes)
  peak?.pointee = Int64(pool.peakBytes)
  cached?.pointee = Int64(pool.cachedBytes)
  return ALULA_OK
}

@_cdecl("alula_memory_reset_peak") @implementation
public func alula_memory_reset_peak() { MemoryPool.shared.resetPeak() }

@_cdecl("alula_memory_trim") @implementation
public func alula_memory_trim() { MemoryPool.shared.trim() }

// MARK: - Threads

@_cdecl("alula_num_threads") @implementation
public func alula_num_threads() -> Int32 { Int32(ThreadPool.threadCount) }

@_cdecl("alula_set_num_threads") @implementation
public func alula_set_num_threads(_ count: Int32) -> alula_status {
  boundary { () throws(AlulaError) in
    guard count >= 1, count <= ThreadPool.maximumThreadCount else {
      throw .invalidArgument(
        "alula_set_num_threads: \(count) is not in 1...\(ThreadPool.maximumThreadCount)")
    }
    ThreadPool.threadCount = Int(count)
  }
}

/// C strings that live as long as the process: one per distinct text.
enum StaticStrings {
  private static let lock: FutexLock = {
    _ = pthread_atfork(
      { StaticStrings.lock.lock() }, { StaticStrings.lock.unlock() }, { StaticStrings.lock.resetAfterFork() })
    return FutexLock()
  }()
  // Guarded by `lock`.
  private nonisolated(unsafe) static var table: [String: UnsafeMutablePointer<CChar>] = [:]

  static func cString(_ text: String) -> UnsafePointer<CChar>? {
    lock.lock()
    defer { lock.unlock() }
    if let known = table[text] { return UnsafePointer(known) }
    let copy = strdup(text)
    table[text] = copy
    return UnsafePointer(copy)
  }
}
