/// A loop over the elements of an output and of inputs broadcast to it.
enum StridedLoop {
  /// Elements of a chunk. Up to two chunks stay on the caller's thread: the other core would first have to fetch them.
  static let grain = 32 * 1024
  /// Bytes of an output that no cache is likely to keep until it is read: it is stored past them, which saves to read
  /// its lines first (`add` of 16M elements: 14.4 to 9.8 ms).
  private static let streamedSize = 32 << 20
  static func isStreamed(_ count: Int, _ itemSize: Int) -> Bool { count > streamedSize / itemSize }
  /// Of the output and at most three inputs; the last stride says whether the output is streamed.
  typealias Pointers = InlineArray<4, UnsafeMutablePointer<CChar>?>
  typealias Strides = InlineArray<5, Int>

  /// Calls `kernel` on inner loops until all elements of `output` are done, on several threads when there are
  /// many. The inputs broadcast to the output's shape, which was inferred from them. `updates` says that the kernel leaves
  /// some elements of the output as they are.
  static func run(
    _ kernel: ElementwiseKernel, _ output: Tensor, _ a: Tensor, _ b: Tensor? = nil, _ c: Tensor? = nil,
    parameters: [Double] = [], updates: Bool = false
  ) {
    let count = output.count
    if count == 0 { return }
    // All at once: a question for each operand would cost a reference to it.
    if output.isAwaited || a.isAwaited || b?.isAwaited ?? false || c?.isAwaited ?? false { settle(output, a, b, c) }
    var pointers = Pointers(repeating: nil)
    var strides = Strides(repeating: 0)
    pointers[0] = output.address.assumingMemoryBound(to: CChar.self)
    strides[0] = output.dtype.itemSize
    var isFlat = output.layout.isContiguous
    isFlat = place(a, 1, &pointers, &strides, output) && isFlat
    if let b { isFlat = place(b, 2, &pointers, &strides, output) && isFlat }
    if let c { isFlat = place(c, 3, &pointers, &strides, output) && isFlat }
    if isFlat {
      let isInPlace = pointers[1] == pointers[0] || pointers[2] == pointers[0] || pointers[3] == pointers[0]
      strides[4] = isStreamed(count, strides[0]) && !isInPlace ? 1 : 0
      parameters.withUnsafeBufferPointer { parameters in
        runFlat(kernel, count, pointers, strides, parameters.baseAddress)
      }
    } else {
      NestedLoop(output, a, b, c, pointers).run(kernel, parameters, updates: updates)
    }
  }

  @inline(never)
  private static func settle(_ output: Tensor, _ a: Tensor, _ b: Tensor?, _ c: Tensor?) {
    output.storage.settle()
    a.storage.settle()
    b?.storage.settle()
    c?.storage.settle()
  }

  /// Enters the k-th operand's address and step; false when no one step will do.
  @inline(__always)
  private static func place(
    _ input: Tensor, _ k: Int, _ pointers: inout Pointers, _ strides: inout Strides, _ output: Tensor
  ) -> Bool {
    pointers[k] = input.address.assumingMemoryBound(to: CChar.self)
    // One element repeats; otherwise the shape must be the output's, without gaps.
    if input.layout.isRepeated { return true }
    strides[k] = input.dtype.itemSize
    return input.layout === output.layout
      || (input.layout.isContiguous && input.layout.shape == output.layout.shape)
  }

  /// All operands advance by one fixed stride.
  private static func runFlat(
    _ kernel: ElementwiseKernel, _ count: Int, _ pointers: Pointers, _ strides: Strides,
    _ parameters: UnsafePointer<Double>?
  ) {
    if count <= 2 * grain {
      call(kernel, count, pointers, strides, parameters)
      return
    }
    ThreadPool.parallelFor(count, grain: grain) { range in
      var start = pointers
      for k in start.indices { start[k]? += range.lowerBound * strides[k] }
      call(kernel, range.count, start, strides, parameters)
    }
  }

  @inline(__always)
  static func call(
    _ kernel: ElementwiseKernel, _ count: Int, _ pointers: Pointers, _ strides: Strides,
    _ parameters: UnsafePointer<Double>?
  ) {
    pointers.span.withUnsafeBufferPointer { pointers in
      strides.span.withUnsafeBufferPointer { strides in
        kernel(count, pointers.baseAddress, strides.baseAddress, parameters)
      }
    }
  }

