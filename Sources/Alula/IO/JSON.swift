/// A JSON value, as far as file headers need it.
enum JSON {
  case null
  case bool(Bool)
  /// The value of a non-negative integer that fits into an Int; nil for any other number.
  case number(Int?)
  case string(String)
  case array([JSON])
  /// In the order of the text; names are distinct.
  case object([(name: String, value: JSON)])

  /// - Throws: `io`, with the position, for anything that is not strictly JSON in UTF-8, nested deeper than 16 levels, or an
  ///   object with two members of one name.
  init(parsing bytes: [UInt8], source: String) throws(AlulaError) {
    var parser = JSONParser(bytes: bytes, source: source)
    self = try parser.document()
  }

  /// `text` as a JSON string, quotes included.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}

private struct JSONParser {
  private static let maximumDepth = 16

  private let bytes: [UInt8]
  private let source: String
  private var position = 0

  init(bytes: [UInt8], source: String) {
    self.bytes = bytes
    self.source = source
  }

  mutating func document() throws(AlulaError) -> JSON {
    let value = try value(depth: 0)
    skipSpace()
    guard position == bytes.count else { throw failure("something follows the JSON value") }
    return value
  }

  // MARK: - Characters

  private var current: UInt8? { position < bytes.count ? bytes[position] : nil }

  private func failure(_ what: String) -> AlulaError { .io("\(source): \(what) at byte \(position) of the header") }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  /// Steps over `byte` after white space; false when something else is there.
  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard current == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(AlulaError) {
    guard take(character) else { throw failure("'\(character)' is missing") }
  }

  private mutating func takeWord(_ word: StaticString) -> Bool {
    let length = word.utf8CodeUnitCount
    guard length <= bytes.count - position else { return false }
    for i in 0..<length where bytes[position + i] != word.utf8Start[i] { return false }
    position += length
    return true
  }

  // MARK: - Values

  private mutating func value(depth: Int) throws(AlulaError) -> JSON {
    guard depth <= Self.maximumDepth else { throw failure("nesting deeper than \(Self.maximumDepth) levels") }
    skipSpace()
    guard let first = current else { throw failure("a value is missing") }
    switch first {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number(try number())
    default:
      if takeWord("true") { return .bool(true) }
      if takeWord("false") { return .bool(false) }
      if takeWord("null") { return .null }
      throw failure("no JSON value")
    }
  }

  private mutating func object(depth: Int) throws(AlulaError) -> JSON {
    try expect("{")
    var members: [(name: String, value: JSON)] = []
    // By their bytes: canonically equivalent names are different names.
    var names: Set<[UInt8]> = []
    if take("}") { return .object(members) }
    while true {
      skipSpace()
      let name = try string()
      guard names.insert(Array(name.utf8)).inserted else { throw failure("a second member named '\(name)'") }
      try expect(":")
      members.append((name, try value(depth: depth + 1)))
      if take("}") { return .object(members) }
      try expect(",")
    }
  }

  private mutating func array(depth: Int) throws(AlulaError) -> JSON {
    try expect("[")
    var elements: [JSON] = []
    if take("]") { return .array(elements) }
    while true {
      elements.append(try value(depth: depth + 1))
      if take("]") { return .array(elements) }
      try expect(",")
    }
  }

  private mutating func number() throws(AlulaError) -> Int? {
    let isNegative = current == UInt8(ascii: "-")
    if isNegative { position += 1 }
    var value: Int? = isNegative ? nil : 0
    let start = position
    while let digit = digit() {
      if let present = value {
        let (product, overflow) = present.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(digit)
        value = overflow || carry ? nil : sum
      }
    }
    guard position > start, position == start + 1 || bytes[start] != UInt8(ascii: "0") else {
      throw failure("no JSON number")
    }
    if current == UInt8(ascii: ".") {
      position += 1
      try skipDigits()
      value = nil
    }
    if current == UInt8(ascii: "e") || current == UInt8(ascii: "E") {
      position += 1
      if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
      try skipDigits()
      value = nil
    }
    return value
  }

  private mutating func digit() -> Int? {
    guard let byte = current, byte >= 0x30, byte <= 0x39 else { return nil }
    position += 1
    return Int(byte) - 0x30
  }

  private mutating func skipDigits() throws(AlulaError) {
    guard digit() != nil else { throw failure("a digit is missing") }
    while digit() != nil {}
  }

  private mutating func string() throws(AlulaError) -> String {
    guard current == UInt8(ascii: "\"") else { throw failure("a string is missing") }
    position += 1
    var text: [UInt8] = []
    while let byte = current {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else { throw failure("a string is not UTF-8") }
        return string
      case UInt8(ascii: "\\"): try escape(into: &text)
      case 0..<0x20: throw failure("a control character in a string")
      default: text.append(byte)
      }
    }
    throw failure("a string does not end")
  }

  private mutating func escape(into text: inout [UInt8]) throws(AlulaError) {
    guard let byte = current else { throw failure("a string does not end") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0C)
    case UInt8(ascii: "n"): text.append(0x0A)
    case UInt8(ascii: "r"): text.append(0x0D)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if code >> 10 == 0xD800 >> 10 {
        guard takeWord("\\u") else { throw failure("half a surrogate pair") }
        let low = try hexadecimal()
        guard low >> 10 == 0xDC00 >> 10 else { throw failure("half a surrogate pair") }
        code = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF)
      }
      guard let scalar = Unicode.Scalar(code) else { throw failure("no Unicode character") }
      text.append(contentsOf: String(scalar).utf8)
    default: throw failure("an unknown escape")
    }
  }

  private mutating func hexadecimal() throws(AlulaError) -> UInt32 {
    guard bytes.count - position >= 4 else { throw failure("a string does not end") }
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(bytes[position])).hexDigitValue else {
        throw failure("no hexadecimal digit")
      }
      code = code << 4 | UInt32(digit)
      position += 1
    }
    return code
  }
}
