/// Files of one array in NumPy's format, versions 1 to 3 (numpy.lib.format).
public enum NPY {
  /// Far above what any array needs: NumPy itself warns above 10 000.
  private static let maximumHeaderSize = 1 << 20
  private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

  // MARK: - Reading

  /// Reads an array of numbers in C or Fortran order and either byte order; the tensor is row-major.
  ///
  /// - Throws: `io` for a file that cannot be read or is not of the format; `unsupported` for objects, text,
  ///   records and other dtypes that Alula does not have.
  public static func load(path: String) throws(AlulaError) -> Tensor {
    try decode(ByteSource(try ReadableFile(path: path)))
  }

  /// Reads a file's bytes.
  public static func load(bytes: UnsafeRawBufferPointer) throws(AlulaError) -> Tensor {
    try decode(ByteSource(bytes, name: "npy"))
  }

  static func decode(_ source: ByteSource) throws(AlulaError) -> Tensor {
    let start = try source.bytes(at: 0, count: 8)
    guard Array(start[0..<6]) == magic, start[6] >= 1, start[6] <= 3 else {
      throw .io("\(source.name): is not an npy file of version 1, 2 or 3")
    }
    let lengthSize = start[6] == 1 ? 2 : 4
    let length = Int(try source.number(at: 8, byteCount: lengthSize))
    guard length <= maximumHeaderSize else { throw .io("\(source.name): a header of \(length) bytes is too long") }
    var parser = NPYHeaderParser(try source.bytes(at: 8 + lengthSize, count: length), source: source.name)
    let header = try parser.header()
    let (dtype, isBigEndian) = try dtype(header.descriptor, source.name)
    let fileShape = Dims(header.isFortranOrder ? header.shape.reversed() : header.shape)
    let stored = try source.tensor(at: 8 + lengthSize + length, shape: fileShape, dtype: dtype)
    if isBigEndian { swapBytes(stored) }
    guard header.isFortranOrder, stored.rank > 1 else { return stored }
    return try GradientMode.without { () throws(AlulaError) in
      try stored.permuteDims(axes: (0..<stored.rank).reversed()).copy()
    }
  }

  /// The dtype that a descriptor such as `<f4` names, and whether its bytes are in the other order.
  private static func dtype(_ descriptor: String, _ source: String) throws(AlulaError) -> (DType, Bool) {
    let order = descriptor.unicodeScalars.first
    let code = String(descriptor.unicodeScalars.dropFirst())
    guard let order, "<>|=".unicodeScalars.contains(order),
      let dtype = DType.allCases.first(where: { typeCode($0) == code })
    else {
      throw .unsupported("\(source): dtype '\(descriptor)' is none that Alula has")
    }
    return (dtype, order == ">")
  }

  /// NumPy's kind and size of a dtype.
  private static func typeCode(_ dtype: DType) -> String? {
    switch dtype {
    case .bool: "b1"
    case .int8: "i1"
    case .int16: "i2"
    case .int32: "i4"
    case .int64: "i8"
    case .uint8: "u1"
    case .uint16: "u2"
    case .uint32: "u4"
    case .uint64: "u8"
    case .float16: "f2"
    case .bfloat16: nil
    case .float32: "f4"
    case .float64: "f8"
    case .complex64: "c8"
    case .complex128: "c16"
    }
  }

  /// Reverses the bytes of every number; a complex one has two.
  private static func swapBytes(_ tensor: Tensor) {
    let size = tensor.dtype.isComplex ? tensor.dtype.itemSize / 2 : tensor.dtype.itemSize
    let bytes = UnsafeMutableRawBufferPointer(start: tensor.data, count: tensor.count * tensor.dtype.itemSize)
    for start in stride(from: 0, to: bytes.count, by: size) {
      for k in 0..<(size / 2) { bytes.swapAt(start + k, start + size - 1 - k) }
    }
  }

  // MARK: - Writing

  /// Writes a tensor to a file, which appears whole or not at all.
  ///
  /// - Throws: `io` when the file cannot be written; `unsupported` for bfloat16, which NumPy does not have.
  public static func save(_ tensor: Tensor, path: String) throws(AlulaError) {
    let header = try header(of: tensor)
    let file = try AtomicFile(path: path)
    try file.write(header)
    try file.write(tensor)
    try file.commit()
  }

