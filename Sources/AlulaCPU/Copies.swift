import CSupport

// copy: elements of any dtype, by their size, which is the slot. A stride of 0 in the source fills.

func registerCopies(_ receive: KernelReceiver) {
  register(receive, "copy", slot: 1) { n, p, s, _ in copy(n, p, s, as: UInt8.self) }
  register(receive, "copy", slot: 2) { n, p, s, _ in copy(n, p, s, as: UInt16.self) }
  register(receive, "copy", slot: 4) { n, p, s, _ in copy(n, p, s, as: UInt32.self) }
  register(receive, "copy", slot: 8) { n, p, s, _ in copy(n, p, s, as: UInt64.self) }
  register(receive, "copy", slot: 16) { n, p, s, _ in copy(n, p, s, as: SIMD2<UInt64>.self) }
}

@inline(__always)
private func copy<Element>(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, as type: Element.Type
) {
  guard let pointers, let strides, let out = UnsafeMutableRawPointer(pointers[0]),
    let source = UnsafeRawPointer(pointers[1])
  else { return }
  let size = MemoryLayout<Element>.size
  if strides[0] == size, strides[1] == size {
    // May be the very same elements.
    out.copyMemory(from: source, byteCount: count &* size)
  } else if strides[0] == size, strides[1] == 0 {
    out.initializeMemory(as: type, repeating: source.loadUnaligned(as: type), count: count)
  } else {
    copyStrided(out, strides[0], source, strides[1], count, as: type)
  }
}
