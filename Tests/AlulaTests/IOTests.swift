import Alula
import Glibc
import Testing

/// The bytes that base 64 stands for.
private func decoded(_ text: String) -> [UInt8] {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var (result, bits, count): ([UInt8], UInt32, UInt32) = ([], 0, 0)
  for byte in text.utf8 {
    guard let value = alphabet.firstIndex(of: byte) else { break }
    bits = bits << 6 | UInt32(value)
    count += 6
    if count >= 8 {
      count -= 8
      result.append(UInt8(truncatingIfNeeded: bits >> count))
    }
  }
  return result
}

/// A directory that is gone after the test.
private func withDirectory(_ body: (String) throws -> Void) throws {
  var template = Array("/tmp/alula-io-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw AlulaError.io("mkdtemp") }
  let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer {
    for name in entries(path) { unlink("\(path)/\(name)") }
    rmdir(path)
  }
  try body(path)
}

private func entries(_ path: String) -> [String] {
  guard let directory = opendir(path) else { return [] }
  defer { closedir(directory) }
  var result: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafePointer(to: &entry.pointee.d_name) {
      $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
    }
    if name != ".", name != ".." { result.append(name) }
  }
  return result.sorted()
}

/// The elements' bytes in row-major order.
private func bytes(_ tensor: Tensor) throws -> [UInt8] {
  var result = [UInt8](repeating: 0, count: tensor.count * tensor.dtype.itemSize)
  try result.withUnsafeMutableBytes { buffer in
    if let base = buffer.baseAddress { try tensor.copyElements(to: base) }
  }
  return result
}

private func tensor(_ bytes: [UInt8], _ shape: [Int], _ dtype: DType) throws -> Tensor {
  // One byte more, so that there is an address also for none.
  try (bytes + [0]).withUnsafeBytes { buffer in
    let base = try #require(buffer.baseAddress)
    return try Tensor(copying: base, shape: Dims(shape), dtype: dtype)
  }
}

/// A tensor of every dtype, shapes of all kinds among them.
private func samples() throws -> [(name: String, tensor: Tensor)] {
  var result: [(name: String, tensor: Tensor)] = []
  for (i, dtype) in DType.allCases.enumerated() {
    let shape = [[2, 3], [], [0, 4], [5]][i % 4]
    let count = shape.reduce(1, *) * dtype.itemSize
    let content = (0..<count).map { dtype == .bool ? UInt8($0 & 1) : UInt8(truncatingIfNeeded: $0 * 37 + i) }
    result.append(("weights.\(dtype)", try tensor(content, shape, dtype)))
  }
  return result
}

@Suite struct SafeTensorsTests {
  private func load(_ bytes: [UInt8]) throws -> SafeTensors.Contents {
    try bytes.withUnsafeBytes { try SafeTensors.load(bytes: $0) }
  }

