import CSupport

/// int8 and uint8: products wrap, so the sign does not matter.
func registerGemmUInt8(_ receive: KernelReceiver) {
  for slot in [1, 5] {
    registerGemmShape(receive, slot) { rows, columns in
      rows?.pointee = gemmRows
      columns?.pointee = 2 &* GemmUInt8.scalarCount
    }
    registerGemmPacking(
      receive, slot,
      a: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          gemmRows, GemmUInt8(repeating: 0), count, depth, source!.assumingMemoryBound(to: UInt8.self), vectorStride,
          depthStride, panels!.assumingMemoryBound(to: UInt8.self))
      },
      b: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          2 &* GemmUInt8.scalarCount, GemmUInt8(repeating: 0), count, depth,
          source!.assumingMemoryBound(to: UInt8.self),
          vectorStride, depthStride, panels!.assumingMemoryBound(to: UInt8.self))
      })
    registerGemmBlock(receive, slot) { product, a, b, c, rowBias, columnBias in
      gemmProduct(
        gemmRows, GemmUInt8(repeating: 0), product!, a!.assumingMemoryBound(to: UInt8.self),
        b!.assumingMemoryBound(to: UInt8.self),
        c!.assumingMemoryBound(to: UInt8.self), rowBias?.assumingMemoryBound(to: UInt8.self),
        columnBias?.assumingMemoryBound(to: UInt8.self), multiplyAdd, (&+))
    }
    registerGemmVector(receive, slot) { columns, depth, x, xStride, b, rowStride, columnStride, y in
      vectorMatrix(
        GemmUInt8(repeating: 0), columns, depth, x!.assumingMemoryBound(to: UInt8.self), xStride,
        b!.assumingMemoryBound(to: UInt8.self), rowStride, columnStride, y!.assumingMemoryBound(to: UInt8.self),
        multiplyAdd, (&+))
    }
    registerGemmAdd(receive, slot) { count, sum, addend in
      addElements(
        GemmUInt8(repeating: 0), count, sum!.assumingMemoryBound(to: UInt8.self),
        addend!.assumingMemoryBound(to: UInt8.self),
        (&+))
    }
  }
}

/// int16 and uint16: products wrap, so the sign does not matter.
func registerGemmUInt16(_ receive: KernelReceiver) {
  for slot in [2, 6] {
    registerGemmShape(receive, slot) { rows, columns in
      rows?.pointee = gemmRows
      columns?.pointee = 2 &* GemmUInt16.scalarCount
    }
    registerGemmPacking(
      receive, slot,
      a: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          gemmRows, GemmUInt16(repeating: 0), count, depth, source!.assumingMemoryBound(to: UInt16.self), vectorStride,
          depthStride, panels!.assumingMemoryBound(to: UInt16.self))
      },
      b: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          2 &* GemmUInt16.scalarCount, GemmUInt16(repeating: 0), count, depth,
          source!.assumingMemoryBound(to: UInt16.self),
          vectorStride, depthStride, panels!.assumingMemoryBound(to: UInt16.self))
      })
    registerGemmBlock(receive, slot) { product, a, b, c, rowBias, columnBias in
      gemmProduct(
        gemmRows, GemmUInt16(repeating: 0), product!, a!.assumingMemoryBound(to: UInt16.self),
        b!.assumingMemoryBound(to: UInt16.self),
        c!.assumingMemoryBound(to: UInt16.self), rowBias?.assumingMemoryBound(to: UInt16.self),
        columnBias?.assumingMemoryBound(to: UInt16.self), multiplyAdd, (&+))
    }
    registerGemmVector(receive, slot) { columns, depth, x, xStride, b, rowStride, columnStride, y in
      vectorMatrix(
        GemmUInt16(repeating: 0), columns, depth, x!.assumingMemoryBound(to: UInt16.self), xStride,
        b!.assumingMemoryBound(to: UInt16.self), rowStride, columnStride, y!.assumingMemoryBound(to: UInt16.self),
        multiplyAdd, (&+))
    }
    registerGemmAdd(receive, slot) { count, sum, addend in
      addElements(
        GemmUInt16(repeating: 0), count, sum!.assumingMemoryBound(to: UInt16.self),
        addend!.assumingMemoryBound(to: UInt16.self),
        (&+))
    }
  }
}

