/// A kernel over rows of adjacent elements, and how its rows are handed out to threads.
struct RowKernels: Sendable {
  /// An operand: contiguous, one entry of `step` elements per row, or shared by all rows with step 0; nil when left out.
  typealias Operand = (tensor: Tensor?, step: Int)

  private typealias Kernel =
    @convention(c) (
      Int, Int, UnsafePointer<UnsafeMutableRawPointer?>, UnsafePointer<Int>, UnsafePointer<Double>?
    ) -> Void

  private let name: String
  private let kernels: KernelRow

  init(_ name: String) {
    self.name = name
    kernels = KernelTable.shared.row(name)
  }

  /// The number of rows of `length` elements that one thread takes at a time: all of a few, else so many that the threads
  /// come to the end together (layer norm of 768×128, forward and backward, on two threads: 68 to 55 µs).
  static func grain(rows: Int, length: Int) -> Int {
    if saturatedProduct(rows, length) <= StridedLoop.grain { return max(1, rows) }
    return max(1, StridedLoop.grain / 4 / max(1, length), rows / 64)
  }

  /// Runs the kernel for `dtype` over `rows` rows of `length` elements.
  ///
  /// - Parameter partials: the operands of which every block of `grain` rows has an entry of its own.
  func run(
    _ dtype: DType, rows: Int, length: Int, _ operands: [Operand], parameters: [Double] = [],
    partials: Range<Int> = 0..<0
  ) throws(AlulaError) {
    guard let address = kernels[dtype] else { throw .invalidDType("\(name): dtype \(dtype) is not supported on cpu") }
    if rows == 0 || length == 0 { return }
    let kernel = unsafeBitCast(address, to: Kernel.self)
    let grain = RowKernels.grain(rows: rows, length: length)
    ThreadPool.parallelFor(rows, grain: grain) { range in
      withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer?.self, capacity: operands.count) { pointers in
        withUnsafeTemporaryAllocation(of: Int.self, capacity: operands.count) { steps in
          for k in operands.indices {
            guard let tensor = operands[k].tensor else {
              (pointers[k], steps[k]) = (nil, 0)
              continue
            }
            let isPartial = partials.contains(k)
            let entry = operands[k].step * tensor.dtype.itemSize
            steps[k] = isPartial ? 0 : entry
            pointers[k] = tensor.data + entry * (isPartial ? range.lowerBound / grain : range.lowerBound)
          }
          guard let pointers = pointers.baseAddress, let steps = steps.baseAddress else { return }
          parameters.withUnsafeBufferPointer { kernel(range.count, length, pointers, steps, $0.baseAddress) }
        }
      }
    }
    withExtendedLifetime(operands) {}
  }
}
