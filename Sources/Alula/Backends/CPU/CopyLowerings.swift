extension CPUBackend {
  static let copyLowerings: [(Operation, Lowering)] = [
    (
      .copy,
      { (call, outputs) throws(AlulaError) in
        if let transposed = TransposedCopy(outputs[0], from: call[0]) { return transposed.run() }
        // Elements of one size are copied alike, whatever they mean.
        try run(KernelTable.shared.row("copy")[slot: outputs[0].dtype.itemSize], call, outputs)
      }
    ),
    (
      .convert,
      { (call, outputs) throws(AlulaError) in
        let slot = call[0].dtype.code * DType.allCases.count + outputs[0].dtype.code
        try run(KernelTable.shared.row("cast")[slot: slot], call, outputs)
      }
    ),
  ]

  private static func run(_ kernel: UnsafeRawPointer?, _ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    guard let kernel else {
      throw .internal("\(call.operation.name): no kernel from \(call[0].dtype) to \(outputs[0].dtype)")
    }
    StridedLoop.run(unsafeBitCast(kernel, to: ElementwiseKernel.self), outputs[0], call[0])
  }
}
