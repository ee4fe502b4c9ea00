import CSupport

extension CPUBackend {
  static let attentionLowerings: [(Operation, Lowering)] = [
    (
      .attentionRows,
      { (call, outputs) throws(AlulaError) in
        try inFloat32(call, outputs) { (call, outputs) throws(AlulaError) in try attend(call, outputs) }
      }
    ),
    (
      .attentionBackward,
      { (call, outputs) throws(AlulaError) in
        try inFloat32(call, outputs) { (call, outputs) throws(AlulaError) in try attendBackward(call, outputs) }
      }
    ),
  ]

  private static func attend(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    let (out, logarithms) = (outputs[0], outputs[1])
    if logarithms.count == 0 { return }
    let heads = Dims(out.shape.dropLast(2))
    let v = try paddedRows(call[2])
    let attention = try blockedAttention(call, call[0], call[1], v, mask: call.optional(3), heads)
    let done = attention.forward(
      MatrixStack(out, heads: heads), columns: out.shape[out.rank - 1], logarithms: logarithms.data)
    withExtendedLifetime(v) {}
    if !done { throw outOfMemory(call) }
  }

  private static func attendBackward(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    let (g, q, k) = (call[0], call[1], call[2])
    let (out, logarithms) = (try call[4].contiguous(), try call[5].contiguous())
    let columns = call[3].shape[call[3].rank - 1]
    if logarithms.count == 0 || k.shape[k.rank - 2] == 0 { return outputs.forEach(zero) }
    let heads = Dims(out.shape.dropLast(2))
    let v = try paddedRows(call[3])
    let (paddedQ, paddedK, paddedG) = (try paddedRows(q), try paddedRows(k), try paddedRows(g))
    let attention = try blockedAttention(call, q, k, v, mask: call.optional(6), heads)
    let gradient = AttentionGradient(
      attention: attention, paddedQ: MatrixStack(paddedQ, heads: heads), paddedK: MatrixStack(paddedK, heads: heads),
      paddedSize: paddedK.shape[k.rank - 1], g: MatrixStack(g, heads: heads),
      paddedG: MatrixStack(paddedG, heads: heads), out: MatrixStack(out, heads: heads),
      logarithms: logarithms.data)
    // Straight into the results where no rows are padded and no pieces are to be added up.
    let pieces = gradient.pieces
    var sums: [Tensor] = []
    for (output, rows) in [(outputs[1], gradient.paddedSize), (outputs[2], attention.valueSize)] {
      if pieces == 1, output.shape[output.rank - 1] == rows {
        sums.append(output)
      } else {
        sums.append(
          try Tensor(
            uninitialized: Dims([pieces] + output.shape.dropLast() + [rows]), dtype: output.dtype,
            operation: call.operation.name))
      }
    }
    let done = gradient.run(
      MatrixStack(outputs[0], heads: heads), sums[0].data, sums[1].data, columns: columns, pieces: pieces)
    withExtendedLifetime((v, paddedQ, paddedK, paddedG, out, logarithms)) {}
    if !done { throw outOfMemory(call) }
    for (sum, output) in zip(sums, outputs.dropFirst()) where sum !== output {
      var layout = sum.layout
      layout = Layout(
        shape: Dims(sum.shape.dropLast() + [output.shape[output.rank - 1]]), strides: layout.strides,
        offset: layout.offset)
      try reduce(.sum, sum.aliased(layout), axes: [0], into: output)
    }
  }

  private static func blockedAttention(
    _ call: Call, _ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor?, _ heads: Dims
  ) throws(AlulaError) -> BlockedAttention {
    guard let kernels = AttentionKernels.of(q.dtype) else {
      throw .invalidDType("\(call.operation.name): dtype \(q.dtype) is not supported on cpu")
    }
    let rank = q.rank
    return BlockedAttention(
      kernels: kernels, heads: heads.array.reduce(1, *), queries: q.shape[rank - 2], keys: k.shape[rank - 2],
      size: q.shape[rank - 1], causal: call.bool("causal"), scale: call.float("scale"),
      q: MatrixStack(q, heads: heads), k: MatrixStack(k, heads: heads), v: MatrixStack(v, heads: heads),
      mask: mask.map { MatrixStack($0, heads: heads) }, valueSize: v.shape[rank - 1])
  }

  /// The same matrices with rows of adjacent elements, padded with zeros to whole panels; the tensor itself where that is
  /// how it lies.
  private static func paddedRows(_ tensor: Tensor) throws(AlulaError) -> Tensor {
    let width = AttentionKernels.of(tensor.dtype)?.width ?? 1
    let last = tensor.rank - 1
    let length = tensor.shape[last]
    let padded = (length + width - 1) / width * width
    if padded == length, tensor.layout.strides[last] == 1 || length <= 1 { return tensor }
    let result = try Tensor(
      uninitialized: Dims(tensor.shape.dropLast() + [padded]), dtype: tensor.dtype, operation: "attention")
    zero(result)
    let layout = Layout(shape: tensor.layout.shape, strides: result.layout.strides, offset: 0)
    try result.aliased(layout).copyElements(from: tensor)
    return result
  }

  static func zero(_ tensor: Tensor) {
    tensor.data.initializeMemory(as: UInt8.self, repeating: 0, count: tensor.count * tensor.dtype.itemSize)
  }
}
