import CSupport

// Sorting goes by keys: unsigned integers whose order is the elements'. NaN comes after everything, zeros of both
// signs are equal, and a descending order has all bits of the keys inverted, so that equal elements stay in order.

typealias SortKeysKernel = @convention(c) (Int, UnsafePointer<CChar>?, Int, Bool, UnsafeMutablePointer<UInt64>?) -> Void
typealias SortKernel =
  @convention(c) (
    Int, UnsafeMutablePointer<UInt64>?, UnsafeMutablePointer<Int64>?, UnsafeMutablePointer<UInt64>?,
    UnsafeMutablePointer<Int64>?, Int
  ) -> Void
typealias SelectKernel = @convention(c) (Int, UnsafePointer<UInt64>?, Int, Int, UnsafeMutablePointer<Int64>?) -> Void
typealias SearchKernel =
  @convention(c) (Int, UnsafePointer<UInt64>?, Int, UnsafePointer<UInt64>?, Bool, UnsafeMutablePointer<Int64>?) -> Void

func registerSorting(_ receive: KernelReceiver) {
  registerKeys(receive, 0) { n, p, s, d, k in keys(n, p, s, d, k) { (x: UInt8) in UInt64(x) } }
  registerKeys(receive, 1) { n, p, s, d, k in keys(n, p, s, d, k) { (x: UInt8) in UInt64(x ^ 0x80) } }
  registerKeys(receive, 2) { n, p, s, d, k in keys(n, p, s, d, k) { (x: UInt16) in UInt64(x ^ 0x8000) } }
  registerKeys(receive, 3) { n, p, s, d, k in keys(n, p, s, d, k) { (x: UInt32) in UInt64(x ^ 0x8000_0000) } }
  registerKeys(receive, 4) { n, p, s, d, k in keys(n, p, s, d, k) { (x: UInt64) in x ^ (1 << 63) } }
  registerKeys(receive, 5) { n, p, s, d, k in keys(n, p, s, d, k) { (x: UInt8) in UInt64(x) } }
  registerKeys(receive, 6) { n, p, s, d, k in keys(n, p, s, d, k) { (x: UInt16) in UInt64(x) } }
  registerKeys(receive, 7) { n, p, s, d, k in keys(n, p, s, d, k) { (x: UInt32) in UInt64(x) } }
  registerKeys(receive, 8) { n, p, s, d, k in keys(n, p, s, d, k) { (x: UInt64) in x } }
  registerKeys(receive, 9) { n, p, s, d, k in
    keys(n, p, s, d, k) { (x: UInt16) in floatKey(UInt64(x), bits: 16, infinity: 0x7C00) }
  }
  registerKeys(receive, 10) { n, p, s, d, k in
    keys(n, p, s, d, k) { (x: UInt16) in floatKey(UInt64(x), bits: 16, infinity: 0x7F80) }
  }
  registerKeys(receive, 11) { n, p, s, d, k in
    keys(n, p, s, d, k) { (x: UInt32) in floatKey(UInt64(x), bits: 32, infinity: 0x7F80_0000) }
  }
  registerKeys(receive, 12) { n, p, s, d, k in
    keys(n, p, s, d, k) { (x: UInt64) in floatKey(x, bits: 64, infinity: 0x7FF0_0000_0000_0000) }
  }
  let sort: SortKernel = { n, keys, order, spareKeys, spareOrder, bytes in
    sortByKeys(n, keys, order, spareKeys, spareOrder, bytes)
  }
  receive("sort", 0, unsafeBitCast(sort, to: UnsafeRawPointer.self))
  let select: SelectKernel = { n, keys, bytes, k, positions in selectSmallest(n, keys, bytes, k, positions) }
  receive("select", 0, unsafeBitCast(select, to: UnsafeRawPointer.self))
  let search: SearchKernel = { n, values, length, sorted, right, positions in
    searchSorted(n, values, length, sorted, right, positions)
  }
  receive("searchsorted", 0, unsafeBitCast(search, to: UnsafeRawPointer.self))
}

