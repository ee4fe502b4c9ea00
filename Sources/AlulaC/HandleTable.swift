import Alula
import CSupport
import Glibc
import Synchronization

/// The slots behind handles. They lie in chunks that never move and are never freed, so that a handle is looked up
/// without a lock: a call pins the slot, which keeps its tenant alive until the call is over.
final class HandleTable: @unchecked Sendable {
  // Unchecked: slots are shared through their states; `used` and the list of vacant slots change under `lock`.

  static let shared = HandleTable()

  typealias SlotPointer = UnsafeMutablePointer<Slot>

  struct Slot: ~Copyable {
    fileprivate let state: Atomic<UInt64>
    /// The tenant's class. It and the tenant are written before the state that shows them; what is read between two
    /// looks at one generation belongs to it.
    fileprivate let type = Atomic<UInt>(0)
    fileprivate var object: Unmanaged<AnyObject>?
    fileprivate let index: UInt32
    /// The next slot in the list of vacant ones, plus one; 0 ends the list.
    fileprivate var next: UInt32 = 0

    fileprivate init(index: UInt32) {
      self.index = index
      state = Atomic(1 << State.generationShift)
    }
  }

  /// What a slot's state says.
  ///
  ///     63 ........ 36 | 35 ....... 14 | 13 ... 0
  ///     generation     | references    | pins
  private struct State {
    static let pin: UInt64 = 1
    static let pins: UInt64 = 1 << 14 - 1
    static let reference: UInt64 = 1 << 14
    static let references: UInt64 = (1 << 22 - 1) << 14
    static let generationShift: UInt64 = 36

    let word: UInt64

    @inline(__always)
    init(_ word: UInt64) { self.word = word }

    var generation: UInt { UInt(word >> Self.generationShift) }
    var isVacant: Bool { word & (Self.pins | Self.references) == 0 }

    @inline(__always)
    func shows(_ handle: OpaquePointer?) -> Bool {
      word & Self.references != 0 && generation == UInt(bitPattern: handle) >> HandleTable.bits & HandleTable.mask
    }
  }

  private static let tag: UInt = 0xA1
  private static let bits: UInt = 28
  private static let mask: UInt = 1 << bits - 1
  private static let chunkBits: UInt = 12
  private static let chunkSize = 1 << Int(chunkBits)

  private typealias Chunk = Atomic<SlotPointer?>
  private let chunks: UnsafeMutablePointer<Chunk>

  private let lock = FutexLock()
  /// Slots that were ever given to a reserve.
  private var used: UInt = 0
  /// The first in the list of vacant slots, plus one.
  private var vacant: UInt32 = 0
  /// Gives a thread's reserve back at its end.
  private var threadEnd = pthread_key_t()

  private init() {
    let count = 1 << Int(Self.bits - Self.chunkBits)
    chunks = .allocate(capacity: count)
    for i in 0..<count { (chunks + i).initialize(to: Chunk(nil)) }
    _ = pthread_key_create(&threadEnd) { _ in HandleTable.shared.endThread() }
    // The list must be whole in the child: no other thread may be changing it while the process is copied. What other
    // threads have pinned or in reserve then is lost to the child.
    _ = pthread_atfork(
      { HandleTable.shared.lock.lock() },
      { HandleTable.shared.lock.unlock() },
      { HandleTable.shared.lock.resetAfterFork() })
  }

  // MARK: - Lookup

  /// The slot of a living handle to an `Object`, whose tenant stays until `unpin`.
  @inline(__always)
  func pin<Object: AnyObject>(_ handle: OpaquePointer?, as type: Object.Type) -> SlotPointer? {
    guard let slot = slot(handle), change(slot, handle, type, by: State.pin) != nil else { return nil }
    return slot
  }

  @inline(__always)
  func unpin(_ slot: SlotPointer) {
    let state = slot.pointee.state.wrappingSubtract(State.pin, ordering: .acquiringAndReleasing).newValue
    if State(state).isVacant { vacate(slot) }
  }

