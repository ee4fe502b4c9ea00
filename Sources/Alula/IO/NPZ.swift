/// Archives of named arrays, as `numpy.savez` makes them: a ZIP file of npy files.
public enum NPZ {
  private static let suffix = ".npy"

  /// Reads all arrays of an archive, compressed or not, in its order; `.npy` is taken off their names.
  ///
  /// - Throws: `io` for a file that cannot be read or is damaged; `unsupported` for what `NPY.load` does not read, and
  ///   for other compression than DEFLATE.
  public static func load(path: String) throws(AlulaError) -> [(name: String, tensor: Tensor)] {
    try decode(ByteSource(try ReadableFile(path: path)))
  }

  /// Reads an archive's bytes.
  public static func load(bytes: UnsafeRawBufferPointer) throws(AlulaError) -> [(name: String, tensor: Tensor)] {
    try decode(ByteSource(bytes, name: "npz"))
  }

  private static func decode(_ source: ByteSource) throws(AlulaError) -> [(name: String, tensor: Tensor)] {
    var result: [(name: String, tensor: Tensor)] = []
    for member in try ZipArchive.members(source) {
      let tensor = try NPY.decode(try ZipArchive.contents(of: member, source))
      let name = member.name.hasSuffix(suffix) ? String(member.name.dropLast(suffix.count)) : member.name
      result.append((name, tensor))
    }
    return result
  }

  /// Writes tensors, uncompressed, to a file, which appears whole or not at all.
  ///
  /// - Throws: `io` when the file cannot be written; `invalidArgument` for a name that is given twice, empty or longer than
  ///   65 000 bytes; `unsupported` for bfloat16.
  public static func save(_ tensors: [(name: String, tensor: Tensor)], path: String) throws(AlulaError) {
    var names: Set<[UInt8]> = []
    var headers: [[UInt8]] = []
    for (name, tensor) in tensors {
      let bytes = Array(name.utf8)
      guard !bytes.isEmpty, bytes.count <= 65_000, names.insert(bytes).inserted else {
        throw .invalidArgument("save: the name '\(name)' is empty, too long or given twice")
      }
      headers.append(try NPY.header(of: tensor))
    }
    let file = try AtomicFile(path: path)
    var members: [ZipArchive.WrittenMember] = []
    for (i, (name, tensor)) in tensors.enumerated() {
      let source = try GradientMode.without { () throws(AlulaError) in try tensor.detach().contiguous() }
      let elements = UnsafeRawBufferPointer(start: source.data, count: source.count * source.dtype.itemSize)
      var crc = CRC32()
      headers[i].withUnsafeBytes { crc.add($0) }
      crc.add(elements)
      let member = ZipArchive.WrittenMember(
        name: Array((name + suffix).utf8), checksum: crc.value, size: headers[i].count + elements.count,
        headerOffset: file.byteCount)
      try file.write(ZipArchive.localHeader(member.name, checksum: member.checksum, size: member.size))
      try file.write(headers[i])
      try file.write(elements)
      members.append(member)
    }
    try file.write(ZipArchive.directory(members, at: file.byteCount))
    try file.commit()
  }
}
