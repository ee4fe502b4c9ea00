import CSupport

// bfloat16 matrices where the instruction set multiplies pairs of elements at once and adds both products to a float32
// sum: twice the arithmetic of float32. Panels hold pairs of neighbours along the depth as 4-byte elements, so that the
// same tile serves; an odd depth is filled up with zeros. Subnormal elements count as zero, as the instruction has it.

#if AVX512
  func registerGemmPairs(_ receive: KernelReceiver) {
    let slot = 10
    registerGemmShape(receive, slot) { rows, columns in
      rows?.pointee = gemmFloatRows
      columns?.pointee = 2 &* GemmFloat.scalarCount
    }
    registerGemmPacking(
      receive, slot,
      a: { count, depth, source, vectorStride, depthStride, panels in
        packPairs(gemmFloatRows, count, depth, source!, vectorStride, depthStride, panels!)
      },
      b: { count, depth, source, vectorStride, depthStride, panels in
        packPairs(2 &* GemmFloat.scalarCount, count, depth, source!, vectorStride, depthStride, panels!)
      })
    registerGemmBlock(receive, slot) { product, a, b, c, rowBias, columnBias in
      gemmProduct(
        gemmFloatRows, GemmFloat(repeating: 0), product!, a!.assumingMemoryBound(to: Float.self),
        b!.assumingMemoryBound(to: Float.self), c!.assumingMemoryBound(to: Float.self),
        rowBias?.assumingMemoryBound(to: Float.self), columnBias?.assumingMemoryBound(to: Float.self),
        bfloat16_pairs_fma_in_order, (+))
    }
  }

  /// Packs `count` vectors of `depth` elements into panels of `width` pairs.
  @inline(__always)
  private func packPairs(
    _ width: Int, _ count: Int, _ depth: Int, _ source: UnsafeRawPointer, _ vectorStride: Int, _ depthStride: Int,
    _ panels: UnsafeMutableRawPointer
  ) {
    let from = source.assumingMemoryBound(to: UInt16.self)
    let to = panels.assumingMemoryBound(to: UInt32.self)
    let (pairs, whole) = ((depth &+ 1) / 2, depth / 2)
    var start = 0
    while start < count {
      let used = min(width, count &- start)
      let panel = to + start &* pairs
      let vectors = from + start &* vectorStride
      if depthStride == 1, vectorStride % 2 == 0 {
        let rows = UnsafeRawPointer(vectors).assumingMemoryBound(to: UInt32.self)
        packTransposed(width, whole, { rows + min($0, used &- 1) &* (vectorStride / 2) }, panel)
        if whole < pairs { packPairRow(width, used, vectors + 2 &* whole, vectorStride, nil, panel + whole &* width) }
      } else {
        for pair in 0..<pairs {
          let first = vectors + 2 &* pair &* depthStride
          packPairRow(
            width, used, first, vectorStride, pair < whole ? first + depthStride : nil, panel + pair &* width)
        }
      }
      start &+= width
    }
  }

  /// One pair of a panel's vectors; the second of them is zero where there is none.
  @inline(__always)
  private func packPairRow(
    _ width: Int, _ used: Int, _ first: UnsafePointer<UInt16>, _ stride: Int, _ second: UnsafePointer<UInt16>?,
    _ panel: UnsafeMutablePointer<UInt32>
  ) {
    var lane = 0
    if stride == 1, let second {
      while lane &+ 16 <= used {
        let low = UnsafeRawPointer(first + lane).loadUnaligned(as: SIMD16<UInt16>.self)
        let high = UnsafeRawPointer(second + lane).loadUnaligned(as: SIMD16<UInt16>.self)
        storeLanes(panel + lane, bfloat16_pairs(low, high))
        lane &+= 16
      }
    }
    while lane < used {
      panel[lane] = UInt32(first[lane &* stride]) | UInt32(second.map { $0[lane &* stride] } ?? 0) &<< 16
      lane &+= 1
    }
    while lane < width {
      panel[lane] = 0
      lane &+= 1
    }
  }
#else
  func registerGemmPairs(_ receive: KernelReceiver) {}
#endif
