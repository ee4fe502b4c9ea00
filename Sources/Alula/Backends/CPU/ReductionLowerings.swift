import Glibc

extension CPUBackend {
  static let reductionLowerings: [(Operation, ReductionLowering)] = [
    (.sum, { (x, axes, output) throws(AlulaError) in try accumulate(.sum, x, axes, output) }),
    (.prod, { (x, axes, output) throws(AlulaError) in try accumulate(.product, x, axes, output) }),
    (.max, { (x, axes, output) throws(AlulaError) in try reduce(.maximum, x, axes: axes, into: output) }),
    (.min, { (x, axes, output) throws(AlulaError) in try reduce(.minimum, x, axes: axes, into: output) }),
    (
      .meanFloating,
      { (x, axes, output) throws(AlulaError) in
        try reduce(.sum, x, axes: axes, into: output, divisor: Double(x.reducedCount(axes)))
      }
    ),
    (.any, { (x, axes, output) throws(AlulaError) in try truth(.maximum, x, axes, output, ofNothing: false) }),
    (.all, { (x, axes, output) throws(AlulaError) in try truth(.minimum, x, axes, output, ofNothing: true) }),
  ]

  /// Those that do more than one fold.
  static let foldLowerings: [(Operation, Lowering)] = [
    (.variance, { (call, outputs) throws(AlulaError) in try variance(call, outputs[0]) }),
    (.logsumexp, { (call, outputs) throws(AlulaError) in try logsumexp(call, outputs[0]) }),
    (.argmax, { (call, outputs) throws(AlulaError) in try argument(.maximum, call, outputs[0]) }),
    (.argmin, { (call, outputs) throws(AlulaError) in try argument(.minimum, call, outputs[0]) }),
  ]

  private static func accumulate(_ fold: Fold, _ x: Tensor, _ axes: AxisSet, _ output: Tensor) throws(AlulaError) {
    // A dtype of the caller's choice: converted before, as NumPy does, unless sums are made in it anyway.
    let input = x.dtype.accumulated == output.dtype ? x : try x.cast(dtype: output.dtype)
    try reduce(fold, input, axes: axes, into: output)
  }

  /// Folds `axes` of `input` into `output`, whose dtype may be narrower than the fold's result.
  ///
  /// - Parameters:
  ///   - divisor: what results are divided by.
  ///   - centers: float64, contiguous, one number per result, for folds that want them.
  static func reduce(
    _ fold: Fold, _ input: Tensor, axes: AxisSet, into output: Tensor, divisor: Double = 1, centers: Tensor? = nil
  ) throws(AlulaError) {
    if input.dtype.isComplex {
      // The parts are summed apart: an axis of two, kept.
      return try reduce(fold, input.realComponents, axes: axes, into: output.realComponents, divisor: divisor)
    }
    let input = try input.widenedHalf()
    let result = fold.isExtremum ? input.dtype : input.dtype.accumulated
    let accumulator = result.isFloatingPoint && !fold.isExtremum ? .float64 : result
    guard let kernel = fold.kernels[input.dtype], let combine = (fold.combine ?? fold.kernels)[accumulator] else {
      throw .invalidDType("\(fold.name): dtype \(input.dtype) is not supported on cpu")
    }
    let direct = output.dtype == result || output.dtype == accumulator
    let target = direct ? output : try Tensor(uninitialized: output.layout.shape, dtype: result)
    let fold = unsafeBitCast(kernel, to: ReductionLoop.Kernel.self)
    if target.count == 1, centers == nil, input.layout.isContiguous, input.count <= ReductionLoop.pieceSize {
      ReductionLoop.foldWhole(fold, input, accumulator, into: target, divisor)
    } else {
      try ReductionLoop(input, axes: axes).run(
        fold, combine: unsafeBitCast(combine, to: ReductionLoop.Kernel.self),
        accumulator: accumulator, into: target, divisor: divisor, centers: centers)
    }
    if !direct { try output.copyElements(from: target.cast(dtype: output.dtype)) }
  }

