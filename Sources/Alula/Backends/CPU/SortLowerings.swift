import Synchronization

private typealias SortKeysKernel =
  @convention(c) (Int, UnsafePointer<CChar>?, Int, Bool, UnsafeMutablePointer<UInt64>?) -> Void
private typealias SortKernel =
  @convention(c) (
    Int, UnsafeMutablePointer<UInt64>?, UnsafeMutablePointer<Int64>?, UnsafeMutablePointer<UInt64>?,
    UnsafeMutablePointer<Int64>?, Int
  ) -> Void
private typealias SelectKernel =
  @convention(c) (Int, UnsafePointer<UInt64>?, Int, Int, UnsafeMutablePointer<Int64>?) -> Void
private typealias SearchKernel =
  @convention(c) (Int, UnsafePointer<UInt64>?, Int, UnsafePointer<UInt64>?, Bool, UnsafeMutablePointer<Int64>?) -> Void

extension CPUBackend {
  static let sortLowerings: [(Operation, Lowering)] = [
    (
      .order,
      { (call, outputs) throws(AlulaError) in
        try order(call, outputs, count: nil, descending: call.bool("descending"))
      }
    ),
    (
      .topk,
      { (call, outputs) throws(AlulaError) in
        try order(call, outputs, count: call.int("k"), descending: call.bool("largest"))
      }
    ),
    (
      .searchsorted,
      { (call, outputs) throws(AlulaError) in
        guard let search = KernelTable.shared.function("searchsorted", slot: 0, as: SearchKernel.self) else {
          throw .internal("searchsorted: no kernel")
        }
        let sorted = try keys(of: call[0])
        let values = try keys(of: call[1])
        let (sortedKeys, valueKeys) = (
          sorted.data.assumingMemoryBound(to: UInt64.self), values.data.assumingMemoryBound(to: UInt64.self)
        )
        let positions = outputs[0].data.assumingMemoryBound(to: Int64.self)
        let (length, right) = (sorted.count, call.string("side") == "right")
        ThreadPool.parallelFor(values.count, grain: 4096) { range in
          let first = range.lowerBound
          search(range.count, valueKeys + first, length, sortedKeys, right, positions + first)
        }
      }
    ),
  ]

  private static func keysKernel(_ dtype: DType, _ name: String) throws(AlulaError) -> SortKeysKernel {
    guard let kernel = KernelTable.shared.function("sort_keys", slot: dtype.code, as: SortKeysKernel.self) else {
      throw .invalidDType("\(name): dtype \(dtype) is not supported on cpu")
    }
    return kernel
  }

  /// The sort keys of all elements, row-major.
  private static func keys(of tensor: Tensor) throws(AlulaError) -> Tensor {
    let kernel = try keysKernel(tensor.dtype, "searchsorted")
    let source = try tensor.contiguous()
    let keys = try Tensor(uninitialized: source.layout.shape, dtype: .uint64)
    kernel(
      source.count, source.data.assumingMemoryBound(to: CChar.self), source.dtype.itemSize, false,
      keys.data.assumingMemoryBound(to: UInt64.self))
    return keys
  }

  /// Sorts along an axis: all elements, or only the first `count`. The outputs are values and positions.
  private static func order(_ call: Call, _ outputs: [Tensor], count: Int?, descending: Bool) throws(AlulaError) {
    if outputs[0].count == 0 { return }
    guard let sort = KernelTable.shared.function("sort", slot: 0, as: SortKernel.self),
      let select = KernelTable.shared.function("select", slot: 0, as: SelectKernel.self)
    else { throw .internal("\(call.operation.name): no kernel") }
    let makeKeys = try keysKernel(call[0].dtype, call.operation.name)
    let axis = try call.axis(call.int("axis"), rank: call[0].rank)
    let itemSize = outputs[0].dtype.itemSize
    // The sorted axis last, so that every row is one sort.
    let x = try call[0].moveaxis(source: [axis], destination: [-1]).contiguous()
    let length = x.layout.shape[x.rank - 1]
    let wanted = count ?? length
    let rows = x.count / length
    var shape = x.layout.shape
    shape[x.rank - 1] = wanted
    let isDirect = axis == x.rank - 1
    let values = isDirect ? outputs[0] : try Tensor(uninitialized: shape, dtype: x.dtype)
    let positions = isDirect ? outputs[1] : try Tensor(uninitialized: shape, dtype: .int64)
    // Most elements to choose from and few wanted: choose, then sort those alone.
    let selects = wanted <= length / 4
    let sortedLength = selects ? wanted : length
    let source = x.data.assumingMemoryBound(to: CChar.self)
    let (valueData, positionData) = (values.data, positions.data.assumingMemoryBound(to: Int64.self))
    // Keys of a row; then keys, positions and a spare of both of what is sorted.
    let (scratchBytes, overflow) = (length + 4 * sortedLength).multipliedReportingOverflow(by: 8)
    let failed = Atomic<Bool>(overflow)
    ThreadPool.parallelFor(rows, grain: max(1, 8192 / length)) { range in
      guard !overflow, let scratch = MemoryPool.shared.allocate(byteCount: scratchBytes) else {
        failed.store(true, ordering: .relaxed)
        return
      }
      defer { MemoryPool.shared.deallocate(scratch, byteCount: scratchBytes) }
      let keys = scratch.assumingMemoryBound(to: UInt64.self)
      let order = (scratch + 8 * (length + 2 * sortedLength)).assumingMemoryBound(to: Int64.self)
      for row in range {
        let elements = source + row * length * itemSize
        makeKeys(length, elements, itemSize, descending, keys)
        var chosen = keys
        if selects {
          select(length, keys, itemSize, wanted, order)
          chosen = keys + length
          for i in 0..<wanted { chosen[i] = keys[Int(order[i])] }
        } else {
          for i in 0..<length { order[i] = Int64(i) }
        }
        sort(sortedLength, chosen, order, keys + length + sortedLength, order + sortedLength, itemSize)
        let target = valueData + row * wanted * itemSize
        for i in 0..<wanted {
          (target + i * itemSize).copyMemory(from: elements + Int(order[i]) * itemSize, byteCount: itemSize)
        }
        (positionData + row * wanted).update(from: order, count: wanted)
      }
    }
    if failed.load(ordering: .relaxed) {
      throw .outOfMemory("\(call.operation.name): \(length) elements to sort leave no room for their keys")
    }
    if isDirect { return }
    try outputs[0].copyElements(from: values.moveaxis(source: [-1], destination: [axis]))
    try outputs[1].copyElements(from: positions.moveaxis(source: [-1], destination: [axis]))
  }
}