  /// What stands in front of the elements.
  static func header(of tensor: Tensor) throws(AlulaError) -> [UInt8] {
    guard let code = typeCode(tensor.dtype) else {
      throw .unsupported("save: npy has no \(tensor.dtype); convert to float32 first")
    }
    let descriptor = (tensor.dtype.itemSize == 1 ? "|" : "<") + code
    let text = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(tensor.layout.shape), }"
    // The elements begin at a multiple of 64 bytes.
    let padding = 63 - (10 + text.utf8.count) % 64
    let length = text.utf8.count + padding + 1
    return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8 & 0xFF)] + Array(text.utf8)
      + Array(repeating: UInt8(ascii: " "), count: padding) + [UInt8(ascii: "\n")]
  }
}

/// The Python literal at the head of an npy file: a dictionary of three entries.
struct NPYHeaderParser {
  private let bytes: [UInt8]
  private let source: String
  private var position = 0

  init(_ bytes: [UInt8], source: String) {
    self.bytes = bytes
    self.source = source
  }

  mutating func header() throws(AlulaError) -> (descriptor: String, isFortranOrder: Bool, shape: [Int]) {
    var descriptor: String?
    var isFortranOrder: Bool?
    var shape: [Int]?
    try expect("{")
    while !take("}") {
      let key = try string()
      try expect(":")
      switch key {
      case "descr":
        skipSpace()
        // A list describes records.
        guard current == UInt8(ascii: "'") || current == UInt8(ascii: "\"") else {
          throw .unsupported("\(source): arrays of records are not supported")
        }
        descriptor = try string()
      case "fortran_order":
        skipSpace()
        if takeWord("True") {
          isFortranOrder = true
        } else if takeWord("False") {
          isFortranOrder = false
        } else {
          throw failure("neither True nor False")
        }
      case "shape": shape = try tuple()
      default: throw failure("an unknown entry '\(key)'")
      }
      if take("}") { break }
      try expect(",")
    }
    skipSpace()
    guard position == bytes.count, let descriptor, let isFortranOrder, let shape else {
      throw failure("the header is not complete")
    }
    return (descriptor, isFortranOrder, shape)
  }

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func failure(_ what: String) -> AlulaError { .io("\(source): \(what) at byte \(position) of the header") }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard current == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(AlulaError) {
    guard take(character) else { throw failure("'\(character)' is missing") }
  }

  private mutating func takeWord(_ word: String) -> Bool {
    let letters = Array(word.utf8)
    guard letters.count <= bytes.count - position, Array(bytes[position..<(position + letters.count)]) == letters else {
      return false
    }
    position += letters.count
    return true
  }

  private mutating func string() throws(AlulaError) -> String {
    skipSpace()
    guard let quote = current, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") else {
      throw failure("a string is missing")
    }
    position += 1
    let start = position
    while let byte = current, byte != quote {
      // Names and descriptors need no escapes.
      guard byte >= 0x20, byte < 0x7F, byte != UInt8(ascii: "\\") else { throw failure("an unexpected character") }
      position += 1
    }
    guard current == quote else { throw failure("a string does not end") }
    position += 1
    return String(decoding: bytes[start..<(position - 1)], as: UTF8.self)
  }

  private mutating func tuple() throws(AlulaError) -> [Int] {
    try expect("(")
    var result: [Int] = []
    while !take(")") {
      skipSpace()
      result.append(try integer())
      // Python 2's long integers.
      _ = take("L")
      if take(")") { break }
      try expect(",")
    }
    return result
  }

  private mutating func integer() throws(AlulaError) -> Int {
    let start = position
    var value = 0
    while let byte = current, byte >= 0x30, byte <= 0x39 {
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int(byte) - 0x30)
      guard !overflow, !carry else { throw failure("an extent is too large") }
      value = sum
      position += 1
    }
    guard position > start else { throw failure("an extent is missing") }
    return value
  }
}
