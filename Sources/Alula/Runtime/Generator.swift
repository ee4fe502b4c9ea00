import Glibc

/// A source of random numbers.
///
/// The numbers are those of Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2,
/// 3", 2011): a keyed function of a counter. A call that draws reserves a range of counters and computes its
/// elements from them in any order, so a stream depends on the seed and on the calls alone, not on threads.
///
/// Any thread may use a generator. A forked child goes on with a copy of its parent's state.
public final class Generator: Sendable {
  /// What operations draw from when no generator is named. Starts with the same seed in every process.
  public static let `default` = Generator(seed: defaultSeed)

  public static let defaultSeed: UInt64 = 0

  /// The length of `state`.
  public static let stateByteCount = 24

  /// Counters are reserved in groups of this many: what the kernels compute at once. A group gives 32 words
  /// of 32 bits.
  package static let groupSize: UInt64 = 8

  private struct State {
    var seed: UInt64
    /// The next group.
    var offset: UInt64 = 0
  }

  // Changed under the lock alone. All generators share it: it is held for nanoseconds, and one lock is easily kept
  // free over a fork.
  private nonisolated(unsafe) var current: State
  private static let lock: FutexLock = {
    let lock = FutexLock()
    _ = pthread_atfork({ Generator.lock.lock() }, { Generator.lock.unlock() }, { Generator.lock.resetAfterFork() })
    return lock
  }()

  public init(seed: UInt64 = defaultSeed) {
    current = State(seed: seed)
  }

  private func withState<R>(_ body: (inout State) -> R) -> R {
    Generator.lock.lock()
    defer { Generator.lock.unlock() }
    return body(&current)
  }

  /// The number that the stream started from.
  public var seed: UInt64 { withState { $0.seed } }

  /// Starts the stream of `seed`.
  public func setSeed(_ seed: UInt64) { withState { $0 = State(seed: seed) } }

  /// Draws a seed from the operating system, and starts its stream.
  @discardableResult
  public func setRandomSeed() -> UInt64 {
    var system = SystemRandomNumberGenerator()
    let seed: UInt64 = system.next()
    setSeed(seed)
    return seed
  }

  /// A range of the stream that no other call gets: room for `count` numbers of which a group gives `perGroup`.
  package func reserve(_ count: Int, perGroup: Int) -> RandomRange {
    let groups = count <= 0 ? 0 : (count - 1) / max(perGroup, 1) + 1
    return withState { state in
      defer { state.offset &+= UInt64(groups) }
      return RandomRange(key: state.seed, group: state.offset)
    }
  }

  // MARK: - Checkpoints

  private static let stateTag: [UInt8] = Array("philox_1".utf8)

  /// Everything that decides what comes next, to be stored in a checkpoint.
  public var state: [UInt8] {
    let state = withState { $0 }
    return Generator.stateTag + Generator.bytes(state.seed) + Generator.bytes(state.offset)
  }

  /// Goes on where `state` was read.
  ///
  /// - Throws: `invalidArgument` when the bytes are no generator's state.
  public func setState(_ bytes: [UInt8]) throws(AlulaError) {
    guard bytes.count == Generator.stateByteCount, Array(bytes[0..<8]) == Generator.stateTag else {
      throw .invalidArgument("set_state: these \(bytes.count) bytes are not a generator's state")
    }
    let new = State(seed: Generator.number(bytes[8..<16]), offset: Generator.number(bytes[16..<24]))
    withState { $0 = new }
  }

  private static func bytes(_ number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * UInt64($0))) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}

/// A part of a generator's stream: its key, and its first group of counters.
package struct RandomRange: Sendable {
  package let key: UInt64
  package let group: UInt64
}
