import CSupport

// Pooling over the windows of image planes that lie one after another. `geometry` is read in this order:
// height, width, output height, output width, kernel height and width, stride, padding, dilation (rows
// before columns in each).

/// The elements of a window that lie inside the plane, along one axis.
@inline(__always)
func windowRange(_ position: Int, _ extent: Int, _ kernel: Int, _ stride: Int, _ padding: Int, _ dilation: Int)
  -> (first: Int, last: Int, start: Int)
{
  let start = position &* stride &- padding
  // Kernel elements `first..<last` lie inside the plane.
  let first = start < 0 ? (0 &- start &+ dilation &- 1) / dilation : 0
  let room = extent &- start
  let last = min(kernel, room <= 0 ? 0 : (room &- 1) / dilation &+ 1)
  return (min(first, last), last, start)
}

/// The greatest value of each window and its index in the plane; NaN counts as greatest. `twoByTwo` does the
/// start of a row of windows of 2 × 2 without overlap, and tells how many.
@inline(__always)
func maxPool<T: BinaryFloatingPoint>(
  _ planes: Int, _ g: UnsafePointer<Int>, _ source: UnsafePointer<T>, _ values: UnsafeMutablePointer<T>,
  _ indices: UnsafeMutablePointer<Int64>,
  _ twoByTwo: (UnsafePointer<T>, Int, Int, Int, UnsafeMutablePointer<T>, UnsafeMutablePointer<Int64>) -> Int
) {
  let (height, width, outHeight, outWidth) = (g[0], g[1], g[2], g[3])
  let isTwoByTwo =
    g[4] == 2 && g[5] == 2 && g[6] == 2 && g[7] == 2 && g[8] == 0 && g[9] == 0 && g[10] == 1 && g[11] == 1
  var to = 0
  for plane in 0..<planes {
    let from = source + plane &* height &* width
    for i in 0..<outHeight {
      let rows = windowRange(i, height, g[4], g[6], g[8], g[10])
      var j = 0
      if isTwoByTwo {
        j = twoByTwo(from + 2 &* i &* width, width, 2 &* i &* width, outWidth, values + to, indices + to)
      }
      while j < outWidth {
        let columns = windowRange(j, width, g[5], g[7], g[9], g[11])
        var best = from[0]
        var bestIndex = -1
        for y in rows.first..<rows.last {
          let row = (rows.start &+ y &* g[10]) &* width &+ columns.start
          for x in columns.first..<columns.last {
            let index = row &+ x &* g[11]
            let value = from[index]
            if bestIndex < 0 || value > best || value != value {
              best = value
              bestIndex = index
            }
          }
        }
        values[to &+ j] = best
        indices[to &+ j] = Int64(truncatingIfNeeded: bestIndex)
        j &+= 1
      }
      to &+= outWidth
    }
  }
}

/// A row of windows of 2 × 2 without overlap, eight or four at a time; the number done. The last group ends with the
/// row, and overlaps the one before it. `base` is the index of the row's first pixel.
@inline(__always)
func maxPoolTwoByTwo(
  _ top: UnsafePointer<Float>, _ width: Int, _ base: Int, _ count: Int, _ values: UnsafeMutablePointer<Float>,
  _ indices: UnsafeMutablePointer<Int64>
) -> Int {
  if count < 4 || width > 1 << 30 { return 0 }
  let isWide = count >= 8
  let group = isWide ? 8 : 4
  // A narrow group has nothing to its right: its pixels stand twice.
  let right = isWide ? 8 : 0
  var j = 0
  while j < count {
    j = min(j, count &- group)
    let pixels = top + 2 &* j
    let (a, b) = deinterleave(loadEight(pixels), loadEight(pixels + right))
    let (c, d) = deinterleave(loadEight(pixels + width), loadEight(pixels + (width &+ right)))
    let below = Int32(truncatingIfNeeded: width)
    var best = a
    var step = SIMD8<Int32>(repeating: 0)
    takeGreater(b, 1, &best, &step)
    takeGreater(c, below, &best, &step)
    takeGreater(d, below &+ 1, &best, &step)
    storeLanes(values + j, best.lowHalf)
    storeIndices(step.lowHalf, base &+ 2 &* j, indices + j)
    if isWide {
      storeLanes(values + (j &+ 4), best.highHalf)
      storeIndices(step.highHalf, base &+ 2 &* j &+ 8, indices + (j &+ 4))
    }
    j &+= group
  }
  return count
}

@inline(__always)
func takeGreater(_ value: SIMD8<Float>, _ distance: Int32, _ best: inout SIMD8<Float>, _ step: inout SIMD8<Int32>) {
  let greater = (value .> best) .| (value .!= value)
  let mask = unsafeBitCast(greater, to: SIMD8<Int32>.self)
  best = vector_select(mask, value, best)
  step = vector_select(mask, SIMD8(repeating: distance), step)
}

/// Four indices: a distance from every second pixel.
@inline(__always)
func storeIndices(_ step: SIMD4<Int32>, _ first: Int, _ to: UnsafeMutablePointer<Int64>) {
  let start = Int64(truncatingIfNeeded: first)
  let wide = SIMD4<Int64>(Int64(step[0]), Int64(step[1]), Int64(step[2]), Int64(step[3]))
  storeLanes(to, wide &+ (SIMD4<Int64>(0, 2, 4, 6) &+ start))
}

