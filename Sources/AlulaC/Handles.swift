import Alula

/// Handles stand for objects of the engine outside it. A handle is a number dressed as a pointer: a tag that no
/// address has, the slot, and the generation of the slot's present tenant, so that a stale, foreign or
/// doubly released handle is recognised instead of followed.
///
///     63 ...... 56 | 55 ............ 28 | 27 ....... 0
///     tag          | generation         | slot
enum Handles {
  /// What a handle can stand for.
  typealias Handled = AnyObject & Sendable

  /// The number of live handles, of all types.
  static var liveCount: Int { HandleTable.shared.liveCount }

  /// A new handle that holds `object`, with one reference; nil when there are too many.
  @inline(__always)
  static func create<Object: Handled>(_ object: consuming Object) -> OpaquePointer? {
    HandleTable.shared.insert(object)
  }

  /// The object behind a handle, or nil when the handle is none of ours, no longer lives or stands for another type.
  static func object<Object: Handled>(_ handle: OpaquePointer?, as type: Object.Type = Object.self) -> Object? {
    pin(handle, as: type)?.with { $0 }
  }

  /// The same for the length of a call, without a reference to the object.
  @inline(__always)
  static func pin<Object: Handled>(_ handle: OpaquePointer?, as type: Object.Type) -> Pinned<Object>? {
    HandleTable.shared.pin(handle, as: type).map { Pinned(slot: $0) }
  }

  /// An object that lives as long as this value, whoever releases its handle meanwhile.
  struct Pinned<Object: Handled>: ~Copyable {
    fileprivate let slot: HandleTable.SlotPointer

    @inline(__always)
    deinit { HandleTable.shared.unpin(slot) }

    @inline(__always)
    func with<Result>(_ body: (Object) -> Result) -> Result {
      HandleTable.tenant(slot, as: Object.self)._withUnsafeGuaranteedRef(body)
    }
  }

  /// Whether the handle lives, whatever it stands for.
  static func isLive(_ handle: OpaquePointer?) -> Bool { HandleTable.shared.isLive(handle) }

  /// Adds a reference; false when the handle does not stand for a living `Object`.
  static func retain<Object: Handled>(_ handle: OpaquePointer?, as type: Object.Type) -> Bool {
    HandleTable.shared.retain(handle, as: type)
  }

  /// Drops a reference, and with the last one the object; false when the handle does not stand for a living `Object`.
  @inline(__always)
  static func release<Object: Handled>(_ handle: OpaquePointer?, as type: Object.Type) -> Bool {
    HandleTable.shared.release(handle, as: type)
  }
}
