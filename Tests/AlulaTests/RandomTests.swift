import Alula
import Glibc
import Testing

/// Philox 4x32-10, one counter at a time, as published.
private func philox(_ counter: [UInt32], _ key: [UInt32]) -> [UInt32] {
  var (c, k) = (counter, key)
  for _ in 0..<10 {
    let p0 = UInt64(c[0]) * 0xD251_1F53
    let p1 = UInt64(c[2]) * 0xCD9E_8D57
    c = [
      UInt32(p1 >> 32) ^ c[1] ^ k[0], UInt32(truncatingIfNeeded: p1), UInt32(p0 >> 32) ^ c[3] ^ k[1],
      UInt32(truncatingIfNeeded: p0),
    ]
    k = [k[0] &+ 0x9E37_79B9, k[1] &+ 0xBB67_AE85]
  }
  return c
}

@Suite struct PhiloxTests {
  /// The known answers that Random123 publishes.
  @Test func referenceHasThePublishedVectors() {
    #expect(philox([0, 0, 0, 0], [0, 0]) == [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8])
    #expect(
      philox([.max, .max, .max, .max], [.max, .max]) == [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD])
    #expect(
      philox([0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344], [0xA409_3822, 0x299F_31D0])
        == [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1])
  }

  @Test(arguments: [0, 1, 0x1234_5678_9ABC_DEF0, UInt64.max]) func kernelAgreesWithTheReference(seed: UInt64) throws {
    let generator = Generator(seed: seed)
    for start: UInt64 in [0, 1, 0x2000_0000, 0x1FFF_FFFF_FFFF_FFFF] {
      try generator.setState(state(seed: seed, group: start))
      // Uniform numbers of 24 bits show the upper bits of each word.
      let drawn = try Tensor.randomUniform(shape: [96], generator: generator).values(as: Float.self)
      for g in 0..<3 {
        let group = start &+ UInt64(g)
        for lane in 0..<8 {
          let first = group << 3 | UInt64(lane)
          let words = philox(
            [UInt32(truncatingIfNeeded: first), UInt32(first >> 32), UInt32(group >> 61), 0],
            [UInt32(truncatingIfNeeded: seed), UInt32(seed >> 32)])
          let expected = words.map { Float($0 >> 8) * 0x1p-24 }
          let (low, high) = (g * 32 + lane * 2, g * 32 + 16 + lane * 2)
          #expect([drawn[low], drawn[low + 1], drawn[high], drawn[high + 1]] == expected)
        }
      }
    }
  }

  @Test func stateGoesOnWhereItWasRead() throws {
    let generator = Generator(seed: 7)
    _ = try Tensor.randomNormal(shape: [100], generator: generator)
    let state = generator.state
    #expect(state.count == Generator.stateByteCount)
    let a = try Tensor.randomNormal(shape: [1000], generator: generator).values(as: Float.self)
    let other = Generator()
    try other.setState(state)
    #expect(other.seed == 7)
    #expect(try Tensor.randomNormal(shape: [1000], generator: other).values(as: Float.self) == a)
    generator.setSeed(7)
    _ = try Tensor.randomNormal(shape: [100], generator: generator)
    #expect(try Tensor.randomNormal(shape: [1000], generator: generator).values(as: Float.self) == a)
  }

  @Test func foreignStatesAreRefused() {
    for bytes in [[], Array(repeating: UInt8(0), count: 24), Array(Generator().state.dropLast())] {
      #expect(throws: AlulaError.self) { try Generator().setState(bytes) }
    }
  }

  private func state(seed: UInt64, group: UInt64) -> [UInt8] {
    Array(Generator().state[0..<8])
      + [seed, group].flatMap { x in (0..<8).map { UInt8(truncatingIfNeeded: x >> ($0 * 8)) } }
  }
}

@Suite struct RandomTests {
  private func moments(_ x: [Double]) -> (mean: Double, variance: Double, skew: Double, kurtosis: Double) {
    let n = Double(x.count)
    let mean = x.reduce(0, +) / n
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / n
    let third = x.reduce(0) { $0 + pow($1 - mean, 3) } / n
    let fourth = x.reduce(0) { $0 + pow($1 - mean, 4) } / n
    return (mean, variance, third / pow(variance, 1.5), fourth / (variance * variance))
  }

