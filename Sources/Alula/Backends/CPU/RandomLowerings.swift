import CSupport
import Glibc

extension CPUBackend {
  static let randomLowerings: [(Operation, Lowering)] = [
    (.randomUniform, { (call, outputs) throws(AlulaError) in try fillUniform(call, outputs[0]) }),
    (.randomNormal, { (call, outputs) throws(AlulaError) in try fillNormal(call, outputs[0]) }),
    (.randomIntegers, { (call, outputs) throws(AlulaError) in try fillIntegers(call, outputs[0]) }),
    (
      .randomPermutation,
      { (call, outputs) throws(AlulaError) in
        let values = outputs[0].data.assumingMemoryBound(to: Int64.self)
        for i in 0..<outputs[0].count { values[i] = Int64(i) }
        var words = try RandomWords(call.generator(), count: outputs[0].count)
        for i in stride(from: outputs[0].count - 1, to: 0, by: -1) {
          let k = Int(words.next().multipliedFullWidth(by: UInt64(i) + 1).high)
          (values[i], values[k]) = (values[k], values[i])
        }
      }
    ),
    (.bernoulli, { (call, outputs) throws(AlulaError) in try fillBernoulli(call, outputs[0]) }),
    (.multinomial, { (call, outputs) throws(AlulaError) in try drawIndices(call, outputs[0]) }),
    (.dropoutRange, { (call, outputs) throws(AlulaError) in try drop(call, outputs[0]) }),
  ]

  /// Elements per chunk of a parallel loop: a multiple of every group's.
  private static let randomGrain = 32 * 1024

  // MARK: - Distributions

  private static func fillUniform(_ call: Call, _ output: Tensor) throws(AlulaError) {
    let (low, high) = (call.float("low"), call.float("high"))
    let width = high - low
    let highest = max(largest(below: high, output.dtype), low)
    let bits: Double =
      switch output.dtype {
      case .float16: 11
      case .bfloat16: 8
      case .float32: 24
      default: 53
      }
    try fill("random_uniform", call.generator(), output, [low, width, highest, bits])
  }

  /// The dtype's largest value below `limit`, which no rounding may reach.
  private static func largest(below limit: Double, _ dtype: DType) -> Double {
    if dtype == .float64 { return limit.nextDown }
    // A float32 less the bits that the dtype does not have, and one step further down if that is not below.
    let step: UInt32 = dtype == .float16 ? 1 << 13 : dtype == .bfloat16 ? 1 << 16 : 1
    let bits = Float(limit).bitPattern & ~(step - 1)
    let value = Double(Float(bitPattern: bits))
    if value < limit { return value }
    if value == 0 { return -Double(Float(bitPattern: step)) }
    return Double(Float(bitPattern: value > 0 ? bits - step : bits + step))
  }

  private static func fillNormal(_ call: Call, _ output: Tensor) throws(AlulaError) {
    try fill("random_normal", call.generator(), output, [call.float("mean"), call.float("std")])
  }

  private static func fillIntegers(_ call: Call, _ output: Tensor) throws(AlulaError) {
    let low = UInt64(bitPattern: Int64(call.int("low")))
    let range = UInt64(bitPattern: Int64(call.int("high"))) &- low
    let parameters = [Double(bitPattern: low), Double(bitPattern: range)]
    try fill("random_integers", call.generator(), output, parameters, computedAs: .int64)
  }

  /// Fills `output` by way of a dtype that the kernel has.
  private static func fill(
    _ name: String, _ generator: Generator, _ output: Tensor, _ parameters: [Double], computedAs dtype: DType? = nil
  ) throws(AlulaError) {
    let dtype = dtype ?? (output.dtype == .float64 ? .float64 : .float32)
    guard let kernel = KernelTable.shared.function(name, slot: dtype.code, as: random_kernel.self) else {
      throw .internal("\(name): no kernel for \(dtype)")
    }
    let target = output.dtype == dtype ? output : try Tensor(uninitialized: output.layout.shape, dtype: dtype)
    let perGroup = dtype.itemSize == 4 ? 32 : 16
    let range = generator.reserve(target.count, perGroup: perGroup)
    let base = target.data
    ThreadPool.parallelFor(target.count, grain: randomGrain) { chunk in
      kernel(
        base + chunk.lowerBound * dtype.itemSize, chunk.count, range.key,
        range.group &+ UInt64(chunk.lowerBound / perGroup), parameters)
    }
    if target !== output { try output.copyElements(from: target.cast(dtype: output.dtype)) }
  }

  private static func fillBernoulli(_ call: Call, _ output: Tensor) throws(AlulaError) {
    let p = try call[0].cast(dtype: .float32).contiguous()
    let values = UnsafeBufferPointer(start: p.data.assumingMemoryBound(to: Float.self), count: p.count)
    if let bad = values.first(where: { !($0 >= 0 && $0 <= 1) }) {
      throw .invalidArgument("bernoulli: probability \(bad) is not from 0 to 1")
    }
    let range = call.generator().reserve(p.count, perGroup: 32)
    try map("random_bernoulli", p, output, range, [])
  }

  private static func drop(_ call: Call, _ output: Tensor) throws(AlulaError) {
    let p = call.float("p")
    if p >= 1 {
      try output.copyElements(from: Tensor.zeros(shape: [], dtype: output.dtype).broadcastTo(shape: output.shape))
      return
    }
    let range = RandomRange(
      key: UInt64(bitPattern: Int64(call.int("key"))), group: UInt64(bitPattern: Int64(call.int("group"))))
    let dtype = output.dtype == .float64 ? DType.float64 : .float32
    let input = try call[0].cast(dtype: dtype).contiguous()
    // Rounding must not make a small probability zero, nor one near 1 the full 2³².
    let threshold = min(max((p * 0x1p32).rounded(), 1), 0x1p32 - 1)
    try map("dropout", input, output, range, [1 / (1 - p), threshold])
  }

