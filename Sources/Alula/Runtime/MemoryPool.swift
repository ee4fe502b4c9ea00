import Glibc
public final class MemoryPool: Sendable {
  public static let shared = MemoryPool()
  public func allocate(byteCount: Int) -> UnsafeMutableRawPointer? {
    byteCount < 0 ? nil : aligned_alloc(64, max(64, (byteCount &+ 63) & ~63))
  }
  public func deallocate(_ pointer: UnsafeMutableRawPointer, byteCount: Int) { free(pointer) }
}