  /// The object in a pinned slot.
  @inline(__always)
  static func tenant<Object: AnyObject>(_ slot: SlotPointer, as type: Object.Type) -> Unmanaged<Object> {
    // A pinned slot has a tenant, whose class was checked.
    unsafeBitCast(slot.pointee.object.unsafelyUnwrapped, to: Unmanaged<Object>.self)
  }

  func isLive(_ handle: OpaquePointer?) -> Bool {
    guard let slot = slot(handle) else { return false }
    return State(slot.pointee.state.load(ordering: .relaxed)).shows(handle)
  }

  /// Adds a reference.
  func retain<Object: AnyObject>(_ handle: OpaquePointer?, as type: Object.Type) -> Bool {
    guard let slot = slot(handle) else { return false }
    return change(slot, handle, type, by: State.reference) != nil
  }

  /// Drops a reference, and with the last one, when no call is under way, the object.
  @inline(__always)
  func release<Object: AnyObject>(_ handle: OpaquePointer?, as type: Object.Type) -> Bool {
    // The reference becomes a pin. When that is all there is, nobody else can find the slot any more.
    guard let slot = slot(handle), let state = change(slot, handle, type, by: State.pin &- State.reference) else {
      return false
    }
    if state.word & (State.references | State.pins) == State.pin { vacate(slot) } else { unpin(slot) }
    return true
  }

  /// The slot that a handle names, whether it lives or not; nil when there is none.
  @inline(__always)
  private func slot(_ handle: OpaquePointer?) -> SlotPointer? {
    let value = UInt(bitPattern: handle)
    guard value >> 56 == Self.tag else { return nil }
    let index = value & Self.mask
    guard let chunk = chunks[Int(index >> Self.chunkBits)].load(ordering: .acquiring) else { return nil }
    return chunk + Int(index & UInt(Self.chunkSize - 1))
  }

  /// Adds to the state of a living handle to an `Object`, and returns the sum.
  @inline(__always)
  private func change<Object: AnyObject>(
    _ slot: SlotPointer, _ handle: OpaquePointer?, _ type: Object.Type, by step: UInt64
  ) -> State? {
    while true {
      let state = State(slot.pointee.state.load(ordering: .acquiring))
      guard state.shows(handle), Self.isClass(slot.pointee.type.load(ordering: .relaxed), type) else { return nil }
      if step & State.pin != 0, state.word & State.pins == State.pins {
        // Thousands of calls are under way; one will be over soon.
        csupport_pause()
        continue
      }
      if step == State.reference, state.word & State.references == State.references { return nil }
      let sum = state.word &+ step
      if slot.pointee.state.weakCompareExchange(
        expected: state.word, desired: sum, ordering: .acquiringAndReleasing
      ).exchanged {
        return State(sum)
      }
    }
  }

  @inline(__always)
  private static func isClass<Object: AnyObject>(_ word: UInt, _ type: Object.Type) -> Bool {
    word == unsafeBitCast(type, to: UInt.self) || unsafeBitCast(word, to: AnyClass.self) is Object.Type
  }

  /// The number of slots with references.
  var liveCount: Int {
    lock.lock()
    defer { lock.unlock() }
    var count = 0
    for i in 0..<used {
      let state = place(i).pointee.state.load(ordering: .relaxed)
      if state & State.references != 0 { count += 1 }
    }
    return count
  }

  // MARK: - Tenants

  /// Lets a slot to `object`; nil when there are no more.
  @inline(__always)
  func insert<Object: AnyObject>(_ object: consuming Object) -> OpaquePointer? {
    guard let slot = takeVacant() else { return nil }
    slot.pointee.type.store(unsafeBitCast(Swift.type(of: object), to: UInt.self), ordering: .relaxed)
    slot.pointee.object = Unmanaged.passRetained(object)
    let generation = State(slot.pointee.state.load(ordering: .relaxed)).generation
    slot.pointee.state.store(
      UInt64(generation) << State.generationShift | State.reference, ordering: .releasing)
    return OpaquePointer(bitPattern: Self.tag << 56 | generation << Self.bits | UInt(slot.pointee.index))
  }

