import CSupport
import Synchronization

/// The kernels of attention for one dtype.
struct AttentionKernels: Sendable {
  private let gemm: GemmKernels
  let transpose: panel_transpose_kernel
  let scale: panel_scale_kernel
  let dot: panel_dot_kernel
  let softmax: attention_softmax_kernel
  let finish: attention_finish_kernel
  let gradient: attention_gradient_kernel

  private static let all: [AttentionKernels?] = DType.allCases.map { AttentionKernels($0) }

  static func of(_ dtype: DType) -> AttentionKernels? { all[dtype.code] }

  private init?(_ dtype: DType) {
    let table = KernelTable.shared
    let slot = dtype.code
    guard let gemm = GemmKernels.of(dtype),
      let transpose = table.function("panel.transpose", slot: slot, as: panel_transpose_kernel.self),
      let scale = table.function("panel.scale", slot: slot, as: panel_scale_kernel.self),
      let dot = table.function("panel.dot", slot: slot, as: panel_dot_kernel.self),
      let softmax = table.function("attention.softmax", slot: slot, as: attention_softmax_kernel.self),
      let finish = table.function("attention.finish", slot: slot, as: attention_finish_kernel.self),
      let gradient = table.function("attention.gradient", slot: slot, as: attention_gradient_kernel.self)
    else { return nil }
    self.gemm = gemm
    self.transpose = transpose
    self.scale = scale
    self.dot = dot
    self.softmax = softmax
    self.finish = finish
    self.gradient = gradient
  }

  /// Queries of a panel.
  var width: Int { gemm.columns }
  var itemSize: Int { gemm.itemSize }

  /// C = A B, or C += A B, for operands as they lie: any strides in A, rows of `columns` adjacent elements, a multiple
  /// of the panels' width, in B and C. Strides are in elements.
  func multiply(
    _ rows: Int, _ columns: Int, _ depth: Int, _ a: UnsafeRawPointer, _ aRow: Int, _ aDepth: Int,
    _ b: UnsafeRawPointer, _ bDepth: Int, _ c: UnsafeMutableRawPointer, _ cRow: Int, _ accumulate: Bool
  ) {
    var product = gemm.lying(
      rows: rows, columns: columns, depth: depth, aRow: aRow, aDepth: aDepth, bRow: bDepth, rowStride: cRow,
      accumulate: accumulate)
    gemm.block(&product, a, b, c, nil, nil)
  }
}

/// A stack of matrices, one per head, broadcast over the heads where it has fewer.
struct MatrixStack: @unchecked Sendable {
  // Unchecked: the memory belongs to a tensor that outlives the call; threads write disjoint parts.
  let base: UnsafeMutableRawPointer
  let offsets: [Int]
  let rowStride: Int
  let columnStride: Int
  let itemSize: Int

  /// `tensor` as matrices of its last two axes, the others broadcast to `heads`.
  init(_ tensor: Tensor, heads: Dims) {
    let layout = tensor.layout
    base = tensor.data
    offsets = layout.batchOffsets(heads)
    rowStride = layout.strides[layout.rank - 2]
    columnStride = layout.strides[layout.rank - 1]
    itemSize = tensor.dtype.itemSize
  }

  subscript(head: Int, row: Int, column: Int = 0) -> UnsafeMutableRawPointer {
    base + (offsets[head] + row * rowStride + column * columnStride) * itemSize
  }
}

/// Attention without the matrix of all scores: one panel of queries at a time meets blocks of keys, whose scores stay in
/// the first-level cache. The work is cut by sizes only, so the result does not depend on the number of threads.
struct BlockedAttention {
  let kernels: AttentionKernels
  let heads: Int
  let queries: Int
  let keys: Int
  let size: Int
  let causal: Bool
  let scale: Double
  let q: MatrixStack
  let k: MatrixStack
  /// Rows padded to whole panels.
  let v: MatrixStack
  let mask: MatrixStack?
  /// The length of a row of `v` with its padding.
  let valueSize: Int

  var item: Int { kernels.itemSize }
  var width: Int { kernels.width }
  var panels: Int { (queries + width - 1) / width }

  /// `count` rounded up to whole panels.
  func padded(_ count: Int) -> Int { (count + width - 1) / width * width }