/// The even and the odd elements of sixteen.
@inline(__always)
func deinterleave(_ low: SIMD8<Float>, _ high: SIMD8<Float>) -> (SIMD8<Float>, SIMD8<Float>) {
  (SIMD8(lowHalf: low.evenHalf, highHalf: high.evenHalf), SIMD8(lowHalf: low.oddHalf, highHalf: high.oddHalf))
}

@inline(__always)
func loadEight(_ from: UnsafePointer<Float>) -> SIMD8<Float> {
  UnsafeRawPointer(from).loadUnaligned(as: SIMD8<Float>.self)
}

/// target[index] += source, plane by plane, from zero. False when an index lies outside its plane.
@inline(__always)
func scatterToPlanes<T: BinaryFloatingPoint>(
  _ planes: Int, _ count: Int, _ extent: Int, _ source: UnsafePointer<T>, _ indices: UnsafePointer<Int64>,
  _ target: UnsafeMutablePointer<T>
) -> Bool {
  var inside = true
  for plane in 0..<planes {
    let to = target + plane &* extent
    let start = plane &* count
    for i in 0..<extent { to[i] = 0 }
    for i in start..<(start &+ count) {
      let index = Int(indices[i])
      if index < 0 || index >= extent {
        inside = false
      } else {
        to[index] += source[i]
      }
    }
  }
  return inside
}

/// target = source[index], plane by plane. False when an index lies outside its plane.
@inline(__always)
func gatherFromPlanes<T: BinaryFloatingPoint>(
  _ planes: Int, _ count: Int, _ extent: Int, _ source: UnsafePointer<T>, _ indices: UnsafePointer<Int64>,
  _ target: UnsafeMutablePointer<T>
) -> Bool {
  var inside = true
  for plane in 0..<planes {
    let from = source + plane &* extent
    for i in (plane &* count)..<((plane &+ 1) &* count) {
      let index = Int(indices[i])
      if index < 0 || index >= extent {
        inside = false
        target[i] = 0
      } else {
        target[i] = from[index]
      }
    }
  }
  return inside
}

/// The number of elements by which a window's sum is divided.
@inline(__always)
func averageDivisor(_ g: UnsafePointer<Int>, _ i: Int, _ j: Int, _ inside: Int, _ includePadding: Bool) -> Int {
  if !includePadding { return max(inside, 1) }
  // Padding counts; what a last window lacks beyond the padding does not.
  let rows = min(g[4], g[0] &+ g[8] &- (i &* g[6] &- g[8]))
  let columns = min(g[5], g[1] &+ g[9] &- (j &* g[7] &- g[9]))
  return rows &* columns
}

/// The mean of each window.
@inline(__always)
func averagePool<T: BinaryFloatingPoint>(
  _ planes: Int, _ g: UnsafePointer<Int>, _ includePadding: Bool, _ source: UnsafePointer<T>,
  _ target: UnsafeMutablePointer<T>
) {
  let (height, width, outHeight, outWidth) = (g[0], g[1], g[2], g[3])
  var to = 0
  for plane in 0..<planes {
    let from = source + plane &* height &* width
    for i in 0..<outHeight {
      let rows = windowRange(i, height, g[4], g[6], g[8], 1)
      for j in 0..<outWidth {
        let columns = windowRange(j, width, g[5], g[7], g[9], 1)
        var sum: T = 0
        for y in rows.first..<rows.last {
          let row = from + ((rows.start &+ y) &* width &+ columns.start)
          for x in columns.first..<columns.last { sum += row[x] }
        }
        let inside = (rows.last &- rows.first) &* (columns.last &- columns.first)
        target[to] = sum / T(averageDivisor(g, i, j, inside, includePadding))
        to &+= 1
      }
    }
  }
}

/// Each gradient spread evenly over its window: the transposed map.
@inline(__always)
func averagePoolGradient<T: BinaryFloatingPoint>(
  _ planes: Int, _ g: UnsafePointer<Int>, _ includePadding: Bool, _ source: UnsafePointer<T>,
  _ target: UnsafeMutablePointer<T>
) {
  let (height, width, outHeight, outWidth) = (g[0], g[1], g[2], g[3])
  var at = 0
  for plane in 0..<planes {
    let to = target + plane &* height &* width
    for i in 0..<(height &* width) { to[i] = 0 }
    for i in 0..<outHeight {
      let rows = windowRange(i, height, g[4], g[6], g[8], 1)
      for j in 0..<outWidth {
        let columns = windowRange(j, width, g[5], g[7], g[9], 1)
        let inside = (rows.last &- rows.first) &* (columns.last &- columns.first)
        let share = source[at] / T(averageDivisor(g, i, j, inside, includePadding))
        for y in rows.first..<rows.last {
          let row = to + ((rows.start &+ y) &* width &+ columns.start)
          for x in columns.first..<columns.last { row[x] += share }
        }
        at &+= 1
      }
    }
  }
}
