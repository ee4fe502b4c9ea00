import Synchronization

extension CPUBackend {
  static let matrixProductLowerings: [(Operation, Lowering)] = [
    (
      .matmul,
      { (call, outputs) throws(AlulaError) in
        try product(call, outputs) { (call, kernels, output) throws(AlulaError) in
          try multiply(call, kernels, call[0].layout.asRows, call[1].layout.asColumns, bias: nil, output)
        }
      }
    ),
    (
      .linear,
      { (call, outputs) throws(AlulaError) in
        try product(call, outputs) { (call, kernels, output) throws(AlulaError) in
          let bias = try call.optional(2)?.contiguous().cast(dtype: kernels.result)
          try multiply(call, kernels, call[0].layout.asRows, call[1].layout.transposed, bias: bias, output)
        }
      }
    ),
  ]

  /// Runs `body` with the kernels for the call's dtype. Halves are multiplied in float32: bfloat16 as it is, where there are
  /// kernels for that and neither operand is a vector, with sums that are rounded in the end, and else as a float32 copy.
  private static func product(
    _ call: Call, _ outputs: [Tensor], _ body: (Call, GemmKernels, Tensor) throws(AlulaError) -> Void
  ) throws(AlulaError) {
    let dtype = outputs[0].dtype
    if dtype == .bfloat16, let kernels = GemmKernels.bfloat16Matrices, !call[0].isVector, !call[1].isVector {
      return try body(call, kernels, outputs[0])
    }
    if dtype == .float16 || dtype == .bfloat16 {
      return try inFloat32(call, outputs) { (call, outputs) throws(AlulaError) in
        try body(call, gemmKernels(call), outputs[0])
      }
    }
    try body(call, gemmKernels(call), outputs[0])
  }

  /// Runs `body` on float32 copies when the results are of half precision.
  static func inFloat32(
    _ call: Call, _ outputs: [Tensor], _ body: (Call, [Tensor]) throws(AlulaError) -> Void
  ) throws(AlulaError) {
    guard let dtype = outputs.first?.dtype, dtype == .float16 || dtype == .bfloat16 else {
      return try body(call, outputs)
    }
    var inputs = Operands()
    for tensor in call.inputs { inputs.append(tensor?.dtype == dtype ? try tensor?.cast(dtype: .float32) : tensor) }
    var results: [Tensor] = []
    for output in outputs {
      results.append(
        output.dtype == dtype ? try Tensor(uninitialized: output.layout.shape, dtype: .float32) : output)
    }
    try body(Call(call.operation, inputs, call.attributes), results)
    for (output, result) in zip(outputs, results) where output.dtype == dtype {
      try Operation.convert.execute(Call(.convert, [result], [.dtype(dtype)]), into: [output])
    }
  }

  static func gemmKernels(_ call: Call) throws(AlulaError) -> GemmKernels {
    guard let kernels = GemmKernels.of(call[0].dtype) else {
      throw .invalidDType("\(call.operation.name): dtype \(call[0].dtype) is not supported on cpu")
    }
    return kernels
  }

  static func outOfMemory(_ call: Call) -> AlulaError {
    .outOfMemory("\(call.operation.name): no memory to rearrange the operands in")
  }

  /// The product of the call's first two inputs, seen as (stacks of) matrices.
  private static func multiply(
    _ call: Call, _ kernels: GemmKernels, _ layoutA: Layout, _ layoutB: Layout, bias: Tensor?, _ output: Tensor
  ) throws(AlulaError) {
    let (a, b) = (call[0], call[1])
    var layoutA = layoutA
    // A batch of rows that meets one matrix is one tall matrix.
    if layoutB.rank == 2, layoutA.rank > 2, layoutA.count > 0 {
      let k = layoutA.shape[layoutA.rank - 1]
      if let tall = layoutA.reshaped(to: [layoutA.count / k, k]) { layoutA = tall }
    }
    let (rankA, rankB) = (layoutA.rank, layoutB.rank)
    let m = layoutA.shape[rankA - 2]
    let k = layoutA.shape[rankA - 1]
    let n = layoutB.shape[rankB - 1]
    if output.count == 0 { return }
    var product = Gemm(kernels, m: m, n: n, k: k)
    product.columnBias = bias.map { UnsafeRawPointer($0.data) }
    if kernels.result != output.dtype {
      guard let rounding = GemmRounding(from: kernels.result, to: output.dtype) else {
        throw .internal("\(call.operation.name): no kernel from \(kernels.result) to \(output.dtype)")
      }
      product.rounding = rounding
    }
    let gemm = product
    if rankA == 2, rankB == 2 {
      let done = gemm.run(
        MatrixOperand(pointer: a.data, rowStride: layoutA.strides[0], columnStride: layoutA.strides[1]),
        MatrixOperand(pointer: b.data, rowStride: layoutB.strides[0], columnStride: layoutB.strides[1]), output.data,
        rowStride: n)
      if !done { throw outOfMemory(call) }
      return
    }
    let batch = Dims.broadcast(layoutA.shape.prefix(rankA - 2), layoutB.shape.prefix(rankB - 2)) ?? []
    let offsetsA = layoutA.batchOffsets(batch)
    let offsetsB = layoutB.batchOffsets(batch)
    let c = output.data
    let failed = Atomic(false)
    let rowsOfA = MatrixOperand(
      pointer: a.data, rowStride: layoutA.strides[rankA - 2], columnStride: layoutA.strides[rankA - 1])
    let rowsOfB = MatrixOperand(
      pointer: b.data, rowStride: layoutB.strides[rankB - 2], columnStride: layoutB.strides[rankB - 1])
    let multiply: (Range<Int>) -> Void = { range in
      if !gemm.runStack(range, rowsOfA, offsetsA, rowsOfB, offsetsB, c) { failed.store(true, ordering: .relaxed) }
    }
    // Threads share out the batch when it is large enough, else the tiles of each product.
    if offsetsA.count >= 8 {
      ThreadPool.parallelFor(
        offsetsA.count, grain: max(1, (1 << 18) / max(saturatedProduct(m, n, k), 1)), multiply)
    } else {
      multiply(offsetsA.indices)
    }
    if failed.load(ordering: .relaxed) { throw outOfMemory(call) }
  }
}

extension Tensor {
  /// Whether it has one axis, or one row or column.
  fileprivate var isVector: Bool { rank < 2 || shape.suffix(2).contains(1) }
}

extension Layout {
  /// A vector as a matrix of one row.
  var asRows: Layout {
    rank > 1 ? self : Layout(shape: [1, shape[0]], strides: [0, strides[0]], offset: offset)
  }

  /// A vector as a matrix of one column.
  var asColumns: Layout {
    rank > 1 ? self : Layout(shape: [shape[0], 1], strides: [strides[0], 0], offset: offset)
  }

  /// The matrix with its axes exchanged.
  var transposed: Layout {
    Layout(shape: [shape[1], shape[0]], strides: [strides[1], strides[0]], offset: offset)
  }

  /// Where each matrix of a stack of shape `batch` starts, counted from the first.
  func batchOffsets(_ batch: Dims) -> [Int] {
    var offsets = [0]
    for axis in batch.indices {
      let own = axis - (batch.count - (rank - 2))
      let step = own < 0 || shape[own] == 1 ? 0 : strides[own]
      offsets = offsets.flatMap { start in (0..<batch[axis]).map { start + $0 * step } }
    }
    return offsets
  }
}
