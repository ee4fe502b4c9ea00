import Alula
import CAlula

@_cdecl("alula_tensor_from_data") @implementation
public func alula_tensor_from_data(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ data: UnsafeRawPointer?, _ shape: UnsafePointer<Int64>?,
  _ rank: Int, _ dtype: alula_dtype, _ device: alula_device
) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_from_data"
    let dims = try readShape(shape, rank, name)
    let (dtype, device) = (try DType(dtype), try Device(device))
    guard let data else {
      guard dims.checkedProduct == 0 else { throw .invalidArgument("\(name): data is NULL") }
      return try store(try Tensor.zeros(shape: dims.array, dtype: dtype, device: device), out, name)
    }
    try store(try Tensor(copying: data, shape: dims, dtype: dtype, device: device), out, name)
  }
}

@_cdecl("alula_tensor_borrow") @implementation
public func alula_tensor_borrow(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ data: UnsafeMutableRawPointer?, _ shape: UnsafePointer<Int64>?,
  _ strides: UnsafePointer<Int64>?, _ rank: Int, _ dtype: alula_dtype,
  _ deleter: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?, _ context: UnsafeMutableRawPointer?
) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let name = "alula_tensor_borrow"
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    let dims = try readShape(shape, rank, name)
    let steps = strides == nil ? nil : try readShape(strides, rank, name)
    let dtype = try DType(dtype)
    guard let data = data ?? emptyData(dims) else { throw .invalidArgument("\(name): data is NULL") }
    let owner = CallbackContext(context, deleter)
    do throws(AlulaError) {
      let tensor = try Tensor(borrowing: data, shape: dims, strides: steps, dtype: dtype) {
        withExtendedLifetime(owner) {}
      }
      try store(tensor, out, name)
    } catch {
      owner.disown()
      throw error
    }
  }
}

@_cdecl("alula_tensor_scalar") @implementation
public func alula_tensor_scalar(
  _ out: UnsafeMutablePointer<OpaquePointer?>?, _ value: alula_scalar, _ dtype: alula_dtype, _ weak: Bool
) -> alula_status {
  out?.pointee = nil
  return boundary { () throws(AlulaError) in
    let dtype = dtype == ALULA_DTYPE_NONE ? nil : try DType(dtype)
    try store(try Tensor(scalar: try Scalar(value), dtype: dtype, weak: weak), out, "alula_tensor_scalar")
  }
}

@_cdecl("alula_tensor_retain") @implementation
public func alula_tensor_retain(_ tensor: OpaquePointer?) -> alula_status {
  retain(tensor, as: Tensor.self, "alula_tensor_retain", "tensor")
}

@_cdecl("alula_tensor_release") @implementation
public func alula_tensor_release(_ tensor: OpaquePointer?) -> alula_status {
  release(tensor, as: Tensor.self, "alula_tensor_release", "tensor")
}

// MARK: - Properties

/// Reads one property of a tensor.
private func read<T>(
  _ out: UnsafeMutablePointer<T>?, _ handle: OpaquePointer?, _ name: String,
  _ property: (Tensor) throws(AlulaError) -> T
) -> alula_status {
  boundary { () throws(AlulaError) in
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    out.pointee = try property(try tensor(handle, name))
  }
}

@_cdecl("alula_tensor_dtype") @implementation
public func alula_tensor_dtype(_ out: UnsafeMutablePointer<alula_dtype>?, _ tensor: OpaquePointer?) -> alula_status {
  out?.pointee = ALULA_DTYPE_NONE
  return read(out, tensor, "alula_tensor_dtype") { alula_dtype($0.dtype.rawValue) }
}

@_cdecl("alula_tensor_device") @implementation
public func alula_tensor_device(_ out: UnsafeMutablePointer<alula_device>?, _ tensor: OpaquePointer?) -> alula_status {
  read(out, tensor, "alula_tensor_device") { alula_device(rawValue: numericCast($0.device.rawValue)) }
}

@_cdecl("alula_tensor_rank") @implementation
public func alula_tensor_rank(_ out: UnsafeMutablePointer<Int>?, _ tensor: OpaquePointer?) -> alula_status {
  out?.pointee = 0
  return read(out, tensor, "alula_tensor_rank") { $0.rank }
}

@_cdecl("alula_tensor_count") @implementation
public func alula_tensor_count(_ out: UnsafeMutablePointer<Int64>?, _ tensor: OpaquePointer?) -> alula_status {
  out?.pointee = 0
  return read(out, tensor, "alula_tensor_count") { Int64($0.count) }
}

