/// Where the rows of a tensor along one axis start, in row-major order of the other axes.
struct RowLoop {
  private var extents: [Int] = []
  private var steps: [Int] = []
  private let base: UnsafeMutableRawPointer
  let count: Int

  init(_ tensor: Tensor, axis: Int) {
    base = tensor.data
    var count = 1
    let layout = tensor.layout
    for i in layout.shape.indices where i != axis {
      count *= layout.shape[i]
      if layout.shape[i] == 1 { continue }
      let (extent, step) = (layout.shape[i], layout.strides[i] * tensor.dtype.itemSize)
      if let outer = steps.last, outer == step * extent {
        extents[extents.count - 1] *= extent
        steps[steps.count - 1] = step
      } else {
        extents.append(extent)
        steps.append(step)
      }
    }
    self.count = count
  }

  subscript(row: Int) -> UnsafeMutableRawPointer {
    var (rest, offset) = (row, 0)
    for axis in stride(from: extents.count - 1, through: 0, by: -1) {
      offset += rest % extents[axis] * steps[axis]
      rest /= extents[axis]
    }
    return base + offset
  }
}
