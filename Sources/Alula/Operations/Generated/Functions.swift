extension Tensor {
  public static func full(shape: [Int], fillValue: Scalar, dtype: DType? = nil, device: Device = .cpu) throws(AlulaError) -> Tensor {
    try Operation.full.first([], [.ints(shape), .scalar(fillValue), dtype.map { .dtype($0) } ?? .none, .device(device)])
  }
  public static func zeros(shape: [Int], dtype: DType? = nil, device: Device = .cpu) throws(AlulaError) -> Tensor {
    try Operation.zeros.first([], [.ints(shape), dtype.map { .dtype($0) } ?? .none, .device(device)])
  }
  public static func ones(shape: [Int], dtype: DType? = nil, device: Device = .cpu) throws(AlulaError) -> Tensor {
    try Operation.ones.first([], [.ints(shape), dtype.map { .dtype($0) } ?? .none, .device(device)])
  }
  public func cast(dtype: DType) throws(AlulaError) -> Tensor { try Operation.cast.first([self], [.dtype(dtype)]) }
  public func copy() throws(AlulaError) -> Tensor { try Operation.copy.first([self]) }
  public func contiguous() throws(AlulaError) -> Tensor { try Operation.contiguous.first([self]) }
  public func add(_ b: Tensor) throws(AlulaError) -> Tensor { try Operation.add.first([self, b]) }
  public func multiply(_ b: Tensor) throws(AlulaError) -> Tensor { try Operation.multiply.first([self, b]) }
  public func sum(axis: [Int]? = nil, keepdims: Bool = false) throws(AlulaError) -> Tensor {
    try Operation.sum.first([self], [axis.map { .ints($0) } ?? .none, .bool(keepdims)])
  }
  public func reshape(shape: [Int]) throws(AlulaError) -> Tensor { try Operation.reshape.first([self], [.ints(shape)]) }
  public func permuteDims(axes: [Int]) throws(AlulaError) -> Tensor { try Operation.permuteDims.first([self], [.ints(axes)]) }
  public func broadcastTo(shape: [Int]) throws(AlulaError) -> Tensor { try Operation.broadcastTo.first([self], [.ints(shape)]) }
}
