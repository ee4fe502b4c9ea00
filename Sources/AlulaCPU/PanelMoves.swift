import CSupport

// Moves into and out of panels: matrices two vectors of columns wide, like those of Gemm, whose rows follow one another
// without gaps.

func registerPanels(_ receive: KernelReceiver) {
  register(receive, 11) { lanes, width, depth, source, laneStride, depthStride, factor, panel in
    transpose(
      lanes, width, depth, source!.assumingMemoryBound(to: Float.self), laneStride, depthStride, Float(factor),
      panel!.assumingMemoryBound(to: Float.self))
  }
  register(receive, 12) { lanes, width, depth, source, laneStride, depthStride, factor, panel in
    transpose(
      lanes, width, depth, source!.assumingMemoryBound(to: Double.self), laneStride, depthStride, factor,
      panel!.assumingMemoryBound(to: Double.self))
  }
  register(receive, 11) { rows, columns, source, rowStride, factors, target, targetStride in
    scaleRows(
      GemmFloat(repeating: 0), rows, columns, source!.assumingMemoryBound(to: Float.self), rowStride,
      factors?.assumingMemoryBound(to: Float.self), target!.assumingMemoryBound(to: Float.self), targetStride)
  }
  register(receive, 12) { rows, columns, source, rowStride, factors, target, targetStride in
    scaleRows(
      GemmDouble(repeating: 0), rows, columns, source!.assumingMemoryBound(to: Double.self), rowStride,
      factors?.assumingMemoryBound(to: Double.self), target!.assumingMemoryBound(to: Double.self), targetStride)
  }
}

private func register(_ receive: KernelReceiver, _ slot: Int, _ kernel: panel_transpose_kernel) {
  receive("panel.transpose", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

private func register(_ receive: KernelReceiver, _ slot: Int, _ kernel: panel_scale_kernel) {
  receive("panel.scale", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

/// Vectors, `lanes` of them, become the columns of a panel, multiplied by a factor; unused columns become zero.
@inline(__always)
private func transpose<T: SIMDScalar & FloatingPoint>(
  _ lanes: Int, _ width: Int, _ depth: Int, _ source: UnsafePointer<T>, _ laneStride: Int, _ depthStride: Int,
  _ factor: T, _ panel: UnsafeMutablePointer<T>
) {
  var lane = 0
  if depthStride == 1, MemoryLayout<T>.size == 4, lanes >= 8, depth >= 8 {
    let size = MemoryLayout<T>.size
    transposeWords(depth, lanes, panel, width &* size, source, laneStride &* size)
    if factor != 1 {
      for p in 0..<depth {
        for lane in 0..<lanes { panel[p &* width &+ lane] *= factor }
      }
    }
    lane = lanes
  } else if depthStride == 1 {
    // Blocks of four by four are transposed in registers: interleaving pairs of vectors twice.
    let scale = SIMD4<T>(repeating: factor)
    while lane &+ 4 <= lanes {
      let v0 = source + lane &* laneStride
      let (v1, v2, v3) = (v0 + laneStride, v0 + 2 &* laneStride, v0 + 3 &* laneStride)
      var out = panel + lane
      var p = 0
      while p &+ 4 <= depth {
        let (x0, x1) = (loadLanes(v0 + p) * scale, loadLanes(v1 + p) * scale)
        let (x2, x3) = (loadLanes(v2 + p) * scale, loadLanes(v3 + p) * scale)
        let low02 = SIMD4(x0[0], x2[0], x0[1], x2[1])
        let low13 = SIMD4(x1[0], x3[0], x1[1], x3[1])
        let high02 = SIMD4(x0[2], x2[2], x0[3], x2[3])
        let high13 = SIMD4(x1[2], x3[2], x1[3], x3[3])
        storeLanes(out, SIMD4(low02[0], low13[0], low02[1], low13[1]))
        storeLanes(out + width, SIMD4(low02[2], low13[2], low02[3], low13[3]))
        storeLanes(out + 2 &* width, SIMD4(high02[0], high13[0], high02[1], high13[1]))
        storeLanes(out + 3 &* width, SIMD4(high02[2], high13[2], high02[3], high13[3]))
        out += 4 &* width
        p &+= 4
      }
      while p < depth {
        storeLanes(out, SIMD4(v0[p], v1[p], v2[p], v3[p]) * scale)
        out += width
        p &+= 1
      }
      lane &+= 4
    }
  }
  while lane < width {
    var out = panel + lane
    var from = source + lane &* laneStride
    for _ in 0..<depth {
      out.pointee = lane < lanes ? from.pointee * factor : 0
      out += width
      if lane < lanes { from += depthStride }
    }
    lane &+= 1
  }
}

/// Rows times a factor each, or as they are.
@inline(__always)
private func scaleRows<V: SIMD>(
  _ zero: V, _ rows: Int, _ columns: Int, _ source: UnsafePointer<V.Scalar>, _ rowStride: Int,
  _ factors: UnsafePointer<V.Scalar>?, _ target: UnsafeMutablePointer<V.Scalar>, _ targetStride: Int
) where V.Scalar: FloatingPoint {
  for row in 0..<rows {
    let factor = factors.map { $0[row] } ?? 1
    let from = source + row &* rowStride
    let to = target + row &* targetStride
    var i = 0
    while i &+ V.scalarCount <= columns {
      storeLanes(to + i, UnsafeRawPointer(from + i).loadUnaligned(as: V.self) * V(repeating: factor))
      i &+= V.scalarCount
    }
    while i < columns {
      to[i] = from[i] * factor
      i &+= 1
    }
  }
}
