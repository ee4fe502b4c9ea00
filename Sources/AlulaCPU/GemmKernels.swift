import CSupport

// The matrix-product kernels of each data type, under these names:
//   gemm.shape    rows and columns of a tile
//   gemm.pack_a   packs rows of A, gemm.pack_b packs columns of B
//   gemm.block    multiplies packed blocks
//   gemm.vector   multiplies a vector and a matrix that is not packed
//   gemm.dots     multiplies few vectors and many that lie along the depth (DotProducts.swift)
//   gemm.small    multiplies small matrices (SmallProducts.swift)
//   gemm.add      adds one result to another

func registerGemm(_ receive: KernelReceiver) {
  registerGemmFloat(receive)
  registerGemmDouble(receive)
  registerGemmPairs(receive)
  registerGemmTiles(receive)
  registerGemmUInt8(receive)
  registerGemmUInt16(receive)
  registerGemmUInt32(receive)
  registerGemmUInt64(receive)
  registerSmallProducts(receive)
}

func registerGemmShape(_ receive: KernelReceiver, _ slot: Int, _ kernel: gemm_shape_kernel) {
  receive("gemm.shape", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

func registerGemmPacking(
  _ receive: KernelReceiver, _ slot: Int, a: gemm_pack_kernel, b: gemm_pack_kernel
) {
  receive("gemm.pack_a", slot, unsafeBitCast(a, to: UnsafeRawPointer.self))
  receive("gemm.pack_b", slot, unsafeBitCast(b, to: UnsafeRawPointer.self))
}

func registerGemmBlock(_ receive: KernelReceiver, _ slot: Int, _ kernel: gemm_block_kernel) {
  receive("gemm.block", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

func registerGemmVector(_ receive: KernelReceiver, _ slot: Int, _ kernel: gemm_vector_kernel) {
  receive("gemm.vector", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

func registerGemmAdd(_ receive: KernelReceiver, _ slot: Int, _ kernel: gemm_add_kernel) {
  receive("gemm.add", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

/// sum += addend, for contiguous elements.
@inline(__always)
func addElements<V: SIMD>(
  _ zero: V, _ count: Int, _ sum: UnsafeMutablePointer<V.Scalar>, _ addend: UnsafePointer<V.Scalar>,
  _ add: (V, V) -> V
) {
  var i = 0
  while i &+ V.scalarCount <= count {
    let x = UnsafeRawPointer(sum + i).loadUnaligned(as: V.self)
    storeLanes(sum + i, add(x, UnsafeRawPointer(addend + i).loadUnaligned(as: V.self)))
    i &+= V.scalarCount
  }
  while i < count {
    sum[i] = add(V(repeating: sum[i]), V(repeating: addend[i]))[0]
    i &+= 1
  }
}
