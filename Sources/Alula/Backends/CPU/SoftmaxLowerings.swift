extension CPUBackend {
  static let softmaxLowerings: [(Operation, Lowering)] = [
    (.softmax, { (call, outputs) throws(AlulaError) in try alongAxis(softmaxKernels, call, outputs[0]) }),
    (.logSoftmax, { (call, outputs) throws(AlulaError) in try alongAxis(logSoftmaxKernels, call, outputs[0]) }),
    (
      .softmaxBackward,
      { (call, outputs) throws(AlulaError) in try alongAxis(softmaxBackwardKernels, call, outputs[0]) }
    ),
    (
      .logSoftmaxBackward,
      { (call, outputs) throws(AlulaError) in try alongAxis(logSoftmaxBackwardKernels, call, outputs[0]) }
    ),
  ]

  private static let softmaxKernels = RowKernels("softmax")
  private static let logSoftmaxKernels = RowKernels("log_softmax")
  private static let softmaxBackwardKernels = RowKernels("softmax_backward")
  private static let logSoftmaxBackwardKernels = RowKernels("log_softmax_backward")

  /// Runs a kernel over rows along attribute `axis`: of the output, and of the inputs, which have its shape.
  private static func alongAxis(_ kernels: RowKernels, _ call: Call, _ output: Tensor) throws(AlulaError) {
    let rank = output.rank
    if output.count == 0 { return }
    let axis = try call.axis(call.int("axis"), rank: max(rank, 1))
    let order = (0..<rank).filter { $0 != axis } + (rank == 0 ? [] : [axis])
    let length = rank == 0 ? 1 : output.layout.shape[axis]
    let isLast = axis >= rank - 1
    var operands: [RowKernels.Operand] = []
    for input in call.list {
      var rows = try input.widenedHalf()
      if !isLast { rows = try rows.permuteDims(axes: order) }
      operands.append((try rows.contiguous(), length))
    }
    guard let first = operands.first?.tensor else { return }
    let direct = isLast && first.dtype == output.dtype
    let target = direct ? output : try Tensor(uninitialized: first.layout.shape, dtype: first.dtype)
    try kernels.run(
      first.dtype, rows: output.count / length, length: length, [(target, length)] + operands)
    if !direct {
      let place = isLast ? output : try output.permuteDims(axes: order)
      try place.copyElements(from: target.cast(dtype: output.dtype))
    }
  }
}
