extension Tensor {
  /// A tensor over the caller's memory, without a copy. Strides count elements, may be negative or zero, and
  /// default to row-major. `release` is called once, on any thread, when nothing uses the memory any more.
  public convenience init(
    borrowing data: UnsafeMutableRawPointer, shape: Dims, strides: Dims? = nil, dtype: DType, device: Device = .cpu,
    release: @escaping @Sendable () -> Void
  ) throws(AlulaError) {
    var layout = try Layout(contiguous: shape, operation: "borrow")
    let alignment = dtype.isComplex ? dtype.itemSize / 2 : dtype.itemSize
    guard UInt(bitPattern: data) % UInt(alignment) == 0 else {
      throw .invalidArgument("borrow: data of dtype \(dtype) must lie at a multiple of \(alignment) bytes")
    }
    if let strides {
      guard strides.count == shape.count else {
        throw .invalidArgument("borrow: \(strides.count) strides for shape \(shape)")
      }
      try Tensor.checkReach(shape, strides)
      // Strides that are never taken may be anything; row-major ones are harmless.
      var steps = layout.strides
      if layout.count > 0 {
        for i in shape.indices where shape[i] > 1 { steps[i] = strides[i] }
      }
      layout = Layout(shape: shape, strides: steps, offset: 0)
    }
    let (low, high) = layout.extent ?? (0, -1)
    // The storage starts at the lowest address, which is not the first element's when a stride is negative.
    let itemSize = dtype.itemSize
    let storage = Storage(
      borrowing: data + low * itemSize, byteCount: (high - low + 1) * itemSize, device: device,
      release: { _ in release() })
    self.init(
      storage: storage, layout: Layout(shape: layout.shape, strides: layout.strides, offset: -low), dtype: dtype,
      isView: true)
  }

  /// Refuses strides whose reach leaves the address space.
  private static func checkReach(_ shape: Dims, _ strides: Dims) throws(AlulaError) {
    var reach = 0
    if shape.checkedProduct == 0 { return }
    for i in shape.indices where shape[i] > 1 {
      let (span, overflow) = (shape[i] - 1).multipliedReportingOverflow(by: strides[i])
      let (total, more) = reach.addingReportingOverflow(span == .min ? .max : Swift.abs(span))
      guard !overflow, !more, total <= Int.max / 32 else {
        throw .invalidArgument("borrow: strides \(strides) of shape \(shape) leave the address space")
      }
      reach = total
    }
  }

  /// The single element of a tensor that has just one, as a number of its kind.
  public func scalar() throws(AlulaError) -> Scalar {
    guard count == 1 else {
      throw .invalidArgument("item: a tensor of shape \(layout.shape) has \(count) elements, not 1")
    }
    switch dtype {
    case .bool: return .bool(element(UInt8.self) != 0)
    case .uint8: return .unsigned(UInt64(element(UInt8.self)))
    case .uint16: return .unsigned(UInt64(element(UInt16.self)))
    case .uint32: return .unsigned(UInt64(element(UInt32.self)))
    case .uint64: return .unsigned(element(UInt64.self))
    case .int8: return .int(Int64(element(Int8.self)))
    case .int16: return .int(Int64(element(Int16.self)))
    case .int32: return .int(Int64(element(Int32.self)))
    case .int64: return .int(element(Int64.self))
    case .float32: return .float(Double(element(Float.self)))
    case .float64: return .float(element(Double.self))
    case .float16, .bfloat16: return .float(try values(as: Double.self)[0])
    case .complex64, .complex128:
      let value = try GradientMode.without { () throws(AlulaError) in try cast(dtype: .complex128).contiguous() }
      let parts = value.data.assumingMemoryBound(to: Double.self)
      return .complex(parts[0], parts[1])
    }
  }
}
