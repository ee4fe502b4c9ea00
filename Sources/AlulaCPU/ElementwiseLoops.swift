import CSupport

// Loops shared by the element-wise kernels. Always inlined into non-generic kernels, so that no
// generic specialisation is emitted that a linker could merge across instruction sets.

@inline(__always)
func binaryLoop<V: SIMD, R: SIMD>(
  _ count: Int, _ data: UnsafePointer<UnsafeMutablePointer<CChar>?>, _ strides: UnsafePointer<Int>,
  _ vector: (V, V) -> R, _ scalar: (V.Scalar, V.Scalar) -> R.Scalar
) {
  guard let out = UnsafeMutableRawPointer(data[0]), let a = UnsafeRawPointer(data[1]),
    let b = UnsafeRawPointer(data[2])
  else { return }
  let step = MemoryLayout<V.Scalar>.stride
  let outStep = MemoryLayout<R.Scalar>.stride
  var i = 0
  if strides[0] == outStep, strides[1] == step || strides[1] == 0, strides[2] == step || strides[2] == 0 {
    let width = V.scalarCount
    if strides[1] != 0, strides[2] != 0 {
      while i &+ width <= count {
        let x = a.loadUnaligned(fromByteOffset: i &* step, as: V.self)
        let y = b.loadUnaligned(fromByteOffset: i &* step, as: V.self)
        out.storeBytes(of: vector(x, y), toByteOffset: i &* outStep, as: R.self)
        i &+= width
      }
    } else if strides[1] != 0 {
      let y = V(repeating: b.loadUnaligned(as: V.Scalar.self))
      while i &+ width <= count {
        let x = a.loadUnaligned(fromByteOffset: i &* step, as: V.self)
        out.storeBytes(of: vector(x, y), toByteOffset: i &* outStep, as: R.self)
        i &+= width
      }
    } else if strides[2] != 0 {
      let x = V(repeating: a.loadUnaligned(as: V.Scalar.self))
      while i &+ width <= count {
        let y = b.loadUnaligned(fromByteOffset: i &* step, as: V.self)
        out.storeBytes(of: vector(x, y), toByteOffset: i &* outStep, as: R.self)
        i &+= width
      }
    }
  }
  while i < count {
    let x = a.loadUnaligned(fromByteOffset: i &* strides[1], as: V.Scalar.self)
    let y = b.loadUnaligned(fromByteOffset: i &* strides[2], as: V.Scalar.self)
    out.storeBytes(of: scalar(x, y), toByteOffset: i &* strides[0], as: R.Scalar.self)
    i &+= 1
  }
}
