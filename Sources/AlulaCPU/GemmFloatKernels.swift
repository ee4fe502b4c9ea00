import CSupport

func registerGemmFloat(_ receive: KernelReceiver) {
  let float32 = 11
  let float64 = 12
  registerGemmShape(receive, float32) { rows, columns in
    rows?.pointee = gemmRows
    columns?.pointee = 2 &* GemmFloat.scalarCount
  }
  registerGemmPacking(
    receive, float32,
    a: { count, depth, source, vectorStride, depthStride, panels in
      packPanels(
        gemmRows, 0, count, depth, source!.assumingMemoryBound(to: Float.self), vectorStride,
        depthStride, panels!.assumingMemoryBound(to: Float.self), { $0 })
    },
    b: { count, depth, source, vectorStride, depthStride, panels in
      packPanels(
        2 &* GemmFloat.scalarCount, 0, count, depth, source!.assumingMemoryBound(to: Float.self),
        vectorStride, depthStride, panels!.assumingMemoryBound(to: Float.self), { $0 })
    })
  registerGemmBlock(receive, float32) {
    rows, columns, depth, a, b, c, rowStride, accumulate, rowBias, columnBias in
    gemmBlock(
      GemmFloat(repeating: 0), rows, columns, depth, a!.assumingMemoryBound(to: Float.self),
      b!.assumingMemoryBound(to: Float.self), c!.assumingMemoryBound(to: Float.self), rowStride,
      accumulate, rowBias?.assumingMemoryBound(to: Float.self),
      columnBias?.assumingMemoryBound(to: Float.self),
      { sum, x, y in multiplyAdd(sum, x, y) }, { x, y in x + y })
  }
  registerGemmShape(receive, float64) { rows, columns in
    rows?.pointee = gemmRows
    columns?.pointee = 2 &* GemmDouble.scalarCount
  }
  registerGemmPacking(
    receive, float64,
    a: { count, depth, source, vectorStride, depthStride, panels in
      packPanels(
        gemmRows, 0, count, depth, source!.assumingMemoryBound(to: Double.self), vectorStride,
        depthStride, panels!.assumingMemoryBound(to: Double.self), { $0 })
    },
    b: { count, depth, source, vectorStride, depthStride, panels in
      packPanels(
        2 &* GemmDouble.scalarCount, 0, count, depth, source!.assumingMemoryBound(to: Double.self),
        vectorStride, depthStride, panels!.assumingMemoryBound(to: Double.self), { $0 })
    })
  registerGemmBlock(receive, float64) {
    rows, columns, depth, a, b, c, rowStride, accumulate, rowBias, columnBias in
    gemmBlock(
      GemmDouble(repeating: 0), rows, columns, depth, a!.assumingMemoryBound(to: Double.self),
      b!.assumingMemoryBound(to: Double.self), c!.assumingMemoryBound(to: Double.self), rowStride,
      accumulate, rowBias?.assumingMemoryBound(to: Double.self),
      columnBias?.assumingMemoryBound(to: Double.self),
      { sum, x, y in multiplyAdd(sum, x, y) }, { x, y in x + y })
  }
}
