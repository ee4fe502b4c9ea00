/// An n-dimensional array: a typed, strided view of a storage, and the place where gradients flow.
///
/// ```swift
/// let x = try Tensor([1, 2, 3], shape: [3])
/// let y = try (x * x).sum()
/// ```
public final class Tensor: @unchecked Sendable {
  // Unchecked: only `edge` changes after creation, and only through calls on this very tensor, which
  // callers must not race with other calls on it; storage follows the same rule.

  public let storage: Storage
  public let layout: Layout
  public let dtype: DType
  /// A Python number in disguise: yields to the other operands' dtype in promotion.
  package let isWeak: Bool
  /// Whether another tensor may look at the same elements.
  package let isView: Bool
  /// Where this tensor's gradient goes, or nil when none is wanted.
  package internal(set) var edge: Edge?

  package init(
    storage: Storage, layout: Layout, dtype: DType, edge: Edge? = nil, isWeak: Bool = false, isView: Bool = false
  ) {
    self.storage = storage
    self.layout = layout
    self.dtype = dtype
    self.edge = edge
    self.isWeak = isWeak
    self.isView = isView
  }

  /// A contiguous tensor whose elements are not set yet.
  package convenience init(
    uninitialized shape: Dims, dtype: DType, device: Device = .cpu, operation: String = "empty"
  ) throws(AlulaError) {
    try self.init(
      uninitialized: try Layout(contiguous: shape, operation: operation), dtype: dtype, device: device,
      operation: operation)
  }

  /// A tensor whose elements are not set yet, in storage of its own that `layout` fills without gaps.
  package convenience init(uninitialized layout: Layout, dtype: DType, device: Device, operation: String)
    throws(AlulaError)
  {
    let storage = try Storage(byteCount: layout.count * dtype.itemSize, device: device, operation: operation)
    self.init(storage: storage, layout: layout, dtype: dtype)
  }

  public var shape: [Int] { layout.shape.array }
  public var rank: Int { layout.rank }
  public var count: Int { layout.count }
  public var device: Device { storage.device }

  /// The address of the first element; strides count from here.
  package var data: UnsafeMutableRawPointer {
    storage.settle()
    return address
  }

  /// The same, whether or not the elements have been computed.
  package var address: UnsafeMutableRawPointer {
    @inline(__always) get { storage.base + layout.offset * dtype.itemSize }
  }

  /// Whether the device has calls in hand that write or read the storage.
  package var isAwaited: Bool {
    @inline(__always) get { storage.isAwaited.load(ordering: .acquiring) }
  }

  /// The same for somebody who keeps it beyond the call: see `Storage.expose`.
  package var exposedData: UnsafeMutableRawPointer { storage.expose() + layout.offset * dtype.itemSize }

  /// The same elements under another layout, without history.
  package func aliased(_ layout: Layout) -> Tensor {
    Tensor(storage: storage, layout: layout, dtype: dtype, isView: true)
  }
}

// MARK: - Values in and out

extension Tensor {
  /// Copies `count` elements of row-major host memory.
  public convenience init(
    copying source: UnsafeRawPointer, shape: Dims, dtype: DType, device: Device = .cpu
  ) throws(AlulaError) {
    try self.init(uninitialized: shape, dtype: dtype, device: device, operation: "from_data")
    device.backend.copyIn(storage.pointer, from: source, byteCount: count * dtype.itemSize)
  }

  /// A float32 tensor of the given values, in row-major order.
  public convenience init(_ values: [Float], shape: [Int]) throws(AlulaError) {
    let dims = Dims(shape)
    guard dims.checkedProduct == values.count else {
      throw .invalidArgument("tensor: \(values.count) values do not fill shape \(dims)")
    }
    try self.init(uninitialized: dims, dtype: .float32)
    values.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress { storage.pointer.copyMemory(from: base, byteCount: bytes.count) }
    }
  }

  /// A 0-d tensor; a weak one takes the other operands' dtype in promotion.
  public convenience init(_ value: Double, dtype: DType = .defaultFloat, weak: Bool = false) throws(AlulaError) {
    try self.init(scalar: .float(value), dtype: dtype, weak: weak)
  }

  /// Copies the elements in row-major order into host memory of `count * dtype.itemSize` bytes.
  public func copyElements(to destination: UnsafeMutableRawPointer) throws(AlulaError) {
    let source = try contiguous()
    device.backend.copyOut(destination, from: source.data, byteCount: count * dtype.itemSize)
  }

  /// The elements as Swift values, in row-major order, converted to `T`'s dtype.
  public func values<T: TensorElement>(as type: T.Type = T.self) throws(AlulaError) -> [T] {
    let source = try GradientMode.without { () throws(AlulaError) in try cast(dtype: T.dtype).contiguous() }
    return Array(UnsafeBufferPointer(start: source.data.assumingMemoryBound(to: T.self), count: count))
  }

  /// The single element of a tensor that has just one.
  public func item() throws(AlulaError) -> Double {
    guard count == 1 else {
      throw .invalidArgument("item: a tensor of shape \(layout.shape) has \(count) elements, not 1")
    }
    return try values(as: Double.self)[0]
  }
}

/// Swift types whose memory layout is a dtype's.
public protocol TensorElement: BitwiseCopyable {
  static var dtype: DType { get }
}

extension Bool: TensorElement { public static var dtype: DType { .bool } }
extension Int8: TensorElement { public static var dtype: DType { .int8 } }
extension Int16: TensorElement { public static var dtype: DType { .int16 } }
extension Int32: TensorElement { public static var dtype: DType { .int32 } }
extension Int64: TensorElement { public static var dtype: DType { .int64 } }
extension Int: TensorElement { public static var dtype: DType { .int64 } }
extension UInt8: TensorElement { public static var dtype: DType { .uint8 } }
extension UInt16: TensorElement { public static var dtype: DType { .uint16 } }
extension UInt32: TensorElement { public static var dtype: DType { .uint32 } }
extension UInt64: TensorElement { public static var dtype: DType { .uint64 } }
extension Float: TensorElement { public static var dtype: DType { .float32 } }
extension Double: TensorElement { public static var dtype: DType { .float64 } }
