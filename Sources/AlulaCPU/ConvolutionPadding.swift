import CSupport

// Padded copies of planes. Columns are grouped by their remainder modulo the step of positions, so that neighbouring
// positions always read neighbouring elements.

/// Moves between vectors of pixels.
protocol PixelVector {
  /// The first `count` elements at an address, fewer than a vector's, and zeros.
  static func first(_ count: Int, at address: UnsafeRawPointer) -> Self
  /// Writes the first `count` elements, fewer than a vector's.
  func storeFirst(_ count: Int, at address: UnsafeMutableRawPointer)
  /// The vector with the first `count` elements of another.
  func replacingFirst(_ count: Int, by other: Self) -> Self
  /// Every other element of this and a second vector.
  func evens(_ next: Self) -> Self
  func odds(_ next: Self) -> Self
  /// The elements with a zero after each, or before.
  func spread(odd: Bool) -> (Self, Self)
  /// The elements in lanes from `lower` to `upper` of what lies at an address, and zeros.
  static func window(_ lower: Int, _ upper: Int, at address: UnsafeRawPointer) -> Self
}

#if AVX512
  extension SIMD16: PixelVector where Scalar == Float {}
  extension SIMD8: PixelVector where Scalar == Double {}
#elseif FMA
  extension SIMD8: PixelVector where Scalar == Float {}
  extension SIMD4: PixelVector where Scalar == Double {}
#else
  extension SIMD4: PixelVector where Scalar == Float {}
  extension SIMD2: PixelVector where Scalar == Double {}
#endif

extension GemmFloat {
  @inline(__always) func evens(_ next: Self) -> Self { Self(lowHalf: evenHalf, highHalf: next.evenHalf) }
  @inline(__always) func odds(_ next: Self) -> Self { Self(lowHalf: oddHalf, highHalf: next.oddHalf) }
  @inline(__always) func spread(odd: Bool) -> (Self, Self) {
    var (low, high) = (Self(), Self())
    if odd {
      low.oddHalf = lowHalf
      high.oddHalf = highHalf
    } else {
      low.evenHalf = lowHalf
      high.evenHalf = highHalf
    }
    return (low, high)
  }
}

extension GemmDouble {
  #if FMA
    @inline(__always) func evens(_ next: Self) -> Self { Self(lowHalf: evenHalf, highHalf: next.evenHalf) }
    @inline(__always) func odds(_ next: Self) -> Self { Self(lowHalf: oddHalf, highHalf: next.oddHalf) }
    @inline(__always) func spread(odd: Bool) -> (Self, Self) {
      var (low, high) = (Self(), Self())
      if odd {
        low.oddHalf = lowHalf
        high.oddHalf = highHalf
      } else {
        low.evenHalf = lowHalf
        high.evenHalf = highHalf
      }
      return (low, high)
    }
  #else
    @inline(__always) func evens(_ next: Self) -> Self { Self(self[0], next[0]) }
    @inline(__always) func odds(_ next: Self) -> Self { Self(self[1], next[1]) }
    @inline(__always) func spread(odd: Bool) -> (Self, Self) {
      odd ? (Self(0, self[0]), Self(0, self[1])) : (Self(self[0], 0), Self(self[1], 0))
    }
  #endif
}

#if FMA
  extension GemmFloat {
    @inline(__always) static func first(_ count: Int, at address: UnsafeRawPointer) -> Self {
      vector_first_float32(address, count)
    }
    @inline(__always) static func window(_ lower: Int, _ upper: Int, at address: UnsafeRawPointer) -> Self {
      vector_window_float32(address, lower, upper)
    }
    @inline(__always) func storeFirst(_ count: Int, at address: UnsafeMutableRawPointer) {
      vector_store_first(address, self, count)
    }
    @inline(__always) func replacingFirst(_ count: Int, by other: Self) -> Self {
      vector_replacing_first(self, other, count)
    }
  }

  extension GemmDouble {
    @inline(__always) static func first(_ count: Int, at address: UnsafeRawPointer) -> Self {
      vector_first_float64(address, count)
    }
    @inline(__always) static func window(_ lower: Int, _ upper: Int, at address: UnsafeRawPointer) -> Self {
      vector_window_float64(address, lower, upper)
    }
    @inline(__always) func storeFirst(_ count: Int, at address: UnsafeMutableRawPointer) {
      vector_store_first(address, self, count)
    }
    @inline(__always) func replacingFirst(_ count: Int, by other: Self) -> Self {
      vector_replacing_first(self, other, count)
    }
  }
#else
  extension SIMD where Self: PixelVector {
    @inline(__always) static func first(_ count: Int, at address: UnsafeRawPointer) -> Self {
      window(0, count, at: address)
    }
    @inline(__always) static func window(_ lower: Int, _ upper: Int, at address: UnsafeRawPointer) -> Self {
      var x = Self()
      var lane = lower
      while lane < upper {
        x[lane] = address.load(fromByteOffset: lane &* MemoryLayout<Scalar>.size, as: Scalar.self)
        lane &+= 1
      }
      return x
    }
    @inline(__always) func storeFirst(_ count: Int, at address: UnsafeMutableRawPointer) {
      for lane in 0..<count {
        address.storeBytes(of: self[lane], toByteOffset: lane &* MemoryLayout<Scalar>.size, as: Scalar.self)
      }
    }
    @inline(__always) func replacingFirst(_ count: Int, by other: Self) -> Self {
      var x = self
      for lane in 0..<count { x[lane] = other[lane] }
      return x
    }
  }
#endif

