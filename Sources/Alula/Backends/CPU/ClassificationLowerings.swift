extension CPUBackend {
  static let classificationLowerings: [(Operation, Lowering)] = [
    (
      .crossEntropyRows,
      { (call, outputs) throws(AlulaError) in
        let logits = try call[0].widenedHalf().contiguous()
        let weight = try call.optional(2)?.widenedHalf().contiguous()
        let (rows, classes) = (logits.layout.shape[0], logits.layout.shape[1])
        let targets = try checkedClasses(call, 1, classes)
        let direct = outputs[0].dtype == logits.dtype
        let losses = direct ? outputs[0] : try Tensor(uninitialized: [rows], dtype: logits.dtype)
        try crossEntropyKernels.run(
          logits.dtype, rows: rows, length: classes,
          [(losses, 1), (outputs[1], 1), (logits, classes), (targets, 1), (weight, 0)],
          parameters: [call.float("label_smoothing"), ignoredClass(call, classes)])
        if !direct { try outputs[0].copyElements(from: losses.cast(dtype: outputs[0].dtype)) }
      }
    ),
    (
      .crossEntropyBackward,
      { (call, outputs) throws(AlulaError) in
        let gradients = try call[0].widenedHalf().contiguous()
        let logits = try call[1].widenedHalf().contiguous()
        let weight = try call.optional(4)?.widenedHalf().contiguous()
        let (rows, classes) = (logits.layout.shape[0], logits.layout.shape[1])
        let targets = try checkedClasses(call, 3, classes)
        let direct = outputs[0].dtype == logits.dtype
        let result = direct ? outputs[0] : try Tensor(uninitialized: logits.layout.shape, dtype: logits.dtype)
        try crossEntropyBackwardKernels.run(
          logits.dtype, rows: rows, length: classes,
          [(result, classes), (gradients, 1), (logits, classes), (call[2], 1), (targets, 1), (weight, 0)],
          parameters: [call.float("label_smoothing"), ignoredClass(call, classes)])
        if !direct { try outputs[0].copyElements(from: result.cast(dtype: outputs[0].dtype)) }
      }
    ),
    (
      .classElements,
      { (call, outputs) throws(AlulaError) in
        let layout = call[0].layout
        let targets = try checkedClasses(call, 1, layout.shape[1])
        let classes = targets.data.assumingMemoryBound(to: Int64.self)
        let itemSize = call[0].dtype.itemSize
        let (source, target) = (call[0].data, outputs[0].data)
        let ignored = Int64(call.int("ignore_index"))
        for i in 0..<targets.count {
          let element = target + i * itemSize
          if classes[i] == ignored {
            element.initializeMemory(as: UInt8.self, repeating: 0, count: itemSize)
          } else {
            let offset = i * layout.strides[0] + Int(classes[i]) * layout.strides[1]
            element.copyMemory(from: source + offset * itemSize, byteCount: itemSize)
          }
        }
        withExtendedLifetime(targets) {}
      }
    ),
    (
      .classCount,
      { (call, outputs) throws(AlulaError) in
        let targets = try call[1].cast(dtype: .int64).contiguous()
        let classes = targets.data.assumingMemoryBound(to: Int64.self)
        let ignored = Int64(call.int("ignore_index"))
        var count: Int64 = 0
        for i in 0..<targets.count where classes[i] != ignored { count += 1 }
        let result = try Tensor(scalar: .int(count), dtype: outputs[0].dtype)
        outputs[0].data.copyMemory(from: result.data, byteCount: result.dtype.itemSize)
        withExtendedLifetime(targets) {}
      }
    ),
    (
      .classScatter,
      { (call, outputs) throws(AlulaError) in
        let count = call.int("classes")
        let targets = try checkedClasses(call, 1, count)
        let classes = targets.data.assumingMemoryBound(to: Int64.self)
        let itemSize = call[0].dtype.itemSize
        let (source, target) = (call[0].data, outputs[0].data)
        let step = call[0].layout.strides[0] * itemSize
        let ignored = Int64(call.int("ignore_index"))
        target.initializeMemory(as: UInt8.self, repeating: 0, count: outputs[0].count * itemSize)
        for i in 0..<targets.count where classes[i] != ignored {
          (target + (i * count + Int(classes[i])) * itemSize).copyMemory(from: source + i * step, byteCount: itemSize)
        }
        withExtendedLifetime(targets) {}
      }
    ),
  ]

  private static let crossEntropyKernels = RowKernels("cross_entropy")
  private static let crossEntropyBackwardKernels = RowKernels("cross_entropy_backward")

  /// The ignored class, or -1 when it is none of `count`.
  private static func ignoredClass(_ call: Call, _ count: Int) -> Double {
    let ignored = call.int("ignore_index")
    return ignored >= 0 && ignored < count ? Double(ignored) : -1
  }

  /// The i-th input as contiguous int64, every element a class in 0..<count or the ignored one.
  private static func checkedClasses(_ call: Call, _ i: Int, _ count: Int) throws(AlulaError) -> Tensor {
    let targets = try call[i].cast(dtype: .int64).contiguous()
    let classes = targets.data.assumingMemoryBound(to: Int64.self)
    let ignored = Int64(call.int("ignore_index"))
    for k in 0..<targets.count where classes[k] != ignored && (classes[k] < 0 || classes[k] >= Int64(count)) {
      throw .outOfRange(
        "\(call.operation.name): class \(classes[k]) in the target is out of range for \(count) classes")
    }
    return targets
  }
}
