import Glibc

/// Bytes that a reader asks for by position: a file's, or those in memory.
struct ByteSource {
  let count: Int
  /// What messages call it.
  let name: String
  private let copy: (Int, UnsafeMutableRawBufferPointer) throws(AlulaError) -> Void

  init(_ bytes: UnsafeRawBufferPointer, name: String) {
    count = bytes.count
    self.name = name
    copy = { (offset, target) throws(AlulaError) in
      guard let source = bytes.baseAddress, let start = target.baseAddress else { return }
      start.copyMemory(from: source + offset, byteCount: target.count)
    }
  }

  init(_ file: ReadableFile) {
    count = file.size
    name = file.path
    copy = { (offset, target) throws(AlulaError) in try file.read(at: offset, into: target) }
  }

  /// The elements of a uint8 tensor, which it keeps alive.
  init(_ tensor: Tensor, name: String) {
    count = tensor.count
    self.name = name
    copy = { (offset, target) throws(AlulaError) in
      target.baseAddress?.copyMemory(from: tensor.data + offset, byteCount: target.count)
    }
  }

  /// A part of another source.
  init(_ source: ByteSource, from start: Int, count: Int, name: String) throws(AlulaError) {
    guard start >= 0, count >= 0, start <= source.count, count <= source.count - start else {
      throw .io("\(source.name): \(name) lies outside the file")
    }
    self.count = count
    self.name = name
    copy = { (offset, target) throws(AlulaError) in try source.read(at: start + offset, into: target) }
  }

  /// Fills `target` with the bytes from `offset`.
  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(AlulaError) {
    guard offset >= 0, offset <= count, target.count <= count - offset else {
      throw .io("\(name): ends before \(target.count) bytes at \(offset); it has \(count)")
    }
    if target.count > 0 { try copy(offset, target) }
  }

  func bytes(at offset: Int, count length: Int) throws(AlulaError) -> [UInt8] {
    guard offset >= 0, length >= 0, offset <= count, length <= count - offset else {
      throw .io("\(name): ends before \(length) bytes at \(offset); it has \(count)")
    }
    var result = [UInt8](repeating: 0, count: length)
    var failure: AlulaError?
    result.withUnsafeMutableBytes { target in
      do throws(AlulaError) { try read(at: offset, into: target) } catch { failure = error }
    }
    if let failure { throw failure }
    return result
  }

  /// A little-endian number of up to eight bytes.
  func number(at offset: Int, byteCount: Int) throws(AlulaError) -> UInt64 {
    try bytes(at: offset, count: min(byteCount, 8)).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// A tensor whose row-major elements are the bytes from `offset`.
  func tensor(at offset: Int, shape: Dims, dtype: DType) throws(AlulaError) -> Tensor {
    let layout = try Layout(contiguous: shape, operation: name)
    let byteCount = layout.count * dtype.itemSize
    // Before memory is asked for, so that a forged size costs none.
    guard offset >= 0, offset <= count, byteCount <= count - offset else {
      throw .io("\(name): ends before the \(byteCount) bytes of an array of shape \(shape)")
    }
    let tensor = try Tensor(uninitialized: shape, dtype: dtype, operation: name)
    try read(at: offset, into: UnsafeMutableRawBufferPointer(start: tensor.data, count: byteCount))
    if dtype == .bool {
      // Whatever is not zero is true; only 0 and 1 may be in memory.
      let elements = tensor.data.assumingMemoryBound(to: UInt8.self)
      for i in 0..<byteCount where elements[i] > 1 { elements[i] = 1 }
    }
    return tensor
  }
}

/// A regular file that is open for reading.
final class ReadableFile {
  let path: String
  let size: Int
  private let descriptor: CInt

  init(path: String) throws(AlulaError) {
    guard !path.utf8.contains(0) else { throw .io("\(path): a path cannot hold a zero byte") }
    // A pipe must not block: it is refused below.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw systemError(path, "cannot be opened") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size >= 0 else {
      close(descriptor)
      throw .io("\(path): is not a regular file")
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  func read(at offset: Int, into target: UnsafeMutableRawBufferPointer) throws(AlulaError) {
    guard let start = target.baseAddress else { return }
    var done = 0
    while done < target.count {
      let result = pread(descriptor, start + done, target.count - done, off_t(offset + done))
      if result > 0 {
        done += result
      } else if result == 0 {
        throw .io("\(path): became shorter while it was read")
      } else if errno != EINTR {
        throw systemError(path, "cannot be read")
      }
    }
  }
}

/// An error with the system's reason for it.
func systemError(_ path: String, _ what: String) -> AlulaError {
  let code = errno
  return .io("\(path): \(what): \(strerror(code).map { String(cString: $0) } ?? "error \(code)")")
}