/// Copies the part of a plane that starts at `firstRow`, `firstColumn`, with zeros outside the plane. Pixels may be
/// several columns apart, with zeros between. Rows have `columnStep` groups, of whole vectors where
/// these are one or two.
@inline(__always)
func padPlane<V: SIMD & PixelVector>(
  _ zero: V, _ height: Int, _ width: Int, _ source: UnsafePointer<V.Scalar>, _ rowStride: Int, _ columnStride: Int,
  spread: Int, _ firstRow: Int, _ firstColumn: Int, _ rows: Int, _ rowLength: Int,
  _ columnStep: Int, _ padded: UnsafeMutablePointer<V.Scalar>
) {
  let lanes = V.scalarCount
  // The pixels that are copied, and their places in the copy.
  let top = PaddedAxis(height, 1, firstRow, rows)
  let across = PaddedAxis(width, spread, firstColumn, rowLength)
  let from = source + (top.first &* rowStride &+ across.first &* columnStride)
  let isPlain = columnStride == 1 && columnStep &* spread <= 2
  let to = padded + top.place &* rowLength
  let end = padded + rows &* rowLength
  if top.count == 0 || across.count == 0 { return fillZeros(zero, padded, end) }
  if isPlain {
    fillZeros(zero, padded, to)
    fillZeros(zero, to + top.count &* rowLength, end)
  } else {
    fillZeros(zero, padded, end)
  }
  // Rows go by within columns of vectors, whose masks are found once, and are whole cache lines (28 rows of 28: 350 to
  // 60 ns).
  if isPlain && columnStep == 1 && spread == 1 {
    for column in stride(from: 0, to: rowLength, by: lanes) {
      let x = across.window(column, lanes)
      copyRows(top.count, from + x.offset, rowStride, to + column, rowLength) {
        (address: UnsafeRawPointer, out) in
        storeLanes(out, V.window(x.lower, x.upper, at: address))
      }
    }
  } else if isPlain && columnStep == 2 {
    let group = rowLength / 2
    for column in stride(from: 0, to: group, by: lanes) {
      let x = across.window(2 &* column, lanes)
      let y = across.window(2 &* column &+ lanes, lanes)
      let apart = (y.offset &- x.offset) &* MemoryLayout<V.Scalar>.size
      copyRows(top.count, from + x.offset, rowStride, to + column, rowLength) {
        (address: UnsafeRawPointer, out) in
        let low = V.window(x.lower, x.upper, at: address)
        let high = V.window(y.lower, y.upper, at: address + apart)
        storeLanes(out, low.evens(high))
        storeLanes(out + group, low.odds(high))
      }
    }
  } else if isPlain {
    // Pixels lie at even or at odd columns.
    let isOdd = across.place % 2 != 0
    for column in stride(from: 0, to: rowLength, by: 2 &* lanes) {
      let x = across.pixels(column / 2 &- across.place / 2, lanes)
      let fits = column &+ lanes < rowLength
      copyRows(top.count, from + x.offset, rowStride, to + column, rowLength) {
        (address: UnsafeRawPointer, out) in
        let (low, high) = V.window(x.lower, x.upper, at: address).spread(odd: isOdd)
        storeLanes(out, low)
        if fits { storeLanes(out + lanes, high) }
      }
    }
  } else {
    let group = rowLength / columnStep
    for row in 0..<top.count {
      let (line, out) = (from + row &* rowStride, to + row &* rowLength)
      for i in 0..<across.count {
        let column = across.place &+ i &* spread
        out[column % columnStep &* group &+ column / columnStep] = line[i &* columnStride]
      }
    }
  }
}

@inline(__always)
private func fillZeros<V: SIMD>(
  _ zero: V, _ start: UnsafeMutablePointer<V.Scalar>, _ end: UnsafeMutablePointer<V.Scalar>
) {
  var to = start
  while to < end {
    storeLanes(to, zero)
    to += V.scalarCount
  }
}

/// Pixels along one axis of a padded copy.
private struct PaddedAxis {
  /// The first that is copied, how many are, and the place of the first.
  let first, count, place: Int

  @inline(__always)
  init(_ extent: Int, _ spread: Int, _ start: Int, _ length: Int) {
    let end = start &+ length
    let (lower, upper) =
      spread == 1
      ? (max(0, start), min(extent, end))
      : (start <= 0 ? 0 : (start &+ spread &- 1) / spread, end <= 0 ? 0 : min(extent, (end &- 1) / spread &+ 1))
    first = lower
    count = max(0, upper &- lower)
    place = count == 0 ? 0 : lower &* spread &- start
  }

  /// The lanes of a vector at so many places that are pixels, which lie side by side, and the distance of what would be its
  /// first from the first pixel.
  @inline(__always)
  func window(_ start: Int, _ lanes: Int) -> (offset: Int, lower: Int, upper: Int) { pixels(start &- place, lanes) }

  /// The same of a vector that begins with pixel `start`, if there is such a one.
  @inline(__always)
  func pixels(_ start: Int, _ lanes: Int) -> (offset: Int, lower: Int, upper: Int) {
    (start, min(max(0, 0 &- start), lanes), max(0, min(lanes, count &- start)))
  }
}

/// Calls `copy` for each of some rows.
@inline(__always)
private func copyRows<T>(
  _ rows: Int, _ source: UnsafePointer<T>, _ sourceStride: Int, _ target: UnsafeMutablePointer<T>, _ targetStride: Int,
  _ copy: (UnsafeRawPointer, UnsafeMutablePointer<T>) -> Void
) {
  var (from, to) = (source, target)
  for _ in 0..<rows {
    copy(UnsafeRawPointer(from), to)
    from += sourceStride
    to += targetStride
  }
}