/// int32 and uint32: products wrap, so the sign does not matter.
func registerGemmUInt32(_ receive: KernelReceiver) {
  for slot in [3, 7] {
    registerGemmShape(receive, slot) { rows, columns in
      rows?.pointee = gemmRows
      columns?.pointee = 2 &* GemmUInt32.scalarCount
    }
    registerGemmPacking(
      receive, slot,
      a: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          gemmRows, GemmUInt32(repeating: 0), count, depth, source!.assumingMemoryBound(to: UInt32.self), vectorStride,
          depthStride, panels!.assumingMemoryBound(to: UInt32.self))
      },
      b: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          2 &* GemmUInt32.scalarCount, GemmUInt32(repeating: 0), count, depth,
          source!.assumingMemoryBound(to: UInt32.self),
          vectorStride, depthStride, panels!.assumingMemoryBound(to: UInt32.self))
      })
    registerGemmBlock(receive, slot) { product, a, b, c, rowBias, columnBias in
      gemmProduct(
        gemmRows, GemmUInt32(repeating: 0), product!, a!.assumingMemoryBound(to: UInt32.self),
        b!.assumingMemoryBound(to: UInt32.self),
        c!.assumingMemoryBound(to: UInt32.self), rowBias?.assumingMemoryBound(to: UInt32.self),
        columnBias?.assumingMemoryBound(to: UInt32.self), multiplyAdd, (&+))
    }
    registerGemmVector(receive, slot) { columns, depth, x, xStride, b, rowStride, columnStride, y in
      vectorMatrix(
        GemmUInt32(repeating: 0), columns, depth, x!.assumingMemoryBound(to: UInt32.self), xStride,
        b!.assumingMemoryBound(to: UInt32.self), rowStride, columnStride, y!.assumingMemoryBound(to: UInt32.self),
        multiplyAdd, (&+))
    }
    registerGemmAdd(receive, slot) { count, sum, addend in
      addElements(
        GemmUInt32(repeating: 0), count, sum!.assumingMemoryBound(to: UInt32.self),
        addend!.assumingMemoryBound(to: UInt32.self),
        (&+))
    }
  }
}

/// int64 and uint64: products wrap, so the sign does not matter.
func registerGemmUInt64(_ receive: KernelReceiver) {
  for slot in [4, 8] {
    registerGemmShape(receive, slot) { rows, columns in
      rows?.pointee = gemmRows
      columns?.pointee = 2 &* GemmUInt64.scalarCount
    }
    registerGemmPacking(
      receive, slot,
      a: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          gemmRows, GemmUInt64(repeating: 0), count, depth, source!.assumingMemoryBound(to: UInt64.self), vectorStride,
          depthStride, panels!.assumingMemoryBound(to: UInt64.self))
      },
      b: { count, depth, source, vectorStride, depthStride, panels in
        packPanels(
          2 &* GemmUInt64.scalarCount, GemmUInt64(repeating: 0), count, depth,
          source!.assumingMemoryBound(to: UInt64.self),
          vectorStride, depthStride, panels!.assumingMemoryBound(to: UInt64.self))
      })
    registerGemmBlock(receive, slot) { product, a, b, c, rowBias, columnBias in
      gemmProduct(
        gemmRows, GemmUInt64(repeating: 0), product!, a!.assumingMemoryBound(to: UInt64.self),
        b!.assumingMemoryBound(to: UInt64.self),
        c!.assumingMemoryBound(to: UInt64.self), rowBias?.assumingMemoryBound(to: UInt64.self),
        columnBias?.assumingMemoryBound(to: UInt64.self), multiplyAdd, (&+))
    }
    registerGemmVector(receive, slot) { columns, depth, x, xStride, b, rowStride, columnStride, y in
      vectorMatrix(
        GemmUInt64(repeating: 0), columns, depth, x!.assumingMemoryBound(to: UInt64.self), xStride,
        b!.assumingMemoryBound(to: UInt64.self), rowStride, columnStride, y!.assumingMemoryBound(to: UInt64.self),
        multiplyAdd, (&+))
    }
    registerGemmAdd(receive, slot) { count, sum, addend in
      addElements(
        GemmUInt64(repeating: 0), count, sum!.assumingMemoryBound(to: UInt64.self),
        addend!.assumingMemoryBound(to: UInt64.self),
        (&+))
    }
  }
}
