/// Files of named tensors in the format of https://github.com/huggingface/safetensors: the length of a JSON header
/// in eight bytes, the header with each tensor's dtype, shape and place, and the elements, row-major and little-endian.
public enum SafeTensors {
  /// What a file holds.
  public struct Contents: Sendable {
    /// In the order of the header.
    public let tensors: [(name: String, tensor: Tensor)]
    /// Free text by name.
    public let metadata: [(name: String, value: String)]
  }

  /// The limit of the format's own implementation.
  private static let maximumHeaderSize = 100_000_000
  private static let metadataName = "__metadata__"

  // MARK: - Reading

  /// Reads all tensors of a file.
  ///
  /// - Throws: `io` for a file that cannot be read or is not exactly of the format; `unsupported` for a dtype
  ///   that Alula does not have.
  public static func load(path: String) throws(AlulaError) -> Contents {
    try decode(ByteSource(try ReadableFile(path: path)))
  }

  /// Reads all tensors of a file's bytes.
  public static func load(bytes: UnsafeRawBufferPointer) throws(AlulaError) -> Contents {
    try decode(ByteSource(bytes, name: "safetensors"))
  }

  private struct Entry {
    let name: String
    let dtype: DType
    let shape: Dims
    let begin: Int
    let end: Int
  }

  private static func decode(_ source: ByteSource) throws(AlulaError) -> Contents {
    let length = try source.number(at: 0, byteCount: 8)
    guard length <= UInt64(maximumHeaderSize), Int(length) <= source.count - 8 else {
      throw .io("\(source.name): a header of \(length) bytes does not fit into a file of \(source.count)")
    }
    let header = try source.bytes(at: 8, count: Int(length))
    guard header.first == UInt8(ascii: "{"), case .object(let members) = try JSON(parsing: header, source: source.name)
    else { throw .io("\(source.name): the header is not a JSON object") }

    var entries: [Entry] = []
    var metadata: [(name: String, value: String)] = []
    for (name, value) in members {
      if name == metadataName {
        metadata = try readMetadata(value, source.name)
      } else {
        entries.append(try readEntry(name, value, source.name))
      }
    }
    let start = 8 + header.count
    try checkPlaces(entries, byteCount: source.count - start, source.name)
    var tensors: [(name: String, tensor: Tensor)] = []
    for entry in entries {
      tensors.append((entry.name, try source.tensor(at: start + entry.begin, shape: entry.shape, dtype: entry.dtype)))
    }
    return Contents(tensors: tensors, metadata: metadata)
  }

  private static func readMetadata(_ value: JSON, _ source: String) throws(AlulaError) -> [(
    name: String, value: String
  )] {
    guard case .object(let members) = value else { throw .io("\(source): \(metadataName) is not a JSON object") }
    var result: [(name: String, value: String)] = []
    for (name, value) in members {
      guard case .string(let text) = value else { throw .io("\(source): metadata '\(name)' is not a string") }
      result.append((name, text))
    }
    return result
  }

  private static func readEntry(_ name: String, _ value: JSON, _ source: String) throws(AlulaError) -> Entry {
    guard case .object(let members) = value else { throw .io("\(source): tensor '\(name)' is not a JSON object") }
    var dtypeName: String?
    var shape: [Int]?
    var offsets: [Int]?
    for (key, value) in members {
      switch (key, value) {
      case ("dtype", .string(let text)): dtypeName = text
      case ("shape", .array(let elements)): shape = integers(elements)
      case ("data_offsets", .array(let elements)): offsets = integers(elements)
      default: break
      }
    }
    guard let dtypeName, let shape, let offsets, offsets.count == 2, offsets[0] <= offsets[1] else {
      throw .io("\(source): tensor '\(name)' lacks a valid dtype, shape or data_offsets")
    }
    guard let dtype = DType.allCases.first(where: { code(of: $0) == dtypeName }) else {
      throw .unsupported("\(source): tensor '\(name)' has dtype \(dtypeName), which Alula does not have")
    }
    let layout = try Layout(contiguous: Dims(shape), operation: "\(source): tensor '\(name)'")
    guard layout.count * dtype.itemSize == offsets[1] - offsets[0] else {
      throw .io(
        "\(source): tensor '\(name)' of shape \(layout.shape) and dtype \(dtype) has \(offsets[1] - offsets[0]) bytes, "
          + "not \(layout.count * dtype.itemSize)")
    }
    return Entry(name: name, dtype: dtype, shape: layout.shape, begin: offsets[0], end: offsets[1])
  }

