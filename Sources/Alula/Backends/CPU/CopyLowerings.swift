extension CPUBackend {
  static let copyLowerings: [(Operation, Lowering)] = [
    (
      .copy,
      { (call, outputs) throws(AlulaError) in
        let (target, source) = (outputs[0], call[0])
        let isPlain = target.layout.isContiguous && source.layout.isContiguous
        if !isPlain, target.count > 0, target.layout.shape == source.layout.shape {
          let axes = CopyAxis.joined(target, source)
          if let rows = RowCopy(target, from: source, along: axes) { return rows.run() }
          if let transposed = TransposedCopy(target, from: source, along: axes) { return transposed.run() }
        }
        // Elements of one size are copied alike, whatever they mean.
        let kernel = KernelTable.shared.function("copy", slot: target.dtype.itemSize, as: ElementwiseKernel.self)
        try run(kernel, call, outputs)
      }
    ),
    (
      .convert,
      { (call, outputs) throws(AlulaError) in
        try run(KernelTable.shared.cast(from: call[0].dtype, to: outputs[0].dtype), call, outputs)
      }
    ),
  ]

  private static func run(_ kernel: ElementwiseKernel?, _ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    guard let kernel else {
      throw .internal("\(call.operation.name): no kernel from \(call[0].dtype) to \(outputs[0].dtype)")
    }
    StridedLoop.run(kernel, outputs[0], call[0])
  }
}
