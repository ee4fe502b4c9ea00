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

  /// A kernel along rows, and its sibling down columns.
  private struct AxisKernels {
    let rows: RowKernels
    let columns: ColumnKernels

    init(_ name: String) {
      rows = RowKernels(name)
      columns = ColumnKernels(name + "_columns")
    }
  }

  private static let softmaxKernels = AxisKernels("softmax")
  private static let logSoftmaxKernels = AxisKernels("log_softmax")
  private static let softmaxBackwardKernels = AxisKernels("softmax_backward")
  private static let logSoftmaxBackwardKernels = AxisKernels("log_softmax_backward")

  /// Runs a kernel over rows along attribute `axis`: of the output, and of the inputs, which have its shape.
  private static func alongAxis(_ kernels: AxisKernels, _ call: Call, _ output: Tensor) throws(AlulaError) {
    let rank = output.rank
    if output.count == 0 { return }
    let axis = try call.axis(call.int("axis"), rank: max(rank, 1))
    let shape = output.layout.shape
    let length = rank == 0 ? 1 : shape[axis]
    let columns = axis + 1 < rank ? (axis + 1..<rank).reduce(1) { $0 * shape[$1] } : 1
    // The output and the inputs.
    var operands = [output]
    operands.reserveCapacity(1 + call.inputs.count)
    for i in 0..<call.inputs.count { operands.append(try call[i].widenedHalf().contiguous()) }
    let dtype = operands[operands.count - 1].dtype
    let direct = dtype == output.dtype
    if !direct { operands[0] = try Tensor(uninitialized: shape, dtype: dtype) }
    if columns > 1 {
      try kernels.columns.run(dtype, operands, length: length, columns: columns)
    } else if length <= ColumnKernels.shortRow, output.count / length >= ColumnKernels.fewRows {
      try kernels.columns.runTurned(dtype, operands, length: length)
    } else {
      try kernels.rows.run(dtype, rows: output.count / length, length: length, operands.map { ($0, length) })
    }
    if !direct { try output.copyElements(from: operands[0].cast(dtype: output.dtype)) }
  }
}
