import Alula
import Testing

@Suite struct LayoutTests {
  @Test(arguments: [
    ([], 1), ([0], 0), ([3], 3), ([2, 3, 4], 24), ([2, 0, 5], 0), ([1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3], 6),
  ])
  func contiguous(shape: [Int], count: Int) throws {
    let layout = try Layout(contiguous: Dims(shape))
    #expect(layout.count == count)
    #expect(layout.isContiguous)
    #expect(layout.shape.array == shape)
  }

  @Test(arguments: [
    ([-1], "negative extent"), ([.max, 2], "too many elements"), ([1 << 40, 1 << 40], "too many elements"),
    ([2, 0, .max], "too many elements"),
    (Array(repeating: 1, count: 65), "exceeds the limit of 64"),
  ])
  func refused(shape: [Int], message: String) {
    let error = #expect(throws: AlulaError.self) { _ = try Layout(contiguous: Dims(shape), operation: "zeros") }
    #expect(error?.kind == .invalidArgument)
    #expect(error?.message.hasPrefix("zeros: ") == true)
    #expect(error?.message.contains(message) == true)
  }

  @Test func broadcasting() throws {
    let row = try Layout(contiguous: [3, 1])
    #expect(row.broadcast(to: [2, 3, 4])?.strides.array == [0, 1, 0])
    #expect(row.broadcast(to: [4, 4]) == nil)
    #expect(Dims.broadcast([3, 1], [4]) == [3, 4])
    #expect(Dims.broadcast([3], [4]) == nil)
    #expect(Dims.broadcast([0], [1]) == [0])
  }

  @Test func dimsBeyondTheInlineCapacity() {
    var dims = Dims([1, 2, 3, 4, 5, 6, 7, 8])
    dims.append(9)
    dims[0] = 10
    #expect(dims.array == [10, 2, 3, 4, 5, 6, 7, 8, 9])
    #expect(dims.description == "(10, 2, 3, 4, 5, 6, 7, 8, 9)")
    #expect(Dims([3]).description == "(3,)")
  }
}

@Suite struct DTypeTests {
  /// NumPy 2's results, the array API standard's where it defines one.
  @Test(arguments: [
    (DType.bool, DType.int8, DType.int8), (.uint8, .int8, .int16), (.uint32, .int32, .int64),
    (.uint64, .int64, .float64), (.int64, .float32, .float64), (.int16, .float32, .float32),
    (.int16, .float16, .float32), (.int8, .float16, .float16), (.float16, .bfloat16, .float32),
    (.float32, .complex64, .complex64), (.float64, .complex64, .complex128), (.int64, .complex64, .complex128),
    (.uint8, .uint64, .uint64), (.float32, .float64, .float64),
  ])
  func promotion(a: DType, b: DType, expected: DType) {
    #expect(DType.promote(a, b) == expected)
    #expect(DType.promote(b, a) == expected)
  }

  @Test func promotionIsAssociativeWithItself() {
    for a in DType.allCases {
      #expect(DType.promote(a, a) == a)
      for b in DType.allCases { #expect(DType.promote(a, b) == DType.promote(b, a)) }
    }
  }
}
