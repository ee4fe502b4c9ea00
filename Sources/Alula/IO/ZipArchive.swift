/// The part of the ZIP format that `.npz` files use: members stored or deflated, with sizes of 64 bits if need be.
enum ZipArchive {
  struct Member {
    let name: String
    let method: Int
    let checksum: UInt32
    let compressedSize: Int
    let size: Int
    let headerOffset: Int
  }

  private static let endSize = 22
  private static let end64Size = 56
  private static let locator64Size = 20
  private static let entrySize = 46
  private static let localSize = 30

  // MARK: - Reading

  /// The members, in the order of the directory at the end.
  static func members(_ source: ByteSource) throws(AlulaError) -> [Member] {
    let directory = try directory(source)
    var members: [Member] = []
    var names: Set<[UInt8]> = []
    var position = directory.offset
    for _ in 0..<directory.count {
      let entry = try source.bytes(at: position, count: entrySize)
      guard number(entry, 0, 4) == 0x0201_4B50 else { throw .io("\(source.name): the directory is damaged") }
      let nameBytes = try source.bytes(at: position + entrySize, count: number(entry, 28, 2))
      let extra = try source.bytes(at: position + entrySize + nameBytes.count, count: number(entry, 30, 2))
      position += entrySize + nameBytes.count + extra.count + number(entry, 32, 2)
      guard let name = String(validating: nameBytes, as: UTF8.self), names.insert(nameBytes).inserted else {
        throw .io("\(source.name): a member's name is not UTF-8, or occurs twice")
      }
      guard number(entry, 8, 2) & 1 == 0 else { throw .unsupported("\(source.name): '\(name)' is encrypted") }
      // Sizes and place, taken from the extra field where they are all ones.
      var large = try largeFields(extra, source.name)
      var fields = [number(entry, 24, 4), number(entry, 20, 4), number(entry, 42, 4)]
      for i in fields.indices where fields[i] == 0xFFFF_FFFF {
        guard let value = large.popLast() else { throw .io("\(source.name): '\(name)' lacks its 64-bit size") }
        fields[i] = value
      }
      members.append(
        Member(
          name: name, method: number(entry, 10, 2), checksum: UInt32(truncatingIfNeeded: number(entry, 16, 4)),
          compressedSize: fields[1], size: fields[0], headerOffset: fields[2]))
    }
    // Members that share their bytes would make a small file fill the memory.
    let total = members.reduce(0) { min($0, source.count + 1) + min($1.compressedSize, source.count + 1) }
    guard total <= source.count else { throw .io("\(source.name): the members overlap") }
    return members
  }

  /// A member's bytes, decompressed and with their checksum verified.
  static func contents(of member: Member, _ source: ByteSource) throws(AlulaError) -> ByteSource {
    let name = "\(source.name): '\(member.name)'"
    let header = try source.bytes(at: member.headerOffset, count: localSize)
    guard number(header, 0, 4) == 0x0403_4B50 else { throw .io("\(name) is damaged") }
    let start = member.headerOffset + localSize + number(header, 26, 2) + number(header, 28, 2)
    let contents: ByteSource
    switch member.method {
    case 0:
      guard member.size == member.compressedSize else { throw .io("\(name) has two sizes") }
      contents = try ByteSource(source, from: start, count: member.size, name: name)
    case 8:
      let stored = try source.tensor(at: start, shape: [member.compressedSize], dtype: .uint8)
      contents = ByteSource(try Inflate.decompress(stored, count: member.size, source: name), name: name)
    default: throw .unsupported("\(name) uses compression method \(member.method)")
    }
    guard try checksum(contents) == member.checksum else { throw .io("\(name) does not match its checksum") }
    return contents
  }

  private static func checksum(_ source: ByteSource) throws(AlulaError) -> UInt32 {
    var crc = CRC32()
    var position = 0
    while position < source.count {
      let part = try source.bytes(at: position, count: min(1 << 20, source.count - position))
      part.withUnsafeBytes { crc.add($0) }
      position += part.count
    }
    return crc.value
  }

