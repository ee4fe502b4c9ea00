/// Decompression of the DEFLATE format (RFC 1951), for archives made with `numpy.savez_compressed`.
struct Inflate {
  private let input: UnsafeBufferPointer<UInt8>
  private let source: String
  private var position = 0
  /// Bits already taken from the input, lowest first.
  private var bits: UInt64 = 0
  private var bitCount = 0
  private let output: UnsafeMutableBufferPointer<UInt8>
  private var outputCount = 0
  private var expected: Int { output.count }

  /// The `count` bytes that the bytes of `input` stand for.
  static func decompress(_ input: Tensor, count: Int, source: String) throws(AlulaError) -> Tensor {
    // No stream holds more than 258 bytes in two bits; a forged count must not cost memory.
    guard count >= 0, count / 1040 <= input.count else {
      throw .io("\(source): \(input.count) bytes cannot hold \(count)")
    }
    let output = try Tensor(uninitialized: [count], dtype: .uint8, operation: source)
    var inflate = Inflate(input, output, source)
    try inflate.run()
    return output
  }

  private init(_ input: Tensor, _ output: Tensor, _ source: String) {
    self.input = UnsafeBufferPointer(start: input.data.assumingMemoryBound(to: UInt8.self), count: input.count)
    self.output = UnsafeMutableBufferPointer(
      start: output.data.assumingMemoryBound(to: UInt8.self), count: output.count)
    self.source = source
  }

  private mutating func append(_ byte: UInt8) {
    output[outputCount] = byte
    outputCount += 1
  }

  private func failure(_ what: String) -> AlulaError { .io("\(source): compressed data: \(what)") }

  private mutating func run() throws(AlulaError) {
    var isLast = false
    while !isLast {
      isLast = try take(1) == 1
      switch try take(2) {
      case 0: try stored()
      case 1: try compressed(Self.fixedLengths, Self.fixedDistances)
      case 2:
        let (lengths, distances) = try dynamicCodes()
        try compressed(lengths, distances)
      default: throw failure("unknown kind of block")
      }
    }
    guard outputCount == expected else { throw failure("\(outputCount) bytes instead of \(expected)") }
  }

  // MARK: - Bits

  /// The next `count` bits, at most 16.
  private mutating func take(_ count: Int) throws(AlulaError) -> Int {
    refill()
    guard bitCount >= count else { throw failure("it ends early") }
    let value = Int(bits & (1 << UInt64(count) - 1))
    bits >>= UInt64(count)
    bitCount -= count
    return value
  }

  private mutating func refill() {
    while bitCount <= 48, position < input.count {
      bits |= UInt64(input[position]) << UInt64(bitCount)
      position += 1
      bitCount += 8
    }
  }

  // MARK: - Blocks

  private mutating func stored() throws(AlulaError) {
    _ = try take(bitCount % 8)
    let length = try take(16)
    guard try take(16) == ~length & 0xFFFF else { throw failure("a stored block's length is wrong") }
    guard length <= expected - outputCount else { throw failure("more than \(expected) bytes") }
    for _ in 0..<length { append(UInt8(try take(8))) }
  }

  private mutating func compressed(_ lengths: HuffmanCode, _ distances: HuffmanCode) throws(AlulaError) {
    while true {
      let symbol = try next(lengths)
      if symbol < 256 {
        guard outputCount < expected else { throw failure("more than \(expected) bytes") }
        append(UInt8(symbol))
      } else if symbol == 256 {
        return
      } else {
        guard symbol <= 285 else { throw failure("unknown length") }
        let length = Self.lengthBases[symbol - 257] + (try take(Self.lengthBits[symbol - 257]))
        let code = try next(distances)
        guard code <= 29 else { throw failure("unknown distance") }
        let distance = Self.distanceBases[code] + (try take(Self.distanceBits[code]))
        guard distance <= outputCount else { throw failure("a distance beyond the start") }
        guard length <= expected - outputCount else { throw failure("more than \(expected) bytes") }
        for _ in 0..<length { append(output[outputCount - distance]) }
      }
    }
  }