  /// Maps contiguous `input`, of a dtype that the kernel has, to `output` with the numbers of `range`.
  private static func map(
    _ name: String, _ input: Tensor, _ output: Tensor, _ range: RandomRange, _ parameters: [Double]
  ) throws(AlulaError) {
    let dtype = input.dtype
    guard let kernel = KernelTable.shared.function(name, slot: dtype.code, as: random_map_kernel.self) else {
      throw .internal("\(name): no kernel for \(dtype)")
    }
    let target = output.dtype == dtype ? output : try Tensor(uninitialized: output.layout.shape, dtype: dtype)
    let (base, source) = (target.data, input.data)
    ThreadPool.parallelFor(target.count, grain: randomGrain) { chunk in
      let offset = chunk.lowerBound * dtype.itemSize
      kernel(
        base + offset, source + offset, chunk.count, range.key, range.group &+ UInt64(chunk.lowerBound / 32),
        parameters)
    }
    if target !== output { try output.copyElements(from: target.cast(dtype: output.dtype)) }
  }

  // MARK: - Draws by weight

  private static func drawIndices(_ call: Call, _ output: Tensor) throws(AlulaError) {
    let weights = try call[0].cast(dtype: .float64).contiguous()
    let alternatives = weights.layout.shape[weights.rank - 1]
    let count = call.int("count")
    let rows = output.count / count
    let replacement = call.bool("replacement")
    let source = weights.data.assumingMemoryBound(to: Double.self)
    let target = output.data.assumingMemoryBound(to: Int64.self)
    for row in 0..<rows {
      let values = UnsafeBufferPointer(start: source + row * alternatives, count: alternatives)
      if let bad = values.first(where: { !($0 >= 0 && $0.isFinite) }) {
        throw .invalidArgument("multinomial: weight \(bad) in row \(row) is negative or not finite")
      }
      let positive = values.reduce(0) { $0 + ($1 > 0 ? 1 : 0) }
      guard positive >= (replacement ? 1 : count) else {
        throw .invalidArgument(
          "multinomial: row \(row) has \(positive) weights above 0, too few for \(count) draws"
            + (replacement ? "" : " without replacement"))
      }
    }
    var words = try RandomWords(call.generator(), count: replacement ? rows * count : rows * alternatives)
    for row in 0..<rows {
      let values = UnsafeBufferPointer(start: source + row * alternatives, count: alternatives)
      let result = UnsafeMutableBufferPointer(start: target + row * count, count: count)
      if replacement { drawAgain(values, result, &words) } else { drawOnce(values, result, &words) }
    }
  }

  /// By bisection of the running sum.
  private static func drawAgain(
    _ weights: UnsafeBufferPointer<Double>, _ result: UnsafeMutableBufferPointer<Int64>, _ words: inout RandomWords
  ) {
    // Scaled, so that the sum of huge weights stays finite.
    let scale = weights.max() ?? 1
    var total = 0.0
    let sums = weights.map { weight in
      total += weight / scale
      return total
    }
    let last = weights.lastIndex { $0 > 0 } ?? 0
    for i in result.indices {
      let x = words.uniform() * total
      var (low, high) = (0, last)
      while low < high {
        let middle = (low + high) / 2
        if sums[middle] > x { high = middle } else { low = middle + 1 }
      }
      result[i] = Int64(low)
    }
  }

  /// By exponential clocks: the alternatives that ring first, at rates equal to their weights (Efraimidis and Spirakis,
  /// 2006), come out as if drawn one after the other.
  private static func drawOnce(
    _ weights: UnsafeBufferPointer<Double>, _ result: UnsafeMutableBufferPointer<Int64>, _ words: inout RandomWords
  ) {
    let scale = weights.max() ?? 1
    let times = weights.map { weight in
      let time = -log(1 - words.uniform())
      return weight > 0 ? time / (weight / scale) : .infinity
    }
    // Ties, and rates so small that their times overflow, go by weight above zero and then by index.
    let order = times.indices.filter { weights[$0] > 0 }.sorted {
      times[$0] != times[$1] ? times[$0] < times[$1] : $0 < $1
    }
    for i in result.indices where i < order.count { result[i] = Int64(order[i]) }
  }
}

/// A run of 64-bit words from a generator's stream, for code that draws one at a time.
struct RandomWords: ~Copyable {
  private let words: Tensor
  private var position = 0

  init(_ generator: Generator, count: Int) throws(AlulaError) {
    guard let kernel = KernelTable.shared.function("random_bits", slot: DType.uint64.code, as: random_kernel.self)
    else { throw .internal("random_bits: no kernel") }
    words = try Tensor(uninitialized: [max(count, 1)], dtype: .uint64, operation: "random_bits")
    let range = generator.reserve(words.count, perGroup: 16)
    kernel(words.data, words.count, range.key, range.group, nil)
  }

  /// The next word. Asking for more than there are starts from the first one again.
  mutating func next() -> UInt64 {
    if position == words.count { position = 0 }
    defer { position += 1 }
    return words.data.load(fromByteOffset: position * 8, as: UInt64.self)
  }

  /// A number in [0, 1).
  mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }
}