  /// Pearson's statistic, standardised: about normal for many cells.
  private func chiSquare(_ counts: [Int], _ expected: [Double]) -> Double {
    let sum = zip(counts, expected).reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) / $1.1 }
    let freedom = Double(counts.count - 1)
    return (sum - freedom) / (2 * freedom).squareRoot()
  }

  // Bounds below are five standard errors, or what the format's rounding adds.

  @Test(arguments: [DType.float16, .bfloat16, .float32, .float64]) func uniformIsUniform(dtype: DType) throws {
    let n = 1_000_000
    let x = try Tensor.randomUniform(shape: [n], dtype: dtype, generator: Generator(seed: 1)).values(as: Double.self)
    #expect(x.allSatisfy { $0 >= 0 && $0 < 1 })
    let m = moments(x)
    // bfloat16 has 8 random bits: its mean is half a step of 2⁻⁸ low.
    let step: [DType: Double] = [.float16: 0x1p-11, .bfloat16: 0x1p-8]
    #expect(abs(m.mean + (step[dtype] ?? 0) / 2 - 0.5) < 5 * (1.0 / 12 / Double(n)).squareRoot())
    #expect(abs(m.variance - 1.0 / 12) < 5 * (1.0 / 180 / Double(n)).squareRoot() + 0x1p-15)
    var counts = Array(repeating: 0, count: 128)
    for value in x { counts[Int(value * 128)] += 1 }
    #expect(abs(chiSquare(counts, Array(repeating: Double(n) / 128, count: 128))) < 5)
  }

  @Test func uniformStaysBelowItsHighEnd() throws {
    let x = try Tensor.randomUniform(shape: [3_000_000], low: 1, high: 1.0000001, generator: Generator(seed: 2))
    #expect(try x.values(as: Float.self).allSatisfy { $0 >= 1 && $0 < Float(1.0000001) })
    for dtype in [DType.float16, .bfloat16, .float32, .float64] {
      for (low, high) in [(1.0, 3.0), (-3, -1), (-1, 0)] {
        let values = try Tensor.randomUniform(shape: [100_000], low: low, high: high, dtype: dtype).values(
          as: Double.self)
        #expect(values.allSatisfy { $0 >= low && $0 < high })
      }
      let same = try Tensor.randomUniform(shape: [10], low: 3, high: 3, dtype: dtype).values(as: Double.self)
      #expect(same == Array(repeating: 3, count: 10))
    }
  }

  @Test(arguments: [DType.float16, .bfloat16, .float32, .float64]) func normalIsNormal(dtype: DType) throws {
    let n = 1_000_000
    let x = try Tensor.randomNormal(shape: [n], mean: 2, std: 3, dtype: dtype, generator: Generator(seed: 3))
      .values(as: Double.self)
    let m = moments(x)
    let root = Double(n).squareRoot()
    #expect(abs(m.mean - 2) < 5 * 3 / root + 1e-3 * (dtype.itemSize == 2 ? 1 : 0))
    #expect(abs(m.variance / 9 - 1) < 5 * 2.0.squareRoot() / root + 1e-3 * (dtype.itemSize == 2 ? 1 : 0))
    #expect(abs(m.skew) < 5 * 6.0.squareRoot() / root)
    #expect(abs(m.kurtosis - 3) < 5 * 24.0.squareRoot() / root)
    if dtype.itemSize == 2 { return }
    // Cells of equal probability, by the distribution function.
    var counts = Array(repeating: 0, count: 256)
    for value in x { counts[min(255, Int(0.5 * erfc(-(value - 2) / 3 / 2.0.squareRoot()) * 256))] += 1 }
    #expect(abs(chiSquare(counts, Array(repeating: Double(n) / 256, count: 256))) < 5)
    // Neighbours, and the two that come from one radius, are not correlated.
    for lag in [1, 8, 16] {
      let products = (0..<(n - lag)).reduce(0) { $0 + (x[$1] - 2) * (x[$1 + lag] - 2) / 9 }
      #expect(abs(products / root) < 5)
    }
  }

  /// The polynomials against the C library's functions, by redoing Box and Muller's method from the same words.
  @Test func normalIsAccurate() throws {
    let words = Generator(seed: 5)
    let n = 3200
    let x = try Tensor.randomNormal(shape: [n], generator: Generator(seed: 5)).values(as: Float.self)
    let y = try Tensor.randomNormal(shape: [n / 2], dtype: .float64, generator: Generator(seed: 5)).values(
      as: Double.self)
    // A range one short of 2⁶⁴ makes each word one less.
    let bits = try Tensor.randomIntegers(low: .min, high: .max, shape: [n / 2], generator: words).values(as: Int64.self)
      .map { UInt64(bitPattern: $0) &- UInt64(bitPattern: .min) &+ 1 }
    for group in 0..<(n / 32) {
      for k in 0..<16 {
        let (a, b) = (bits[group * 16 + k / 2], bits[group * 16 + 8 + k / 2])
        let (u, v) = k % 2 == 0 ? (a & 0xFFFF_FFFF, b & 0xFFFF_FFFF) : (a >> 32, b >> 32)
        let radius = (-2 * log((Double(u) + 0.5) * 0x1p-32)).squareRoot()
        let angle = Double(v) * 0x1p-32 * 2 * Double.pi - Double.pi / 4
        #expect(abs(Double(x[group * 32 + k]) - radius * cos(angle)) < 3e-6)
        #expect(abs(Double(x[group * 32 + 16 + k]) - radius * sin(angle)) < 3e-6)
      }
      for k in 0..<8 {
        let (u, v) = (bits[group * 16 + k], bits[group * 16 + 8 + k])
        let radius = (-2 * log((Double(u) + 0.5) * 0x1p-64)).squareRoot()
        let angle = Double(v) * 0x1p-64 * 2 * Double.pi - Double.pi / 4
        #expect(abs(y[group * 16 + k] - radius * cos(angle)) < 1e-14)
        #expect(abs(y[group * 16 + 8 + k] - radius * sin(angle)) < 1e-14)
      }
    }
  }

  @Test func integersAreUniform() throws {
    let x = try Tensor.randomIntegers(low: -5, high: 12, shape: [170_000], generator: Generator(seed: 4))
    #expect(x.dtype == .int64)
    var counts = Array(repeating: 0, count: 17)
    for value in try x.values(as: Int.self) { counts[value + 5] += 1 }
    #expect(abs(chiSquare(counts, Array(repeating: 10_000, count: 17))) < 5)
    let wide = try Tensor.randomIntegers(low: .min, high: .max, shape: [1000]).values(as: Int.self)
    #expect(wide.contains { $0 < 0 } && wide.contains { $0 > 0 } && Set(wide).count == 1000)
    #expect(
      try Tensor.randomIntegers(low: 3, high: 4, shape: [5], dtype: .uint8).values(as: UInt8.self) == [3, 3, 3, 3, 3])
  }

  @Test func permutationsArePermutations() throws {
    let generator = Generator(seed: 6)
    let x = try Tensor.randomPermutation(n: 1000, generator: generator).values(as: Int.self)
    #expect(x != Array(0..<1000) && x.sorted() == Array(0..<1000))
    #expect(try Tensor.randomPermutation(n: 0).values(as: Int.self) == [])
    var counts = Array(repeating: 0, count: 24)
    for _ in 0..<24_000 {
      let p = try Tensor.randomPermutation(n: 4, generator: generator).values(as: Int.self)
      let second = p[1...].filter { $0 < p[1] }.count
      let last = p[2] < p[3] ? 0 : 1
      counts[p[0] * 6 + second * 2 + last] += 1
    }
    #expect(abs(chiSquare(counts, Array(repeating: 1000, count: 24))) < 5)
  }

  @Test func bernoulliHasItsProbabilities() throws {
    let p = try Tensor([0, 0.25, 0.9, 1], shape: [4, 1]).broadcastTo(shape: [4, 100_000])
    let x = try p.bernoulli(generator: Generator(seed: 8))
    #expect(x.dtype == .float32 && x.shape == [4, 100_000])
    let sums = try x.sum(axis: [1]).values(as: Double.self)
    #expect(sums[0] == 0 && sums[3] == 100_000)
    #expect(abs(sums[1] - 25_000) < 5 * (100_000 * 0.25 * 0.75).squareRoot())
    #expect(abs(sums[2] - 90_000) < 5 * (100_000 * 0.9 * 0.1).squareRoot())
    #expect(throws: AlulaError.self) { try Tensor([0.5, 1.5], shape: [2]).bernoulli() }
    #expect(throws: AlulaError.self) { try Tensor([0.5, .nan], shape: [2]).bernoulli() }
  }

  @Test func multinomialFollowsItsWeights() throws {
    let weights = try Tensor([1, 0, 3, 6, 0, 2, 2, 2], shape: [2, 4])
    let x = try weights.multinomial(count: 50_000, replacement: true, generator: Generator(seed: 9)).values(
      as: Int.self)
    let table: [[Double]] = [[0.1, 0, 0.3, 0.6], [0, 1.0 / 3, 1.0 / 3, 1.0 / 3]]
    for (row, probabilities) in table.enumerated() {
      let drawn = x[(row * 50_000)..<((row + 1) * 50_000)]
      for (k, p) in probabilities.enumerated() {
        let count = Double(drawn.filter { $0 == k }.count)
        let error = (50_000 * p * (1 - p)).squareRoot()
        let difference = abs(count - 50_000 * p)
        #expect(difference <= 5 * error)
      }
    }
    // Without replacement: the first draw follows the weights, the second those that are left.
    let generator = Generator(seed: 10)
    var pairs = [Double](repeating: 0, count: 9)
    let three = try Tensor([1, 2, 5], shape: [3])
    for _ in 0..<20_000 {
      let pair = try three.multinomial(count: 2, generator: generator).values(as: Int.self)
      pairs[pair[0] * 3 + pair[1]] += 1
    }
    let w: [Double] = [1, 2, 5]
    for a in 0..<3 {
      for b in 0..<3 {
        let p: Double = a == b ? 0 : w[a] / 8 * w[b] / (8 - w[a])
        let expected = 20_000 * p
        let error = (expected * (1 - p)).squareRoot()
        let difference = abs(pairs[a * 3 + b] - expected)
        #expect(difference <= 5 * error)
      }
    }
  }

  @Test func impossibleDrawsAreErrors() throws {
    for values: [Float] in [[0, 0], [-1, 2], [.nan, 1], [.infinity, 1], [1, 0]] {
      #expect(throws: AlulaError.self) { try Tensor(values, shape: [2]).multinomial(count: 2) }
    }
    #expect(throws: AlulaError.self) { try Tensor([1, 1], shape: [2]).multinomial(count: 3) }
    #expect(throws: AlulaError.self) { try Tensor([1, 1], shape: [2]).multinomial(count: 0) }
    #expect(throws: AlulaError.self) { try Tensor.randomUniform(shape: [2], low: 2, high: 1) }
    #expect(throws: AlulaError.self) { try Tensor.randomUniform(shape: [2], low: .nan) }
    #expect(throws: AlulaError.self) { try Tensor.randomUniform(shape: [2], dtype: .int32) }
    #expect(throws: AlulaError.self) { try Tensor.randomNormal(shape: [2], std: -1) }
    #expect(throws: AlulaError.self) { try Tensor.randomNormal(shape: [-2]) }
    #expect(throws: AlulaError.self) { try Tensor.randomNormal(shape: [.max, .max]) }
    #expect(throws: AlulaError.self) { try Tensor.randomIntegers(low: 2, high: 2, shape: [2]) }
    #expect(throws: AlulaError.self) { try Tensor.randomPermutation(n: -1) }
    #expect(throws: AlulaError.self) { try Tensor.randomPermutation(n: .max) }
  }

  @Test(arguments: [DType.float16, .bfloat16, .float32, .float64]) func dropoutDropsAndScales(dtype: DType) throws {
    let n = 100_003
    let x = try Tensor.full(shape: [n], fillValue: .float(3), dtype: dtype)
    try x.setRequiresGradient(true)
    let y = try x.dropout(p: 0.25, generator: Generator(seed: 11))
    let values = try y.values(as: Double.self)
    #expect(Set(values) == [0, 4])
    let dropped = values.reduce(0) { $0 + ($1 == 0 ? 1 : 0) }
    #expect(abs(Double(dropped) - 0.25 * Double(n)) < 5 * (Double(n) * 0.25 * 0.75).squareRoot())
    // The gradient goes where the value went.
    try Autograd.backward([try y.sum()])
    let scale = try Tensor(4.0 / 3, dtype: dtype).item()
    let gradient = try #require(x.gradient).values(as: Double.self)
    #expect(zip(values, gradient).allSatisfy { $0 == 0 ? $1 == 0 : abs($1 - scale) < 1e-2 })
  }

  @Test func dropoutAtItsEnds() throws {
    let x = try Tensor.ones(shape: [1000])
    #expect(try x.dropout(p: 0) === x)
    #expect(try x.dropout(p: 0.9, training: false) === x)
    #expect(try x.dropout(p: 1).values(as: Float.self).allSatisfy { $0 == 0 })
    #expect(throws: AlulaError.self) { try x.dropout(p: 1.5) }
    #expect(throws: AlulaError.self) { try x.dropout(p: .nan) }
  }
}

