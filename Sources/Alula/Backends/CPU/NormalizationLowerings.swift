extension CPUBackend {
  static let normalizationLowerings: [(Operation, Lowering)] = [
    (.layerNormRows, { (call, outputs) throws(AlulaError) in try normalize(call, outputs, centered: true) }),
    (.rmsNormRows, { (call, outputs) throws(AlulaError) in try normalize(call, outputs, centered: false) }),
    (.normBackward, { (call, outputs) throws(AlulaError) in try normalizeBackward(call, outputs) }),
  ]

  private static let normalizeKernels = RowKernels("normalize_rows")
  private static let normalizeBackwardKernels = RowKernels("normalize_rows_backward")

  private static func normalize(_ call: Call, _ outputs: [Tensor], centered: Bool) throws(AlulaError) {
    let (rows, length) = call.normalizedRows
    var inputs = Operands()
    for input in call.inputs { inputs.append(try input?.widenedHalf().contiguous()) }
    let statistics = outputs[1]
    let direct = outputs[0].dtype == statistics.dtype
    let target = direct ? outputs[0] : try Tensor(uninitialized: outputs[0].layout.shape, dtype: statistics.dtype)
    try normalizeKernels.run(
      statistics.dtype, rows: rows, length: length,
      [(target, length), (statistics, 1), (outputs[2], 1), (inputs[0], length), (inputs[1], 0), (inputs[2], 0)],
      parameters: [call.float("eps"), centered ? 1 : 0])
    if !direct { try outputs[0].copyElements(from: target.cast(dtype: outputs[0].dtype)) }
  }

  private static func normalizeBackward(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    let (rows, length) = call.normalizedRows
    var inputs = Operands()
    for input in call.inputs { inputs.append(try input?.widenedHalf().contiguous()) }
    let dtype = inputs[2]?.dtype ?? .float32
    let direct = outputs[0].dtype == dtype
    let target = direct ? outputs[0] : try Tensor(uninitialized: outputs[0].layout.shape, dtype: dtype)
    // One sum per block of rows and element of the weight and the bias, then the sums of those.
    let grain = RowKernels.grain(rows: rows, length: length)
    let blocks = (rows + grain - 1) / grain
    let isAffine = call.bool("affine")
    var partials: [Tensor?] = [nil, nil]
    if isAffine {
      for k in partials.indices {
        let partial = try Tensor(uninitialized: [blocks, length], dtype: dtype)
        partial.data.initializeMemory(as: UInt8.self, repeating: 0, count: partial.count * dtype.itemSize)
        partials[k] = partial
      }
    }
    try normalizeBackwardKernels.run(
      dtype, rows: rows, length: length,
      [
        (target, length), (partials[0], length), (partials[1], length), (inputs[0], length), (inputs[1], length),
        (inputs[2], 1), (inputs[3], 1), (inputs[4], 0),
      ], parameters: [call.bool("centered") ? 1 : 0], partials: 1..<3)
    for (k, partial) in partials.enumerated() {
      if let partial { try reduce(.sum, partial, axes: [0], into: outputs[k + 1]) }
    }
    if !direct { try outputs[0].copyElements(from: target.cast(dtype: outputs[0].dtype)) }
  }
}

extension Call {
  /// The number of rows that the first input's last `axes` axes make up, and their length.
  fileprivate var normalizedRows: (rows: Int, length: Int) {
    let shape = self[0].layout.shape
    let lead = shape.count - int("axes")
    let rows = (0..<lead).reduce(1) { $0 * shape[$1] }
    return (rows, (lead..<shape.count).reduce(1) { $0 * shape[$1] })
  }
}