  /// Lets go of a tenant that nobody can find any more.
  @inline(__always)
  private func vacate(_ slot: SlotPointer) {
    let object = slot.pointee.object
    slot.pointee.object = nil
    let generation = State(slot.pointee.state.load(ordering: .relaxed)).generation + 1
    // A slot whose generations are used up is never let again.
    if generation <= Self.mask {
      slot.pointee.state.store(UInt64(generation) << State.generationShift, ordering: .relaxed)
      putVacant(slot)
    }
    // Last, since the object's end may release other handles.
    object?.release()
  }

  // MARK: - Vacant slots

  /// Slots that a thread holds ready, so that most handles come and go without the lock.
  private struct Reserve {
    static let capacity = 32
    var count = 0
    var slots = InlineArray<32, SlotPointer?>(repeating: nil)
  }

  private static var reserve: UnsafeMutablePointer<Reserve>? {
    @inline(__always)
    get { csupport_current_thread().pointee.vacant_slots?.assumingMemoryBound(to: Reserve.self) }
  }

  @inline(__always)
  private func takeVacant() -> SlotPointer? {
    if let reserve = Self.reserve, reserve.pointee.count > 0 {
      reserve.pointee.count &-= 1
      return reserve.pointee.slots[reserve.pointee.count]
    }
    return fill(Self.reserve ?? beginThread())
  }

  @inline(__always)
  private func putVacant(_ slot: SlotPointer) {
    let reserve = Self.reserve ?? beginThread()
    if reserve.pointee.count == Reserve.capacity { drain(reserve, to: Reserve.capacity / 2) }
    reserve.pointee.slots[reserve.pointee.count] = slot
    reserve.pointee.count &+= 1
  }

  @inline(never)
  private func beginThread() -> UnsafeMutablePointer<Reserve> {
    let reserve = UnsafeMutablePointer<Reserve>.allocate(capacity: 1)
    reserve.initialize(to: Reserve())
    csupport_current_thread().pointee.vacant_slots = UnsafeMutableRawPointer(reserve)
    pthread_setspecific(threadEnd, reserve)
    return reserve
  }

  private func endThread() {
    guard let reserve = Self.reserve else { return }
    drain(reserve, to: 0)
    csupport_current_thread().pointee.vacant_slots = nil
    reserve.deallocate()
  }

  /// Half fills an empty reserve, and returns one slot more; nil when all are let.
  @inline(never)
  private func fill(_ reserve: UnsafeMutablePointer<Reserve>) -> SlotPointer? {
    lock.lock()
    defer { lock.unlock() }
    guard let first = nextVacant() else { return nil }
    while reserve.pointee.count < Reserve.capacity / 2, let slot = nextVacant() {
      reserve.pointee.slots[reserve.pointee.count] = slot
      reserve.pointee.count += 1
    }
    return first
  }

  @inline(never)
  private func drain(_ reserve: UnsafeMutablePointer<Reserve>, to count: Int) {
    lock.lock()
    defer { lock.unlock() }
    while reserve.pointee.count > count {
      reserve.pointee.count -= 1
      guard let slot = reserve.pointee.slots[reserve.pointee.count] else { continue }
      slot.pointee.next = vacant
      vacant = slot.pointee.index + 1
    }
  }

  /// Takes a slot from the list, or one that was never used. With the lock held.
  private func nextVacant() -> SlotPointer? {
    if vacant != 0 {
      let slot = place(UInt(vacant - 1))
      vacant = slot.pointee.next
      return slot
    }
    guard used < Self.mask else { return nil }
    if used % UInt(Self.chunkSize) == 0 { addChunk() }
    used += 1
    return place(used - 1)
  }

  private func addChunk() {
    let chunk = SlotPointer.allocate(capacity: Self.chunkSize)
    for i in 0..<Self.chunkSize { (chunk + i).initialize(to: Slot(index: UInt32(used) + UInt32(i))) }
    chunks[Int(used >> Self.chunkBits)].store(chunk, ordering: .releasing)
  }

  /// A slot below `used`, whose chunk exists.
  private func place(_ index: UInt) -> SlotPointer {
    chunks[Int(index >> Self.chunkBits)].load(ordering: .acquiring).unsafelyUnwrapped
      + Int(index & UInt(Self.chunkSize - 1))
  }
}