@Suite struct RandomStreamTests {
  @Test func streamsDoNotDependOnThreads() throws {
    func draw() throws -> [[Double]] {
      let generator = Generator(seed: 12)
      return [
        try Tensor.randomUniform(shape: [200_001], generator: generator).values(as: Double.self),
        try Tensor.randomNormal(shape: [200_001], generator: generator).values(as: Double.self),
        try Tensor.randomNormal(shape: [100_001], dtype: .float64, generator: generator).values(as: Double.self),
        try Tensor.randomIntegers(low: 0, high: 1000, shape: [100_001], generator: generator).values(as: Double.self),
        try Tensor.ones(shape: [200_001]).dropout(generator: generator).values(as: Double.self),
      ]
    }
    let former = ThreadPool.threadCount
    defer { ThreadPool.threadCount = former }
    ThreadPool.threadCount = 1
    let one = try draw()
    ThreadPool.threadCount = 3
    #expect(try draw() == one)
  }

  @Test func aLongerDrawBeginsLikeAShorterOne() throws {
    let long = try Tensor.randomNormal(shape: [70], generator: Generator(seed: 13)).values(as: Float.self)
    for n in [0, 1, 15, 16, 31, 32, 33, 69] {
      let short = try Tensor.randomNormal(shape: [n], generator: Generator(seed: 13)).values(as: Float.self)
      #expect(short == Array(long[0..<n]))
    }
  }
}
