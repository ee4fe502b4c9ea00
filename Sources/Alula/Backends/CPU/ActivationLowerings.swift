extension CPUBackend {
  /// Gradients of activations are element-wise kernels of their names.
  static let activationLowerings: [(Operation, Lowering)] = Operation.fusedGradients.map { operation in
    let kernels = KernelTable.shared.row(operation.name)
    return (
      operation,
      { (call, outputs) throws(AlulaError) in
        guard let kernel = kernels[outputs[0].dtype] else {
          throw .invalidDType("\(operation.name): dtype \(outputs[0].dtype) is not supported on cpu")
        }
        StridedLoop.run(
          unsafeBitCast(kernel, to: ElementwiseKernel.self), outputs[0], call[0], call.optional(1), call.optional(2))
      }
    )
  }
}