  /// Blocks of keys of about equal size.
  func keyBlock(atMost limit: Int) -> Int {
    let blocks = max(1, (keys + limit - 1) / limit)
    return max(1, (keys + blocks - 1) / blocks)
  }

  /// The keys that the queries before `end` see.
  func visibleKeys(before end: Int) -> Int { causal ? min(keys, end) : keys }

  /// The scores of queries from `query` and keys from `key`, before their mask, which is returned.
  func score(
    _ head: Int, _ query: Int, _ key: Int, _ count: Int, queryPanel: UnsafeRawPointer,
    _ scores: UnsafeMutableRawPointer,
    maskPanel: UnsafeMutableRawPointer
  ) -> UnsafeMutableRawPointer? {
    kernels.multiply(
      count, width, size, k[head, key], k.rowStride, k.columnStride, queryPanel, width, scores, width, false)
    guard let mask else { return nil }
    kernels.transpose(
      min(width, queries - query), width, count, mask[head, query, key], mask.rowStride, mask.columnStride, 1, maskPanel
    )
    return maskPanel
  }

  /// Which keys of a block are hidden: see `attention_softmax_kernel`.
  func diagonal(_ query: Int, _ key: Int) -> Int { causal ? query - key : keys }

  // MARK: - Forward

  /// Panels of queries that a thread takes at a time.
  private var grain: Int {
    let work = saturatedProduct(width, max(keys, 1), max(size + valueSize, 1))
    return max(1, (1 << 20) / work)
  }

  /// Writes the results and the logarithms of the sums of exponentials, one per query. False when there is no memory.
  func forward(_ out: MatrixStack, columns: Int, logarithms: UnsafeMutableRawPointer) -> Bool {
    let block = keyBlock(atMost: 384)
    let failed = Atomic(false)
    ThreadPool.parallelFor(heads * panels, grain: grain) { range in
      guard let scores = Scratch(block, width, size: item),
        let maskPanel = Scratch(mask == nil ? 0 : block, width, size: item),
        let queryPanel = Scratch(size, width, size: item),
        let sums = Scratch(width, valueSize, size: item),
        let state = Scratch(3, width, size: 8)
      else { return failed.store(true, ordering: .relaxed) }
      let (maxima, factors) = (state.pointer, state.pointer + width * 8)
      let weights = (state.pointer + 2 * width * 8).assumingMemoryBound(to: Double.self)
      for index in range {
        let (head, query) = (index / panels, index % panels * width)
        let lanes = min(width, queries - query)
        kernels.transpose(
          lanes, width, size, q[head, query], q.rowStride, q.columnStride, scale, queryPanel.pointer)
        fill(maxima, with: -.infinity)
        for lane in 0..<width { weights[lane] = 0 }
        let visible = visibleKeys(before: query + lanes)
        var key = 0
        repeat {
          let count = min(block, visible - key)
          let maskHere = score(
            head, query, key, count, queryPanel: queryPanel.pointer, scores.pointer, maskPanel: maskPanel.pointer)
          kernels.softmax(
            count, width, scores.pointer, maskHere, diagonal(query, key), maxima, weights, factors)
          if key > 0 {
            kernels.scale(width, valueSize, sums.pointer, valueSize, factors, sums.pointer, valueSize)
          }
          kernels.multiply(
            width, valueSize, count, scores.pointer, 1, width, v[head, key], v.rowStride, sums.pointer, valueSize,
            key > 0)
          key += block
        } while key < visible
        kernels.finish(width, maxima, weights, factors, maxima)
        kernels.scale(lanes, columns, sums.pointer, valueSize, factors, out[head, query], out.rowStride)
        (logarithms + (head * queries + query) * item).copyMemory(from: maxima, byteCount: lanes * item)
      }
    }
    return !failed.load(ordering: .relaxed)
  }

  func fill(_ values: UnsafeMutableRawPointer, with value: Double) {
    if item == 8 {
      values.assumingMemoryBound(to: Double.self).update(repeating: value, count: width)
    } else {
      values.assumingMemoryBound(to: Float.self).update(repeating: Float(value), count: width)
    }
  }
}
