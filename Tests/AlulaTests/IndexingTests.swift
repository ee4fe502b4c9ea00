import Alula
import Testing

/// 0, 1, 2, … in a shape.
private func counting(_ shape: Int...) throws -> Tensor {
  try Tensor.arange(start: .int(0), stop: .int(Int64(shape.reduce(1, *))), dtype: .float32).reshape(shape: shape)
}

private func indices(_ values: [Int], _ shape: Int...) throws -> Tensor {
  try values.withUnsafeBytes { bytes in
    try Tensor(
      copying: try #require(bytes.baseAddress), shape: Dims(shape.isEmpty ? [values.count] : shape), dtype: .int64)
  }
}

@Suite struct IndexReadingTests {
  @Test func basicItemsMakeViews() throws {
    let x = try counting(3, 4)
    let row = try x.at([.integer(-1), .slice(start: nil, stop: nil, step: -2)])
    #expect(try row.values(as: Float.self) == [11, 9])
    #expect(row.storage === x.storage)
    #expect(try x.at([.ellipsis, .newAxis, .integer(0)]).shape == [3, 1])
    #expect(try x.at([]).layout == x.layout)
  }

  @Test func tensorsBroadcastAndKeepTheirPlace() throws {
    let x = try counting(2, 3, 4)
    let rows = try indices([0, 1], 2, 1)
    let columns = try indices([0, -1, 1])
    #expect(try x.at([.all, .tensor(columns)]).shape == [2, 3, 4])
    #expect(try x.at([.tensor(rows), .tensor(columns)]).shape == [2, 3, 4])
    // Apart from each other, their axes come first.
    let apart = try x.at([.tensor(rows), .all, .tensor(columns)])
    #expect(apart.shape == [2, 3, 3])
    #expect(try apart.at([.integer(1), .integer(1)]).values(as: Float.self) == [15, 19, 23])
    #expect(try x.at([.integer(0), .all, .tensor(columns)]).shape == [3, 3])
  }

  @Test func masks() throws {
    let x = try counting(2, 3)
    let mask = try x.at([.integer(0)]).cast(dtype: .bool)
    #expect(try x.at([.all, .tensor(mask)]).values(as: Float.self) == [1, 2, 4, 5])
    #expect(try x.at([.tensor(x.cast(dtype: .bool))]).values(as: Float.self) == [1, 2, 3, 4, 5])
    let no = try Tensor(scalar: .bool(false))
    #expect(try x.at([.tensor(no)]).shape == [0, 2, 3])
  }

  @Test func errorsNameIndexAxisAndSize() throws {
    let x = try counting(2, 3)
    let mask = try Tensor.ones(shape: [2, 2], dtype: .bool)
    let cases: [([TensorIndex], String)] = [
      ([.all, .integer(3)], "index: 3 is out of range for axis 1 with size 3"),
      ([.all, .tensor(try indices([0, -4]))], "index: index -4 is out of range for axis 1 with size 3"),
      ([.integer(0), .integer(0), .integer(0)], "index: 3 axes are indexed, but shape (2, 3) has 2"),
      ([.ellipsis, .ellipsis], "index: more than one ellipsis"),
      ([.slice(step: 0)], "index: the step of a slice is zero"),
      (
        [.tensor(mask)],
        "index: a mask of shape (2, 2) does not fit shape (2, 3) at axis 0: axis 1 has size 3, the mask 2"
      ),
      ([.tensor(x)], "index: a tensor of float32 is no index; integers and bool are"),
      (
        [.tensor(try indices([0, 1])), .tensor(try indices([0, 1, 2]))],
        "index: index tensors of shapes (2,) and (3,) do not broadcast"
      ),
    ]
    for (items, message) in cases {
      let error = #expect(throws: AlulaError.self) { _ = try x.at(items) }
      #expect(error?.message == message)
    }
  }

  @Test func splitting() throws {
    let x = try counting(5, 2)
    #expect(try x.split(lengths: [1, 4, 0]).map(\.shape) == [[1, 2], [4, 2], [0, 2]])
    #expect(try x.unstack(axis: -1)[1].values(as: Float.self) == [1, 3, 5, 7, 9])
    #expect(throws: AlulaError.self) { _ = try x.split(lengths: [2, 2]) }
    #expect(throws: AlulaError.self) { _ = try x.split(lengths: [.max, 5]) }
  }

  @Test func boundsBeyondEverything() throws {
    let x = try counting(5)
    for step in [Int.max, .min + 1, 1, -1] {
      let far = try x.at([.slice(start: .min + 1, stop: .max, step: step)])
      #expect(far.count == (step == 1 ? 5 : step == .max ? 1 : 0))
    }
  }

  @Test func repeatedPositionsAddTheirGradients() throws {
    let x = try counting(3, 2)
    try x.setRequiresGradient(true)
    let picked = try x.at([.tensor(try indices([0, 2, 0]))])
    let column = try (picked * picked).at([.tensor(indices([0, 1, 2])), .integer(1)])
    try Autograd.backward([column], seeds: [Tensor([1, 10, 100], shape: [3])])
    #expect(try x.gradient?.values(as: Float.self) == [0, 202, 0, 0, 0, 100])
  }
}

@Suite struct IndexWritingTests {
  @Test func writesBroadcastAndConvert() throws {
    let x = try counting(2, 3).cast(dtype: .int32)
    try x.set([.all, .integer(1)], to: try Tensor([7.9, 8.9], shape: [2]))
    try x.set([.integer(0), .tensor(try indices([0, 2, 2]))], to: try Tensor([-1, -2, -3], shape: [1, 3]))
    #expect(try x.values(as: Int32.self) == [-1, 7, -3, 3, 8, 5])
    let error = #expect(throws: AlulaError.self) { try x.set([.integer(0)], to: try counting(2)) }
    #expect(error?.message == "index: a value of shape (2,) does not fit into shape (3,)")
  }

  @Test func sourceMayOverlapTarget() throws {
    let x = try counting(5)
    try x.set([.slice(start: 1)], to: try x.at([.slice(stop: -1)]))
    #expect(try x.values(as: Float.self) == [0, 0, 1, 2, 3])
    try x.set([.tensor(try indices([4, 3, 2, 1, 0]))], to: x)
    #expect(try x.values(as: Float.self) == [3, 2, 1, 0, 0])
  }

  @Test func throughAViewWithoutRecording() throws {
    let y = try counting(2, 3)
    try y.setRequiresGradient(true)
    let target = try (y * y)
    try GradientMode.without { () throws(AlulaError) in
      try target.at([.integer(0)]).set([.integer(2)], to: try Tensor(scalar: .int(-1)))
    }
    #expect(try target.values(as: Float.self) == [0, 1, -1, 9, 16, 25])
  }

  @Test func gradientsOfWrites() throws {
    let (x, v) = (try counting(2, 3), try Tensor([5, 6], shape: [2]))
    try x.setRequiresGradient(true)
    try v.setRequiresGradient(true)
    for items: [TensorIndex] in [
      [.integer(1), .slice(step: 2)], [.integer(1), .tensor(try indices([0, 2]))],
      [.tensor(try Tensor([0, 0, 0, 1, 0, 1], shape: [2, 3]).cast(dtype: .bool))],
    ] {
      let y = try x * x
      try y.set(items, to: try v * v)
      #expect(try y.values(as: Float.self) == [0, 1, 4, 25, 16, 36])
      let gradients = try Autograd.gradients(of: [try y.sum()], withRespectTo: [x, v])
      #expect(try gradients[0]?.values(as: Float.self) == [0, 2, 4, 0, 8, 0])
      #expect(try gradients[1]?.values(as: Float.self) == [10, 12])
    }
  }

  @Test func writesThatWouldLoseAGradientAreRefused() throws {
    let x = try counting(2, 3)
    try x.setRequiresGradient(true)
    let one = try Tensor(scalar: .int(1))
    #expect(throws: AlulaError.self) { try x.set([.integer(0)], to: one) }
    let view = try (x * x).at([.integer(0)])
    #expect(throws: AlulaError.self) { try view.set([.integer(0)], to: one) }
    let (y, kept) = (try x * x, try x * one)
    let product = try kept * kept
    try kept.set([.integer(0)], to: y.at([.integer(1)]))
    let error = #expect(throws: AlulaError.self) { try Autograd.backward([try product.sum()]) }
    #expect(error?.kind == .autograd)
  }
}

@Suite struct ScatterTests {
  @Test func sumsDoNotDependOnTheNumberOfThreads() throws {
    let count = 40_000
    let values = try Tensor((0..<count * 8).map { Float($0 % 1013) * 0.37 }, shape: [count, 8])
    let places = try indices((0..<count).map { $0 * 7919 % 64 })
    let outer = ThreadPool.threadCount
    defer { ThreadPool.threadCount = outer }
    var sums: [[Float]] = []
    for threads in [1, 2, 5] {
      ThreadPool.threadCount = threads
      let zeros = try Tensor.zeros(shape: [64, 8])
      sums.append(try zeros.indexAdd(places, values, axis: 0).values())
    }
    #expect(sums[0] == sums[1] && sums[0] == sums[2])
  }
}
