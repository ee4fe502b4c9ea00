import CSupport

/// float32.
func registerGemmFloat(_ receive: KernelReceiver) {
  for slot in [11] {
    registerGemmShape(receive, slot) { rows, columns in
      rows?.pointee = gemmFloatRows
      columns?.pointee = 2 &* GemmFloat.scalarCount
    }
    registerGemmPacking(
      receive, slot,
      a: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          gemmFloatRows, GemmFloat(repeating: 0), count, depth, source!.assumingMemoryBound(to: Float.self),
          vectorStride,
          depthStride, panels!.assumingMemoryBound(to: Float.self))
      },
      b: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          2 &* GemmFloat.scalarCount, GemmFloat(repeating: 0), count, depth,
          source!.assumingMemoryBound(to: Float.self),
          vectorStride, depthStride, panels!.assumingMemoryBound(to: Float.self))
      })
    registerGemmBlock(receive, slot) { product, a, b, c, rowBias, columnBias in
      gemmProduct(
        gemmFloatRows, GemmFloat(repeating: 0), product!, a!.assumingMemoryBound(to: Float.self),
        b!.assumingMemoryBound(to: Float.self),
        c!.assumingMemoryBound(to: Float.self), rowBias?.assumingMemoryBound(to: Float.self),
        columnBias?.assumingMemoryBound(to: Float.self), tileMultiplyAdd, (+))
    }
    registerGemmVector(receive, slot) { columns, depth, x, xStride, b, rowStride, columnStride, y in
      vectorMatrix(
        ShortFloat(repeating: 0), columns, depth, x!.assumingMemoryBound(to: Float.self), xStride,
        b!.assumingMemoryBound(to: Float.self), rowStride, columnStride, y!.assumingMemoryBound(to: Float.self),
        multiplyAdd, (+))
    }
    registerGemmAdd(receive, slot) { count, sum, addend in
      addElements(
        GemmFloat(repeating: 0), count, sum!.assumingMemoryBound(to: Float.self),
        addend!.assumingMemoryBound(to: Float.self),
        (+))
    }
  }
}

/// float64.
func registerGemmDouble(_ receive: KernelReceiver) {
  for slot in [12] {
    registerGemmShape(receive, slot) { rows, columns in
      rows?.pointee = gemmFloatRows
      columns?.pointee = 2 &* GemmDouble.scalarCount
    }
    registerGemmPacking(
      receive, slot,
      a: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          gemmFloatRows, GemmDouble(repeating: 0), count, depth, source!.assumingMemoryBound(to: Double.self),
          vectorStride,
          depthStride, panels!.assumingMemoryBound(to: Double.self))
      },
      b: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          2 &* GemmDouble.scalarCount, GemmDouble(repeating: 0), count, depth,
          source!.assumingMemoryBound(to: Double.self),
          vectorStride, depthStride, panels!.assumingMemoryBound(to: Double.self))
      })
    registerGemmBlock(receive, slot) { product, a, b, c, rowBias, columnBias in
      gemmProduct(
        gemmFloatRows, GemmDouble(repeating: 0), product!, a!.assumingMemoryBound(to: Double.self),
        b!.assumingMemoryBound(to: Double.self),
        c!.assumingMemoryBound(to: Double.self), rowBias?.assumingMemoryBound(to: Double.self),
        columnBias?.assumingMemoryBound(to: Double.self), tileMultiplyAdd, (+))
    }
    registerGemmVector(receive, slot) { columns, depth, x, xStride, b, rowStride, columnStride, y in
      vectorMatrix(
        ShortDouble(repeating: 0), columns, depth, x!.assumingMemoryBound(to: Double.self), xStride,
        b!.assumingMemoryBound(to: Double.self), rowStride, columnStride, y!.assumingMemoryBound(to: Double.self),
        multiplyAdd, (+))
    }
    registerGemmAdd(receive, slot) { count, sum, addend in
      addElements(
        GemmDouble(repeating: 0), count, sum!.assumingMemoryBound(to: Double.self),
        addend!.assumingMemoryBound(to: Double.self),
        (+))
    }
  }
}
