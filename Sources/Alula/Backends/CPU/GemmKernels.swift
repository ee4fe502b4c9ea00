import CSupport

/// The matrix-product kernels of one dtype.
struct GemmKernels: Sendable {
  /// Rows and columns of a tile: the widths of packed panels.
  let rows: Int
  let columns: Int
  /// Columns of the tile that loads least for its arithmetic: two panels where there are registers for it.
  var tileColumns: Int { rows > 6 ? 2 * columns : columns }
  /// Bytes of an operand's elements.
  let itemSize: Int
  /// The dtype of the sums, and the bytes of one.
  let result: DType
  let resultSize: Int
  /// Neighbours along the depth that panels hold as one element.
  let depthUnit: Int
  let packA: gemm_pack_kernel
  let packB: gemm_pack_kernel
  let block: gemm_block_kernel
  let vector: gemm_vector_kernel
  /// Floating-point numbers only.
  let dots: gemm_dots_kernel?
  let small: gemm_small_kernel?
  /// Adds contiguous elements to others.
  let add: gemm_add_kernel
  /// Turns a matrix of sums.
  let transpose: transpose_kernel

  private static let all: [GemmKernels?] = DType.allCases.map { GemmKernels($0) }

  /// The kernels for elements of `dtype`, if it has some of its own.
  static func of(_ dtype: DType) -> GemmKernels? { all[dtype.code] }

  /// The kernels that multiply bfloat16 matrices into a float32 one, where the processor gains by them: by tiles, or by
  /// pairs of elements.
  static let bfloat16Matrices: GemmKernels? =
    if InstructionSet.current == .avx512, csupport_enable_tiles() {
      GemmKernels(.bfloat16, slot: tileSlot, result: .float32, depthUnit: 32)
    } else if csupport_multiplies_pairs_at_full_rate() {
      GemmKernels(.bfloat16, result: .float32, depthUnit: 2)
    } else {
      nil
    }
  /// Where the kernels of tiles stand.
  private static let tileSlot = 16

  /// Kernels of `dtype`, at its code unless there is a slot; what concerns the result only is `result`'s, unless it is the
  /// same.
  private init?(_ dtype: DType, slot: Int? = nil, result: DType? = nil, depthUnit: Int = 1) {
    let table = KernelTable.shared
    let result = result ?? dtype
    let slot = slot ?? dtype.code
    guard let shape = table.function("gemm.shape", slot: slot, as: gemm_shape_kernel.self),
      let packA = table.function("gemm.pack_a", slot: slot, as: gemm_pack_kernel.self),
      let packB = table.function("gemm.pack_b", slot: slot, as: gemm_pack_kernel.self),
      let block = table.function("gemm.block", slot: slot, as: gemm_block_kernel.self),
      let vector = table.function("gemm.vector", slot: result.code, as: gemm_vector_kernel.self),
      let add = table.function("gemm.add", slot: result.code, as: gemm_add_kernel.self),
      let transpose = table.function("transpose", slot: result.itemSize, as: transpose_kernel.self)
    else { return nil }
    var rows = 1
    var columns = 1
    shape(&rows, &columns)
    self.rows = rows
    self.columns = columns
    itemSize = dtype.itemSize
    self.result = result
    resultSize = result.itemSize
    self.depthUnit = depthUnit
    self.packA = packA
    self.packB = packB
    self.block = block
    self.vector = vector
    dots = table.function("gemm.dots", slot: slot, as: gemm_dots_kernel.self)
    small = table.function("gemm.small", slot: slot, as: gemm_small_kernel.self)
    self.add = add
    self.transpose = transpose
  }

  /// Whether these kernels of pairs can read A where it lies, since neighbours along the depth lie side by side.
  func readsPairs(of a: MatrixOperand, depth: Int) -> Bool {
    depthUnit == 2 && a.columnStride == 1 && a.rowStride % 2 == 0 && depth % 2 == 0
      && UInt(bitPattern: a.pointer) % UInt(2 * itemSize) == 0
  }

