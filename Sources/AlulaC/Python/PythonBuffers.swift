import Alula
import CSupport
import Glibc

/// Python's buffer protocol: how NumPy reads and writes the memory of tensors, and tensors that of arrays.
enum PythonBuffers {
  typealias Buffer = UnsafeMutablePointer<csupport_py_buffer>

  /// What an exporter is asked for.
  private enum Flag {
    static let writable: Int32 = 0x1
    static let format: Int32 = 0x4
    static let shape: Int32 = 0x8
    static let strides: Int32 = 0x10 | shape
    static let columnMajor: Int32 = 0x40 | strides
    static let anyOrder: Int32 = 0x80 | strides
    /// Any of the orders without gaps.
    static let contiguous: Int32 = 0xE0
  }

  /// The dtypes in the notation of Python's `struct`; nil where it has none.
  private static func format(_ dtype: DType) -> StaticString? {
    switch dtype {
    case .bool: "?"
    case .int8: "b"
    case .int16: "h"
    case .int32: "i"
    case .int64: "l"
    case .uint8: "B"
    case .uint16: "H"
    case .uint32: "I"
    case .uint64: "L"
    case .float16: "e"
    case .float32: "f"
    case .float64: "d"
    case .complex64: "Zf"
    case .complex128: "Zd"
    case .bfloat16: nil
    }
  }

  private static func dtype(_ text: UnsafePointer<CChar>) -> DType? {
    // C has two types of 64 bits, and NumPy has both.
    if strcmp(text, "q") == 0 { return .int64 }
    if strcmp(text, "Q") == 0 { return .uint64 }
    return DType.allCases.first { dtype in format(dtype).map { strcmp(text, PythonText.c($0)) == 0 } ?? false }
  }

  // MARK: - Tensors' memory

  /// Fills in where the elements of a tensor lie. The buffer keeps the object, which keeps them.
  static let get: @convention(c) (PyObject, Buffer?, Int32) -> Int32 = { object, buffer, flags in
    guard let buffer else { return refuse(nil, "no buffer to fill in") }
    guard let tensor = PythonTensor.held(object) else { return refuse(buffer, "a tensor before its __init__") }
    if tensor.requiresGradient {
      return refuse(buffer, "a tensor that requires a gradient, which others would lose; use detach()")
    }
    guard let format = format(tensor.dtype) else {
      return refuse(buffer, "Python has no numbers of \(tensor.dtype)")
    }
    let (layout, itemSize) = (tensor.layout, tensor.dtype.itemSize)
    let takesStrides = flags & Flag.strides == Flag.strides
    let isColumnMajor = flags & Flag.columnMajor == Flag.columnMajor && flags & Flag.anyOrder != Flag.anyOrder
    if !layout.isContiguous, !takesStrides || flags & Flag.contiguous != 0 {
      return refuse(buffer, "the elements of the tensor are not contiguous")
    }
    if isColumnMajor, layout.rank > 1 { return refuse(buffer, "the tensor is not in column-major order") }
    let rank = layout.rank
    let room = UnsafeMutablePointer<Int>.allocate(capacity: max(2 * rank, 1))
    for i in 0..<rank {
      room[i] = layout.shape[i]
      room[rank + i] = layout.strides[i] * itemSize
    }
    buffer.pointee = csupport_py_buffer(
      data: tensor.exposedData, object: PythonCall.new(object), byte_count: layout.count * itemSize,
      item_size: itemSize, is_read_only: 0, rank: Int32(rank),
      format: flags & Flag.format == 0 ? nil : PythonText.c(format),
      shape: flags & Flag.shape == 0 || rank == 0 ? nil : room, strides: takesStrides && rank > 0 ? room + rank : nil,
      suboffsets: nil, internal: room)
    return 0
  }

  static let release: @convention(c) (PyObject, Buffer?) -> Void = { _, buffer in
    buffer?.pointee.internal.map { $0.assumingMemoryBound(to: Int.self).deallocate() }
  }

  private static func refuse(_ buffer: Buffer?, _ reason: String) -> Int32 {
    buffer?.pointee.object = nil
    py.setErrorText(py.bufferError, reason)
    return -1
  }

  // MARK: - Arrays' memory

  /// `copied(array)`: a tensor with a copy of the elements, or None when they are none of the engine's.
  static let copied: PythonOperators.Binary = { _, array in
    reading(array, Flag.strides | Flag.format) { (layout, dtype) throws(AlulaError) in
      let lent = try Tensor(borrowing: layout.data, shape: layout.shape, strides: layout.strides, dtype: dtype) {}
      return try PythonLock.run(short: PythonLock.isShort(lent)) { () throws(AlulaError) in try lent.copy() }
    }
  }

  /// `borrowed(array, release, key)`: a tensor over the memory of an array, which `release`, a C function's address, lets go
  /// of by `key`; None when it cannot be shared.
  static let borrowed: @convention(c) (PyObject?, PyArguments?, Int) -> PyObject? = { _, arguments, count in
    guard count == 3, let array = arguments?[0], let address = arguments?[1].flatMap({ PythonAttribute.integer($0) }),
      let key = arguments?[2].flatMap({ PythonAttribute.integer($0) })
    else {
      py.setErrorText(py.typeError, "borrowed: an array and two integers are needed")
      return nil
    }
    let deleter = unsafeBitCast(UnsafeRawPointer(bitPattern: address), to: CallbackContext.Deleter?.self)
    return reading(array, Flag.strides | Flag.format | Flag.writable) { (layout, dtype) throws(AlulaError) in
      let owner = CallbackContext(UnsafeMutableRawPointer(bitPattern: key), deleter)
      do throws(AlulaError) {
        return try Tensor(borrowing: layout.data, shape: layout.shape, strides: layout.strides, dtype: dtype) {
          withExtendedLifetime(owner) {}
        }
      } catch {
        owner.disown()
        throw error
      }
    }
  }

  private typealias Lent = (data: UnsafeMutableRawPointer, shape: Dims, strides: Dims)

  /// The tensor that `body` makes of an array's memory; None for an array that does not lend it or whose elements are none
  /// of the engine's.
  private static func reading(
    _ array: PyObject, _ flags: Int32, _ body: (Lent, DType) throws(AlulaError) -> Tensor
  ) -> PyObject? {
    var buffer = csupport_py_buffer()
    if py.getBuffer(array, &buffer, flags) != 0 {
      py.clearError()
      return PythonCall.new(py.none)
    }
    defer { py.releaseBuffer(&buffer) }
    let rank = Int(buffer.rank)
    guard let dtype = buffer.format.flatMap({ dtype($0) }), dtype.itemSize == buffer.item_size, let data = buffer.data,
      buffer.suboffsets == nil, rank <= Dims.maximumRank,
      UInt(bitPattern: data) % UInt(dtype.isComplex ? dtype.itemSize / 2 : dtype.itemSize) == 0
    else { return PythonCall.new(py.none) }
    var (shape, strides) = (Dims(repeating: 0, count: rank), Dims(repeating: 0, count: rank))
    for i in 0..<rank {
      guard let extent = buffer.shape?[i], let step = buffer.strides?[i], step % dtype.itemSize == 0 else {
        return PythonCall.new(py.none)
      }
      shape[i] = extent
      strides[i] = step / dtype.itemSize
    }
    do throws(AlulaError) {
      return PythonTensor.wrap(try body((data, shape, strides), dtype))
    } catch {
      return PythonError.raise(error)
    }
  }
}
