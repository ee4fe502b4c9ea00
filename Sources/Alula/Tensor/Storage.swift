/// A reference-counted run of bytes on a device, shared by all views of it.
public final class Storage: @unchecked Sendable {
  // Unchecked: contents and version change only through operations, whose callers must not race on one
  // tensor; that is the documented rule for every in-place write.

  public let pointer: UnsafeMutableRawPointer
  public let byteCount: Int
  public let device: Device
  /// Rises with every in-place write, so that backward notices a saved value that was overwritten.
  package private(set) var version = 0
  private let release: (@Sendable (UnsafeMutableRawPointer) -> Void)?

  /// Uninitialised memory from the device's pool.
  package init(byteCount: Int, device: Device, operation: String) throws(AlulaError) {
    pointer = try device.backend.allocate(byteCount: byteCount, operation: operation)
    self.byteCount = byteCount
    self.device = device
    release = nil
  }

  /// Memory that belongs to the caller; `release` is called once, on any thread, when nothing uses it.
  package init(
    borrowing pointer: UnsafeMutableRawPointer, byteCount: Int, device: Device,
    release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void
  ) {
    self.pointer = pointer
    self.byteCount = byteCount
    self.device = device
    self.release = release
  }

  deinit {
    if let release {
      release(pointer)
    } else {
      device.backend.deallocate(pointer, byteCount: byteCount)
    }
  }

  package func markWritten() { version &+= 1 }
}
