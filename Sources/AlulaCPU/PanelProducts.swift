import CSupport

// Matrix products of operands as they lie, for results a few vectors wide that stay in the first-level cache, and the
// moves into and out of such panels. A panel is two vectors of columns wide, like those of Gemm; its rows follow one
// another without gaps.

func registerPanels(_ receive: KernelReceiver) {
  register(receive, 11, width: { 2 &* GemmFloat.scalarCount }) {
    rows, columns, depth, a, aRow, aDepth, b, bDepth, c, cRow, accumulate in
    multiplyPanels(
      GemmFloat(repeating: 0), rows, columns, depth, a!.assumingMemoryBound(to: Float.self), aRow, aDepth,
      b!.assumingMemoryBound(to: Float.self), bDepth, c!.assumingMemoryBound(to: Float.self), cRow, accumulate)
  }
  register(receive, 12, width: { 2 &* GemmDouble.scalarCount }) {
    rows, columns, depth, a, aRow, aDepth, b, bDepth, c, cRow, accumulate in
    multiplyPanels(
      GemmDouble(repeating: 0), rows, columns, depth, a!.assumingMemoryBound(to: Double.self), aRow, aDepth,
      b!.assumingMemoryBound(to: Double.self), bDepth, c!.assumingMemoryBound(to: Double.self), cRow, accumulate)
  }
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

private func register(
  _ receive: KernelReceiver, _ slot: Int, width: @convention(c) () -> Int, _ kernel: panel_multiply_kernel
) {
  receive("panel.width", slot, unsafeBitCast(width, to: UnsafeRawPointer.self))
  receive("panel.multiply", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

private func register(_ receive: KernelReceiver, _ slot: Int, _ kernel: panel_transpose_kernel) {
  receive("panel.transpose", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

private func register(_ receive: KernelReceiver, _ slot: Int, _ kernel: panel_scale_kernel) {
  receive("panel.scale", slot, unsafeBitCast(kernel, to: UnsafeRawPointer.self))
}

// MARK: - Products

/// C = A B, or C += A B, for `columns` a multiple of two vectors.
@inline(__always)
private func multiplyPanels<V: SIMD>(
  _ zero: V, _ rows: Int, _ columns: Int, _ depth: Int, _ a: UnsafePointer<V.Scalar>, _ aRow: Int, _ aDepth: Int,
  _ b: UnsafePointer<V.Scalar>, _ bDepth: Int, _ c: UnsafeMutablePointer<V.Scalar>, _ cRow: Int, _ accumulate: Bool
) where V.Scalar: FloatingPoint {
  var j = 0
  while j < columns {
    var i = 0
    while i &+ 6 <= rows {
      panelTile6(zero, depth, a + i &* aRow, aRow, aDepth, b + j, bDepth, c + (i &* cRow &+ j), cRow, accumulate)
      i &+= 6
    }
    if i &+ 4 <= rows {
      panelTile4(zero, depth, a + i &* aRow, aRow, aDepth, b + j, bDepth, c + (i &* cRow &+ j), cRow, accumulate)
      i &+= 4
    }
    if i &+ 2 <= rows {
      panelTile2(zero, depth, a + i &* aRow, aRow, aDepth, b + j, bDepth, c + (i &* cRow &+ j), cRow, accumulate)
      i &+= 2
    }
    if i < rows {
      panelTile1(zero, depth, a + i &* aRow, aDepth, b + j, bDepth, c + (i &* cRow &+ j), accumulate)
    }
    j &+= 2 &* V.scalarCount
  }
}

@inline(__always)
private func panelTile6<V: SIMD>(
  _ zero: V, _ depth: Int, _ a: UnsafePointer<V.Scalar>, _ aRow: Int, _ aDepth: Int,
  _ b: UnsafePointer<V.Scalar>, _ bDepth: Int, _ c: UnsafeMutablePointer<V.Scalar>, _ cRow: Int, _ accumulate: Bool
) where V.Scalar: FloatingPoint {
  var (c00, c01, c10, c11, c20, c21) = (zero, zero, zero, zero, zero, zero)
  var (c30, c31, c40, c41, c50, c51) = (zero, zero, zero, zero, zero, zero)
  // Two pointers of three rows each: what x86-64's addressing reaches with one stride.
  var a0 = a
  var a3 = a + 3 &* aRow
  var b = UnsafeRawPointer(b)
  let bStep = bDepth &* MemoryLayout<V.Scalar>.stride
  let step = MemoryLayout<V>.size
  var remaining = depth
  while remaining > 0 {
    let b0 = b.loadUnaligned(as: V.self)
    let b1 = b.loadUnaligned(fromByteOffset: step, as: V.self)
    var x = V(repeating: a0.pointee)
    c00 = multiplyAdd(c00, x, b0)
    c01 = multiplyAdd(c01, x, b1)
    x = V(repeating: a0[aRow])
    c10 = multiplyAdd(c10, x, b0)
    c11 = multiplyAdd(c11, x, b1)
    x = V(repeating: a0[2 &* aRow])
    c20 = multiplyAdd(c20, x, b0)
    c21 = multiplyAdd(c21, x, b1)
    x = V(repeating: a3.pointee)
    c30 = multiplyAdd(c30, x, b0)
    c31 = multiplyAdd(c31, x, b1)
    x = V(repeating: a3[aRow])
    c40 = multiplyAdd(c40, x, b0)
    c41 = multiplyAdd(c41, x, b1)
    x = V(repeating: a3[2 &* aRow])
    c50 = multiplyAdd(c50, x, b0)
    c51 = multiplyAdd(c51, x, b1)
    a0 += aDepth
    a3 += aDepth
    b += bStep
    remaining &-= 1
  }
  storePanelRow(c, c00, c01, accumulate)
  storePanelRow(c + cRow, c10, c11, accumulate)
  storePanelRow(c + 2 &* cRow, c20, c21, accumulate)
  storePanelRow(c + 3 &* cRow, c30, c31, accumulate)
  storePanelRow(c + 4 &* cRow, c40, c41, accumulate)
  storePanelRow(c + 5 &* cRow, c50, c51, accumulate)
}

@inline(__always)
private func panelTile4<V: SIMD>(
  _ zero: V, _ depth: Int, _ a: UnsafePointer<V.Scalar>, _ aRow: Int, _ aDepth: Int,
  _ b: UnsafePointer<V.Scalar>, _ bDepth: Int, _ c: UnsafeMutablePointer<V.Scalar>, _ cRow: Int, _ accumulate: Bool
) where V.Scalar: FloatingPoint {
  var (c00, c01, c10, c11) = (zero, zero, zero, zero)
  var (c20, c21, c30, c31) = (zero, zero, zero, zero)
  var a0 = a
  var a3 = a + 3 &* aRow
  var b = UnsafeRawPointer(b)
  let bStep = bDepth &* MemoryLayout<V.Scalar>.stride
  let step = MemoryLayout<V>.size
  var remaining = depth
  while remaining > 0 {
    let b0 = b.loadUnaligned(as: V.self)
    let b1 = b.loadUnaligned(fromByteOffset: step, as: V.self)
    var x = V(repeating: a0.pointee)
    c00 = multiplyAdd(c00, x, b0)
    c01 = multiplyAdd(c01, x, b1)
    x = V(repeating: a0[aRow])
    c10 = multiplyAdd(c10, x, b0)
    c11 = multiplyAdd(c11, x, b1)
    x = V(repeating: a0[2 &* aRow])
    c20 = multiplyAdd(c20, x, b0)
    c21 = multiplyAdd(c21, x, b1)
    x = V(repeating: a3.pointee)
    c30 = multiplyAdd(c30, x, b0)
    c31 = multiplyAdd(c31, x, b1)
    a0 += aDepth
    a3 += aDepth
    b += bStep
    remaining &-= 1
  }
  storePanelRow(c, c00, c01, accumulate)
  storePanelRow(c + cRow, c10, c11, accumulate)
  storePanelRow(c + 2 &* cRow, c20, c21, accumulate)
  storePanelRow(c + 3 &* cRow, c30, c31, accumulate)
}

@inline(__always)
private func panelTile2<V: SIMD>(
  _ zero: V, _ depth: Int, _ a: UnsafePointer<V.Scalar>, _ aRow: Int, _ aDepth: Int,
  _ b: UnsafePointer<V.Scalar>, _ bDepth: Int, _ c: UnsafeMutablePointer<V.Scalar>, _ cRow: Int, _ accumulate: Bool
) where V.Scalar: FloatingPoint {
  var (c00, c01, c10, c11) = (zero, zero, zero, zero)
  var a0 = a
  var b = UnsafeRawPointer(b)
  let bStep = bDepth &* MemoryLayout<V.Scalar>.stride
  var remaining = depth
  while remaining > 0 {
    let b0 = b.loadUnaligned(as: V.self)
    let b1 = b.loadUnaligned(fromByteOffset: MemoryLayout<V>.size, as: V.self)
    var x = V(repeating: a0.pointee)
    c00 = multiplyAdd(c00, x, b0)
    c01 = multiplyAdd(c01, x, b1)
    x = V(repeating: a0[aRow])
    c10 = multiplyAdd(c10, x, b0)
    c11 = multiplyAdd(c11, x, b1)
    a0 += aDepth
    b += bStep
    remaining &-= 1
  }
  storePanelRow(c, c00, c01, accumulate)
  storePanelRow(c + cRow, c10, c11, accumulate)
}

@inline(__always)
private func panelTile1<V: SIMD>(
  _ zero: V, _ depth: Int, _ a: UnsafePointer<V.Scalar>, _ aDepth: Int,
  _ b: UnsafePointer<V.Scalar>, _ bDepth: Int, _ c: UnsafeMutablePointer<V.Scalar>, _ accumulate: Bool
) where V.Scalar: FloatingPoint {
  var (c00, c01) = (zero, zero)
  for p in 0..<depth {
    let from = UnsafeRawPointer(b + p &* bDepth)
    let x = V(repeating: a[p &* aDepth])
    c00 = multiplyAdd(c00, x, from.loadUnaligned(as: V.self))
    c01 = multiplyAdd(c01, x, from.loadUnaligned(fromByteOffset: MemoryLayout<V>.size, as: V.self))
  }
  storePanelRow(c, c00, c01, accumulate)
}

@inline(__always)
private func storePanelRow<V: SIMD>(_ c: UnsafeMutablePointer<V.Scalar>, _ x0: V, _ x1: V, _ accumulate: Bool)
where V.Scalar: FloatingPoint {
  let out = UnsafeMutableRawPointer(c)
  let size = MemoryLayout<V>.size
  if accumulate {
    out.storeBytes(of: out.loadUnaligned(as: V.self) + x0, as: V.self)
    out.storeBytes(
      of: out.loadUnaligned(fromByteOffset: size, as: V.self) + x1, toByteOffset: size, as: V.self)
  } else {
    out.storeBytes(of: x0, as: V.self)
    out.storeBytes(of: x1, toByteOffset: size, as: V.self)
  }
}

// MARK: - Moves

/// Vectors, `lanes` of them, become the columns of a panel, multiplied by a factor; unused columns become zero.
@inline(__always)
private func transpose<T: SIMDScalar & FloatingPoint>(
  _ lanes: Int, _ width: Int, _ depth: Int, _ source: UnsafePointer<T>, _ laneStride: Int, _ depthStride: Int,
  _ factor: T, _ panel: UnsafeMutablePointer<T>
) {
  var lane = 0
  if depthStride == 1 {
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
