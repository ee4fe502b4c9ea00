import CSupport

// Transposition of a matrix whose rows are adjacent elements, by element size, which is the slot.

typealias TransposeKernel =
  @convention(c) (Int, Int, UnsafeMutableRawPointer?, Int, UnsafeRawPointer?, Int) -> Void

func registerTransposition(_ receive: KernelReceiver) {
  register(receive, 1) { rows, columns, target, targetStep, source, sourceStep in
    transpose(rows, columns, target, targetStep, source, sourceStep, as: UInt8.self)
  }
  register(receive, 2) { rows, columns, target, targetStep, source, sourceStep in
    transpose(rows, columns, target, targetStep, source, sourceStep, as: UInt16.self)
  }
  register(receive, 4) { rows, columns, target, targetStep, source, sourceStep in
    guard let target, let source else { return }
    let (wholeRows, wholeColumns) = (rows & ~7, columns & ~7)
    // Strips of so many columns that the lines of the source that they share stay in the nearest cache.
    var strip = 0
    while strip < wholeColumns {
      let end = min(strip &+ 64, wholeColumns)
      var i = 0
      while i < wholeRows {
        var j = strip
        while j < end {
          vector8_uint32_transpose(
            target + i &* targetStep + j &* 4, targetStep, source + j &* sourceStep + i &* 4, sourceStep)
          j &+= 8
        }
        i &+= 8
      }
      strip = end
    }
    transposeElements(
      wholeRows..<rows, 0..<columns, target, targetStep, source, sourceStep, as: UInt32.self)
    transposeElements(
      0..<wholeRows, wholeColumns..<columns, target, targetStep, source, sourceStep, as: UInt32.self)
  }
  register(receive, 8) { rows, columns, target, targetStep, source, sourceStep in
    transpose(rows, columns, target, targetStep, source, sourceStep, as: UInt64.self)
  }
  register(receive, 16) { rows, columns, target, targetStep, source, sourceStep in
    transpose(rows, columns, target, targetStep, source, sourceStep, as: SIMD2<UInt64>.self)
  }
}

private func register(_ receive: KernelReceiver, _ slot: Int, _ kernel: TransposeKernel) {
  receive("transpose", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

/// Tile by tile, so that the lines of both matrices are used whole.
@inline(__always)
private func transpose<Element>(
  _ rows: Int, _ columns: Int, _ target: UnsafeMutableRawPointer?, _ targetStep: Int, _ source: UnsafeRawPointer?,
  _ sourceStep: Int, as type: Element.Type
) {
  guard let target, let source else { return }
  let tile = 32
  var j = 0
  while j < columns {
    var i = 0
    while i < rows {
      transposeElements(
        i..<min(i &+ tile, rows), j..<min(j &+ tile, columns), target, targetStep, source, sourceStep, as: type)
      i &+= tile
    }
    j &+= tile
  }
}

@inline(__always)
private func transposeElements<Element>(
  _ rows: Range<Int>, _ columns: Range<Int>, _ target: UnsafeMutableRawPointer, _ targetStep: Int,
  _ source: UnsafeRawPointer, _ sourceStep: Int, as type: Element.Type
) {
  let size = MemoryLayout<Element>.stride
  for i in rows {
    for j in columns {
      target.storeBytes(
        of: source.loadUnaligned(fromByteOffset: j &* sourceStep &+ i &* size, as: type),
        toByteOffset: i &* targetStep &+ j &* size, as: type)
    }
  }
}