  private mutating func next(_ code: HuffmanCode) throws(AlulaError) -> Int {
    refill()
    guard let (symbol, length) = code.symbol(bits), length <= bitCount else {
      throw failure("an unknown code, or it ends early")
    }
    bits >>= UInt64(length)
    bitCount -= length
    return symbol
  }

  private mutating func dynamicCodes() throws(AlulaError) -> (HuffmanCode, HuffmanCode) {
    let lengthCount = try take(5) + 257
    let distanceCount = try take(5) + 1
    let codeCount = try take(4) + 4
    var codeLengths = Array(repeating: 0, count: 19)
    for i in 0..<codeCount { codeLengths[Self.codeOrder[i]] = try take(3) }
    guard let codes = HuffmanCode(codeLengths) else { throw failure("codes that do not fit together") }
    var lengths: [Int] = []
    while lengths.count < lengthCount + distanceCount {
      let symbol = try next(codes)
      switch symbol {
      case 0...15: lengths.append(symbol)
      case 16:
        guard let last = lengths.last else { throw failure("a repetition of nothing") }
        lengths += Array(repeating: last, count: 3 + (try take(2)))
      case 17: lengths += Array(repeating: 0, count: 3 + (try take(3)))
      default: lengths += Array(repeating: 0, count: 11 + (try take(7)))
      }
    }
    guard lengths.count == lengthCount + distanceCount,
      let first = HuffmanCode(Array(lengths[0..<lengthCount])),
      let second = HuffmanCode(Array(lengths[lengthCount...]))
    else { throw failure("codes that do not fit together") }
    return (first, second)
  }

  private static let codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
  private static let lengthBases = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
  ]
  private static let lengthBits = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
  ]
  private static let distanceBases = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
    8193, 12289, 16385, 24577,
  ]
  private static let distanceBits = [
    0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
  ]
  private static let fixedLengths =
    HuffmanCode(
      Array(repeating: 8, count: 144) + Array(repeating: 9, count: 112) + Array(repeating: 7, count: 24)
        + Array(repeating: 8, count: 8)) ?? .empty
  private static let fixedDistances = HuffmanCode(Array(repeating: 5, count: 30)) ?? .empty
}

/// A prefix code, as a table from the next 15 bits of input to a symbol and its code's length.
private struct HuffmanCode: Sendable {
  private static let maximumLength = 15
  static let empty = HuffmanCode()

  /// Symbol · 16 + length; 0 where no code leads.
  private var table: [UInt16]
  /// The bits that tell codes apart.
  private var width: Int

  private init() {
    table = [0]
    width = 0
  }

  /// The canonical code with a length per symbol (0 for symbols that do not occur), or nil when there is none. Codes that
  /// leave input unassigned are accepted: a single distance code does, and a stream that uses the rest is refused.
  init?(_ lengths: [Int]) {
    let width = min(max(lengths.max() ?? 0, 0), Self.maximumLength)
    var counts = Array(repeating: 0, count: Self.maximumLength + 1)
    for length in lengths {
      guard length >= 0, length <= Self.maximumLength else { return nil }
      counts[length] += 1
    }
    counts[0] = 0
    var next = Array(repeating: 0, count: Self.maximumLength + 2)
    var code = 0
    for length in 1...Self.maximumLength {
      code = (code + counts[length - 1]) << 1
      guard code + counts[length] <= 1 << length else { return nil }
      next[length] = code
    }
    var table = Array(repeating: UInt16(0), count: 1 << width)
    for (symbol, length) in lengths.enumerated() where length > 0 {
      // Codes come with their highest bit first, the table is indexed by the lowest.
      var reversed = 0
      for bit in 0..<length where next[length] >> bit & 1 == 1 { reversed |= 1 << (length - 1 - bit) }
      next[length] += 1
      for index in stride(from: reversed, to: table.count, by: 1 << length) {
        table[index] = UInt16(symbol << 4 | length)
      }
    }
    self.table = table
    self.width = width
  }

  func symbol(_ bits: UInt64) -> (symbol: Int, length: Int)? {
    let entry = Int(table[Int(bits & UInt64(table.count - 1))])
    return entry == 0 ? nil : (entry >> 4, entry & 15)
  }
}
