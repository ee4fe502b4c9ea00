import Alula
import Testing

@Suite struct AutogradTests {
  private func leaf(_ values: [Float]) throws -> Tensor {
    let tensor = try Tensor(values, shape: [values.count])
    try tensor.setRequiresGradient(true)
    return tensor
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch let error as AlulaError {
      return error.message
    } catch {
      return "another error"
    }
  }

  @Test func gradientsAddUp() throws {
    let x = try leaf([1, 2, 3])
    for _ in 0..<2 { try Autograd.backward([(x * x).sum()]) }
    #expect(try x.gradient?.values(as: Float.self) == [4, 8, 12])
    try x.setGradient(nil)
    #expect(x.gradient == nil)
  }

  @Test func gradientsOfGradients() throws {
    let x = try leaf([2])
    let y = try (x * x * x).sum()
    let first = try #require(try Autograd.gradients(of: [y], withRespectTo: [x], createGraph: true)[0])
    let second = try #require(try Autograd.gradients(of: [first.sum()], withRespectTo: [x])[0])
    #expect(try first.values(as: Float.self) == [12])
    #expect(try second.values(as: Float.self) == [12])
    #expect(x.gradient == nil)
  }

  @Test func aGradientHandedThroughIsNobodyElses() throws {
    let (a, b) = (try leaf([1, 2]), try leaf([3, 4]))
    try Autograd.backward([(a + b).sum()])
    try GradientMode.without { () throws(AlulaError) in
      try Operation.multiply.callInPlace([a.gradient, Tensor(5)])
    }
    #expect(try a.gradient?.values(as: Float.self) == [5, 5])
    #expect(try b.gradient?.values(as: Float.self) == [1, 1])
  }

  @Test func anOverwrittenValueIsNoticed() throws {
    let x = try leaf([1, 2])
    let y = try x * x
    let z = try (y * y).sum()
    try GradientMode.without { () throws(AlulaError) in try Operation.add.callInPlace([y, Tensor(1)]) }
    let text = message { try Autograd.backward([z]) }
    #expect(text.contains("'multiply' needs for its gradient was overwritten"))
  }

  @Test func whatCannotBeDifferentiatedSaysSo() throws {
    let x = try leaf([1, 2])
    #expect(message { try Autograd.backward([x * x]) }.contains("shape (2,)"))
    #expect(message { try Autograd.backward([x.detach().sum()]) }.contains("no graph"))
    #expect(message { try Operation.add.callInPlace([x, x]) }.contains("leaf that requires a gradient"))
    let integers = try Tensor.zeros(shape: [2], dtype: .int64)
    #expect(message { try integers.setRequiresGradient(true) }.contains("int64 cannot carry gradients"))
    let y = try x.sum()
    try Autograd.backward([y])
    #expect(message { try Autograd.backward([y * y]) } == "")
    let z = try (x * x).sum()
    try Autograd.backward([z])
    #expect(message { try Autograd.backward([z]) }.contains("pass retain_graph"))
  }

  @Test func hooksReplaceGradients() throws {
    let x = try leaf([1, 2])
    let y = try x * x
    let id = try y.addHook { (gradient) throws(AlulaError) in try gradient * Tensor(10) }
    try Autograd.backward([y.sum()])
    #expect(try x.gradient?.values(as: Float.self) == [20, 40])
    y.removeHook(id)
  }

  @Test func nothingIsRecordedWithoutGradientMode() throws {
    let x = try leaf([1])
    let y = try GradientMode.without { () throws(AlulaError) in try x * x }
    #expect(!y.requiresGradient)
    #expect(GradientMode.isEnabled)
  }

  @Test func openScopesSurviveOperations() throws {
    GradientMode.begin()
    GradientMode.begin()
    // The back end makes a contiguous copy in between, unrecorded.
    _ = try Tensor([1, 2, 3, 4], shape: [2, 2]).permuteDims(axes: [1, 0]).matmul(Tensor([1, 2], shape: [2]))
    #expect(GradientMode.end())
    #expect(!GradientMode.isEnabled)
    #expect(GradientMode.end())
    #expect(GradientMode.isEnabled)
    #expect(!GradientMode.end())
  }

  @Test func writesInPlaceAreChecked() throws {
    let x = try Tensor([1, 2], shape: [2])
    #expect(message { try Operation.add.callInPlace([x, nil]) }.contains("'b' is missing"))
    #expect(message { try Operation.add.callInPlace([x]) }.contains("1 tensors given, 2 expected"))
    let repeated = try x.broadcastTo(shape: [3, 2])
    #expect(message { try Operation.add.callInPlace([repeated, x]) }.contains("repeats elements along axis 0"))
    #expect(message { try repeated.assign(x) }.contains("repeats elements along axis 0"))
    #expect(try x.values(as: Float.self) == [1, 2])
  }

  @Test func aMillionNodesInAChain() throws {
    let x = try leaf([1])
    let one = try Tensor([1], shape: [1])
    var y = x
    for _ in 0..<1_000_000 { y = try y + one }
    try Autograd.backward([y.sum()])
    #expect(try x.gradient?.values(as: Float.self) == [1])
  }

  /// The same tape, freed without ever having been used, by the thread with the smaller stack.
  @Test func aMillionNodesFreedUnused() throws {
    let x = try leaf([1])
    var y = x
    for _ in 0..<1_000_000 { y = try y * x }
    #expect(y.requiresGradient)
  }
}
