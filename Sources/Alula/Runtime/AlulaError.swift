/// What every fallible function of the engine throws: a kind, and a message that names the operation and
/// what it was given.
public struct AlulaError: Error, Sendable {
  /// Raw values are the status codes of the C interface; they are never renumbered.
  public enum Kind: Int32, Sendable, CaseIterable {
    /// A value, shape or combination that the operation does not accept.
    case invalidArgument = 1
    /// A dtype that the operation does not accept.
    case invalidDType = 2
    /// An index or axis out of range.
    case outOfRange = 3
    case outOfMemory = 4
    /// A handle that is NULL, stale, foreign, or of another type.
    case invalidHandle = 5
    /// Something meaningful that Alula does not do.
    case unsupported = 6
    /// A value needed by a gradient was overwritten, or the graph does not reach what was asked for.
    case autograd = 7
    /// A file could not be read or written, or holds something else.
    case io = 8
    /// A callback supplied by the caller reported failure.
    case callback = 9
    /// A defect in Alula.
    case `internal` = 10
  }

  public let kind: Kind
  public let message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  public static func invalidArgument(_ message: String) -> AlulaError { .init(.invalidArgument, message) }
  public static func invalidDType(_ message: String) -> AlulaError { .init(.invalidDType, message) }
  public static func outOfRange(_ message: String) -> AlulaError { .init(.outOfRange, message) }
  public static func outOfMemory(_ message: String) -> AlulaError { .init(.outOfMemory, message) }
  public static func invalidHandle(_ message: String) -> AlulaError { .init(.invalidHandle, message) }
  public static func unsupported(_ message: String) -> AlulaError { .init(.unsupported, message) }
  public static func autograd(_ message: String) -> AlulaError { .init(.autograd, message) }
  public static func io(_ message: String) -> AlulaError { .init(.io, message) }
  public static func callback(_ message: String) -> AlulaError { .init(.callback, message) }
  public static func `internal`(_ message: String) -> AlulaError { .init(.internal, message) }
}

extension AlulaError: CustomStringConvertible {
  public var description: String { message }
}