  private static func directory(_ source: ByteSource) throws(AlulaError) -> (offset: Int, count: Int) {
    // At the very end, but for a comment of up to 64 KiB.
    let length = min(source.count, endSize + 0xFFFF)
    let tail = try source.bytes(at: source.count - length, count: length)
    var start = length - endSize
    while start >= 0, number(tail, start, 4) != 0x0605_4B50 || start + endSize + number(tail, start + 20, 2) != length {
      start -= 1
    }
    guard start >= 0 else { throw .io("\(source.name): is not a zip archive") }
    let (count, offset) = (number(tail, start + 10, 2), number(tail, start + 16, 4))
    guard count == 0xFFFF || offset == 0xFFFF_FFFF else { return (offset, count) }
    let locator = try source.bytes(at: source.count - length + start - locator64Size, count: locator64Size)
    guard number(locator, 0, 4) == 0x0706_4B50 else { return (offset, count) }
    let end = try source.bytes(at: number(locator, 8, 8), count: end64Size)
    guard number(end, 0, 4) == 0x0606_4B50 else { throw .io("\(source.name): the directory is damaged") }
    return (number(end, 48, 8), number(end, 32, 8))
  }

  /// The 64-bit numbers of the extra field of kind 1, the last one first.
  private static func largeFields(_ extra: [UInt8], _ source: String) throws(AlulaError) -> [Int] {
    var position = 0
    while position + 4 <= extra.count {
      let size = number(extra, position + 2, 2)
      guard size <= extra.count - position - 4 else { throw .io("\(source): the directory is damaged") }
      if number(extra, position, 2) == 1 {
        return stride(from: position + 4, through: position + size - 4, by: 8).map { number(extra, $0, 8) }.reversed()
      }
      position += 4 + size
    }
    return []
  }

  /// A little-endian number; one that no Int holds becomes a size that no file has.
  private static func number(_ bytes: [UInt8], _ offset: Int, _ count: Int) -> Int {
    guard offset >= 0, count <= bytes.count - offset else { return Int(Int32.max) << 24 }
    let value = (0..<count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64(bytes[offset + $1]) }
    return value >> 56 == 0 ? Int(value) : Int(Int32.max) << 24
  }

  // MARK: - Writing

  /// What the directory says of a member that was written.
  struct WrittenMember {
    let name: [UInt8]
    let checksum: UInt32
    let size: Int
    let headerOffset: Int
  }

  /// What stands in front of a stored member of `size` bytes.
  static func localHeader(_ name: [UInt8], checksum: UInt32, size: Int) -> [UInt8] {
    let isLarge = size >= 0xFFFF_FFFF
    var record = Record(signature: 0x0403_4B50)
    record.add(isLarge ? 45 : 20, 2)
    record.add(flags, 2)
    record.add(0, 2)
    record.add(timestamp, 4)
    record.add(Int(checksum), 4)
    record.add(min(size, 0xFFFF_FFFF), 4)
    record.add(min(size, 0xFFFF_FFFF), 4)
    record.add(name.count, 2)
    record.add(isLarge ? 20 : 0, 2)
    record.bytes += name
    if isLarge {
      record.add(1, 2)
      record.add(16, 2)
      record.add(size, 8)
      record.add(size, 8)
    }
    return record.bytes
  }

