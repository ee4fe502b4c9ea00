extension CPUBackend {
  static let scanLowerings: [(Operation, Lowering)] = [
    (.scanSum, { (call, outputs) throws(AlulaError) in try scan("cumulative_sum", call, outputs[0]) }),
    (.scanProduct, { (call, outputs) throws(AlulaError) in try scan("cumulative_prod", call, outputs[0]) }),
    (.linearRecurrence, { (call, outputs) throws(AlulaError) in try scan("linear_recurrence", call, outputs[0]) }),
    (.shift, { (call, outputs) throws(AlulaError) in try shift(call, outputs[0]) }),
  ]

  private typealias ScanKernel =
    @convention(c) (Int, Int, Int, Int, UnsafeMutableRawPointer?, UnsafeRawPointer?, UnsafeRawPointer?) -> Void

  private static func scan(_ name: String, _ call: Call, _ output: Tensor) throws(AlulaError) {
    let axis = call.int("axis")
    // Complex numbers are summed part by part: one more axis of adjacent columns.
    let isComplex = output.dtype.isComplex
    var inputs: [Tensor] = []
    for tensor in call.list {
      let operand = try tensor.contiguous()
      inputs.append(try (isComplex ? operand.realComponents : operand).widenedHalf())
    }
    guard let input = inputs.last else { return }
    let dtype = input.dtype
    guard let kernel = KernelTable.shared.function(name, slot: dtype.code, as: ScanKernel.self) else {
      throw .invalidDType("\(call.operation.name): dtype \(output.dtype) is not supported on cpu")
    }
    let target = output.dtype.real == dtype ? output : try Tensor(uninitialized: output.layout.shape, dtype: dtype)
    if output.count == 0 { return }
    let shape = input.layout.shape
    let extent = shape[axis]
    let inner = (axis + 1..<shape.count).reduce(1) { $0 * shape[$1] }
    let outer = input.count / (extent * inner)
    // Along the last axis the rows are the columns, which the kernel takes some at a time all the same.
    let (columns, blocks) = inner == 1 ? (outer, 1) : (inner, outer)
    let apart = (inner == 1 ? extent : 1) * dtype.itemSize
    // Columns in strips, so that the carries, or the lines of the rows, stay in the nearest cache.
    let width = Swift.min(columns, inner == 1 ? 8 : 256)
    let strips = (columns - 1) / width + 1
    let step = inner * dtype.itemSize
    let reverse = call.bool("reverse")
    let (results, values) = (target.data, input.data)
    let factors = inputs.count > 1 ? inputs[0].data : nil
    let grain = Swift.max(1, 32 * 1024 / (extent * width))
    ThreadPool.parallelFor(blocks * strips, grain: grain) { range in
      for i in range {
        let first = i % strips * width
        let offset = i / strips * extent * step + first * apart + (reverse ? (extent - 1) * step : 0)
        kernel(
          extent, Swift.min(width, columns - first), reverse ? -step : step, apart, results + offset, values + offset,
          factors.map { UnsafeRawPointer($0 + offset) })
      }
    }
    withExtendedLifetime(inputs) {}
    if target !== output { try output.copyElements(from: target.cast(dtype: output.dtype)) }
  }

  private static func shift(_ call: Call, _ output: Tensor) throws(AlulaError) {
    if output.count == 0 { return }
    let (axis, distance) = (call.int("axis"), call.int("distance"))
    let edge = try Tensor(scalar: .float(call.float("fill")), dtype: output.dtype)
    try output.copyElements(from: edge.broadcastTo(shape: output.shape))
    let (from, to) = (Swift.max(0, -distance), Swift.max(0, distance))
    let count = Swift.min(call[0].layout.shape[axis] - from, output.layout.shape[axis] - to)
    guard count > 0 else { return }
    /// The elements from `start` on that find a place.
    func part(_ tensor: Tensor, _ start: Int) -> Tensor {
      var shape = tensor.layout.shape
      shape[axis] = count
      let offset = tensor.layout.offset + start * tensor.layout.strides[axis]
      return tensor.aliased(Layout(shape: shape, strides: tensor.layout.strides, offset: offset))
    }
    try part(output, to).copyElements(from: part(call[0], from))
  }
}
