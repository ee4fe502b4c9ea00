import CSupport

extension CPUBackend {
  static let optimizerLowerings: [(Operation, Lowering)] = [
    (.sgdStep, { (call, outputs) throws(AlulaError) in try update(call, outputs) }),
    (.adamStep, { (call, outputs) throws(AlulaError) in try update(call, outputs) }),
    (.gradientNorm, { (call, outputs) throws(AlulaError) in try norm(call, outputs[0]) }),
  ]

  /// Elements per chunk of a parallel loop.
  private static let optimizerGrain = 16 * 1024

  /// Writes over the parameter and its state; 16-bit floats by way of float32.
  private static func update(_ call: Call, _ updated: [Tensor]) throws(AlulaError) {
    let name = call.operation.name
    let dtype = updated[0].dtype == .float64 ? DType.float64 : .float32
    guard let kernel = KernelTable.shared.function(name, slot: dtype.code, as: optimizer_kernel.self) else {
      throw .internal("\(name): no kernel for \(dtype)")
    }
    let gradient = try call[0].cast(dtype: dtype).contiguous()
    var working: [Tensor] = []
    for tensor in updated { working.append(try tensor.cast(dtype: dtype).contiguous()) }
    let parameters = call.operation.attributes.map { call.float($0.name) }
    let addresses = working.map { $0.data }
    let source = gradient.data
    ThreadPool.parallelFor(working[0].count, grain: optimizerGrain) { chunk in
      let offset = chunk.lowerBound * dtype.itemSize
      let state = addresses.dropFirst().map { Optional($0 + offset) }
      kernel(addresses[0] + offset, source + offset, state, chunk.count, parameters)
    }
    for (tensor, result) in zip(updated, working) where tensor.data != result.data {
      try tensor.copyElements(from: result.cast(dtype: tensor.dtype))
    }
  }

  private static func norm(_ call: Call, _ output: Tensor) throws(AlulaError) {
    let dtype = call[0].dtype == .float64 ? DType.float64 : .float32
    let order = call.int("order")
    guard let kernel = KernelTable.shared.function("gradient_norm", slot: dtype.code, as: norm_kernel.self) else {
      throw .internal("gradient_norm: no kernel for \(dtype)")
    }
    let values = try call[0].cast(dtype: dtype).contiguous()
    let source = values.data
    let chunks = values.count == 0 ? 0 : (values.count - 1) / optimizerGrain + 1
    let parts = try Tensor(uninitialized: [chunks], dtype: .float64, operation: "gradient_norm")
    let partial = parts.data.assumingMemoryBound(to: Double.self)
    ThreadPool.parallelFor(values.count, grain: optimizerGrain) { chunk in
      partial[chunk.lowerBound / optimizerGrain] = kernel(
        source + chunk.lowerBound * dtype.itemSize, chunk.count, order)
    }
    var result = 0.0
    for i in 0..<chunks {
      result = order == 0 ? (partial[i] > result || partial[i].isNaN ? partial[i] : result) : result + partial[i]
    }
    output.data.storeBytes(of: result, as: Double.self)
  }
}
