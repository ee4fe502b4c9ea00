/// The sizes of a two-dimensional convolution, checked: what its three products have in common.
struct ConvolutionShape: Sendable {
  let batch: Int
  let inputChannels: Int
  let outputChannels: Int
  let groups: Int
  let input: (height: Int, width: Int)
  let kernel: (height: Int, width: Int)
  let output: (height: Int, width: Int)
  let stride: (height: Int, width: Int)
  let padding: (height: Int, width: Int)
  let dilation: (height: Int, width: Int)

  private init(
    batch: Int, inputChannels: Int, outputChannels: Int, groups: Int, input: (height: Int, width: Int),
    kernel: (height: Int, width: Int), output: (height: Int, width: Int), stride: (height: Int, width: Int),
    padding: (height: Int, width: Int), dilation: (height: Int, width: Int)
  ) {
    self.batch = batch
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.groups = groups
    self.input = input
    self.kernel = kernel
    self.output = output
    self.stride = stride
    self.padding = padding
    self.dilation = dilation
  }

  /// From the shapes of input and weight, and the attributes of a call.
  ///
  /// - Throws: `invalidArgument`, with both shapes, when they do not go together.
  init(_ input: Dims, _ weight: Dims, _ call: Call) throws(AlulaError) {
    let name = call.operation.name
    guard input.count == 4, weight.count == 4 else {
      throw .invalidArgument(
        "\(name): needs an input (N, C, H, W) and a weight (O, C / groups, kH, kW), not \(input) and \(weight)")
    }
    let (stride, padding, dilation) = (call.ints("stride"), call.ints("padding"), call.ints("dilation"))
    let groups = call.int("groups")
    let limit = 1 << 31
    guard stride.count == 2, stride.allSatisfy({ $0 > 0 && $0 < limit }) else {
      throw .invalidArgument("\(name): stride must be positive, not \(Dims(stride))")
    }
    guard padding.count == 2, padding.allSatisfy({ $0 >= 0 && $0 < limit }) else {
      throw .invalidArgument("\(name): padding must not be negative, as in \(Dims(padding))")
    }
    guard dilation.count == 2, dilation.allSatisfy({ $0 > 0 && $0 < limit }) else {
      throw .invalidArgument("\(name): dilation must be positive, not \(Dims(dilation))")
    }
    guard groups > 0, input[1] % groups == 0, weight[0] % groups == 0 else {
      throw .invalidArgument(
        "\(name): \(groups) groups do not divide the channels of input \(input) and weight \(weight)")
    }
    guard input[1] / groups == weight[1] else {
      throw .invalidArgument(
        "\(name): input \(input) has \(input[1]) channels in \(groups) groups, but weight \(weight) expects "
          + "\(weight[1]) per group")
    }
    var output: [Int] = []
    for axis in 0..<2 {
      let (extent, kernel) = (input[axis + 2], weight[axis + 2])
      guard kernel > 0, extent < limit, kernel < limit else {
        throw .invalidArgument("\(name): sizes of input \(input) and kernel \(weight) must lie in 1..<2^31")
      }
      let room = extent + 2 * padding[axis] - dilation[axis] * (kernel - 1) - 1
      guard room >= 0 else {
        throw .invalidArgument(
          "\(name): kernel of weight \(weight) with dilation \(Dims(dilation)) is larger than input \(input) with "
            + "padding \(Dims(padding))")
      }
      output.append(room / stride[axis] + 1)
    }
    batch = input[0]
    inputChannels = input[1]
    outputChannels = weight[0]
    self.groups = groups
    self.input = (input[2], input[3])
    kernel = (weight[2], weight[3])
    self.output = (output[0], output[1])
    self.stride = (stride[0], stride[1])
    self.padding = (padding[0], padding[1])
    self.dilation = (dilation[0], dilation[1])
  }

  var inputShape: Dims { [batch, inputChannels, input.height, input.width] }
  var weightShape: Dims { [outputChannels, inputChannels / groups, kernel.height, kernel.width] }
  var outputShape: Dims { [batch, outputChannels, output.height, output.width] }
}

extension ConvolutionShape {
  /// The convolution of patches by kernels of one element, where patches do not overlap: their elements are so many more
  /// channels. nil where they do.
  var ofPatches: ConvolutionShape? {
    guard padding == (0, 0), dilation == (1, 1) || kernel == (1, 1), kernel.height <= stride.height,
      kernel.width <= stride.width, stride != (1, 1)
    else { return nil }
    return ConvolutionShape(
      batch: batch, inputChannels: inputChannels * kernel.height * kernel.width, outputChannels: outputChannels,
      groups: groups, input: output, kernel: (1, 1), output: output, stride: (1, 1), padding: (0, 0), dilation: (1, 1))
  }

  /// The elements of the patches in an image's layout, channel by channel and each channel's at all positions.
  func patches(_ image: Layout) -> Layout {
    let strides = image.strides
    return Layout(
      shape: [batch, inputChannels, kernel.height, kernel.width, output.height, output.width],
      strides: [
        strides[0], strides[1], strides[2], strides[3], stride.height * strides[2], stride.width * strides[3],
      ], offset: image.offset)
  }
}
