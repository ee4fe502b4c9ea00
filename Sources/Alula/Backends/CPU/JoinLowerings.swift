extension CPUBackend {
  static let joinLowerings: [(Operation, Lowering)] = [
    (
      .join,
      { (call, outputs) throws(AlulaError) in
        let axis = try call.axis(call.int("axis"), rank: outputs[0].rank)
        var index = BasicIndex(all: outputs[0].layout.shape)
        for part in call.list {
          index.extents[axis] = part.layout.shape[axis]
          try store(part, into: outputs[0].aliased(outputs[0].layout.sliced(index)))
          index.start[axis] += index.extents[axis]
        }
      }
    )
  ]
}
