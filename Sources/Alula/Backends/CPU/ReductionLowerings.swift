extension CPUBackend {
  static let reductionLowerings: [(Operation, Lowering)] = [
    (.sum, { (call, outputs) throws(AlulaError) in try reduce("sum", call, outputs[0]) })
  ]

  /// Runs the reduction kernel `name` over the axes in attribute `axis`.
  private static func reduce(_ name: String, _ call: Call, _ output: Tensor) throws(AlulaError) {
    let input = try call[0].cast(dtype: output.dtype)
    guard let kernel = KernelTable.shared.row(name)[input.dtype] else {
      throw .invalidDType("\(name): dtype \(input.dtype) is not supported on cpu")
    }
    let reduce = unsafeBitCast(kernel, to: ElementwiseKernel.self)
    // Reduced axes last, row-major: each result is the reduction of one row.
    let axes = try call.axes(call.optionalInts("axis"), rank: input.rank)
    let kept = (0..<input.rank).filter { !axes.contains($0) }
    let rows = try input.permuteDims(axes: kept + axes).contiguous()
    let length = output.count == 0 ? 0 : input.count / output.count
    let itemSize = output.dtype.itemSize
    let (target, source) = (output.data, rows.data)
    ThreadPool.parallelFor(output.count, grain: max(1, 32768 / max(length, 1))) { range in
      for i in range {
        var pointers: [UnsafeMutablePointer<CChar>?] = [
          (target + i * itemSize).assumingMemoryBound(to: CChar.self),
          (source + i * length * itemSize).assumingMemoryBound(to: CChar.self),
        ]
        let strides = [itemSize, itemSize]
        reduce(length, &pointers, strides, nil)
      }
    }
  }
}
