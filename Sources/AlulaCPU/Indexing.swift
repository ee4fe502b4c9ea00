import CSupport

// Kernels that move elements to and from the places that an index names. Moves go by element size, which is the
// slot; additions by dtype.

typealias BlockKernel =
  @convention(c) (
    Int, UnsafeMutablePointer<CChar>?, UnsafeMutablePointer<CChar>?, UnsafePointer<Int>?, Int, UnsafePointer<Int>?
  ) -> Void
typealias ElementKernel =
  @convention(c) (
    Int, UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<CChar>?, Int, UnsafePointer<Int64>?, Int
  ) -> Void

func registerIndexing(_ receive: KernelReceiver) {
  registerMoves(receive)
  registerBlockAdditions(receive)
  registerElementAdditions(receive)
  registerMaskedStores(receive)
}

private func register(_ receive: KernelReceiver, _ name: StaticString, _ slot: Int, _ kernel: BlockKernel) {
  receive(name, slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

private func register(_ receive: KernelReceiver, _ name: StaticString, _ slot: Int, _ kernel: ElementKernel) {
  receive(name, slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

// MARK: - Moves

private func registerMoves(_ receive: KernelReceiver) {
  register(receive, "gather_blocks", 1) { n, p, b, o, i, s in gatherBlocks(n, p, b, o, i, s, as: UInt8.self) }
  register(receive, "gather_blocks", 2) { n, p, b, o, i, s in gatherBlocks(n, p, b, o, i, s, as: UInt16.self) }
  register(receive, "gather_blocks", 4) { n, p, b, o, i, s in gatherBlocks(n, p, b, o, i, s, as: UInt32.self) }
  register(receive, "gather_blocks", 8) { n, p, b, o, i, s in gatherBlocks(n, p, b, o, i, s, as: UInt64.self) }
  register(receive, "gather_blocks", 16) { n, p, b, o, i, s in gatherBlocks(n, p, b, o, i, s, as: SIMD2<UInt64>.self) }

  register(receive, "scatter_blocks", 1) { n, p, b, o, i, s in scatterBlocks(n, p, b, o, i, s, as: UInt8.self) }
  register(receive, "scatter_blocks", 2) { n, p, b, o, i, s in scatterBlocks(n, p, b, o, i, s, as: UInt16.self) }
  register(receive, "scatter_blocks", 4) { n, p, b, o, i, s in scatterBlocks(n, p, b, o, i, s, as: UInt32.self) }
  register(receive, "scatter_blocks", 8) { n, p, b, o, i, s in scatterBlocks(n, p, b, o, i, s, as: UInt64.self) }
  register(receive, "scatter_blocks", 16) { n, p, b, o, i, s in
    scatterBlocks(n, p, b, o, i, s, as: SIMD2<UInt64>.self)
  }

  register(receive, "gather_elements", 1) { n, r, rs, b, bs, x, xs in gather(n, r, rs, b, bs, x, xs, as: UInt8.self) }
  register(receive, "gather_elements", 2) { n, r, rs, b, bs, x, xs in gather(n, r, rs, b, bs, x, xs, as: UInt16.self) }
  register(receive, "gather_elements", 4) { n, r, rs, b, bs, x, xs in gather(n, r, rs, b, bs, x, xs, as: UInt32.self) }
  register(receive, "gather_elements", 8) { n, r, rs, b, bs, x, xs in gather(n, r, rs, b, bs, x, xs, as: UInt64.self) }
  register(receive, "gather_elements", 16) { n, r, rs, b, bs, x, xs in
    gather(n, r, rs, b, bs, x, xs, as: SIMD2<UInt64>.self)
  }

  register(receive, "scatter_elements", 1) { n, r, rs, b, bs, x, xs in scatter(n, r, rs, b, bs, x, xs, as: UInt8.self) }
  register(receive, "scatter_elements", 2) { n, r, rs, b, bs, x, xs in
    scatter(n, r, rs, b, bs, x, xs, as: UInt16.self)
  }
  register(receive, "scatter_elements", 4) { n, r, rs, b, bs, x, xs in
    scatter(n, r, rs, b, bs, x, xs, as: UInt32.self)
  }
  register(receive, "scatter_elements", 8) { n, r, rs, b, bs, x, xs in
    scatter(n, r, rs, b, bs, x, xs, as: UInt64.self)
  }
  register(receive, "scatter_elements", 16) { n, r, rs, b, bs, x, xs in
    scatter(n, r, rs, b, bs, x, xs, as: SIMD2<UInt64>.self)
  }
}

@inline(__always)
private func gatherBlocks<Element>(
  _ count: Int, _ packed: UnsafeMutablePointer<CChar>?, _ base: UnsafeMutablePointer<CChar>?,
  _ blocks: UnsafePointer<Int>?, _ inner: Int, _ offsets: UnsafePointer<Int>?, as type: Element.Type
) {
  guard let blocks, let packed = UnsafeMutableRawPointer(packed), let base = UnsafeRawPointer(base) else { return }
  let size = MemoryLayout<Element>.size
  if inner == 1 {
    let offset = offsets?[0] ?? 0
    for i in 0..<count {
      let value = base.loadUnaligned(fromByteOffset: blocks[i] &+ offset, as: type)
      packed.storeBytes(of: value, toByteOffset: i &* size, as: type)
    }
  } else if let offsets {
    for i in 0..<count {
      let (source, target) = (base + blocks[i], packed + i &* inner &* size)
      for j in 0..<inner {
        target.storeBytes(
          of: source.loadUnaligned(fromByteOffset: offsets[j], as: type), toByteOffset: j &* size, as: type)
      }
    }
  } else {
    for i in 0..<count { (packed + i &* inner &* size).copyMemory(from: base + blocks[i], byteCount: inner &* size) }
  }
}

@inline(__always)
private func scatterBlocks<Element>(
  _ count: Int, _ packed: UnsafeMutablePointer<CChar>?, _ base: UnsafeMutablePointer<CChar>?,
  _ blocks: UnsafePointer<Int>?, _ inner: Int, _ offsets: UnsafePointer<Int>?, as type: Element.Type
) {
  guard let blocks, let packed = UnsafeRawPointer(packed), let base = UnsafeMutableRawPointer(base) else { return }
  let size = MemoryLayout<Element>.size
  if inner == 1 {
    let offset = offsets?[0] ?? 0
    for i in 0..<count {
      let value = packed.loadUnaligned(fromByteOffset: i &* size, as: type)
      base.storeBytes(of: value, toByteOffset: blocks[i] &+ offset, as: type)
    }
  } else if let offsets {
    for i in 0..<count {
      let (target, source) = (base + blocks[i], packed + i &* inner &* size)
      for j in 0..<inner {
        target.storeBytes(
          of: source.loadUnaligned(fromByteOffset: j &* size, as: type), toByteOffset: offsets[j], as: type)
      }
    }
  } else {
    for i in 0..<count { (base + blocks[i]).copyMemory(from: packed + i &* inner &* size, byteCount: inner &* size) }
  }
}

@inline(__always)
private func gather<Element>(
  _ count: Int, _ row: UnsafeMutablePointer<CChar>?, _ rowStride: Int, _ base: UnsafeMutablePointer<CChar>?,
  _ baseStride: Int, _ index: UnsafePointer<Int64>?, _ axisStride: Int, as type: Element.Type
) {
  guard let index, let row = UnsafeMutableRawPointer(row), let base = UnsafeRawPointer(base) else { return }
  for j in 0..<count {
    let place = Int(truncatingIfNeeded: index[j]) &* axisStride &+ j &* baseStride
    row.storeBytes(of: base.loadUnaligned(fromByteOffset: place, as: type), toByteOffset: j &* rowStride, as: type)
  }
}

@inline(__always)
private func scatter<Element>(
  _ count: Int, _ row: UnsafeMutablePointer<CChar>?, _ rowStride: Int, _ base: UnsafeMutablePointer<CChar>?,
  _ baseStride: Int, _ index: UnsafePointer<Int64>?, _ axisStride: Int, as type: Element.Type
) {
  guard let index, let row = UnsafeRawPointer(row), let base = UnsafeMutableRawPointer(base) else { return }
  for j in 0..<count {
    let place = Int(truncatingIfNeeded: index[j]) &* axisStride &+ j &* baseStride
    base.storeBytes(of: row.loadUnaligned(fromByteOffset: j &* rowStride, as: type), toByteOffset: place, as: type)
  }
}

// MARK: - Additions

private func registerBlockAdditions(_ receive: KernelReceiver) {
  register(receive, "add_blocks", 0) { n, p, b, o, i, s in
    addBlocks(n, p, b, o, i, s) { (x: UInt8, y: UInt8) in x | y }
  }
  for slot in [1, 5] {
    register(receive, "add_blocks", slot) { n, p, b, o, i, s in
      addBlocks(n, p, b, o, i, s) { (x: UInt8, y: UInt8) in x &+ y }
    }
  }
  for slot in [2, 6] {
    register(receive, "add_blocks", slot) { n, p, b, o, i, s in
      addBlocks(n, p, b, o, i, s) { (x: UInt16, y: UInt16) in x &+ y }
    }
  }
  for slot in [3, 7] {
    register(receive, "add_blocks", slot) { n, p, b, o, i, s in
      addBlocks(n, p, b, o, i, s) { (x: UInt32, y: UInt32) in x &+ y }
    }
  }
  for slot in [4, 8] {
    register(receive, "add_blocks", slot) { n, p, b, o, i, s in
      addBlocks(n, p, b, o, i, s) { (x: UInt64, y: UInt64) in x &+ y }
    }
  }
  register(receive, "add_blocks", 9) { n, p, b, o, i, s in addBlocks(n, p, b, o, i, s, addFloat16) }
  register(receive, "add_blocks", 10) { n, p, b, o, i, s in addBlocks(n, p, b, o, i, s, addBFloat16) }
  register(receive, "add_blocks", 11) { n, p, b, o, i, s in
    addBlocks(n, p, b, o, i, s) { (x: Float, y: Float) in x + y }
  }
  register(receive, "add_blocks", 12) { n, p, b, o, i, s in
    addBlocks(n, p, b, o, i, s) { (x: Double, y: Double) in x + y }
  }
  register(receive, "add_blocks", 13) { n, p, b, o, i, s in
    addBlocks(n, p, b, o, i, s) { (x: SIMD2<Float>, y: SIMD2<Float>) in x + y }
  }
  register(receive, "add_blocks", 14) { n, p, b, o, i, s in
    addBlocks(n, p, b, o, i, s) { (x: SIMD2<Double>, y: SIMD2<Double>) in x + y }
  }
}

private func registerElementAdditions(_ receive: KernelReceiver) {
  register(receive, "add_elements", 0) { n, r, rs, b, bs, x, xs in
    addElements(n, r, rs, b, bs, x, xs) { (x: UInt8, y: UInt8) in x | y }
  }
  for slot in [1, 5] {
    register(receive, "add_elements", slot) { n, r, rs, b, bs, x, xs in
      addElements(n, r, rs, b, bs, x, xs) { (x: UInt8, y: UInt8) in x &+ y }
    }
  }
  for slot in [2, 6] {
    register(receive, "add_elements", slot) { n, r, rs, b, bs, x, xs in
      addElements(n, r, rs, b, bs, x, xs) { (x: UInt16, y: UInt16) in x &+ y }
    }
  }
  for slot in [3, 7] {
    register(receive, "add_elements", slot) { n, r, rs, b, bs, x, xs in
      addElements(n, r, rs, b, bs, x, xs) { (x: UInt32, y: UInt32) in x &+ y }
    }
  }
  for slot in [4, 8] {
    register(receive, "add_elements", slot) { n, r, rs, b, bs, x, xs in
      addElements(n, r, rs, b, bs, x, xs) { (x: UInt64, y: UInt64) in x &+ y }
    }
  }
  register(receive, "add_elements", 9) { n, r, rs, b, bs, x, xs in addElements(n, r, rs, b, bs, x, xs, addFloat16) }
  register(receive, "add_elements", 10) { n, r, rs, b, bs, x, xs in addElements(n, r, rs, b, bs, x, xs, addBFloat16) }
  register(receive, "add_elements", 11) { n, r, rs, b, bs, x, xs in
    addElements(n, r, rs, b, bs, x, xs) { (x: Float, y: Float) in x + y }
  }
  register(receive, "add_elements", 12) { n, r, rs, b, bs, x, xs in
    addElements(n, r, rs, b, bs, x, xs) { (x: Double, y: Double) in x + y }
  }
  register(receive, "add_elements", 13) { n, r, rs, b, bs, x, xs in
    addElements(n, r, rs, b, bs, x, xs) { (x: SIMD2<Float>, y: SIMD2<Float>) in x + y }
  }
  register(receive, "add_elements", 14) { n, r, rs, b, bs, x, xs in
    addElements(n, r, rs, b, bs, x, xs) { (x: SIMD2<Double>, y: SIMD2<Double>) in x + y }
  }
}

@inline(__always)
private func addFloat16(_ x: UInt16, _ y: UInt16) -> UInt16 {
  narrowFloat16(widenFloat16(Halves(repeating: x)) + widenFloat16(Halves(repeating: y)))[0]
}

@inline(__always)
private func addBFloat16(_ x: UInt16, _ y: UInt16) -> UInt16 {
  narrowBFloat16(widenBFloat16(Halves(repeating: x)) + widenBFloat16(Halves(repeating: y)))[0]
}

@inline(__always)
private func addBlocks<Element>(
  _ count: Int, _ packed: UnsafeMutablePointer<CChar>?, _ base: UnsafeMutablePointer<CChar>?,
  _ blocks: UnsafePointer<Int>?, _ inner: Int, _ offsets: UnsafePointer<Int>?, _ add: (Element, Element) -> Element
) {
  guard let blocks, let packed = UnsafeRawPointer(packed), let base = UnsafeMutableRawPointer(base) else { return }
  let size = MemoryLayout<Element>.size
  for i in 0..<count {
    let (target, source) = (base + blocks[i], packed + i &* inner &* size)
    for j in 0..<inner {
      let place = offsets?[j] ?? j &* size
      let sum = add(
        target.loadUnaligned(fromByteOffset: place, as: Element.self),
        source.loadUnaligned(fromByteOffset: j &* size, as: Element.self))
      target.storeBytes(of: sum, toByteOffset: place, as: Element.self)
    }
  }
}

@inline(__always)
private func addElements<Element>(
  _ count: Int, _ row: UnsafeMutablePointer<CChar>?, _ rowStride: Int, _ base: UnsafeMutablePointer<CChar>?,
  _ baseStride: Int, _ index: UnsafePointer<Int64>?, _ axisStride: Int, _ add: (Element, Element) -> Element
) {
  guard let index, let row = UnsafeRawPointer(row), let base = UnsafeMutableRawPointer(base) else { return }
  for j in 0..<count {
    let place = Int(truncatingIfNeeded: index[j]) &* axisStride &+ j &* baseStride
    let sum = add(
      base.loadUnaligned(fromByteOffset: place, as: Element.self),
      row.loadUnaligned(fromByteOffset: j &* rowStride, as: Element.self))
    base.storeBytes(of: sum, toByteOffset: place, as: Element.self)
  }
}

// MARK: - Masks

/// Writes the second input where the first is true, and leaves the output's other elements.
private func registerMaskedStores(_ receive: KernelReceiver) {
  register(receive, "masked_store", slot: 1) { n, p, s, _ in maskedStore(n, p, s, as: UInt8.self) }
  register(receive, "masked_store", slot: 2) { n, p, s, _ in maskedStore(n, p, s, as: UInt16.self) }
  register(receive, "masked_store", slot: 4) { n, p, s, _ in maskedStore(n, p, s, as: UInt32.self) }
  register(receive, "masked_store", slot: 8) { n, p, s, _ in maskedStore(n, p, s, as: UInt64.self) }
  register(receive, "masked_store", slot: 16) { n, p, s, _ in maskedStore(n, p, s, as: SIMD2<UInt64>.self) }
}

@inline(__always)
private func maskedStore<Element>(
  _ count: Int, _ pointers: ElementPointers, _ strides: ElementStrides, as type: Element.Type
) {
  guard let pointers, let strides, let out = UnsafeMutableRawPointer(pointers[0]), let mask = pointers[1],
    let value = UnsafeRawPointer(pointers[2])
  else { return }
  let (outStride, maskStride, valueStride) = (strides[0], strides[1], strides[2])
  for i in 0..<count where mask[i &* maskStride] != 0 {
    out.storeBytes(
      of: value.loadUnaligned(fromByteOffset: i &* valueStride, as: type), toByteOffset: i &* outStride, as: type)
  }
}