  private func file(_ header: String, _ data: [UInt8] = []) -> [UInt8] {
    let text = Array(header.utf8)
    return (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) } + text + data
  }

  @Test func whatIsWrittenIsRead() throws {
    try withDirectory { directory in
      let path = "\(directory)/model.safetensors"
      let tensors =
        try samples().filter { $0.tensor.dtype != .complex128 } + [("ключ \"a\"\n", try Tensor([1, 2], shape: [2]))]
      let metadata = [(name: "format", value: "alula"), (name: "é\u{1F600}", value: "\\ \u{1} \"")]
      try SafeTensors.save(tensors, metadata: metadata, path: path)
      let contents = try SafeTensors.load(path: path)
      #expect(contents.tensors.map(\.name) == tensors.map(\.name))
      for (a, b) in zip(contents.tensors, tensors) {
        #expect(a.tensor.dtype == b.tensor.dtype && a.tensor.shape == b.tensor.shape)
        #expect(try bytes(a.tensor) == bytes(b.tensor))
      }
      #expect(contents.metadata.map(\.name) == metadata.map(\.name))
      #expect(contents.metadata.map(\.value) == metadata.map(\.value))
      #expect(entries(directory) == ["model.safetensors"])
    }
  }

  @Test func filesOfThePackageAreRead() throws {
    let contents = try load(decoded(IOFixtures.safetensors))
    let byName = Dictionary(uniqueKeysWithValues: contents.tensors.map { ($0.name, $0.tensor) })
    let a = try #require(byName["a"])
    #expect(a.dtype == .float32 && a.shape == [2, 3])
    #expect(try a.values(as: Float.self) == [0, 1, 2, 3, 4, 5])
    #expect(try byName["b"]?.values(as: Bool.self) == [true, false])
    #expect(byName["h"]?.dtype == .float16 && byName["h"]?.shape == [2, 3])
    #expect(try byName["scalar"]?.values(as: Int.self) == [7] && byName["scalar"]?.shape == [])
    #expect(byName["empty"]?.shape == [0, 3])
    let metadata = Dictionary(uniqueKeysWithValues: contents.metadata.map { ($0.name, $0.value) })
    #expect(metadata == ["format": "np", "note": "a \"quoted\"\n\u{e9}"])
  }

  @Test(arguments: [
    "", "{", "[]", "{} x", "{\"a\"}", "{\"a\":1}", "{\"a\":{}}", "{\"__metadata__\":[]}",
    "{\"__metadata__\":{\"a\":1}}",
    "{\"a\":{\"dtype\":\"F99\",\"shape\":[],\"data_offsets\":[0,4]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,3]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[9223372036854775807],\"data_offsets\":[0,9223372036854775807]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}}",
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[1,4]}}",
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}",
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[1,4]}}",
    "{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}",
    "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
    "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
    "{\"\\ud800\":1}", "{\"\\x\":1}", "{\"\u{1}\":1}", "{\"a\":01}", "{\"a\":-}", "{\"a\":1e}", "{\"a\":tru}",
    "{\"a\":1,}",
  ]) func malformedFilesAreErrors(header: String) {
    #expect(throws: AlulaError.self) { try load(file(header, [0, 0, 0, 0])) }
  }

  @Test func hostileSizesAndDepthsAreErrors() {
    for length: UInt64 in [0, 3, 100, 1 << 40, .max, 1 << 63] {
      let head = (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
      #expect(throws: AlulaError.self) { try load(head + Array("{}".utf8)) }
    }
    for n in 0..<8 { #expect(throws: AlulaError.self) { try load(Array(repeating: 0, count: n)) } }
    let deep = String(repeating: "[", count: 1_000_000)
    #expect(throws: AlulaError.self) { try load(file("{\"a\":" + deep)) }
    let shape = Array(repeating: "1", count: 65).joined(separator: ",")
    #expect(throws: AlulaError.self) {
      try load(file("{\"a\":{\"dtype\":\"U8\",\"shape\":[\(shape)],\"data_offsets\":[0,1]}}", [0]))
    }
  }

  /// Every file that differs from a good one in a byte, or ends early, is read or refused; nothing else.
  @Test func damagedFilesDoNotTrap() throws {
    let good = decoded(IOFixtures.safetensors)
    for n in 0..<good.count { #expect(throws: AlulaError.self) { try load(Array(good[0..<n])) } }
    for i in good.indices {
      for bit in 0..<8 {
        var bad = good
        bad[i] ^= 1 << UInt8(bit)
        _ = try? load(bad)
      }
    }
  }

  @Test func onlyTrueAndFalseComeIntoMemory() throws {
    let header = "{\"a\":{\"dtype\":\"BOOL\",\"shape\":[4],\"data_offsets\":[0,4]}}"
    #expect(try bytes(load(file(header, [0, 1, 2, 255])).tensors[0].tensor) == [0, 1, 1, 1])
  }

  @Test func badNamesAreRefusedAndNothingIsWritten() throws {
    try withDirectory { directory in
      let path = "\(directory)/x"
      let one = try Tensor([1], shape: [1])
      #expect(throws: AlulaError.self) { try SafeTensors.save([("a", one), ("a", one)], path: path) }
      #expect(throws: AlulaError.self) { try SafeTensors.save([("__metadata__", one)], path: path) }
      let wide = try tensor(Array(repeating: 0, count: 16), [], .complex128)
      #expect(throws: AlulaError.self) { try SafeTensors.save([("a", wide)], path: path) }
      #expect(throws: AlulaError.self) { try SafeTensors.save([("a", one)], path: "\(directory)/no/such/x") }
      #expect(throws: AlulaError.self) { try SafeTensors.save([("a", one)], path: directory) }
      #expect(throws: AlulaError.self) { try SafeTensors.save([("a", one)], path: "") }
      #expect(throws: AlulaError.self) { try SafeTensors.load(path: path) }
      #expect(throws: AlulaError.self) { try SafeTensors.load(path: directory) }
      #expect(throws: AlulaError.self) { try SafeTensors.load(path: "/dev/zero") }
      #expect(entries(directory).isEmpty)
    }
  }

  @Test func aFileIsReplacedWithItsModeAndThroughItsLink() throws {
    try withDirectory { directory in
      let one = try Tensor([1], shape: [1])
      try SafeTensors.save([("a", one)], path: "\(directory)/real")
      chmod("\(directory)/real", 0o640)
      symlink("real", "\(directory)/link")
      try SafeTensors.save([("b", one)], path: "\(directory)/link")
      #expect(try SafeTensors.load(path: "\(directory)/real").tensors.map(\.name) == ["b"])
      var status = stat()
      stat("\(directory)/real", &status)
      #expect(status.st_mode & 0o777 == 0o640)
      #expect(entries(directory) == ["link", "real"])
    }
  }
}

@Suite struct NPYTests {
  private func load(_ bytes: [UInt8]) throws -> Tensor { try bytes.withUnsafeBytes { try NPY.load(bytes: $0) } }
  private func loadArchive(_ bytes: [UInt8]) throws -> [(name: String, tensor: Tensor)] {
    try bytes.withUnsafeBytes { try NPZ.load(bytes: $0) }
  }

  @Test func filesOfNumPyAreRead() throws {
    let a = try load(decoded(IOFixtures.npyFloat32))
    #expect(a.dtype == .float32 && a.shape == [2, 3])
    #expect(try a.values(as: Float.self) == [0, 1, 2, 3, 4, 5])
    let b = try load(decoded(IOFixtures.npyVersion2BigEndian))
    #expect(b.dtype == .float64 && b.shape == [2, 3])
    #expect(try b.values(as: Double.self) == [0, 1, 2, 3, 4, 5])
    let c = try load(decoded(IOFixtures.npyComplex))
    #expect(c.dtype == .complex128 && c.shape == [2])
    #expect(try bytes(c) == [1.0, 2, 3, -4].flatMap { (x: Double) in withUnsafeBytes(of: x) { Array($0) } })
  }

  @Test func fortranOrderIsTurned() throws {
    let a = try load(decoded(IOFixtures.npyFortran))
    #expect(a.dtype == .int16 && a.shape == [2, 3])
    #expect(try bytes(a) == [0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0])
  }

  @Test func archivesOfNumPyAreRead() throws {
    let stored = try loadArchive(decoded(IOFixtures.npzStored))
    #expect(stored.map(\.name) == ["a", "b"])
    #expect(try stored[0].tensor.values(as: Float.self) == [0, 1, 2, 3, 4, 5])
    #expect(try stored[1].tensor.values(as: Bool.self) == [true] && stored[1].tensor.shape == [])
    let deflated = try loadArchive(decoded(IOFixtures.npzDeflated))
    #expect(try deflated[0].tensor.values(as: Int.self) == (0..<1024).map { $0 % 16 })
    // numpy.random.default_rng(1).integers(0, 255, 300) as uint8.
    let noise = try bytes(deflated[1].tensor)
    #expect(noise.count == 300 && noise[0..<4] == [120, 130, 192, 242] && noise.reduce(0) { $0 + Int($1) } == 39163)
  }

  @Test func whatIsWrittenIsRead() throws {
    try withDirectory { directory in
      let tensors = try samples().filter { $0.tensor.dtype != .bfloat16 }
      for (_, tensor) in tensors {
        try NPY.save(tensor, path: "\(directory)/x.npy")
        let read = try NPY.load(path: "\(directory)/x.npy")
        #expect(read.dtype == tensor.dtype && read.shape == tensor.shape)
        #expect(try bytes(read) == bytes(tensor))
      }
      try NPZ.save(tensors, path: "\(directory)/x.npz")
      let read = try NPZ.load(path: "\(directory)/x.npz")
      #expect(read.map(\.name) == tensors.map(\.name))
      for (a, b) in zip(read, tensors) { #expect(try bytes(a.tensor) == bytes(b.tensor)) }
      let half = try tensor([0, 0], [], .bfloat16)
      #expect(throws: AlulaError.self) { try NPY.save(half, path: "\(directory)/y.npy") }
      #expect(throws: AlulaError.self) { try NPZ.save([("a", half), ("a", half)], path: "\(directory)/y.npz") }
      #expect(entries(directory) == ["x.npy", "x.npz"])
    }
  }

  @Test(arguments: [
    "", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x",
    "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<U3', 'fortran_order': False, 'shape': (), }", "{'descr': '', 'fortran_order': False, 'shape': (2,), }",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2", "{'descr': '<f4", "{'extra': '<f4'}",
  ]) func malformedFilesAreErrors(header: String) {
    let text = Array(header.utf8)
    let head = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.count), 0]
    #expect(throws: AlulaError.self) { try load(head + text + Array(repeating: 0, count: 8)) }
  }

  @Test func damagedFilesDoNotTrap() throws {
    for text in [IOFixtures.npyFortran, IOFixtures.npyVersion2BigEndian] {
      let good = decoded(text)
      for n in 0..<good.count { #expect(throws: AlulaError.self) { try load(Array(good[0..<n])) } }
      for i in good.indices {
        for bit in 0..<8 {
          var bad = good
          bad[i] ^= 1 << UInt8(bit)
          _ = try? load(bad)
        }
      }
    }
    for text in [IOFixtures.npzStored, IOFixtures.npzDeflated] {
      let good = decoded(text)
      for n in 0..<good.count { #expect(throws: AlulaError.self) { try loadArchive(Array(good[0..<n])) } }
      for i in good.indices {
        for bit in 0..<8 {
          var bad = good
          bad[i] ^= 1 << UInt8(bit)
          _ = try? loadArchive(bad)
        }
      }
    }
  }
}
