// How element-wise kernels are registered: one list per group of dtypes, in the order of their codes.

typealias ElementwiseKernel = @convention(c) (Int, ElementPointers, ElementStrides, UnsafePointer<Double>?) -> Void

func register(_ receive: KernelReceiver, _ name: StaticString, slot: Int, _ kernel: ElementwiseKernel) {
  receive(name, slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

/// Kernels of bool, whose elements are bytes 0 and 1.
func registerBool(_ receive: KernelReceiver, _ name: StaticString, _ kernel: ElementwiseKernel) {
  register(receive, name, slot: 0, kernel)
}

func registerSigned(
  _ receive: KernelReceiver, _ name: StaticString, _ int8: ElementwiseKernel, _ int16: ElementwiseKernel,
  _ int32: ElementwiseKernel, _ int64: ElementwiseKernel
) {
  register(receive, name, slot: 1, int8)
  register(receive, name, slot: 2, int16)
  register(receive, name, slot: 3, int32)
  register(receive, name, slot: 4, int64)
}

func registerUnsigned(
  _ receive: KernelReceiver, _ name: StaticString, _ uint8: ElementwiseKernel, _ uint16: ElementwiseKernel,
  _ uint32: ElementwiseKernel, _ uint64: ElementwiseKernel
) {
  register(receive, name, slot: 5, uint8)
  register(receive, name, slot: 6, uint16)
  register(receive, name, slot: 7, uint32)
  register(receive, name, slot: 8, uint64)
}

/// Kernels that do the same to signed and unsigned integers of a width.
func registerIntegers(
  _ receive: KernelReceiver, _ name: StaticString, _ bits8: ElementwiseKernel, _ bits16: ElementwiseKernel,
  _ bits32: ElementwiseKernel, _ bits64: ElementwiseKernel
) {
  registerSigned(receive, name, bits8, bits16, bits32, bits64)
  registerUnsigned(receive, name, bits8, bits16, bits32, bits64)
}

func registerFloats(
  _ receive: KernelReceiver, _ name: StaticString, _ float16: ElementwiseKernel, _ bfloat16: ElementwiseKernel,
  _ float32: ElementwiseKernel, _ float64: ElementwiseKernel
) {
  register(receive, name, slot: 9, float16)
  register(receive, name, slot: 10, bfloat16)
  register(receive, name, slot: 11, float32)
  register(receive, name, slot: 12, float64)
}
