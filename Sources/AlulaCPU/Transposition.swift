import CSupport

// Transposition of a matrix whose rows are adjacent elements, by element size, which is the slot: row i, column j of the
// target becomes row j, column i of the source. Steps between rows are in bytes.

func registerTransposition(_ receive: KernelReceiver) {
  register(receive, 1) { rows, columns, target, targetStep, source, sourceStep in
    transposeBlocks(
      16, rows, columns, target!, targetStep, source!, sourceStep, as: UInt8.self, transpose_sixteen_uint8)
  }
  register(receive, 2) { rows, columns, target, targetStep, source, sourceStep in
    transposeBlocks(
      8, rows, columns, target!, targetStep, source!, sourceStep, as: UInt16.self, transpose_eight_uint16)
  }
  register(receive, 4) { rows, columns, target, targetStep, source, sourceStep in
    transposeWords(rows, columns, target!, targetStep, source!, sourceStep)
  }
  register(receive, 8) { rows, columns, target, targetStep, source, sourceStep in
    transposeBlocks(
      4, rows, columns, target!, targetStep, source!, sourceStep, as: UInt64.self, transpose_four_uint64)
  }
  register(receive, 16) { rows, columns, target, targetStep, source, sourceStep in
    transposeTiles(rows, columns, target!, targetStep, source!, sourceStep, as: SIMD2<UInt64>.self)
  }
}

private func register(_ receive: KernelReceiver, _ slot: Int, _ kernel: transpose_kernel) {
  receive("transpose", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

/// Elements of 4 bytes.
@inline(__always)
func transposeWords(
  _ rows: Int, _ columns: Int, _ target: UnsafeMutableRawPointer, _ targetStep: Int, _ source: UnsafeRawPointer,
  _ sourceStep: Int
) {
  #if AVX512
    if rows >= 16, columns >= 16 {
      return transposeBlocks(
        16, rows, columns, target, targetStep, source, sourceStep, as: UInt32.self, transpose_sixteen_uint32)
    }
  #endif
  transposeBlocks(8, rows, columns, target, targetStep, source, sourceStep, as: UInt32.self, transpose_eight_uint32)
}

/// In square blocks, each moved through registers by `block`.
@inline(__always)
private func transposeBlocks<Element>(
  _ side: Int, _ rows: Int, _ columns: Int, _ target: UnsafeMutableRawPointer, _ targetStep: Int,
  _ source: UnsafeRawPointer, _ sourceStep: Int, as type: Element.Type,
  _ block: (UnsafeMutableRawPointer, Int, UnsafeRawPointer, Int) -> Void
) {
  if rows < side || columns < side {
    return transposeTiles(rows, columns, target, targetStep, source, sourceStep, as: type)
  }
  let size = MemoryLayout<Element>.size
  // The processor foresees no writes to rows that are far apart: they are asked for two blocks ahead, a line at a time
  // (4096×1024 on one thread of an Intel Xeon: 6.7 to 2.2 ms).
  let far = size >= 4 && targetStep >= 2048
  // Strips of so many columns that the lines of the source that they share stay in the nearest cache.
  var strip = 0
  while strip < columns {
    let end = min(strip &+ 64, columns)
    var i = 0
    while i < rows {
      // The last block overlaps the one before it where blocks do not fill the extent.
      let row = min(i, rows &- side)
      var j = strip
      while j < end {
        let column = min(j, columns &- side)
        if far, i &+ 3 &* side <= rows, (j &* size) % 64 == 0 {
          let ahead = target + ((i &+ 2 &* side) &* targetStep &+ column &* size)
          for line in 0..<side { prefetch_to_write(ahead + line &* targetStep) }
        }
        block(
          target + (row &* targetStep &+ column &* size), targetStep, source + (column &* sourceStep &+ row &* size),
          sourceStep)
        j &+= side
      }
      i &+= side
    }
    strip = end
  }
}

/// Element by element in tiles, so that the lines of both matrices are used whole.
@inline(__always)
private func transposeTiles<Element>(
  _ rows: Int, _ columns: Int, _ target: UnsafeMutableRawPointer, _ targetStep: Int, _ source: UnsafeRawPointer,
  _ sourceStep: Int, as type: Element.Type
) {
  let tile = 32
  let size = MemoryLayout<Element>.stride
  var firstColumn = 0
  while firstColumn < columns {
    let endColumn = min(firstColumn &+ tile, columns)
    var firstRow = 0
    while firstRow < rows {
      for i in firstRow..<min(firstRow &+ tile, rows) {
        for j in firstColumn..<endColumn {
          target.storeBytes(
            of: source.loadUnaligned(fromByteOffset: j &* sourceStep &+ i &* size, as: type),
            toByteOffset: i &* targetStep &+ j &* size, as: type)
        }
      }
      firstRow &+= tile
    }
    firstColumn = endColumn
  }
}
