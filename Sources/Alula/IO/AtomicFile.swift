import Glibc

/// A file that appears under its name all at once: written beside it, flushed to the device, and renamed. Until
/// `commit`, and when the process dies, the former file stays as it was.
final class AtomicFile {
  private let path: String
  private let temporaryPath: String
  private var descriptor: CInt
  private var isCommitted = false
  private(set) var byteCount = 0

  init(path: String) throws(AlulaError) {
    guard !path.isEmpty, !path.utf8.contains(0) else { throw .io("save: the path is empty or holds a zero byte") }
    // A link keeps its place, and what it leads to is replaced.
    if let resolved = realpath(path, nil) {
      self.path = String(cString: resolved)
      free(resolved)
    } else {
      self.path = path
    }
    var random = SystemRandomNumberGenerator()
    temporaryPath = "\(self.path).\(String(random.next() as UInt64, radix: 36)).tmp"
    descriptor = open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw systemError(path, "cannot be written") }
    var status = stat()
    if stat(self.path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw .io("\(path): is not a regular file")
      }
      _ = fchmod(descriptor, status.st_mode & 0o7777)
    }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if !isCommitted { unlink(temporaryPath) }
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws(AlulaError) {
    guard let start = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      let result = Glibc.write(descriptor, start + done, bytes.count - done)
      if result >= 0 {
        done += result
      } else if errno != EINTR {
        throw systemError(path, "cannot be written")
      }
    }
    byteCount += done
  }

  func write(_ bytes: [UInt8]) throws(AlulaError) {
    var failure: AlulaError?
    bytes.withUnsafeBytes { buffer in
      do throws(AlulaError) { try write(buffer) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// The elements in row-major order.
  func write(_ tensor: Tensor) throws(AlulaError) {
    let source = try GradientMode.without { () throws(AlulaError) in try tensor.detach().contiguous() }
    try write(UnsafeRawBufferPointer(start: source.data, count: source.count * source.dtype.itemSize))
  }

  /// Puts the file in place.
  func commit() throws(AlulaError) {
    guard fsync(descriptor) == 0 else { throw systemError(path, "cannot be flushed") }
    let closed = close(descriptor)
    descriptor = -1
    guard closed == 0 else { throw systemError(path, "cannot be closed") }
    guard rename(temporaryPath, path) == 0 else { throw systemError(path, "cannot be replaced") }
    isCommitted = true
    // The new name, too, should outlive a power failure. Some file systems cannot; the file is complete either way.
    let directory = open(parent(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if directory >= 0 {
      fsync(directory)
      close(directory)
    }
  }

  private func parent(_ path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
    return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
  }
}
