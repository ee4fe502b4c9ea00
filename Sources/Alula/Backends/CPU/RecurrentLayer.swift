import CSupport
import Synchronization

/// The kernel of one step of a cell, or of its gradient.
struct CellKernel: Sendable {
  let name: String
  let kernels: KernelRow

  init(_ name: String) {
    self.name = name
    kernels = KernelTable.shared.row(name)
  }
}

/// The steps of a recurrent layer. Rows of a batch do not meet, so that each thread takes some of them through all steps
/// without waiting for others; the weight is packed once for all steps.
struct RecurrentLayer {
  /// One operand of a cell's kernel at one step: contiguous rows, one per row of the batch.
  struct Operand {
    let start: UnsafeMutableRawPointer?
    /// Bytes from row to row.
    let rowSize: Int
    /// Whether the rows are those of the thread's own part of the batch.
    var isPart = false

    /// The rows of step `t` of (T, N, …).
    static func step(_ tensor: Tensor?, _ t: Int) -> Operand {
      guard let tensor else { return Operand(start: nil, rowSize: 0) }
      let rowSize = tensor.layout.shape[2] * tensor.dtype.itemSize
      return Operand(start: tensor.data + t * tensor.layout.shape[1] * rowSize, rowSize: rowSize)
    }

    /// The rows of (N, …).
    static func whole(_ tensor: Tensor?) -> Operand {
      guard let tensor else { return Operand(start: nil, rowSize: 0) }
      return Operand(start: tensor.data, rowSize: tensor.layout.shape[1] * tensor.dtype.itemSize)
    }
  }

  private typealias Kernel =
    @convention(c) (
      Int, Int, UnsafePointer<UnsafeMutableRawPointer?>, UnsafePointer<Int>, UnsafePointer<Double>?
    ) -> Void

  private let kernel: Kernel
  private let gemm: GemmKernels
  private let steps: Int
  private let batch: Int
  private let units: Int
  /// Rows of the weight: gates times units.
  private let rows: Int
  private let reverse: Bool
  private let weight: Tensor
  private let call: Call

  /// - Parameters:
  ///   - states: of shape (T, N, H).
  ///   - weight: of shape (gates H, H).
  init(_ call: Call, _ kernel: CellKernel, states: Tensor, weight: Tensor) throws(AlulaError) {
    guard let address = kernel.kernels[states.dtype], let gemm = GemmKernels.of(states.dtype) else {
      throw .invalidDType("\(call.operation.name): dtype \(states.dtype) is not supported on cpu")
    }
    self.kernel = unsafeBitCast(address, to: Kernel.self)
    self.gemm = gemm
    let shape = states.layout.shape
    (steps, batch, units) = (shape[0], shape[1], shape[2])
    rows = weight.layout.shape[0]
    reverse = call.bool("reverse")
    self.weight = weight
    self.call = call
  }

  private var item: Int { gemm.itemSize }

  /// Rows of the batch that one thread takes: few enough for several threads, enough to use each element of the weight
  /// several times. A row's result does not depend on those beside it.
  private var rowsAtOnce: Int {
    let isLarge = saturatedProduct(batch, rows, units) > 1 << 20
    let parts = max(1, (batch + 15) / 16, isLarge ? min(2, batch / 6) : 1)
    return (batch + parts - 1) / parts
  }

  /// The step that is made at a position in the order, and the one before it, -1 for none.
  private func step(_ position: Int) -> (t: Int, before: Int) {
    reverse ? (steps - 1 - position, position == 0 ? -1 : steps - position) : (position, position - 1)
  }

  /// From the first step to the last: the states before, times the weight transposed, and then the cell.
  ///
  /// - Parameter operands: the kernel's, given a step, the one before it or -1, and the product.
  func forward(
    first: Tensor?, states: Tensor, bias: Tensor? = nil, _ operands: (Int, Int, Operand) -> [Operand]
  ) throws(AlulaError) {
    if batch == 0 || units == 0 { return }
    guard let packed = Scratch(gemm.paddedColumns(rows), units, size: item) else { throw outOfMemory }
    let layout = weight.layout
    pack(packed.pointer, columns: rows, depth: units, columnStride: layout.strides[0], depthStride: layout.strides[1])
    let panels = packed.pointer
    let failed = Atomic(false)
    ThreadPool.parallelFor(batch, grain: rowsAtOnce) { part in
      guard let product = Scratch(part.count, rows, size: item) else {
        return failed.store(true, ordering: .relaxed)
      }
      let result = Operand(start: product.pointer, rowSize: rows * item, isPart: true)
      for position in 0..<steps {
        let (t, before) = step(position)
        let source = before < 0 ? Operand.whole(first) : .step(states, before)
        if let start = source.start {
          multiply(
            part.count, start + part.lowerBound * source.rowSize, depth: units, panels, columns: rows,
            product.pointer, rowStride: rows, accumulate: false, bias: bias?.data)
        } else {
          fill(product.pointer, part.count, with: bias)
        }
        run(part, operands(t, before, result))
      }
    }
    if failed.load(ordering: .relaxed) { throw outOfMemory }
  }

