import CSupport
import Synchronization

/// The gradients of blocked attention, from its inputs and results.
struct AttentionGradient {
  let attention: BlockedAttention
  /// The rows of queries, and of keys, padded to whole panels, as the operands of products.
  let paddedQ: MatrixStack
  let paddedK: MatrixStack
  let paddedSize: Int
  /// The gradient of the results, and the same padded.
  let g: MatrixStack
  let paddedG: MatrixStack
  let out: MatrixStack
  let logarithms: UnsafeRawPointer

  /// Pieces of the queries that add to gradients of their own, so that few heads of many queries keep threads busy.
  var pieces: Int {
    let panels = attention.panels
    return attention.heads >= 16 ? 1 : max(1, min(16 / max(attention.heads, 1), panels / 4))
  }

  /// Writes the gradient of q, and those of k and v: rows padded to whole panels, `pieces` stacks of heads that are to be
  /// added up. False when there is no memory.
  func run(
    _ dq: MatrixStack, _ dk: UnsafeMutableRawPointer, _ dv: UnsafeMutableRawPointer, columns: Int, pieces: Int
  ) -> Bool {
    let a = attention
    let (item, width, kernels) = (a.item, a.width, a.kernels)
    let block = a.keyBlock(atMost: 192)
    let panelsPerPiece = (a.panels + pieces - 1) / pieces
    let failed = Atomic(false)
    ThreadPool.parallelChunks(a.heads * pieces, grain: 1) { chunks in
      guard let scores = Scratch(block, width, size: item),
        let gradients = Scratch(block, width, size: item),
        let maskPanel = Scratch(a.mask == nil ? 0 : block, width, size: item),
        let queryPanel = Scratch(a.size, width, size: item),
        let gradientPanel = Scratch(columns, width, size: item),
        let outPanel = Scratch(columns, width, size: item),
        let sums = Scratch(width, paddedSize, size: item),
        let state = Scratch(2, width, size: 8)
      else { return failed.store(true, ordering: .relaxed) }
      let (logs, deltas) = (state.pointer, state.pointer + width * 8)
      while let index = chunks.next()?.lowerBound {
        let (head, piece) = (index % a.heads, index / a.heads)
        let (sizeK, sizeV) = (a.keys * paddedSize * item, a.keys * a.valueSize * item)
        let (ownK, ownV) = (dk + index * sizeK, dv + index * sizeV)
        // Here they are in this core's cache when they are added to.
        ownK.initializeMemory(as: UInt8.self, repeating: 0, count: sizeK)
        ownV.initializeMemory(as: UInt8.self, repeating: 0, count: sizeV)
        for panel in piece * panelsPerPiece..<max(piece * panelsPerPiece, min(a.panels, (piece + 1) * panelsPerPiece)) {
          let query = panel * width
          let lanes = min(width, a.queries - query)
          kernels.transpose(
            lanes, width, a.size, a.q[head, query], a.q.rowStride, a.q.columnStride, a.scale, queryPanel.pointer)
          kernels.transpose(
            lanes, width, columns, g[head, query], g.rowStride, g.columnStride, 1, gradientPanel.pointer)
          kernels.transpose(
            lanes, width, columns, out[head, query], out.rowStride, out.columnStride, 1, outPanel.pointer)
          kernels.dot(columns, width, gradientPanel.pointer, outPanel.pointer, deltas)
          a.fill(logs, with: 0)
          logs.copyMemory(from: logarithms + (head * a.queries + query) * item, byteCount: lanes * item)
          let visible = a.visibleKeys(before: query + lanes)
          var key = 0
          repeat {
            let count = min(block, visible - key)
            let mask = a.score(
              head, query, key, count, queryPanel: queryPanel.pointer, scores.pointer, maskPanel: maskPanel.pointer)
            kernels.multiply(
              count, width, columns, a.v[head, key], a.v.rowStride, 1, gradientPanel.pointer, width, gradients.pointer,
              width, false)
            kernels.gradient(
              count, width, scores.pointer, gradients.pointer, mask, a.diagonal(query, key), logs, deltas, a.scale)
            kernels.multiply(
              width, paddedSize, count, gradients.pointer, 1, width, paddedK[head, key], paddedK.rowStride,
              sums.pointer,
              paddedSize, key > 0)
            kernels.multiply(
              count, a.valueSize, lanes, scores.pointer, width, 1, paddedG[head, query], paddedG.rowStride,
              ownV + key * a.valueSize * item, a.valueSize, true)
            kernels.multiply(
              count, paddedSize, lanes, gradients.pointer, width, 1, paddedQ[head, query], paddedQ.rowStride,
              ownK + key * paddedSize * item, paddedSize, true)
            key += block
          } while key < visible
          kernels.scale(lanes, a.size, sums.pointer, paddedSize, nil, dq[head, query], dq.rowStride)
        }
      }
    }
    return !failed.load(ordering: .relaxed)
  }
}