private func registerKeys(_ receive: KernelReceiver, _ slot: Int, _ kernel: SortKeysKernel) {
  receive("sort_keys", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

// MARK: - Keys

@inline(__always)
private func keys<Element>(
  _ count: Int, _ source: UnsafePointer<CChar>?, _ stride: Int, _ descending: Bool,
  _ keys: UnsafeMutablePointer<UInt64>?, _ key: (Element) -> UInt64
) {
  guard let keys, let source = UnsafeRawPointer(source) else { return }
  let width = UInt64(MemoryLayout<Element>.size &* 8)
  let invert: UInt64 = descending ? ~0 &>> (64 &- width) : 0
  for i in 0..<count {
    keys[i] = key(source.loadUnaligned(fromByteOffset: i &* stride, as: Element.self)) ^ invert
  }
}

/// The key of a float from its bits: negative ones reversed below the positive. Without branches, since signs are hard to
/// foresee.
@inline(__always)
private func floatKey(_ bits: UInt64, bits width: UInt64, infinity: UInt64) -> UInt64 {
  let sign = UInt64(1) &<< (width &- 1)
  let all = sign | (sign &- 1)
  let magnitude = bits & ~sign
  let isNegative = 0 &- (bits &>> (width &- 1))
  let key = magnitude == 0 ? sign : bits ^ (sign | (isNegative & all))
  return magnitude > infinity ? all : key
}

// MARK: - Sorting

/// Brings `keys` into ascending order and `order` with them, equal keys in the order they had. Only the `bytes`
/// lowest bytes of keys differ. The spare arrays are as long.
@inline(__always)
private func sortByKeys(
  _ count: Int, _ keys: UnsafeMutablePointer<UInt64>?, _ order: UnsafeMutablePointer<Int64>?,
  _ spareKeys: UnsafeMutablePointer<UInt64>?, _ spareOrder: UnsafeMutablePointer<Int64>?, _ bytes: Int
) {
  guard let keys, let order, let spareKeys, let spareOrder else { return }
  if count <= 48 {
    var i = 1
    while i < count {
      let (key, position) = (keys[i], order[i])
      var j = i
      while j > 0, keys[j &- 1] > key {
        keys[j] = keys[j &- 1]
        order[j] = order[j &- 1]
        j &-= 1
      }
      keys[j] = key
      order[j] = position
      i &+= 1
    }
    return
  }
  // Least significant byte first; a byte that is the same everywhere needs no pass.
  var (from, fromOrder, to, toOrder) = (keys, order, spareKeys, spareOrder)
  withUnsafeTemporaryAllocation(of: Int.self, capacity: 256 * 8) { counts in
    guard let counts = counts.baseAddress else { return }
    for i in 0..<(256 &* bytes) { counts[i] = 0 }
    for i in 0..<count {
      var key = keys[i]
      for byte in 0..<bytes {
        counts[byte &* 256 &+ Int(truncatingIfNeeded: key & 255)] &+= 1
        key = key &>> 8
      }
    }
    for byte in 0..<bytes {
      let shift = UInt64(byte &* 8)
      let buckets = counts + byte &* 256
      if buckets[Int(truncatingIfNeeded: (from[0] &>> shift) & 255)] == count { continue }
      var start = 0
      for digit in 0..<256 {
        let size = buckets[digit]
        buckets[digit] = start
        start &+= size
      }
      for i in 0..<count {
        let key = from[i]
        let digit = Int(truncatingIfNeeded: (key &>> shift) & 255)
        let place = buckets[digit]
        buckets[digit] = place &+ 1
        to[place] = key
        toOrder[place] = fromOrder[i]
      }
      (from, to) = (to, from)
      (fromOrder, toOrder) = (toOrder, fromOrder)
    }
  }
  if from != keys {
    keys.update(from: from, count: count)
    order.update(from: fromOrder, count: count)
  }
}

/// The positions of the k smallest keys; of equal ones the first, in their order.
@inline(__always)
private func selectSmallest(
  _ count: Int, _ keys: UnsafePointer<UInt64>?, _ bytes: Int, _ k: Int, _ positions: UnsafeMutablePointer<Int64>?
) {
  guard let keys, let positions, k > 0 else { return }
  if k <= 32 { return insertSmallest(count, keys, k, positions) }
  // The k-th smallest key, byte by byte from the top, by counting those that share what is known of it.
  var prefix: UInt64 = 0
  var known: UInt64 = 0
  var left = k
  withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { counts in
    guard let counts = counts.baseAddress else { return }
    var shift = UInt64(bytes &* 8)
    while shift > 0 {
      shift &-= 8
      for digit in 0..<256 { counts[digit] = 0 }
      for i in 0..<count where keys[i] & known == prefix {
        counts[Int(truncatingIfNeeded: (keys[i] &>> shift) & 255)] &+= 1
      }
      var digit = 0
      while digit < 255, counts[digit] < left {
        left &-= counts[digit]
        digit &+= 1
      }
      prefix |= UInt64(truncatingIfNeeded: digit) &<< shift
      known |= 255 &<< shift
    }
  }
  // `left` of the keys equal to it belong to the result.
  var found = 0
  for i in 0..<count {
    if keys[i] < prefix {
      positions[found] = Int64(truncatingIfNeeded: i)
      found &+= 1
    } else if keys[i] == prefix, left > 0 {
      positions[found] = Int64(truncatingIfNeeded: i)
      found &+= 1
      left &-= 1
    }
  }
}

/// The same for few, which are kept in order: most keys are compared with the largest of them only (10 of 4096: a sixth of
/// the time; keys that come in descending order take as long as counting).
@inline(__always)
private func insertSmallest(
  _ count: Int, _ keys: UnsafePointer<UInt64>, _ k: Int, _ positions: UnsafeMutablePointer<Int64>
) {
  var found = 0
  var largest = UInt64.max
  for i in 0..<count {
    let key = keys[i]
    if found == k && key >= largest { continue }
    var place = min(found, k &- 1)
    while place > 0 && keys[Int(positions[place &- 1])] > key {
      positions[place] = positions[place &- 1]
      place &-= 1
    }
    positions[place] = Int64(truncatingIfNeeded: i)
    found = min(found &+ 1, k)
    largest = keys[Int(positions[found &- 1])]
  }
}

/// Where each value would be inserted among sorted keys: before equal ones, or after them.
@inline(__always)
private func searchSorted(
  _ count: Int, _ values: UnsafePointer<UInt64>?, _ length: Int, _ sorted: UnsafePointer<UInt64>?, _ right: Bool,
  _ positions: UnsafeMutablePointer<Int64>?
) {
  guard let values, let positions else { return }
  for i in 0..<count {
    let value = values[i]
    var (low, high) = (0, length)
    while low < high, let sorted {
      let middle = low &+ (high &- low) / 2
      if sorted[middle] < value || right && sorted[middle] == value { low = middle &+ 1 } else { high = middle }
    }
    positions[i] = Int64(truncatingIfNeeded: low)
  }
}
