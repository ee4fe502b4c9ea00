import CSupport

extension CPUBackend {
  static let optimizerLowerings: [(Operation, Lowering)] = [
    (.sgdStep, { (call, outputs) throws(AlulaError) in try update(call, outputs) }),
    (.adamStep, { (call, outputs) throws(AlulaError) in try update(call, outputs) }),
    (.gradientScale, { (call, outputs) throws(AlulaError) in try update(call, outputs) }),
    (.gradientNorms, { (call, outputs) throws(AlulaError) in try norms(call, outputs[0]) }),
  ]

  /// Elements per chunk of a parallel loop.
  private static let optimizerGrain = 16 * 1024

  /// Writes over parameters and their state, all in one loop; 16-bit floats by way of float32.
  private static func update(_ call: Call, _ updated: [Tensor]) throws(AlulaError) {
    let name = call.operation.name
    let dtype = updated[0].dtype == .float64 ? DType.float64 : .float32
    guard let kernel = KernelTable.shared.function(name, slot: dtype.code, as: optimizer_kernel.self) else {
      throw .internal("\(name): no kernel for \(dtype)")
    }
    let gradients = try inFull(call.list, dtype)
    let working = try inFull(updated, dtype)
    let count = gradients.count
    let states = updated.count / count - 1
    let parameters = call.operation.attributes.map { call.float($0.name) }
    forEachPiece(gradients) { (i, range) in
      let offset = range.lowerBound * dtype.itemSize
      withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: states + 1) { pointers in
        for k in 0...states { pointers[k] = working[k * count + i].data + offset }
        guard let first = pointers.baseAddress else { return }
        kernel(first[0], gradients[i].data + offset, first + 1, range.count, parameters)
      }
    }
    for (tensor, result) in zip(updated, working) where tensor.data != result.data {
      try tensor.copyElements(from: result.cast(dtype: tensor.dtype))
    }
  }

  private static func norms(_ call: Call, _ output: Tensor) throws(AlulaError) {
    let dtype = call[0].dtype == .float64 ? DType.float64 : .float32
    let order = call.int("order")
    guard let kernel = KernelTable.shared.function("gradient_norm", slot: dtype.code, as: norm_kernel.self) else {
      throw .internal("gradient_norm: no kernel for \(dtype)")
    }
    let gradients = try inFull(call.list, dtype)
    // A number per chunk of each tensor, in rows as long as the longest needs.
    let chunks = gradients.map { ($0.count + optimizerGrain - 1) / optimizerGrain }
    let longest = max(1, chunks.max() ?? 0)
    let parts = try Tensor(uninitialized: [gradients.count, longest], dtype: .float64, operation: "gradient_norm")
    let partial = parts.data.assumingMemoryBound(to: Double.self)
    forEachPiece(gradients) { (i, range) in
      partial[i * longest + range.lowerBound / optimizerGrain] = kernel(
        gradients[i].data + range.lowerBound * dtype.itemSize, range.count, order)
    }
    let results = output.data.assumingMemoryBound(to: Double.self)
    for i in gradients.indices {
      var result = 0.0
      for part in UnsafeBufferPointer(start: partial + i * longest, count: chunks[i]) {
        result = order == 0 ? (part > result || part.isNaN ? part : result) : result + part
      }
      results[i] = result
    }
  }

  /// Contiguous tensors of that dtype: themselves where they are.
  private static func inFull(_ tensors: [Tensor], _ dtype: DType) throws(AlulaError) -> [Tensor] {
    var result: [Tensor] = []
    result.reserveCapacity(tensors.count)
    for tensor in tensors {
      if tensor.dtype == dtype, tensor.layout.isContiguous {
        result.append(tensor)
      } else {
        result.append(try tensor.cast(dtype: dtype).contiguous())
      }
    }
    return result
  }

  /// Calls `body` with each chunk of each tensor's elements, in one parallel loop over them all: small tensors share a
  /// task, large ones are cut into several.
  private static func forEachPiece(_ tensors: [Tensor], _ body: (Int, Range<Int>) -> Void) {
    var ends: [Int] = []
    for tensor in tensors {
      ends.append((ends.last ?? 0) + (tensor.count + optimizerGrain - 1) / optimizerGrain)
    }
    let average = tensors.reduce(0) { $0 + $1.count } / max(1, ends.last ?? 0)
    ThreadPool.parallelFor(ends.last ?? 0, grain: max(1, optimizerGrain / max(1, average))) { chunks in
      var i = ends.firstIndex { $0 > chunks.lowerBound } ?? 0
      for chunk in chunks {
        while chunk >= ends[i] { i += 1 }
        let start = (chunk - (i == 0 ? 0 : ends[i - 1])) * optimizerGrain
        body(i, start..<min(tensors[i].count, start + optimizerGrain))
      }
    }
  }
}
