import Alula
import Glibc

/// Handles stand for objects of the engine outside it. A handle is a number dressed as a pointer: a tag that no
/// address has, the slot, and the generation of the slot's present tenant, so that a stale, foreign or
/// doubly released handle is recognised instead of followed.
///
///     63 ...... 56 | 55 ............ 28 | 27 ....... 0
///     tag          | generation         | slot
enum Handles {
  /// What a handle can stand for.
  typealias Handled = AnyObject & Sendable

  private static let table = HandleTable()

  /// The number of live handles, of all types.
  static var liveCount: Int { table.liveCount }

  /// A new handle that holds `object`, with one reference; nil when there are too many.
  static func create(_ object: consuming some Handled) -> OpaquePointer? { table.insert(object) }

  /// The object behind a handle, or nil when the handle is none of ours, no longer lives or stands for another type.
  @inline(__always)
  static func object<Object: Handled>(_ handle: OpaquePointer?, as type: Object.Type = Object.self) -> Object? {
    table.withObject(handle) { $0.flatMap { cast($0, to: type) } }
  }

  /// Two objects of one type at the price of one visit to the table.
  @inline(__always)
  static func objects<Object: Handled>(_ a: OpaquePointer?, _ b: OpaquePointer?, as type: Object.Type)
    -> (Object?, Object?)
  {
    table.withObjects(a, b) { a, b in
      (a.flatMap { cast($0, to: type) }, b.flatMap { cast($0, to: type) })
    }
  }

  /// Whether the handle lives, whatever it stands for.
  static func isLive(_ handle: OpaquePointer?) -> Bool { table.withObject(handle) { $0 != nil } }

  /// Adds a reference; false when the handle does not stand for a living `Object`.
  static func retain<Object: Handled>(_ handle: OpaquePointer?, as type: Object.Type) -> Bool {
    table.retain(handle) { cast($0, to: type) != nil }
  }

  /// Drops a reference, and with the last one the object; false when the handle does not stand for a living `Object`.
  static func release<Object: Handled>(_ handle: OpaquePointer?, as type: Object.Type) -> Bool {
    table.release(handle) { cast($0, to: type) != nil }
  }

  /// A cast that is quick where the type is just the one asked for.
  @inline(__always)
  private static func cast<Object: Handled>(_ object: AnyObject, to type: Object.Type) -> Object? {
    Swift.type(of: object) == type ? unsafeDowncast(object, to: type) : object as? Object
  }
}

/// The slots behind handles. They lie in chunks that never move and are never freed.
private final class HandleTable: @unchecked Sendable {
  // Unchecked: everything is read and written under `lock`. Sections are some nanoseconds long.

  private struct Slot {
    var object: Unmanaged<AnyObject>?
    /// 0: the slot is vacant.
    var references: Int
    var generation: UInt32
    /// The next vacant slot, plus one; 0 ends the list.
    var next: UInt32
  }

  private static let tag: UInt = 0xA1
  private static let bits: UInt = 28
  private static let mask: UInt = 1 << bits - 1
  private static let chunkBits: UInt = 12
  private static let chunkSize = 1 << Int(chunkBits)

  private let lock = FutexLock()
  private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<Slot>?>
  /// Slots that were ever let.
  private var used: UInt = 0
  /// The first vacant slot among them, plus one.
  private var vacant: UInt32 = 0
  private var live = 0

  init() {
    let count = 1 << Int(Self.bits - Self.chunkBits)
    chunks = .allocate(capacity: count)
    chunks.initialize(repeating: nil, count: count)
    _ = pthread_atfork({ HandleTable.fork(.prepare) }, { HandleTable.fork(.parent) }, { HandleTable.fork(.child) })
    Self.forked = Unmanaged.passUnretained(self)
  }

  // MARK: - Fork

  private enum ForkStage { case prepare, parent, child }
  /// The one table, for handlers without a context. Set once, before its first handle exists.
  private nonisolated(unsafe) static var forked: Unmanaged<HandleTable>?

