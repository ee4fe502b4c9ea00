import Glibc

extension CPUBackend {
  static let channelNormalizationLowerings: [(Operation, Lowering)] = [
    (.channelNorm, { (call, outputs) throws(AlulaError) in try normalizeChannels(call, outputs) }),
    (.channelNormBackward, { (call, outputs) throws(AlulaError) in try normalizeChannelsBackward(call, outputs) }),
  ]

  private static let channelSums = RowKernels("channel_sums")
  private static let channelGradient = RowKernels("channel_gradient")

  private static func normalizeChannels(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    let x = try call[0].widenedHalf()
    let (shape, dtype) = (x.layout.shape, x.dtype)
    let channels = shape[1]
    if channels == 0 { return }
    let axes = AxisSet([0] + Array(2..<shape.count))
    let divisor = Double(x.count / channels)
    let (mean, variance) = (
      try Tensor(uninitialized: [channels], dtype: .float64), try Tensor(uninitialized: [channels], dtype: .float64)
    )
    try reduce(.sum, x, axes: axes, into: mean, divisor: divisor)
    try reduce(.squaredDeviation, x, axes: axes, into: variance, divisor: divisor, centers: mean)
    let (scale, offset) = (
      try Tensor(uninitialized: [channels], dtype: .float64), try Tensor(uninitialized: [channels], dtype: .float64)
    )
    let weight = try call.optional(1)?.cast(dtype: .float64).contiguous()
    let bias = try call.optional(2)?.cast(dtype: .float64).contiguous()
    for i in 0..<channels {
      scale.doubles[i] = (weight?.doubles[i] ?? 1) / (variance.doubles[i] + call.float("eps")).squareRoot()
      offset.doubles[i] = (bias?.doubles[i] ?? 0) - mean.doubles[i] * scale.doubles[i]
    }
    try outputs[1].copyElements(from: mean.cast(dtype: outputs[1].dtype))
    try outputs[2].copyElements(from: variance.cast(dtype: outputs[2].dtype))
    let column = [channels] + Array(repeating: 1, count: shape.count - 2)
    guard let kernel = KernelTable.shared.row("affine")[dtype] else {
      throw .invalidDType("batch_norm: dtype \(dtype) is not supported on cpu")
    }
    let direct = outputs[0].dtype == dtype
    let target = direct ? outputs[0] : try Tensor(uninitialized: shape, dtype: dtype)
    StridedLoop.run(
      unsafeBitCast(kernel, to: ElementwiseKernel.self), target, x,
      try scale.cast(dtype: dtype).reshape(shape: column), try offset.cast(dtype: dtype).reshape(shape: column))
    if !direct { try outputs[0].copyElements(from: target.cast(dtype: outputs[0].dtype)) }
  }

  private static func normalizeChannelsBackward(_ call: Call, _ outputs: [Tensor]) throws(AlulaError) {
    let shape = call[1].layout.shape
    let channels = shape[1]
    if call[1].count == 0 { return }
    let inner = (2..<shape.count).reduce(1) { $0 * shape[$1] }
    // Rows of one channel of one sample; of a whole channel where those would be too short.
    let isShort = inner < 8
    func rows(_ tensor: Tensor) throws(AlulaError) -> Tensor {
      let wide = try tensor.widenedHalf()
      return try (isShort ? wide.moveaxis(source: [1], destination: [0]) : wide).contiguous()
    }
    let (g, x) = (try rows(call[0]), try rows(call[1]))
    let dtype = x.dtype
    let samples = isShort ? 1 : shape[0]
    let length = x.count / (samples * channels)
    let mean = try call[2].cast(dtype: .float64).contiguous()
    let variance = try call[3].cast(dtype: .float64).contiguous()
    let weight = try call.optional(4)?.cast(dtype: .float64).contiguous()

    /// A number per channel as one per row.
    func perRow(_ values: [Double]) throws(AlulaError) -> Tensor {
      let result = try Tensor(uninitialized: [samples * channels], dtype: .float64)
      for i in 0..<samples * channels { result.doubles[i] = values[i % channels] }
      return try result.cast(dtype: dtype)
    }
    let means = try perRow((0..<channels).map { mean.doubles[$0] })
    let sums = try Tensor(uninitialized: [samples * channels], dtype: dtype)
    let products = try Tensor(uninitialized: [samples * channels], dtype: dtype)
    try channelSums.run(
      dtype, rows: samples * channels, length: length,
      [(sums, 1), (products, 1), (g, length), (x, length), (means, 1)])
    let (rowSums, rowProducts) = (try sums.cast(dtype: .float64), try products.cast(dtype: .float64))
    var (a, b, c) = (Array(repeating: 0.0, count: channels), Array(repeating: 0.0, count: channels), [Double]())
    let weightGradient = try Tensor(uninitialized: [channels], dtype: .float64)
    let biasGradient = try Tensor(uninitialized: [channels], dtype: .float64)
    let count = Double(samples * length)
    for i in 0..<channels {
      var (sum, product) = (0.0, 0.0)
      for sample in 0..<samples {
        sum += rowSums.doubles[sample * channels + i]
        product += rowProducts.doubles[sample * channels + i]
      }
      let scale = 1 / (variance.doubles[i] + call.float("eps")).squareRoot()
      weightGradient.doubles[i] = product * scale
      biasGradient.doubles[i] = sum
      a[i] = scale * (weight?.doubles[i] ?? 1)
      b[i] = -a[i] * scale * scale * product / count
      c.append(-a[i] * sum / count)
    }
    try outputs[1].copyElements(from: weightGradient.cast(dtype: outputs[1].dtype))
    try outputs[2].copyElements(from: biasGradient.cast(dtype: outputs[2].dtype))
    let direct = !isShort && outputs[0].dtype == dtype
    let target = direct ? outputs[0] : try Tensor(uninitialized: x.layout.shape, dtype: dtype)
    try channelGradient.run(
      dtype, rows: samples * channels, length: length,
      [(target, length), (g, length), (x, length), (means, 1), (perRow(a), 1), (perRow(b), 1), (perRow(c), 1)])
    if !direct {
      let result = isShort ? try target.moveaxis(source: [0], destination: [1]) : target
      try outputs[0].copyElements(from: result.cast(dtype: outputs[0].dtype))
    }
  }
}

extension Tensor {
  /// The elements of a contiguous float64 tensor.
  fileprivate var doubles: UnsafeMutablePointer<Double> { data.assumingMemoryBound(to: Double.self) }
}
