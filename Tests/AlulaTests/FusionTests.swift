import Alula
import Synchronization
import Testing

/// Element-wise calls that wait: what waits, and what ends it. Serialised, since all threads' calls wait in one place.
@Suite(.serialized) struct FusionTests {
  private let count = 200_003

  private func ramp() throws -> Tensor { try Tensor((0..<count).map { Float($0 % 17) }, shape: [count]) }

  private func waits(_ tensor: Tensor) -> Bool { tensor.storage.isAwaited.load(ordering: .relaxed) }

  @Test func chainsWaitUntilSomebodyAsks() throws {
    let x = try ramp()
    let y = try (x + x) * x
    let z = try y - x
    #expect(waits(y) && waits(z) && waits(x))
    #expect(try z.values(as: Float.self) == (0..<count).map { Float($0 % 17) }.map { ($0 + $0) * $0 - $0 })
    #expect(!waits(y) && !waits(z) && !waits(x))
    #expect(try y.values(as: Float.self)[20] == 18)
  }

  @Test func smallAndStridedCallsDoNot() throws {
    let small = try Tensor([1, 2], shape: [2])
    #expect(try !waits(small + small))
    let columns = try ramp().reshape(shape: [1, -1]).broadcastTo(shape: [2, count]).matrixTranspose()
    #expect(try !waits(columns + columns))
  }

  @Test func anotherCountEndsTheWait() throws {
    let x = try ramp()
    let y = try x + x
    let other = try Tensor([Float](repeating: 1, count: count - 1), shape: [count - 1])
    let z = try other + other
    #expect(!waits(y) && waits(z))
  }

  @Test func resultsThatNobodyWantsLetGoOfTheirOperands() throws {
    let x = try ramp()
    do {
      let y = try x * x
      #expect(waits(x))
      _ = y
    }
    #expect(!waits(x))
  }

  @Test func exposedMemoryIsReadAtOnce() throws {
    let x = try ramp()
    let early = try x + x
    let pointer = x.exposedData.assumingMemoryBound(to: Float.self)
    #expect(!waits(early))
    let late = try x + x
    #expect(!waits(late))
    pointer[5] = 100
    #expect(try early.values(as: Float.self)[5] == 10)
    #expect(try late.values(as: Float.self)[5] == 10)
    x.storage.conceal()
    let again = try x + x
    #expect(waits(again))
  }

  @Test func aViewOfAWaitingResultIsReadAsItLies() throws {
    let x = try ramp()
    let y = try x + x
    let flipped = try y.flip(axis: [0])
    let sum = try y + flipped
    let values = try sum.values(as: Float.self)
    #expect(values[0] == Float(2 * ((count - 1) % 17)))
    #expect(try y.reshape(shape: [1, -1]).values(as: Float.self)[3] == 6)
  }

  @Test func synchronizeFinishesAll() throws {
    let y = try ramp() + ramp()
    #expect(waits(y))
    Device.cpu.synchronize()
    #expect(!waits(y))
  }

  @Test func resultsOfEveryWidthShareAPass() throws {
    let x = try ramp()
    let isSmall = try x.less(Tensor(8, weak: true))
    let chosen = try isSmall.where(x + x, x * x)
    let again = try isSmall.where(chosen, x)
    #expect(waits(isSmall) && waits(again))
    let expected = (0..<count).map { Float($0 % 17) }.map { $0 < 8 ? $0 + $0 : $0 }
    #expect(try again.values(as: Float.self) == expected)
    #expect(try isSmall.values(as: Bool.self)[16] == false)
  }
}
