/// The sizes of a pooling over images, checked.
struct PoolingShape {
  let leading: [Int]
  let input: [Int]
  let output: [Int]
  let kernel: [Int]
  let stride: [Int]
  let padding: [Int]
  let dilation: [Int]

  /// From the shape of an image batch (N, C, H, W), or (C, H, W), and the attributes of a call.
  ///
  /// - Throws: `invalidArgument` when the windows do not fit.
  init(_ shape: Dims, _ call: Call) throws(AlulaError) {
    let name = call.operation.name
    guard shape.count == 4 || shape.count == 3 else {
      throw .invalidArgument("\(name): needs images (N, C, H, W) or (C, H, W), not \(shape)")
    }
    leading = Array(shape.array.dropLast(2))
    input = Array(shape.array.suffix(2))
    kernel = call.ints("kernel_size")
    stride = try call.poolingStride(kernel)
    padding = call.ints("padding")
    dilation = call.optionalInts("dilation") ?? [1, 1]
    let limit = 1 << 31
    for (values, least, what) in [(kernel, 1, "kernel_size"), (stride, 1, "stride"), (dilation, 1, "dilation"), (padding, 0, "padding")] {
      guard values.count == 2, values.allSatisfy({ $0 >= least && $0 < limit }) else {
        throw .invalidArgument("\(name): \(what) must hold two numbers of at least \(least), not \(Dims(values))")
      }
    }
    var output: [Int] = []
    for axis in 0..<2 {
      guard padding[axis] <= kernel[axis] / 2 else {
        throw .invalidArgument(
          "\(name): padding \(Dims(padding)) must be at most half of kernel_size \(Dims(kernel))")
      }
      // Sizes first: they may come from an attribute, and be anything.
      let size = input[axis] > 0 && input[axis] < limit ? input[axis] : 0
      let room = size + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1
      guard size > 0, room >= 0 else {
        throw .invalidArgument(
          "\(name): windows of \(Dims(kernel)) do not fit into \(shape) with padding \(Dims(padding))")
      }
      output.append(room / stride[axis] + 1)
    }
    self.output = output
  }

  var inputShape: Dims { Dims(leading + input) }
  var outputShape: Dims { Dims(leading + output) }

  /// As the pooling kernels read it.
  var geometry: [Int] { input + output + kernel + stride + padding + dilation }
}

extension Call {
  /// The stride, which is the kernel's size when left out.
  func poolingStride(_ kernel: [Int]) throws(AlulaError) -> [Int] {
    guard let stride = optionalInts("stride") else { return kernel }
    if stride.count == 1 { return Array(repeating: stride[0], count: kernel.count) }
    guard stride.count == kernel.count else {
      throw .invalidArgument("\(operation.name): stride \(Dims(stride)) does not go with kernel_size \(Dims(kernel))")
    }
    return stride
  }
}