  /// A product of packed panels, to which bias may be added; c's rows lie `rowStride` elements apart.
  func packed(rows: Int, columns: Int, depth: Int, rowStride: Int, accumulate: Bool) -> gemm_product {
    let depth = (depth + depthUnit - 1) / depthUnit
    var product = gemm_product(rows: rows, columns: columns, depth: depth, rowStride: rowStride, accumulate: accumulate)
    product.a_row = 1
    product.a_panel = self.rows * depth
    product.a0 = self.rows
    product.b_panel = self.columns * depth
    product.b0 = self.columns
    return product
  }

  /// A product of operands as they lie: any strides in A, rows of adjacent elements, `bRow` apart, in B, whose columns fill
  /// whole panels.
  func lying(rows: Int, columns: Int, depth: Int, aRow: Int, aDepth: Int, bRow: Int, rowStride: Int, accumulate: Bool)
    -> gemm_product
  {
    var product = gemm_product(rows: rows, columns: columns, depth: depth, rowStride: rowStride, accumulate: accumulate)
    product.a_row = aRow
    product.a0 = aDepth
    product.b_panel = self.columns
    product.b0 = bRow
    return product
  }

  /// `count` rounded up to what tiles compute: with 32 registers they may leave out the second vector of a last panel.
  func computedColumns(_ count: Int) -> Int {
    let step = rows > 6 ? columns / 2 : columns
    return (count + step - 1) / step * step
  }

  /// `count` rounded up to whole panels of A.
  func paddedRows(_ count: Int) -> Int { (count + rows - 1) / rows * rows }
  /// `depth` rounded up to what panels hold.
  func paddedDepth(_ depth: Int) -> Int { (depth + depthUnit - 1) / depthUnit * depthUnit }
  /// `count` rounded up to whole panels of B.
  func paddedColumns(_ count: Int) -> Int { (count + columns - 1) / columns * columns }
}

/// A matrix as it lies in memory; strides in elements.
struct MatrixOperand {
  let pointer: UnsafeRawPointer
  let rowStride: Int
  let columnStride: Int

  var transposed: MatrixOperand {
    MatrixOperand(pointer: pointer, rowStride: columnStride, columnStride: rowStride)
  }

  /// The matrix that starts so many elements later.
  func moved(by offset: Int, size: Int) -> MatrixOperand {
    MatrixOperand(pointer: pointer + offset * size, rowStride: rowStride, columnStride: columnStride)
  }

  /// The part that starts at a later row or column.
  func moved(rows: Int = 0, columns: Int = 0, size: Int) -> MatrixOperand {
    MatrixOperand(
      pointer: pointer + (rows * rowStride + columns * columnStride) * size, rowStride: rowStride,
      columnStride: columnStride)
  }
}

/// Runs of bytes in memory.
struct MemoryRuns {
  let start: UnsafeRawPointer
  let count: Int
  let bytes: Int
  /// From one to the next, in bytes.
  let step: Int
}

extension MatrixOperand {
  /// Where some rows and columns lie; nil where their elements are all apart.
  func runs(_ rows: Range<Int>, _ columns: Range<Int>, size: Int) -> MemoryRuns? {
    let start = moved(rows: rows.lowerBound, columns: columns.lowerBound, size: size).pointer
    // A single run may have any step.
    if columnStride == 1 {
      return MemoryRuns(start: start, count: rows.count, bytes: columns.count * size, step: rowStride &* size)
    }
    if rowStride == 1 {
      return MemoryRuns(start: start, count: columns.count, bytes: rows.count * size, step: columnStride &* size)
    }
    return nil
  }
}

extension gemm_product {
  /// The most that is asked for ahead, in bytes: it must not displace what is multiplied.
  private static let mostAhead = 1 << 17

  /// Tells what the caller reads after this product.
  mutating func setNext(_ runs: MemoryRuns) {
    next = runs.start
    next_bytes = min(runs.bytes, Self.mostAhead)
    next_step = runs.step
    next_runs = min(runs.count, Self.mostAhead / max(next_bytes, 64))
  }

  /// One product of plain depth; where A and B lie is to be set.
  init(rows: Int, columns: Int, depth: Int, rowStride: Int, accumulate: Bool) {
    self.init()
    count = 1
    self.rows = rows
    self.columns = columns
    depth0 = depth
    depth1 = 1
    depth2 = 1
    c_row = rowStride
    self.accumulate = accumulate
  }
}
