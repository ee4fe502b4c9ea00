/// An axis of a copy, with its steps in bytes.
struct CopyAxis {
  let extent: Int
  let target: Int
  let source: Int

  /// The axes of two tensors of one shape and element size, outermost first: those joined that lie without gaps in both.
  static func joined(_ target: Tensor, _ source: Tensor) -> [CopyAxis] {
    let itemSize = target.dtype.itemSize
    let shape = target.layout.shape
    var axes: [CopyAxis] = []
    for i in shape.indices where shape[i] != 1 {
      let axis = CopyAxis(
        extent: shape[i], target: target.layout.strides[i] * itemSize, source: source.layout.strides[i] * itemSize)
      if let last = axes.last, last.target == axis.target * axis.extent, last.source == axis.source * axis.extent {
        axes[axes.count - 1] = CopyAxis(extent: last.extent * axis.extent, target: axis.target, source: axis.source)
      } else {
        axes.append(axis)
      }
    }
    return axes
  }

  /// How far the position with a number in row-major order lies from the start, in the target and in the source.
  static func offsets(of position: Int, along axes: ArraySlice<CopyAxis>) -> (target: Int, source: Int) {
    var (target, source, rest) = (0, 0, position)
    for axis in axes.reversed() {
      target += rest % axis.extent * axis.target
      source += rest % axis.extent * axis.source
      rest /= axis.extent
    }
    return (target, source)
  }
}
