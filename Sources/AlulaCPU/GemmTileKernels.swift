import CSupport

// bfloat16 matrices on a matrix unit: tiles of 32 by 32 sums. Panels hold 32 vectors of A or B in blocks of 32 elements of
// the depth, two times 16 vectors each: A's vector by vector, B's by pairs of elements, as the unit reads them. What a last
// panel or block lacks is zero. Subnormal elements and sums count as zero, as the instruction has it.

/// Not a dtype's code: these kernels are beside those of bfloat16 elsewhere.
private let tileSlot = 16

#if AVX512
  func registerGemmTiles(_ receive: KernelReceiver) {
    registerGemmShape(receive, tileSlot) { rows, columns in
      rows?.pointee = 32
      columns?.pointee = 32
    }
    registerGemmPacking(
      receive, tileSlot,
      a: { count, depth, source, vectorStride, depthStride, panels in
        packBlocks(byPairs: false, count, depth, source!, vectorStride, depthStride, panels!)
      },
      b: { count, depth, source, vectorStride, depthStride, panels in
        packBlocks(byPairs: true, count, depth, source!, vectorStride, depthStride, panels!)
      })
    registerGemmBlock(receive, tileSlot) { product, a, b, c, rowBias, columnBias in
      multiplyTiles(
        product!, a!, b!, c!.assumingMemoryBound(to: Float.self), rowBias?.assumingMemoryBound(to: Float.self),
        columnBias?.assumingMemoryBound(to: Float.self))
    }
  }

  /// C = A B, or C += A B, of packed panels. Distances in panels count blocks of one vector, 64 bytes.
  @inline(__always)
  private func multiplyTiles(
    _ product: UnsafePointer<gemm_product>, _ a: UnsafeRawPointer, _ b: UnsafeRawPointer,
    _ c: UnsafeMutablePointer<Float>, _ rowBias: UnsafePointer<Float>?, _ columnBias: UnsafePointer<Float>?
  ) {
    let side = 32
    let (rows, columns, rowStride) = (product.pointee.rows, product.pointee.columns, product.pointee.c_row)
    let (stepA, stepB) = (product.pointee.a_panel &* 64, product.pointee.b_panel &* 64)
    let blocks = product.pointee.depth0
    let accumulate = product.pointee.accumulate
    let plain = rowBias == nil && columnBias == nil
    withUnsafeTemporaryAllocation(byteCount: side &* side &* 4, alignment: 64) { edgeBytes in
      guard let edge = edgeBytes.baseAddress?.assumingMemoryBound(to: Float.self) else { return }
      tiles_begin()
      var (column, panelB) = (0, b)
      while column < columns {
        var (row, panelA) = (0, a)
        while row < rows {
          let out = c + (row &* rowStride &+ column)
          // Others go through a temporary.
          let direct = plain && row &+ side <= rows && column &+ side <= columns
          if direct && accumulate { tiles_load(out, rowStride &* 4) } else { tiles_zero() }
          for block in 0..<blocks { tiles_multiply(panelA + block &* 2048, panelB + block &* 2048) }
          if direct {
            tiles_store(out, rowStride &* 4)
          } else {
            tiles_store(edge, side &* 4)
            copyEdgeTile(
              GemmFloat(repeating: 0), min(side, rows &- row), min(side, columns &- column), edge, out, rowStride,
              accumulate, rowBias.map { $0 + row }, columnBias.map { $0 + column }, +)
          }
          row &+= side
          panelA += stepA
        }
        column &+= side
        panelB += stepB
      }
      tiles_end()
    }
  }

  /// Packs `count` vectors of `depth` elements.
  @inline(__always)
  private func packBlocks(
    byPairs: Bool, _ count: Int, _ depth: Int, _ source: UnsafeRawPointer, _ vectorStride: Int, _ depthStride: Int,
    _ panels: UnsafeMutableRawPointer
  ) {
    let source = source.assumingMemoryBound(to: UInt16.self)
    var target = panels
    withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 16) { bytes in
      guard let staged = bytes.baseAddress else { return }
      var start = 0
      while start < count {
        var deep = 0
        while deep < depth {
          var first = start
          while first < start &+ 32 {
            let vectors = max(0, min(16, count &- first))
            let from = source + (first &* vectorStride &+ deep &* depthStride)
            if vectors < 16 || deep &+ 32 > depth || (vectorStride != 1 && depthStride != 1) {
              packPartialBlock(byPairs, vectors, min(32, depth &- deep), from, vectorStride, depthStride, target)
            } else if depthStride == 1 {
              if byPairs {
                transpose_sixteen_uint32(target, 64, from, vectorStride &* 2)
              } else {
                for vector in 0..<16 {
                  let elements = UnsafeRawPointer(from + vector &* vectorStride).loadUnaligned(as: SIMD16<UInt32>.self)
                  storeLanes(target + vector &* 64, elements)
                }
              }
            } else {
              let pairs = byPairs ? target : staged
              for pair in 0..<16 {
                let low = UnsafeRawPointer(from + 2 &* pair &* depthStride)
                let high = low + depthStride &* 2
                storeLanes(
                  pairs + pair &* 64,
                  bfloat16_pairs(
                    low.loadUnaligned(as: SIMD16<UInt16>.self), high.loadUnaligned(as: SIMD16<UInt16>.self)))
              }
              if !byPairs { transpose_sixteen_uint32(target, 64, staged, 64) }
            }
            target += 1024
            first &+= 16
          }
          deep &+= 32
        }
        start &+= 32
      }
    }
  }

  /// A block of fewer vectors or elements, or of any strides.
  private func packPartialBlock(
    _ byPairs: Bool, _ vectors: Int, _ depth: Int, _ source: UnsafePointer<UInt16>, _ vectorStride: Int,
    _ depthStride: Int, _ target: UnsafeMutableRawPointer
  ) {
    let to = target.assumingMemoryBound(to: UInt16.self)
    for vector in 0..<16 {
      for deep in 0..<32 {
        let index = byPairs ? deep / 2 &* 32 &+ vector &* 2 &+ deep % 2 : vector &* 32 &+ deep
        to[index] = vector < vectors && deep < depth ? source[vector &* vectorStride &+ deep &* depthStride] : 0
      }
    }
  }
#else
  func registerGemmTiles(_ receive: KernelReceiver) {}
#endif
