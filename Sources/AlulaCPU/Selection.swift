import CSupport

// where: elements are chosen, not looked at, so dtypes of one size share a kernel.

func registerSelection(_ receive: KernelReceiver) {
  for slot in [0, 1, 5] {
    register(receive, "where", slot: slot) { n, p, s, _ in
      map(n, p, s) { (c: UInt8s, x: UInt8s, y: UInt8s) in y.replacing(with: x, where: c .!= 0) }
    }
  }
  for slot in [2, 6, 9, 10] {
    register(receive, "where", slot: slot) { n, p, s, _ in
      map(n, p, s) { (c: UInt16Bytes, x: UInt16s, y: UInt16s) in
        y.replacing(with: x, where: vector_bytes_to_uint16(c) .!= 0)
      }
    }
  }
  for slot in [3, 7, 11] {
    register(receive, "where", slot: slot) { n, p, s, _ in
      map(n, p, s) { (c: Lanes<UInt8>, x: UInt32s, y: UInt32s) in
        y.replacing(with: x, where: lanes_uint8_to_uint32(c) .!= 0)
      }
    }
  }
  for slot in [4, 8, 12, 13] {
    register(receive, "where", slot: slot) { n, p, s, _ in
      map(n, p, s) { (c: UInt64Bytes, x: UInt64s, y: UInt64s) in
        y.replacing(with: x, where: vector_bytes_to_uint64(c) .!= 0)
      }
    }
  }
  register(receive, "where", slot: 14) { n, p, s, _ in
    guard let p, let s, let out = p[0], let c = p[1], let x = p[2], let y = p[3] else { return }
    var i = 0
    while i < n {
      let chosen = c[i &* s[1]] != 0 ? x + i &* s[2] : y + i &* s[3]
      UnsafeMutableRawPointer(out + i &* s[0]).copyMemory(from: chosen, byteCount: 16)
      i &+= 1
    }
  }
}