  /// Keeps the table whole in the child: no other thread may be changing it while the process is copied.
  private static func fork(_ stage: ForkStage) {
    guard let table = forked?.takeUnretainedValue() else { return }
    switch stage {
    case .prepare: table.lock.lock()
    case .parent: table.lock.unlock()
    case .child: table.lock.resetAfterFork()
    }
  }

  // MARK: - Slots

  var liveCount: Int {
    lock.lock()
    defer { lock.unlock() }
    return live
  }

  /// The table takes over the caller's reference.
  func insert(_ object: consuming AnyObject) -> OpaquePointer? {
    lock.lock()
    defer { lock.unlock() }
    let index: UInt
    if vacant != 0 {
      index = UInt(vacant - 1)
    } else {
      guard used < Self.mask else { return nil }
      index = used
      if index % UInt(Self.chunkSize) == 0 { addChunk(Int(index >> Self.chunkBits)) }
      used += 1
    }
    let slot = slot(index)
    if vacant != 0 { vacant = slot.pointee.next }
    slot.pointee.object = Unmanaged.passRetained(object)
    slot.pointee.references = 1
    live += 1
    return OpaquePointer(bitPattern: Self.tag << 56 | UInt(slot.pointee.generation) << Self.bits | index)
  }

  @inline(__always)
  func withObject<Result>(_ handle: OpaquePointer?, _ body: (AnyObject?) -> Result) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return body(find(handle)?.pointee.object?.takeUnretainedValue())
  }

  @inline(__always)
  func withObjects<Result>(
    _ a: OpaquePointer?, _ b: OpaquePointer?, _ body: (AnyObject?, AnyObject?) -> Result
  ) -> Result {
    lock.lock()
    defer { lock.unlock() }
    return body(
      find(a)?.pointee.object?.takeUnretainedValue(), find(b)?.pointee.object?.takeUnretainedValue())
  }

  func retain(_ handle: OpaquePointer?, where isRight: (AnyObject) -> Bool) -> Bool {
    lock.lock()
    defer { lock.unlock() }
    guard let slot = find(handle), let object = slot.pointee.object?.takeUnretainedValue(), isRight(object),
      slot.pointee.references < Int.max
    else { return false }
    slot.pointee.references += 1
    return true
  }

  func release(_ handle: OpaquePointer?, where isRight: (AnyObject) -> Bool) -> Bool {
    lock.lock()
    guard let slot = find(handle), let object = slot.pointee.object, isRight(object.takeUnretainedValue()) else {
      lock.unlock()
      return false
    }
    slot.pointee.references -= 1
    if slot.pointee.references > 0 {
      lock.unlock()
      return true
    }
    slot.pointee.object = nil
    slot.pointee.generation += 1
    live -= 1
    // A slot whose generations are used up is never let again.
    if slot.pointee.generation <= Self.mask {
      slot.pointee.next = vacant
      vacant = UInt32(UInt(bitPattern: handle) & Self.mask) + 1
    }
    lock.unlock()
    // Outside the lock: the object's end may release other handles.
    object.release()
    return true
  }

  // MARK: - Lookup

  private func addChunk(_ index: Int) {
    let chunk = UnsafeMutablePointer<Slot>.allocate(capacity: Self.chunkSize)
    chunk.initialize(repeating: Slot(object: nil, references: 0, generation: 1, next: 0), count: Self.chunkSize)
    chunks[index] = chunk
  }

  @inline(__always)
  private func slot(_ index: UInt) -> UnsafeMutablePointer<Slot> {
    // Chunks exist for every slot below `used`.
    chunks[Int(index >> Self.chunkBits)].unsafelyUnwrapped + Int(index & UInt(Self.chunkSize - 1))
  }

  /// The slot of a living handle.
  @inline(__always)
  private func find(_ handle: OpaquePointer?) -> UnsafeMutablePointer<Slot>? {
    let value = UInt(bitPattern: handle)
    guard value >> 56 == Self.tag, value & Self.mask < used else { return nil }
    let slot = slot(value & Self.mask)
    guard slot.pointee.references > 0, UInt(slot.pointee.generation) == value >> Self.bits & Self.mask else {
      return nil
    }
    return slot
  }
}