  /// From the last step to the first: the cell's gradient, and then the gradient of the states before, which is that of
  /// the products times the weight.
  ///
  /// - Parameters:
  ///   - products: the gradients (T, N, gates H) of the products, which the kernel writes.
  ///   - hidden: the gradient (N, H) of the states after a step, at first zero; at last that of the first state.
  ///   - accumulate: whether the kernel has left a part of it there.
  func backward(
    products: Tensor, _ hidden: Tensor, accumulate: Bool, _ operands: (Int, Int) -> [Operand]
  ) throws(AlulaError) {
    if batch == 0 || units == 0 { return }
    guard let packed = Scratch(gemm.paddedColumns(units), rows, size: item) else { throw outOfMemory }
    let layout = weight.layout
    pack(packed.pointer, columns: units, depth: rows, columnStride: layout.strides[1], depthStride: layout.strides[0])
    let panels = packed.pointer
    ThreadPool.parallelFor(batch, grain: rowsAtOnce) { part in
      for position in (0..<steps).reversed() {
        let (t, before) = step(position)
        run(part, operands(t, before))
        let source = Operand.step(products, t)
        guard let start = source.start else { continue }
        multiply(
          part.count, start + part.lowerBound * source.rowSize, depth: rows, panels, columns: units,
          hidden.data + part.lowerBound * units * item, rowStride: units, accumulate: accumulate, bias: nil)
      }
    }
  }

  private var outOfMemory: AlulaError { CPUBackend.outOfMemory(call) }

  /// The kernel on some rows of the batch.
  private func run(_ part: Range<Int>, _ operands: [Operand]) {
    withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: operands.count) { starts in
      withUnsafeTemporaryAllocation(of: Int.self, capacity: operands.count) { sizes in
        for (k, operand) in operands.enumerated() {
          starts[k] = operand.start.map { $0 + (operand.isPart ? 0 : part.lowerBound * operand.rowSize) }
          sizes[k] = operand.rowSize
        }
        guard let starts = starts.baseAddress, let sizes = sizes.baseAddress else { return }
        kernel(part.count, units, starts, sizes, nil)
      }
    }
  }

  private func fill(_ product: UnsafeMutableRawPointer, _ count: Int, with bias: Tensor?) {
    for row in 0..<count {
      let target = product + row * rows * item
      if let bias {
        target.copyMemory(from: bias.data, byteCount: rows * item)
      } else {
        target.initializeMemory(as: UInt8.self, repeating: 0, count: rows * item)
      }
    }
  }

  // MARK: - Products of a few rows with the packed weight

  /// Panels hold the blocks of depth one after another.
  private func pack(
    _ panels: UnsafeMutableRawPointer, columns: Int, depth: Int, columnStride: Int, depthStride: Int
  ) {
    let chunk = 12 * gemm.columns
    ThreadPool.parallelFor(columns, grain: chunk) { range in
      for start in stride(from: 0, to: depth, by: Gemm.depthBlock) {
        let deep = min(Gemm.depthBlock, depth - start)
        gemm.packB(
          range.count, deep, weight.data + (range.lowerBound * columnStride + start * depthStride) * item, columnStride,
          depthStride, panels + (start * gemm.paddedColumns(columns) + range.lowerBound * deep) * item)
      }
    }
  }

  /// c = x B, or c += x B, plus a bias, for contiguous rows x.
  private func multiply(
    _ count: Int, _ x: UnsafeRawPointer, depth: Int, _ panels: UnsafeRawPointer,
    columns: Int, _ c: UnsafeMutableRawPointer, rowStride: Int, accumulate: Bool, bias: UnsafeRawPointer?
  ) {
    for start in stride(from: 0, to: depth, by: Gemm.depthBlock) {
      let deep = min(Gemm.depthBlock, depth - start)
      var product = gemm.packed(
        rows: count, columns: columns, depth: deep, rowStride: rowStride, accumulate: accumulate || start > 0)
      // The rows are read where they lie.
      (product.a_row, product.a_panel, product.a0) = (depth, 0, 1)
      gemm.block(
        &product, x + start * item, panels + start * gemm.paddedColumns(columns) * item, c, nil,
        start == 0 ? bias : nil)
    }
  }
}