  private static func variance(_ call: Call, _ output: Tensor) throws(AlulaError) {
    let axes = try call.reducedAxes()
    let input = try call[0].widenedHalf()
    let count = Double(input.reducedCount(axes))
    // Two passes: the mean first, then distances from it, which do not cancel.
    let mean = try Tensor(uninitialized: output.layout.shape, dtype: .float64)
    try reduce(.sum, input, axes: axes, into: mean, divisor: count)
    let divisor = Swift.max(0, count - call.float("correction"))
    try reduce(.squaredDeviation, input, axes: axes, into: output, divisor: divisor, centers: mean)
  }

  private static func logsumexp(_ call: Call, _ output: Tensor) throws(AlulaError) {
    let axes = try call.reducedAxes()
    let input = try call[0].widenedHalf()
    let shape = output.layout.shape
    let largest = try Tensor(uninitialized: shape, dtype: input.dtype)
    try reduce(.maximum, input, axes: axes, into: largest)
    let center = try Tensor(uninitialized: shape, dtype: .float64)
    try center.copyElements(from: largest.cast(dtype: .float64))
    let result = try Tensor(uninitialized: shape, dtype: .float64)
    let centers = center.data.assumingMemoryBound(to: Double.self)
    // An infinite maximum is no center: exp(x - 0) gives 0 or infinity by itself.
    for i in 0..<center.count where centers[i].isInfinite { centers[i] = 0 }
    try reduce(.sumOfExponentials, input, axes: axes, into: result, centers: center)
    let sums = result.data.assumingMemoryBound(to: Double.self)
    ThreadPool.parallelFor(result.count, grain: 4096) { range in
      for i in range { sums[i] = centers[i] + Glibc.log(sums[i]) }
    }
    try output.copyElements(from: result.cast(dtype: output.dtype))
  }

  private static func truth(
    _ fold: Fold, _ x: Tensor, _ axes: AxisSet, _ output: Tensor, ofNothing: Bool
  ) throws(AlulaError) {
    if x.count == 0 {
      output.data.initializeMemory(as: Bool.self, repeating: ofNothing, count: output.count)
      return
    }
    try reduce(fold, x.cast(dtype: .bool), axes: axes, into: output)
  }
}

/// A fold's kernels.
struct Fold: Sendable {
  let name: String
  let kernels: KernelRow
  /// The kernels that fold accumulators, where those of the elements do something else.
  let combine: KernelRow?
  let isExtremum: Bool

  private init(_ name: String, combine: String? = nil, isExtremum: Bool = false) {
    self.name = name
    kernels = KernelTable.shared.row(name)
    self.combine = combine.map { KernelTable.shared.row($0) }
    self.isExtremum = isExtremum
  }

  static let sum = Fold("sum")
  static let product = Fold("prod")
  static let maximum = Fold("max", isExtremum: true)
  static let minimum = Fold("min", isExtremum: true)
  static let squaredDeviation = Fold("squared_deviation", combine: "sum")
  static let sumOfExponentials = Fold("sum_of_exponentials", combine: "sum")
}

extension Tensor {
  /// The real and imaginary parts as a last axis.
  var realComponents: Tensor {
    var (shape, strides) = (layout.shape, layout.strides)
    for i in strides.indices { strides[i] *= 2 }
    shape.append(2)
    strides.append(1)
    let parts = Layout(shape: shape, strides: strides, offset: layout.offset * 2)
    return Tensor(storage: storage, layout: parts, dtype: dtype.real, isView: true)
  }

  /// float16 and bfloat16 as float32, in which they are computed.
  func widenedHalf() throws(AlulaError) -> Tensor {
    dtype == .float16 || dtype == .bfloat16 ? try cast(dtype: .float32) : self
  }
}
