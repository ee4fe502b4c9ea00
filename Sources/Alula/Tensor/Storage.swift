import Synchronization

/// A reference-counted run of bytes on a device, shared by all views of it.
public final class Storage: @unchecked Sendable {
  // Unchecked: contents and version change only through operations, whose callers must not race on one
  // tensor; that is the documented rule for every in-place write.

  /// Where the bytes are, whether or not they have been computed.
  package let base: UnsafeMutableRawPointer
  /// Whether the device has calls in hand that write or read these bytes.
  package let isAwaited = Atomic(false)
  /// How many others hold the address and may read or write there without asking.
  private let exposures: Atomic<Int>
  public let byteCount: Int
  public let device: Device
  /// Rises with every in-place write, so that backward notices a saved value that was overwritten.
  package private(set) var version = 0
  private let release: (@Sendable (UnsafeMutableRawPointer) -> Void)?

  /// Uninitialised memory from the device's pool.
  @inline(__always)
  package init(byteCount: Int, device: Device, operation: String) throws(AlulaError) {
    base = try device.backend.allocate(byteCount: byteCount, operation: operation)
    exposures = Atomic(0)
    self.byteCount = byteCount
    self.device = device
    release = nil
  }

  /// Memory that belongs to the caller; `release` is called once, on any thread, when nothing uses it.
  package init(
    borrowing pointer: UnsafeMutableRawPointer, byteCount: Int, device: Device,
    release: @escaping @Sendable (UnsafeMutableRawPointer) -> Void
  ) {
    base = pointer
    exposures = Atomic(1)
    self.byteCount = byteCount
    self.device = device
    self.release = release
  }

  deinit {
    if isAwaited.load(ordering: .acquiring) { leave() }
    if let release {
      release(base)
    } else {
      device.backend.deallocate(base, byteCount: byteCount)
    }
  }

  /// Where the bytes are, when everything that was to write or read them has done so: whoever asks may do both.
  package var pointer: UnsafeMutableRawPointer {
    settle()
    return base
  }

  /// Waits until nothing that the device has in hand writes or reads these bytes.
  @inline(__always)
  package func settle() {
    if isAwaited.load(ordering: .acquiring) { wait() }
  }

  // The rare cases apart, so that the others cost no reference.
  @inline(never)
  private func wait() { device.backend.settle(self) }

  @inline(never)
  private func leave() { device.backend.forget(self) }

  /// The address for somebody who keeps it beyond the call, until `conceal`: from now on calls that read these bytes do so
  /// at once, since nobody would know of a change.
  package func expose() -> UnsafeMutableRawPointer {
    exposures.wrappingAdd(1, ordering: .sequentiallyConsistent)
    device.backend.settle(self)
    return base
  }

  /// Ends one `expose`.
  package func conceal() { exposures.wrappingSubtract(1, ordering: .sequentiallyConsistent) }

  package var isExposed: Bool { exposures.load(ordering: .sequentiallyConsistent) > 0 }

  package func markWritten() { version &+= 1 }
}
