/// An axis of a copy, with its steps in bytes.
struct CopyAxis {
  var extent: Int
  var target: Int
  var source: Int

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
}