@_cdecl("alula_tensor_shape") @implementation
public func alula_tensor_shape(_ out: UnsafeMutablePointer<Int64>?, _ rank: Int, _ tensor: OpaquePointer?)
  -> alula_status
{
  writeDims(out, rank, tensor, "alula_tensor_shape") { $0.layout.shape }
}

@_cdecl("alula_tensor_strides") @implementation
public func alula_tensor_strides(_ out: UnsafeMutablePointer<Int64>?, _ rank: Int, _ tensor: OpaquePointer?)
  -> alula_status
{
  writeDims(out, rank, tensor, "alula_tensor_strides") { $0.layout.strides }
}

private func writeDims(
  _ out: UnsafeMutablePointer<Int64>?, _ rank: Int, _ handle: OpaquePointer?, _ name: String,
  _ property: (Tensor) -> Dims
) -> alula_status {
  boundary { () throws(AlulaError) in
    let tensor = try tensor(handle, name)
    guard rank == tensor.rank else {
      throw .invalidArgument("\(name): room for \(rank) values, but the tensor's rank is \(tensor.rank)")
    }
    if rank == 0 { return }
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    let dims = property(tensor)
    for i in dims.indices { out[i] = Int64(dims[i]) }
  }
}

@_cdecl("alula_tensor_data") @implementation
public func alula_tensor_data(
  _ out: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _ tensor: OpaquePointer?
) -> alula_status {
  out?.pointee = nil
  return read(out, tensor, "alula_tensor_data") { $0.exposedData }
}

@_cdecl("alula_tensor_copy_out") @implementation
public func alula_tensor_copy_out(_ out: UnsafeMutableRawPointer?, _ size: Int, _ tensor: OpaquePointer?)
  -> alula_status
{
  boundary { () throws(AlulaError) in
    let name = "alula_tensor_copy_out"
    let source = try AlulaC.tensor(tensor, name)
    let needed = source.count * source.dtype.itemSize
    guard size == needed else {
      throw .invalidArgument("\(name): room for \(size) bytes, but the tensor has \(needed)")
    }
    if needed == 0 { return }
    guard let out else { throw .invalidArgument("\(name): the pointer for the result is NULL") }
    try source.copyElements(to: out)
  }
}

@_cdecl("alula_tensor_item") @implementation
public func alula_tensor_item(_ out: UnsafeMutablePointer<alula_scalar>?, _ tensor: OpaquePointer?) -> alula_status {
  out?.pointee = alula_int(0)
  return read(out, tensor, "alula_tensor_item") { (tensor) throws(AlulaError) in
    switch try tensor.scalar() {
    case .bool(let value): alula_bool(value)
    case .int(let value): alula_int(value)
    case .unsigned(let value):
      alula_scalar(kind: ALULA_SCALAR_UINT, integer: Int64(bitPattern: value), real: 0, imaginary: 0)
    case .float(let value): alula_float(value)
    case .complex(let real, let imaginary):
      alula_scalar(kind: ALULA_SCALAR_COMPLEX, integer: 0, real: real, imaginary: imaginary)
    }
  }
}

// MARK: - Writes

@_cdecl("alula_tensor_mark_written") @implementation
public func alula_tensor_mark_written(_ tensor: OpaquePointer?) -> alula_status {
  boundary { () throws(AlulaError) in
    try AlulaC.tensor(tensor, "alula_tensor_mark_written").storage.markWritten()
  }
}

@_cdecl("alula_tensor_assign_") @implementation
public func alula_tensor_assign_(_ tensor: OpaquePointer?, _ source: OpaquePointer?) -> alula_status {
  boundary { () throws(AlulaError) in
    let name = "alula_tensor_assign_"
    try AlulaC.tensor(tensor, name).assign(try AlulaC.tensor(source, name))
  }
}

/// What stands for the address of a tensor without elements: aligned, never read.
func emptyData(_ shape: Dims) -> UnsafeMutableRawPointer? {
  shape.checkedProduct == 0 ? UnsafeMutableRawPointer(bitPattern: 64) : nil
}

/// A shape or strides from C.
func readShape(_ values: UnsafePointer<Int64>?, _ rank: Int, _ name: String) throws(AlulaError) -> Dims {
  guard rank >= 0, rank <= Dims.maximumRank else {
    throw .invalidArgument("\(name): rank \(rank) is not in 0...\(Dims.maximumRank)")
  }
  return Dims(try copyList(values, rank, name).map { Int($0) })
}
