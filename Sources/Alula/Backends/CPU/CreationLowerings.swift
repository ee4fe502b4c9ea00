extension CPUBackend {
  static let creationLowerings: [(Operation, Lowering)] = [
    (
      .full,
      { (call, outputs) throws(AlulaError) in
        let value = try Tensor(scalar: call.scalar("fill_value"), dtype: outputs[0].dtype)
        try outputs[0].copyElements(from: value)
      }
    ),
    (
      .arange,
      { (call, outputs) throws(AlulaError) in
        let (start, step) = (try call.real("start"), try call.real("step"))
        let values = try Tensor(uninitialized: outputs[0].layout.shape, dtype: .float64)
        let elements = values.data.assumingMemoryBound(to: Double.self)
        for i in 0..<values.count { elements[i] = start + Double(i) * step }
        try outputs[0].copyElements(from: values.cast(dtype: outputs[0].dtype))
      }
    ),
  ]
}
