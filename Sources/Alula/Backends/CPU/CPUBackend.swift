/// Runs primitives with the kernels of the instruction set chosen at load.
package final class CPUBackend: Backend {
  package static let shared = CPUBackend()

  /// How a primitive that is not element-wise calls its kernels.
  typealias Lowering = @Sendable (Call, [Tensor]) throws(AlulaError) -> Void

  /// How a reduction does.
  typealias ReductionLowering = @Sendable (Tensor, AxisSet, Tensor) throws(AlulaError) -> Void

  /// By an operation's index.
  private let lowerings: [Lowering?]
  private let reductions: [ReductionLowering?]
  private let elementwise: [KernelRow?]
  /// At hand, since the first use of a global would be checked in every call.
  private let queue = ElementwiseQueue.shared
  private let smallestWaiting = ElementwiseQueue.smallest

  /// One entry per primitive, in a list per family beside its code.
  private static let families: [[(Operation, Lowering)]] = [
    copyLowerings,
    foldLowerings,
    creationLowerings,
    updateLowerings,
    matrixProductLowerings,
    randomLowerings,
    convolutionLowerings,
    optimizerLowerings,
    joinLowerings,
    indexLowerings,
    maskLowerings,
    sortLowerings,
    scanLowerings,
    softmaxLowerings,
    normalizationLowerings,
    channelNormalizationLowerings,
    classificationLowerings,
    embeddingLowerings,
    poolingLowerings,
    attentionLowerings,
    recurrentLowerings,
  ]

  private init() {
    let operations = Catalog.operations + Operation.uncatalogued
    let lowered = Array(CPUBackend.families.joined())
    let reducing = CPUBackend.reductionLowerings
    let all = operations + lowered.map(\.0) + reducing.map(\.0)
    let count = (all.map(\.index).max() ?? 0) + 1
    var lowerings: [Lowering?] = Array(repeating: nil, count: count)
    for (operation, lowering) in lowered { lowerings[operation.index] = lowering }
    var reductions: [ReductionLowering?] = Array(repeating: nil, count: count)
    for (operation, lowering) in reducing { reductions[operation.index] = lowering }
    var elementwise: [KernelRow?] = Array(repeating: nil, count: count)
    for operation in operations {
      if case .elementwise = operation.body { elementwise[operation.index] = KernelTable.shared.row(operation.name) }
    }
    self.lowerings = lowerings
    self.reductions = reductions
    self.elementwise = elementwise
  }

  package func allocate(byteCount: Int, operation: String) throws(AlulaError) -> UnsafeMutableRawPointer {
    guard let pointer = MemoryPool.shared.allocate(byteCount: byteCount) else {
      throw .outOfMemory("\(operation): \(byteCount) bytes could not be allocated")
    }
    return pointer
  }

  package func deallocate(_ pointer: UnsafeMutableRawPointer, byteCount: Int) {
    MemoryPool.shared.deallocate(pointer, byteCount: byteCount)
  }

  package func copyIn(_ destination: UnsafeMutableRawPointer, from host: UnsafeRawPointer, byteCount: Int) {
    destination.copyMemory(from: host, byteCount: byteCount)
  }

  package func copyOut(_ host: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int) {
    host.copyMemory(from: source, byteCount: byteCount)
  }

  package func synchronize() { queue.finish() }

  package func settle(_ storage: Storage) { queue.settle(storage) }

  package func forget(_ storage: Storage) { queue.forget(storage) }

  package func supports(_ operation: Operation, _ dtype: DType) -> Bool {
    guard operation.index < lowerings.count, operation.dtypes.contains(dtype) else { return false }
    if case .elementwise = operation.body { return elementwise[operation.index]?[dtype] != nil }
    if case .reduction = operation.body { return reductions[operation.index] != nil }
    return lowerings[operation.index] != nil
  }

  package func runElementwise(
    _ operation: Operation, _ a: Tensor, _ b: Tensor?, _ c: Tensor?, parameters: [Double], into output: Tensor
  ) throws(AlulaError) {
    StridedLoop.run(try elementwiseKernel(operation, a, b, c), output, a, b, c, parameters: parameters)
  }

  package func enqueueElementwise(
    _ operation: Operation, _ a: Tensor, _ b: Tensor?, _ c: Tensor?, parameters: [Double], into output: Tensor
  ) throws(AlulaError) {
    let kernel = try elementwiseKernel(operation, a, b, c)
    if output.count >= smallestWaiting, queue.append(kernel, output, a, b, c, parameters: parameters) { return }
    StridedLoop.run(kernel, output, a, b, c, parameters: parameters)
  }

  @inline(__always)
  private func elementwiseKernel(_ operation: Operation, _ a: Tensor, _ b: Tensor?, _ c: Tensor?)
    throws(AlulaError) -> ElementwiseKernel
  {
    // The last input decides: in `where` the first is the condition.
    let dtype = (c ?? b ?? a).dtype
    guard operation.index < elementwise.count, let kernel = elementwise[operation.index]?[dtype] else {
      throw .invalidDType("\(operation.name): dtype \(dtype) is not supported on cpu")
    }
    return unsafeBitCast(kernel, to: ElementwiseKernel.self)
  }

  package func runReduction(_ operation: Operation, _ x: Tensor, _ axes: AxisSet, into output: Tensor)
    throws(AlulaError)
  {
    guard operation.index < reductions.count, let lowering = reductions[operation.index] else {
      throw .unsupported("\(operation.name): not implemented on cpu")
    }
    x.storage.settle()
    try lowering(x, axes, output)
  }

  package func run(_ operation: Operation, _ call: Call, into outputs: [Tensor]) throws(AlulaError) {
    guard operation.index < lowerings.count, let lowering = lowerings[operation.index] else {
      throw .unsupported("\(operation.name): not implemented on cpu")
    }
    // Now, on all threads: inside the lowering's loops it would be on one.
    if !queue.isEmpty { call.inputs.forEach { $0?.storage.settle() } }
    try lowering(call, outputs)
  }
}
