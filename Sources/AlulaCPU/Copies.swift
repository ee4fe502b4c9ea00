import CSupport

// copy: elements of any dtype, by their size, which is the slot. A stride of 0 in the source fills. copy_rows: rows of
// adjacent bytes. fill_rows: rows of one element each, by its size.

func registerCopies(_ receive: KernelReceiver) {
  register(receive, "copy", slot: 1) { n, p, s, _ in copy(n, p, s, as: UInt8.self) }
  register(receive, "copy", slot: 2) { n, p, s, _ in copy(n, p, s, as: UInt16.self) }
  register(receive, "copy", slot: 4) { n, p, s, _ in copy(n, p, s, as: UInt32.self) }
  register(receive, "copy", slot: 8) { n, p, s, _ in copy(n, p, s, as: UInt64.self) }
  register(receive, "copy", slot: 16) { n, p, s, _ in copy(n, p, s, as: SIMD2<UInt64>.self) }
  let rows: copy_rows_kernel = { planes, rows, size, target, targetPlane, targetRow, source, sourcePlane, sourceRow in
    copyRows(planes, rows, size, target!, targetPlane, targetRow, source!, sourcePlane, sourceRow)
  }
  receive("copy_rows", 0, unsafeBitCast(rows, to: UnsafeRawPointer.self))
  registerFill(receive, 1) { rows, size, target, step, source, sourceStep in
    fillRows(rows, size, target!, step, source!, sourceStep, UInt8s.self)
  }
  registerFill(receive, 2) { rows, size, target, step, source, sourceStep in
    fillRows(rows, size, target!, step, source!, sourceStep, UInt16s.self)
  }
  registerFill(receive, 4) { rows, size, target, step, source, sourceStep in
    fillRows(rows, size, target!, step, source!, sourceStep, UInt32s.self)
  }
  registerFill(receive, 8) { rows, size, target, step, source, sourceStep in
    fillRows(rows, size, target!, step, source!, sourceStep, UInt64s.self)
  }
}

private func registerFill(_ receive: KernelReceiver, _ slot: Int, _ kernel: fill_rows_kernel) {
  receive("fill_rows", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

/// In whole vectors: what is too much at the end of a row is overwritten by the next.
@inline(__always)
private func fillRows<V: SIMD>(
  _ rows: Int, _ size: Int, _ target: UnsafeMutableRawPointer, _ targetStep: Int, _ source: UnsafeRawPointer,
  _ sourceStep: Int, _: V.Type
) {
  var (to, from) = (target, source)
  for _ in 0..<rows {
    let element = V(repeating: from.loadUnaligned(as: V.Scalar.self))
    var i = 0
    while i < size {
      to.storeBytes(of: element, toByteOffset: i, as: V.self)
      i &+= MemoryLayout<V>.size
    }
    to += targetStep
    from += sourceStep
  }
}

/// In pieces as wide as the rows' size allows.
@inline(__always)
private func copyRows(
  _ planes: Int, _ rows: Int, _ size: Int, _ target: UnsafeMutableRawPointer, _ targetPlane: Int, _ targetRow: Int,
  _ source: UnsafeRawPointer, _ sourcePlane: Int, _ sourceRow: Int
) {
  for plane in 0..<planes {
    let (to, from) = (target + plane &* targetPlane, source + plane &* sourcePlane)
    if size >= MemoryLayout<UInt8s>.size {
      copyRows(rows, size, to, targetRow, from, sourceRow, as: UInt8s.self)
    } else if size >= 32 {
      copyRows(rows, size, to, targetRow, from, sourceRow, as: SIMD32<UInt8>.self)
    } else if size >= 16 {
      copyRows(rows, size, to, targetRow, from, sourceRow, as: SIMD16<UInt8>.self)
    } else if size >= 8 {
      copyRows(rows, size, to, targetRow, from, sourceRow, as: UInt64.self)
    } else if size >= 4 {
      copyRows(rows, size, to, targetRow, from, sourceRow, as: UInt32.self)
    } else if size >= 2 {
      copyRows(rows, size, to, targetRow, from, sourceRow, as: UInt16.self)
    } else {
      copyRows(rows, size, to, targetRow, from, sourceRow, as: UInt8.self)
    }
  }
}

/// A row's last piece overlaps the one before it where pieces do not fill it.
@inline(__always)
private func copyRows<Piece>(
  _ rows: Int, _ size: Int, _ target: UnsafeMutableRawPointer, _ targetStep: Int, _ source: UnsafeRawPointer,
  _ sourceStep: Int, as type: Piece.Type
) {
  let width = MemoryLayout<Piece>.size
  let last = size &- width
  var (to, from) = (target, source)
  for _ in 0..<rows {
    var i = 0
    while i < last {
      to.storeBytes(of: from.loadUnaligned(fromByteOffset: i, as: type), toByteOffset: i, as: type)
      i &+= width
    }
    to.storeBytes(of: from.loadUnaligned(fromByteOffset: last, as: type), toByteOffset: last, as: type)
    to += targetStep
    from += sourceStep
  }
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
