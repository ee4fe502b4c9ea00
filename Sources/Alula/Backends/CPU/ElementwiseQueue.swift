import CSupport
import Glibc
import Synchronization

/// Element-wise calls on large arrays that wait for others to share their pass over memory.
///
/// Each has its result's memory already, so nothing can fail later, and nobody can tell when it is done: whoever asks
/// for the bytes of a storage that a waiting call writes or reads (`Storage.pointer`) has all of them done first. A
/// result whose last owner goes before that is never stored.
final class ElementwiseQueue: Sendable {
  static let shared = ElementwiseQueue()

  /// The fewest elements of a result that waits: where a pass over memory costs most of a call. `ALULA_FUSE_FROM` sets
  /// another number, for tests.
  static let smallest: Int =
    getenv("ALULA_FUSE_FROM").flatMap { Int(String(cString: $0)) }.map { max($0, 1) } ?? 128 * 1024
  /// The most calls that wait.
  private static let capacity = 16
  /// The shortest row that is worth a call of its own.
  private static let smallestRow = min(256, smallest)

  /// Guards everything below, and is held while calls are done.
  private let lock = FutexLock()
  private nonisolated(unsafe) var waiting = Waiting()
  /// Whether nothing waits, for a look without the lock.
  private let isEmptyNow = Atomic(true)

  private init() {
    // The pool's lock is taken while this one is held, so before a fork this one must come first.
    _ = MemoryPool.shared
    _ = pthread_atfork(
      { ElementwiseQueue.shared.lock.lock() }, { ElementwiseQueue.shared.lock.unlock() },
      { ElementwiseQueue.shared.lock.resetAfterFork() })
  }

  /// Takes the call over, whose `output` is new and without gaps; false when it must be done at once.
  func append(
    _ kernel: ElementwiseKernel, _ output: Tensor, _ a: Tensor, _ b: Tensor?, _ c: Tensor?, parameters: [Double]
  ) -> Bool {
    guard csupport_current_thread()?.pointee.in_parallel == false else { return false }
    let inputs = [a, b, c]
    var operands = InlineArray<3, FusedLoop.Operand>(repeating: .none)
    var rowLength: Int?
    for (k, input) in inputs.enumerated() {
      guard let input else { continue }
      // A number is read before the lock is taken, since that may need it.
      if input.layout.isRepeated {
        operands[k] = .number(input.firstElement)
        continue
      }
      let itemSize = input.dtype.itemSize
      let address = input.address.assumingMemoryBound(to: CChar.self)
      guard let rows = input.layout.rows(of: output.layout) else { return false }
      if rows.length == output.count, rows.step == 1 {
        operands[k] = .adjacent(address, itemSize: itemSize)
      } else {
        guard rows.length >= Self.smallestRow, 0...1 ~= rows.step, rowLength == nil || rowLength == rows.length else {
          return false
        }
        operands[k] = .rows(address, step: rows.step * itemSize, rowStep: rows.rowStep * itemSize)
        rowLength = rows.length
      }
    }
    return update { waiting in
      var released: [Storage] = []
      let fits =
        waiting.steps.count < Self.capacity && waiting.count == output.count
        && (rowLength == nil || waiting.rowLength == nil || waiting.rowLength == rowLength)
      if !fits || inputs.contains(where: { $0.map { waiting.fills($0) && waiting.result($0) == nil } ?? false }) {
        released = waiting.finish()
      }
      for (k, input) in inputs.enumerated() {
        guard let input, !input.layout.isRepeated else { continue }
        if let step = waiting.result(input) {
          operands[k] = .result(step)
        } else if input.storage.isExposed {
          return (false, released)
        }
      }
      for (k, input) in inputs.enumerated() {
        switch operands[k] {
        case .adjacent, .rows: if let input { waiting.keep(input.storage) }
        default: break
        }
      }
      waiting.add(
        FusedLoop.Step(
          kernel: kernel, parameters: parameters, operands: operands,
          target: output.address.assumingMemoryBound(to: CChar.self), itemSize: output.dtype.itemSize),
        filling: output.storage, count: output.count, rowLength: rowLength)
      return (true, released)
    }
  }

  /// Whether nothing waits. Another thread's call may come or go at the same time.
  var isEmpty: Bool {
    @inline(__always) get { isEmptyNow.load(ordering: .relaxed) }
  }

  /// Does what waits, if any of it writes or reads the storage.
  func settle(_ storage: Storage) {
    update { waiting in ((), storage.isAwaited.load(ordering: .relaxed) ? waiting.finish() : []) }
  }

