extension CPUBackend {
  static let joinLowerings: [(Operation, Lowering)] = [
    (
      .join,
      { (call, outputs) throws(AlulaError) in
        let axis = try call.axis(call.int("axis"), rank: outputs[0].rank)
        if joinDirectly(call, outputs[0], axis) { return }
        var index = BasicIndex(all: outputs[0].layout.shape)
        for part in call.list {
          index.extents[axis] = part.layout.shape[axis]
          try store(part, into: outputs[0].aliased(outputs[0].layout.sliced(index)))
          index.start[axis] += index.extents[axis]
        }
      }
    )
  ]

  /// Bytes of a part up to which rows are copied where they lie: less work than to make a view and a copy for each.
  private static let directlyJoined = 1 << 16
  /// Bytes of a result above which several threads are worth it.
  private static let mostJoined = 1 << 20

  /// Joins contiguous parts that are small. False when they are not of that kind.
  private static func joinDirectly(_ call: Call, _ output: Tensor, _ axis: Int) -> Bool {
    let size = output.dtype.itemSize
    let total = output.count * size
    // Of a larger result only whole parts, not their rows: those may be as short as an element.
    let count = axis == 0 ? Swift.max(call.inputs.count, 1) : 1
    guard total <= mostJoined, total / count <= directlyJoined else { return false }
    for i in 0..<call.inputs.count where !call[i].layout.isContiguous { return false }
    if total == 0 { return true }
    let rows = output.layout.shape.prefix(axis).checkedProduct ?? 1
    let pitch = total / rows
    var target = output.data
    for i in 0..<call.inputs.count {
      let part = call[i]
      let bytes = part.count / rows * size
      for row in 0..<rows { (target + row * pitch).copyMemory(from: part.data + row * bytes, byteCount: bytes) }
      target += bytes
    }
    return true
  }
}