  /// Loops over several axes. Axes that lie without gaps in every operand are joined, so that kernels get
  /// inner loops as long as possible.
  private struct NestedLoop {
    private var extents: [Int] = []
    /// Byte strides of the operands along each joined axis, outermost first.
    private var strides: [Strides] = []
    private let bases: Pointers
    private var itemSizes = Strides(repeating: 0)
    private let count: Int

    init(_ output: Tensor, _ a: Tensor, _ b: Tensor?, _ c: Tensor?, _ bases: Pointers) {
      self.bases = bases
      count = output.count
      let shape = output.layout.shape
      extents.reserveCapacity(shape.count)
      strides = Array(repeating: Strides(repeating: 0), count: max(shape.count, 1))
      enter(output, 0)
      enter(a, 1)
      if let b { enter(b, 2) }
      if let c { enter(c, 3) }
      // Joined in place: the axes so far are the first ones.
      for axis in shape.indices where shape[axis] != 1 {
        let steps = strides[axis]
        if let extent = extents.last, isJoined(strides[extents.count - 1], steps, shape[axis]) {
          extents[extents.count - 1] = extent * shape[axis]
        } else {
          extents.append(shape[axis])
        }
        strides[extents.count - 1] = steps
      }
      if extents.isEmpty { extents = [1] }
      strides.removeLast(strides.count - extents.count)
    }

    /// The k-th operand's steps along each axis of the output, whose last axes are its own.
    private mutating func enter(_ tensor: Tensor, _ k: Int) {
      let layout = tensor.layout
      let itemSize = tensor.dtype.itemSize
      itemSizes[k] = itemSize
      let first = strides.count - layout.rank
      for axis in 0..<layout.rank where layout.shape[axis] != 1 && first + axis >= 0 {
        strides[first + axis][k] = layout.strides[axis] * itemSize
      }
    }

    private func isJoined(_ outer: Strides, _ inner: Strides, _ extent: Int) -> Bool {
      for k in outer.indices where outer[k] != inner[k] &* extent { return false }
      return true
    }

    func run(_ kernel: ElementwiseKernel, _ parameters: [Double], updates: Bool) {
      parameters.withUnsafeBufferPointer { parameters in
        if let rows = ShortRows(extents, strides, bases, itemSizes: itemSizes) {
          return rows.run(kernel, parameters.baseAddress, updates: updates)
        }
        ThreadPool.parallelFor(count, grain: grain) { range in
          walk(range) { count, pointers, strides in call(kernel, count, pointers, strides, parameters.baseAddress) }
        }
      }
    }

    /// The inner loops that make up `range` of the elements in row-major order.
    private func walk(_ range: Range<Int>, _ body: (Int, Pointers, Strides) -> Void) {
      let last = extents.count - 1
      var index = Array(repeating: 0, count: extents.count)
      var pointers = bases
      var rest = range.lowerBound
      for axis in stride(from: last, through: 0, by: -1) {
        index[axis] = rest % extents[axis]
        rest /= extents[axis]
        advance(&pointers, axis, by: index[axis])
      }
      var done = range.lowerBound
      let (length, inner) = (extents[last], strides[last])
      if last == 0 { return body(range.count, pointers, inner) }
      // The steps to the next inner loop are kept at hand: many inner loops are short.
      let (rows, row) = (extents[last - 1], strides[last - 1])
      while true {
        let run = min(length - index[last], range.upperBound - done)
        body(run, pointers, inner)
        done += run
        if done >= range.upperBound { return }
        if index[last] != 0 {
          advance(&pointers, last, by: -index[last])
          index[last] = 0
        }
        index[last - 1] += 1
        for k in pointers.indices { pointers[k]? += row[k] }
        if index[last - 1] < rows { continue }
        advance(&pointers, last - 1, by: -rows)
        index[last - 1] = 0
        var axis = last - 2
        while axis >= 0 {
          index[axis] += 1
          advance(&pointers, axis, by: 1)
          if index[axis] < extents[axis] { break }
          advance(&pointers, axis, by: -extents[axis])
          index[axis] = 0
          axis -= 1
        }
      }
    }

    @inline(__always)
    private func advance(_ pointers: inout Pointers, _ axis: Int, by steps: Int) {
      for k in pointers.indices { pointers[k]? += steps * strides[axis][k] }
    }
  }
}
