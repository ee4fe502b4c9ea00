/// Where a tensor's storage lies. Raw values are the codes of the C interface.
public enum Device: Int32, Sendable, CaseIterable {
  case cpu = 0

  public var name: String {
    switch self {
    case .cpu: "cpu"
    }
  }

  /// Returns when everything that was called has been done there: for timing.
  public func synchronize() { backend.synchronize() }

  /// The back end that allocates on this device and runs primitives there.
  package var backend: any Backend {
    switch self {
    case .cpu: CPUBackend.shared
    }
  }
}
