import Alula
import Synchronization

/// Handles stand for objects of the engine outside it. A handle is a number dressed as a pointer: a tag that no
/// address has, the slot, and the generation of the slot's present tenant, so that a stale, foreign or
/// doubly released handle is recognised instead of followed.
///
///     63 ...... 56 | 55 ............ 28 | 27 ....... 0
///     tag          | generation         | slot
enum Handles {
  /// What a handle can stand for.
  typealias Handled = AnyObject & Sendable

  private static let tag: UInt = 0xA1
  private static let bits: UInt = 28
  private static let mask: UInt = 1 << bits - 1

  fileprivate struct Slot {
    var object: (any Handled)?
    var generation: UInt
    var references: Int
  }

  fileprivate struct Table {
    var slots: [Slot] = []
    var free: [Int] = []
    var live = 0
  }

  private static let table = Mutex(Table())

  /// The number of live handles, of all types.
  static var liveCount: Int { table.withLock { $0.live } }

  /// A new handle that holds `object`, with one reference; nil when there are too many.
  static func create(_ object: any Handled) -> OpaquePointer? {
    table.withLock { table in
      let slot: Int
      if let reused = table.free.popLast() {
        slot = reused
      } else {
        guard table.slots.count < mask else { return nil }
        slot = table.slots.count
        table.slots.append(Slot(object: nil, generation: 1, references: 0))
      }
      table.slots[slot].object = object
      table.slots[slot].references = 1
      table.live += 1
      return OpaquePointer(bitPattern: tag << 56 | table.slots[slot].generation << bits | UInt(slot))
    }
  }

  /// The object behind a handle, or nil when the handle is none of ours or no longer lives.
  static func object(_ handle: OpaquePointer?) -> (any Handled)? {
    guard let (slot, generation) = decode(handle) else { return nil }
    return table.withLock { table in table.isLive(slot, generation) ? table.slots[slot].object : nil }
  }

  /// Adds a reference.
  static func retain(_ handle: OpaquePointer?) -> Bool {
    guard let (slot, generation) = decode(handle) else { return false }
    return table.withLock { table in
      guard table.isLive(slot, generation), table.slots[slot].references < Int.max else { return false }
      table.slots[slot].references += 1
      return true
    }
  }

  /// Drops a reference, and with the last one the object.
  static func release(_ handle: OpaquePointer?) -> Bool {
    guard let (slot, generation) = decode(handle) else { return false }
    // The object is freed outside the lock: its end may release other handles.
    let (known, last) = table.withLock { table -> (Bool, (any Handled)?) in
      guard table.isLive(slot, generation) else { return (false, nil) }
      table.slots[slot].references -= 1
      if table.slots[slot].references > 0 { return (true, nil) }
      return (true, table.vacate(slot))
    }
    withExtendedLifetime(last) {}
    return known
  }

  private static func decode(_ handle: OpaquePointer?) -> (slot: Int, generation: UInt)? {
    let value = UInt(bitPattern: handle)
    guard value >> 56 == tag else { return nil }
    return (Int(value & mask), value >> bits & mask)
  }
}

extension Handles.Table {
  fileprivate func isLive(_ slot: Int, _ generation: UInt) -> Bool {
    slot < slots.count && slots[slot].generation == generation && slots[slot].references > 0
  }

  /// Takes the tenant out of a slot.
  fileprivate mutating func vacate(_ slot: Int) -> (any Handles.Handled)? {
    defer { slots[slot].object = nil }
    slots[slot].generation += 1
    live -= 1
    // A slot whose generations are used up is never let again.
    if slots[slot].generation < 1 << 28 { free.append(slot) }
    return slots[slot].object
  }
}