  private static func integers(_ elements: [JSON]) -> [Int]? {
    var result: [Int] = []
    for element in elements {
      guard case .number(let value?) = element else { return nil }
      result.append(value)
    }
    return result
  }

  /// The tensors must fill the rest of the file without gaps and overlaps.
  private static func checkPlaces(_ entries: [Entry], byteCount: Int, _ source: String) throws(AlulaError) {
    var end = 0
    for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      guard entry.begin == end else {
        throw .io(
          "\(source): tensor '\(entry.name)' begins at \(entry.begin), but the one before it ends at \(end)")
      }
      end = entry.end
    }
    guard end == byteCount else {
      throw .io("\(source): the tensors end at \(end), but the file has \(byteCount) bytes for them")
    }
  }

  // MARK: - Writing

  /// Writes tensors to a file, which appears whole or not at all.
  ///
  /// - Throws: `io` when the file cannot be written; `invalidArgument` for a name given twice or reserved;
  ///   `unsupported` for complex128, which the format does not have.
  public static func save(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [(name: String, value: String)] = [], path: String
  ) throws(AlulaError) {
    var names: Set<[UInt8]> = [Array(metadataName.utf8)]
    for (name, tensor) in tensors {
      guard names.insert(Array(name.utf8)).inserted else {
        throw .invalidArgument("save: the name '\(name)' is reserved or given twice")
      }
      guard code(of: tensor.dtype) != nil else {
        throw .unsupported("save: '\(name)' has dtype \(tensor.dtype), which safetensors does not have")
      }
    }
    var metadataNames: Set<[UInt8]> = []
    for (name, _) in metadata where !metadataNames.insert(Array(name.utf8)).inserted {
      throw .invalidArgument("save: the metadata '\(name)' is given twice")
    }
    // Larger elements first, so that all are aligned in a mapped file.
    let order = tensors.indices.sorted {
      (-tensors[$0].tensor.dtype.itemSize, $0) < (-tensors[$1].tensor.dtype.itemSize, $1)
    }
    var begins = Array(repeating: 0, count: tensors.count)
    var end = 0
    for i in order {
      begins[i] = end
      let (sum, overflow) = end.addingReportingOverflow(byteCount(tensors[i].tensor))
      guard !overflow else { throw .invalidArgument("save: the tensors are too large for one file") }
      end = sum
    }
    var header: [UInt8] = Array(headerText(tensors, begins, metadata).utf8)
    header += Array(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    guard header.count <= maximumHeaderSize else {
      throw .invalidArgument("save: names and metadata take \(header.count) bytes, more than \(maximumHeaderSize)")
    }

    let file = try AtomicFile(path: path)
    try file.write((0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) })
    try file.write(header)
    for i in order { try file.write(tensors[i].tensor) }
    try file.commit()
  }

  private static func byteCount(_ tensor: Tensor) -> Int { tensor.count * tensor.dtype.itemSize }

  private static func headerText(
    _ tensors: [(name: String, tensor: Tensor)], _ begins: [Int], _ metadata: [(name: String, value: String)]
  ) -> String {
    var members: [String] = []
    if !metadata.isEmpty {
      let entries = metadata.map { "\(JSON.quoted($0.name)):\(JSON.quoted($0.value))" }
      members.append("\"\(metadataName)\":{\(entries.joined(separator: ","))}")
    }
    for (i, (name, tensor)) in tensors.enumerated() {
      let shape = tensor.shape.map { String($0) }.joined(separator: ",")
      let place = "\(begins[i]),\(begins[i] + byteCount(tensor))"
      members.append(
        "\(JSON.quoted(name)):{\"dtype\":\"\(code(of: tensor.dtype) ?? "")\",\"shape\":[\(shape)],"
          + "\"data_offsets\":[\(place)]}")
    }
    return "{\(members.joined(separator: ","))}"
  }

  /// The format's name of a dtype.
  private static func code(of dtype: DType) -> String? {
    switch dtype {
    case .bool: "BOOL"
    case .int8: "I8"
    case .int16: "I16"
    case .int32: "I32"
    case .int64: "I64"
    case .uint8: "U8"
    case .uint16: "U16"
    case .uint32: "U32"
    case .uint64: "U64"
    case .float16: "F16"
    case .bfloat16: "BF16"
    case .float32: "F32"
    case .float64: "F64"
    case .complex64: "C64"
    case .complex128: nil
    }
  }
}
