import CSupport

// The matrix-product kernels of each data type, under these names:
//   gemm.shape    rows and columns of a tile
//   gemm.pack_a   packs rows of A, gemm.pack_b packs columns of B
//   gemm.block    multiplies packed blocks
// Signed integers wrap, so they share the unsigned kernels of their size. Half-precision operands are
// widened as they are packed, and are multiplied by the float32 block.

func registerGemm(_ receive: KernelReceiver) {
  registerGemmFloat(receive)

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
