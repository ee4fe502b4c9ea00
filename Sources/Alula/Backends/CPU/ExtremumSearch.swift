extension CPUBackend {
  /// The positions of the largest or smallest elements: found by value, so that the first of equal ones is taken.
  static func argument(_ fold: Fold, _ call: Call, _ output: Tensor) throws(AlulaError) {
    if output.count == 0 { return }
    var input = try call[0].widenedHalf()
    var axis = 0
    if let given = call.optionalInt("axis"), input.rank > 0 {
      axis = try call.axis(given, rank: input.rank)
    } else {
      input = try input.reshape(shape: [input.count])
    }
    guard let kernel = findKernels[input.dtype], let foldKernel = fold.kernels[input.dtype] else {
      throw .invalidDType("\(call.operation.name): dtype \(input.dtype) is not supported on cpu")
    }
    let search = Search(
      find: unsafeBitCast(kernel, to: FindKernel.self), fold: unsafeBitCast(foldKernel, to: ReductionLoop.Kernel.self),
      extent: input.layout.shape[axis], step: input.layout.strides[axis] * input.dtype.itemSize,
      itemSize: input.dtype.itemSize)
    let rows = RowLoop(input, axis: axis)
    let positions = output.data.assumingMemoryBound(to: Int64.self)
    if search.isAlongRows {
      ThreadPool.parallelFor(rows.count, grain: search.grain) { range in
        for i in range { positions[i] = search.position(in: rows[i]) }
      }
      return withExtendedLifetime(input) {}
    }
    var shape = input.shape
    shape[axis] = 1
    let extrema = try Tensor(uninitialized: Dims(shape), dtype: input.dtype)
    try reduce(fold, input, axes: [axis], into: extrema)
    ThreadPool.parallelFor(rows.count, grain: search.grain) { range in
      for i in range {
        positions[i] = search.find(rows[i], search.extent, search.step, extrema.data + i * search.itemSize)
      }
    }
    withExtendedLifetime(input) {}
  }

  private static let findKernels = KernelTable.shared.row("find")
}

private typealias FindKernel = @convention(c) (UnsafeRawPointer, Int, Int, UnsafeRawPointer) -> Int64

/// The search for the first extremum in rows of `extent` elements, `step` bytes apart.
private struct Search {
  let find: FindKernel
  let fold: ReductionLoop.Kernel
  let extent: Int
  let step: Int
  let itemSize: Int

  /// Elements of a part that stays in the first-level cache: only the one with the extremum is read twice.
  private static let partLength = 4096
  /// Rows of fewer elements are quicker folded many in one call.
  private static let shortest = 64

  /// Elements lie side by side in rows of some length, each of which is searched while it is at hand.
  var isAlongRows: Bool { step == itemSize && extent >= Self.shortest }
  var grain: Int { max(1, 32 * 1024 / max(1, extent)) }

  /// The position in one row.
  func position(in row: UnsafeRawPointer) -> Int64 {
    let parts = (extent - 1) / Self.partLength + 1
    return withUnsafeTemporaryAllocation(byteCount: (parts + 1) * 8, alignment: 16) { bytes in
      guard let extrema = bytes.baseAddress else { return 0 }
      let extremum = extrema + parts * itemSize
      func part(_ i: Int) -> (start: UnsafeRawPointer, count: Int) {
        (row + i * Self.partLength * step, min(Self.partLength, extent - i * Self.partLength))
      }
      fold(extrema, nil, 0, 0, parts + 1, nil, 1, 0)
      ThreadPool.parallelFor(parts, grain: 8) { range in
        for i in range {
          let (start, count) = part(i)
          fold(extrema + i * itemSize, start, count, step, 1, nil, 1, 0)
        }
      }
      fold(extremum, extrema, parts, itemSize, 1, nil, 1, 0)
      let first = parts == 1 ? 0 : Int(find(extrema, parts, itemSize, extremum))
      let (start, count) = part(first)
      return Int64(first * Self.partLength) + find(start, count, step, extremum)
    }
  }
}
