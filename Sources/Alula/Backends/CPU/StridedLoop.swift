/// A loop over the elements of an output and of inputs broadcast to it. Axes that lie without gaps in every
/// operand are joined, so that kernels get inner loops as long as possible.
struct StridedLoop {
  /// Elements below which a further thread costs more than it brings.
  private static let grain = 32 * 1024

  private var extents: [Int] = []
  /// Byte strides: of each operand, for each joined axis, outermost first.
  private var strides: [[Int]] = []
  private let bases: [UnsafeMutableRawPointer]
  private let count: Int

  /// `inputs` broadcast to the shape of `output`, which was inferred from them.
  init(_ output: Tensor, _ inputs: [Tensor]) {
    let operands = [output] + inputs
    let shape = output.layout.shape
    count = output.count
    bases = operands.map { $0.data }
    let layouts = operands.map { ($0.layout.broadcast(to: shape) ?? $0.layout, $0.dtype.itemSize) }
    for axis in shape.indices where shape[axis] != 1 {
      let steps = layouts.map { $0.0.strides[axis] * $0.1 }
      if let inner = strides.last, let extent = extents.last,
        zip(inner, steps).allSatisfy({ $0 == $1 &* shape[axis] })
      {
        extents[extents.count - 1] = extent * shape[axis]
        strides[strides.count - 1] = steps
      } else {
        extents.append(shape[axis])
        strides.append(steps)
      }
    }
    if extents.isEmpty {
      extents = [1]
      strides = [layouts.map { $0.1 }]
    }
  }

  /// Calls `kernel` on inner loops until all elements are done, on several threads when there are many.
  func run(_ kernel: ElementwiseKernel, parameters: [Double] = []) {
    if count == 0 { return }
    ThreadPool.parallelFor(count, grain: StridedLoop.grain) { range in
      walk(range) { count, pointers, strides in
        parameters.withUnsafeBufferPointer { kernel(count, pointers, strides, $0.baseAddress) }
      }
    }
  }

  /// The inner loops that make up `range` of the elements in row-major order.
  private func walk(
    _ range: Range<Int>,
    _ body: (Int, UnsafePointer<UnsafeMutablePointer<CChar>?>, UnsafePointer<Int>) -> Void
  ) {
    let last = extents.count - 1
    var index = Array(repeating: 0, count: extents.count)
    var rest = range.lowerBound
    for axis in stride(from: last, through: 0, by: -1) {
      index[axis] = rest % extents[axis]
      rest /= extents[axis]
    }
    var pointers = bases.map { Optional($0.assumingMemoryBound(to: CChar.self)) }
    for axis in 0...last {
      for k in pointers.indices { pointers[k]? += index[axis] * strides[axis][k] }
    }
    var done = range.lowerBound
    strides[last].withUnsafeBufferPointer { inner in
      guard let innerStrides = inner.baseAddress else { return }
      while true {
        let run = min(extents[last] - index[last], range.upperBound - done)
        pointers.withUnsafeBufferPointer { list in
          if let start = list.baseAddress { body(run, start, innerStrides) }
        }
        done += run
        if done >= range.upperBound { return }
        // To the start of the next inner loop.
        for k in pointers.indices { pointers[k]? -= index[last] * inner[k] }
        index[last] = 0
        var axis = last - 1
        while axis >= 0 {
          index[axis] += 1
          for k in pointers.indices { pointers[k]? += strides[axis][k] }
          if index[axis] < extents[axis] { break }
          for k in pointers.indices { pointers[k]? -= extents[axis] * strides[axis][k] }
          index[axis] = 0
          axis -= 1
        }
      }
    }
  }
}