  /// The directory and the archive's end, for a file that has `offset` bytes so far.
  static func directory(_ members: [WrittenMember], at offset: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    for member in members { bytes += directoryEntry(member) }
    let size = bytes.count
    if members.count >= 0xFFFF || offset >= 0xFFFF_FFFF || size >= 0xFFFF_FFFF {
      var end = Record(signature: 0x0606_4B50)
      end.add(end64Size - 12, 8)
      end.add(45, 2)
      end.add(45, 2)
      end.add(0, 8)
      for value in [members.count, members.count, size, offset] { end.add(value, 8) }
      var locator = Record(signature: 0x0706_4B50)
      locator.add(0, 4)
      locator.add(offset + size, 8)
      locator.add(1, 4)
      bytes += end.bytes + locator.bytes
    }
    var end = Record(signature: 0x0605_4B50)
    end.add(0, 4)
    end.add(min(members.count, 0xFFFF), 2)
    end.add(min(members.count, 0xFFFF), 2)
    end.add(min(size, 0xFFFF_FFFF), 4)
    end.add(min(offset, 0xFFFF_FFFF), 4)
    end.add(0, 2)
    return bytes + end.bytes
  }

  private static func directoryEntry(_ member: WrittenMember) -> [UInt8] {
    var large: [Int] = []
    if member.size >= 0xFFFF_FFFF { large += [member.size, member.size] }
    if member.headerOffset >= 0xFFFF_FFFF { large.append(member.headerOffset) }
    var record = Record(signature: 0x0201_4B50)
    record.add(large.isEmpty ? 20 : 45, 2)
    record.add(large.isEmpty ? 20 : 45, 2)
    record.add(flags, 2)
    record.add(0, 2)
    record.add(timestamp, 4)
    record.add(Int(member.checksum), 4)
    record.add(min(member.size, 0xFFFF_FFFF), 4)
    record.add(min(member.size, 0xFFFF_FFFF), 4)
    record.add(member.name.count, 2)
    record.add(large.isEmpty ? 0 : 4 + 8 * large.count, 2)
    // No comment, first disk, no attributes.
    record.add(0, 8)
    record.add(0, 2)
    record.add(min(member.headerOffset, 0xFFFF_FFFF), 4)
    record.bytes += member.name
    if !large.isEmpty {
      record.add(1, 2)
      record.add(8 * large.count, 2)
      for value in large { record.add(value, 8) }
    }
    return record.bytes
  }

  /// Names are UTF-8.
  private static let flags = 0x0800
  /// 1 January 1980, the format's zero, so that equal contents make equal files.
  private static let timestamp = 0x21 << 16

  private struct Record {
    var bytes: [UInt8] = []

    init(signature: Int) { add(signature, 4) }

    mutating func add(_ value: Int, _ byteCount: Int) {
      for k in 0..<byteCount { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * k))) }
    }
  }
}

/// The checksum of ZIP (ISO 3309), eight bytes at a time.
struct CRC32 {
  private static let tables: [[UInt32]] = {
    var tables = Array(repeating: [UInt32](repeating: 0, count: 256), count: 8)
    for i in 0..<256 {
      var c = UInt32(i)
      for _ in 0..<8 { c = c & 1 == 1 ? 0xEDB8_8320 ^ (c >> 1) : c >> 1 }
      tables[0][i] = c
    }
    for k in 1..<8 {
      for i in 0..<256 {
        let c = tables[k - 1][i]
        tables[k][i] = tables[0][Int(c & 0xFF)] ^ (c >> 8)
      }
    }
    return tables
  }()

  private var state: UInt32 = .max

  var value: UInt32 { ~state }

  mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let tables = Self.tables
    var i = 0
    while i + 8 <= bytes.count {
      let low = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: i, as: UInt32.self)) ^ state
      let high = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: i + 4, as: UInt32.self))
      var sum: UInt32 = 0
      for k in 0..<4 {
        let shift = UInt32(8 * k)
        sum ^= tables[7 - k][Int((low >> shift) & 0xFF)]
        sum ^= tables[3 - k][Int((high >> shift) & 0xFF)]
      }
      state = sum
      i += 8
    }
    while i < bytes.count {
      state = tables[0][Int((state ^ UInt32(bytes[i])) & 0xFF)] ^ (state >> 8)
      i += 1
    }
  }
}
