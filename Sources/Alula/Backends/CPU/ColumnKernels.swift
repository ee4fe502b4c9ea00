import CSupport

/// A kernel down columns of adjacent elements: a row kernel whose rows are the elements of a column.
struct ColumnKernels: Sendable {
  /// Rows up to this length are turned into columns: vectors of a single one would be mostly empty.
  static let shortRow = 24
  /// Rows below which turning costs more than it brings.
  static let fewRows = 16

  private typealias Kernel =
    @convention(c) (
      Int, Int, UnsafePointer<UnsafeMutableRawPointer?>, UnsafePointer<Int>, UnsafePointer<Double>?
    ) -> Void

  /// Columns of one call: at most what the kernels keep sums of, and so many that lines are read whole.
  private static let width = 256
  /// Rows that are turned at a time: a multiple of every vector, and few enough for the nearest cache.
  private static let turnedRows = 128
  private static let grain = 32 * 1024

  private let name: String
  private let kernels: KernelRow

  init(_ name: String) {
    self.name = name
    kernels = KernelTable.shared.row(name)
  }

  private func kernel(_ dtype: DType) throws(AlulaError) -> Kernel {
    guard let address = kernels[dtype] else { throw .invalidDType("\(name): dtype \(dtype) is not supported on cpu") }
    return unsafeBitCast(address, to: Kernel.self)
  }

  /// Runs the kernel over contiguous operands of shape (..., length, columns), the output first.
  func run(_ dtype: DType, _ operands: [Tensor], length: Int, columns: Int) throws(AlulaError) {
    let kernel = try kernel(dtype)
    let (itemSize, width) = (dtype.itemSize, ColumnKernels.width)
    let strips = (columns - 1) / width + 1
    let blocks = operands[0].count / (length * columns)
    let starts = operands.map(\.data)
    let steps = operands.map { _ in columns * itemSize }
    let grain = max(1, ColumnKernels.grain / (length * min(width, columns)))
    ThreadPool.parallelFor(blocks * strips, grain: grain) { range in
      for i in range {
        let first = i % strips * width
        let offset = (i / strips * length * columns + first) * itemSize
        let data: [UnsafeMutableRawPointer?] = starts.map { $0 + offset }
        kernel(length, min(width, columns - first), data, steps, nil)
      }
    }
    withExtendedLifetime(operands) {}
  }

  /// Runs the kernel over contiguous operands of shape (..., length), the output first: many rows at a time, turned.
  func runTurned(_ dtype: DType, _ operands: [Tensor], length: Int) throws(AlulaError) {
    let kernel = try kernel(dtype)
    let itemSize = dtype.itemSize
    guard
      let transpose = KernelTable.shared.function("transpose", slot: itemSize, as: transpose_kernel.self)
    else { throw .internal("\(name): no transposition of \(dtype)") }
    let rows = operands[0].count / length
    let starts = operands.map(\.data)
    let (rowStep, columnStep) = (length * itemSize, ColumnKernels.turnedRows * itemSize)
    let steps = operands.map { _ in columnStep }
    let grain = max(1, ColumnKernels.grain / (length * ColumnKernels.turnedRows)) * ColumnKernels.turnedRows
    ThreadPool.parallelFor(rows, grain: grain) { range in
      withUnsafeTemporaryAllocation(byteCount: operands.count * length * columnStep, alignment: 16) { scratch in
        guard let scratch = scratch.baseAddress else { return }
        // Columns beside the last rows are computed with them.
        scratch.initializeMemory(as: UInt8.self, repeating: 0, count: operands.count * length * columnStep)
        let data: [UnsafeMutableRawPointer?] = operands.indices.map { scratch + $0 * length * columnStep }
        var first = range.lowerBound
        while first < range.upperBound {
          let count = min(ColumnKernels.turnedRows, range.upperBound - first)
          for k in starts.indices.dropFirst() {
            transpose(length, count, data[k], columnStep, starts[k] + first * rowStep, rowStep)
          }
          kernel(length, (count + 7) & ~7, data, steps, nil)
          transpose(count, length, starts[0] + first * rowStep, rowStep, data[0], columnStep)
          first += count
        }
      }
    }
    withExtendedLifetime(operands) {}
  }
}
