extension CPUBackend {
  static let updateLowerings: [(Operation, Lowering)] = [
    (
      .sliceScatter,
      { (call, outputs) throws(AlulaError) in
        try store(call[1], into: outputs[0].aliased(outputs[0].layout.sliced(call.basicIndex)))
      }
    ),
    (
      .sliceAdd,
      { (call, outputs) throws(AlulaError) in
        try Operation.add.callInPlace([outputs[0].aliased(outputs[0].layout.sliced(call.basicIndex)), call[1]])
      }
    ),
    (
      .diagonalScatter,
      { (call, outputs) throws(AlulaError) in
        let diagonal = try Call(call.operation, Operands(outputs[0]), call.attributes).diagonal()
        try store(call[1], into: outputs[0].aliased(diagonal))
      }
    ),
  ]

  /// Writes `value`, broadcast and converted, over the elements of `target`.
  static func store(_ value: Tensor, into target: Tensor) throws(AlulaError) {
    try target.copyElements(from: value.dtype == target.dtype ? value : value.cast(dtype: target.dtype))
  }
}