  /// Does all that waits.
  func finish() { update { waiting in ((), waiting.finish()) } }

  /// The storage's last owner has gone: nobody will see what is written there.
  func forget(_ storage: Storage) { update { waiting in ((), waiting.forget(storage)) } }

  /// Calls `body` with the lock. Storages that it gives back go afterwards, since the end of one may need the lock.
  private func update<Result>(_ body: (inout Waiting) -> (Result, released: [Storage])) -> Result {
    lock.lock()
    let (result, released) = body(&waiting)
    isEmptyNow.store(waiting.steps.isEmpty, ordering: .relaxed)
    lock.unlock()
    withExtendedLifetime(released) {}
    return result
  }
}

/// The calls that wait.
private struct Waiting {
  private(set) var steps: [FusedLoop.Step] = []
  /// The number of elements of each step, and of their rows where an operand has some.
  private(set) var count = 0
  private(set) var rowLength: Int?
  /// What each step fills, until its last owner has gone. Not retained: a result that nobody else wants is not stored.
  private var targets: [Unmanaged<Storage>?] = []
  /// What the steps read that none of them fills.
  private var sources: [Storage] = []

  func fills(_ tensor: Tensor) -> Bool { step(filling: tensor.storage) != nil }

  /// The step whose results are the tensor's elements one by one, if there is one.
  func result(_ tensor: Tensor) -> Int? {
    guard let step = step(filling: tensor.storage), tensor.layout.isPlain, tensor.count == count,
      tensor.dtype.itemSize == steps[step].itemSize
    else { return nil }
    return step
  }

  private func step(filling storage: Storage) -> Int? {
    targets.firstIndex { $0?.toOpaque() == Unmanaged.passUnretained(storage).toOpaque() }
  }

  mutating func keep(_ storage: Storage) {
    if sources.contains(where: { $0 === storage }) { return }
    storage.isAwaited.store(true, ordering: .releasing)
    sources.append(storage)
  }

  mutating func add(_ step: FusedLoop.Step, filling storage: Storage, count: Int, rowLength: Int?) {
    storage.isAwaited.store(true, ordering: .releasing)
    steps.append(step)
    targets.append(Unmanaged.passUnretained(storage))
    self.count = count
    self.rowLength = self.rowLength ?? rowLength
  }

  /// Does all steps whose results somebody may see.
  mutating func finish() -> [Storage] {
    if steps.isEmpty { return [] }
    for i in steps.indices { steps[i].isKept = targets[i] != nil }
    FusedLoop(steps, count: count, rowLength: rowLength).run()
    return clear()
  }

  mutating func forget(_ storage: Storage) -> [Storage] {
    guard let step = step(filling: storage) else { return [] }
    targets[step] = nil
    return targets.allSatisfy { $0 == nil } ? clear() : []
  }

  private mutating func clear() -> [Storage] {
    for target in targets { target?._withUnsafeGuaranteedRef { $0.isAwaited.store(false, ordering: .releasing) } }
    for source in sources { source.isAwaited.store(false, ordering: .releasing) }
    let sources = sources
    self = Waiting()
    return sources
  }
}

extension Layout {
  /// The elements that meet those of `other`, in its order: rows of `length`, with the distances of elements and of rows. nil
  /// where they lie otherwise.
  fileprivate func rows(of other: Layout) -> (length: Int, step: Int, rowStep: Int)? {
    if self === other || (isContiguous && shape == other.shape) { return (other.count, 1, 0) }
    guard let full = broadcast(to: other.shape) else { return nil }
    var (length, step, rows, rowStep) = (1, 0, 1, 0)
    for axis in other.shape.indices.reversed() where other.shape[axis] != 1 {
      let (extent, distance) = (other.shape[axis], full.strides[axis])
      if length == 1 {
        (length, step) = (extent, distance)
      } else if rows == 1, distance == step * length {
        length *= extent
      } else if rows == 1 {
        (rows, rowStep) = (extent, distance)
      } else if distance == rowStep * rows {
        rows *= extent
      } else {
        return nil
      }
    }
    return (length, step, rowStep)
  }
}

extension Tensor {
  /// The bytes of the first element, and zeros.
  fileprivate var firstElement: SIMD2<UInt64> {
    var bytes = SIMD2<UInt64>()
    withUnsafeMutableBytes(of: &bytes) {
      $0.copyMemory(from: UnsafeRawBufferPointer(start: data, count: dtype.itemSize))
    }
    return bytes
  }
}
