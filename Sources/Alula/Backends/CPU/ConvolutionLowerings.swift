import Synchronization

extension CPUBackend {
  static let convolutionLowerings: [(Operation, Lowering)] = [
    (
      .conv2d,
      { (call, outputs) throws(AlulaError) in
        try inFloat32(call, outputs) { (call, outputs) throws(AlulaError) in
          let shape = try ConvolutionShape(call[0].layout.shape, call[1].layout.shape, call)
          try Convolution(shape, call).forward(call[0], call[1], bias: call.optional(2), outputs[0])
        }
      }
    ),
    (
      .conv2dInputGradient,
      { (call, outputs) throws(AlulaError) in
        try inFloat32(call, outputs) { (call, outputs) throws(AlulaError) in
          let shape = try ConvolutionShape(outputs[0].layout.shape, call[1].layout.shape, call)
          try Convolution(shape, call).inputGradient(call[0], call[1], outputs[0])
        }
      }
    ),
    (
      .conv2dWeightGradient,
      { (call, outputs) throws(AlulaError) in
        try inFloat32(call, outputs) { (call, outputs) throws(AlulaError) in
          let shape = try ConvolutionShape(call[1].layout.shape, outputs[0].layout.shape, call)
          try Convolution(shape, call).weightGradient(call[0], call[1], outputs[0])
        }
      }
    ),
  ]
}

/// The three products of a convolution, each by the way that suits its channels: as a plain product for kernels of one
/// element, channel by channel for depthwise ones, from the images themselves where there are enough channels of the
/// target for a vector of them, and else as matrix products over packed patches.
private struct Convolution {
  let shape: ConvolutionShape
  let call: Call
  let kernels: ConvolutionKernels

  init(_ shape: ConvolutionShape, _ call: Call) throws(AlulaError) {
    guard let kernels = ConvolutionKernels.of(call[0].dtype) else {
      throw .invalidDType("\(call.operation.name): dtype \(call[0].dtype) is not supported on cpu")
    }
    self.shape = shape
    self.call = call
    self.kernels = kernels
  }

  private init(_ shape: ConvolutionShape, _ call: Call, _ kernels: ConvolutionKernels) {
    (self.shape, self.call, self.kernels) = (shape, call, kernels)
  }

  /// The convolution of this one's patches, where that is one by kernels of one element.
  private var ofPatches: Convolution? {
    isDepthwise ? nil : shape.ofPatches.map { Convolution($0, call, kernels) }
  }

  /// The input of `ofPatches`.
  private func patches(_ x: Tensor, _ inner: ConvolutionShape) throws(AlulaError) -> Tensor {
    let patches = try x.aliased(shape.patches(x.layout)).contiguous()
    return patches.layout.reshaped(to: inner.inputShape).map { patches.aliased($0) } ?? patches
  }

  private var size: Int { kernels.gemm.itemSize }
  /// Channels of one group.
  private var inputs: Int { shape.inputChannels / shape.groups }
  private var outputs: Int { shape.outputChannels / shape.groups }

  private func planes(_ tensor: Tensor) -> Planes {
    let (extents, strides) = (tensor.layout.shape, tensor.layout.strides)
    return Planes(
      pointer: tensor.data, height: extents[2], width: extents[3], imageStride: strides[0], planeStride: strides[1],
      rowStride: strides[2], columnStride: strides[3])
  }

  /// The patches of the input under each position of the output.
  private func inputGrid() throws(AlulaError) -> PatchGrid {
    var taps: [(y: Int, x: Int)] = []
    for y in 0..<shape.kernel.height {
      for x in 0..<shape.kernel.width {
        taps.append(
          (y * shape.dilation.height - shape.padding.height, x * shape.dilation.width - shape.padding.width))
      }
    }
    return try grid(
      shape.output.height, shape.output.width, shape.stride.height, shape.stride.width, inputs, taps)
  }

  private func grid(
    _ height: Int, _ width: Int, _ rowStep: Int, _ columnStep: Int, _ channels: Int, _ taps: [(y: Int, x: Int)]
  ) throws(AlulaError) -> PatchGrid {
    guard
      let grid = PatchGrid(
        height: height, width: width, rowStep: rowStep, columnStep: columnStep, channels: channels, taps: taps,
        lanes: kernels.gemm.columns)
    else { throw CPUBackend.outOfMemory(call) }
    return grid
  }

  /// Fewer channels of the target than this would leave most of a vector of them empty.
  private static let fewTargets = 8
  /// A sum shorter than this takes less time than the direct way's copy of its operands with channels last.
  private static let shortSum = 64

  /// The convolution from input to output.
  private func direct() -> DirectConvolution {
    func axis(_ positions: Int, _ extent: Int, _ stride: Int, _ padding: Int, _ kernel: Int, _ dilation: Int) -> TapAxis
    {
      TapAxis(
        positions: positions, extent: extent, step: stride, taps: (0..<kernel).map { ($0, $0 * dilation - padding) })
    }
    return DirectConvolution(
      kernels: kernels, batch: shape.batch, groups: shape.groups, channels: inputs, targets: outputs,
      rows: axis(
        shape.output.height, shape.input.height, shape.stride.height, shape.padding.height, shape.kernel.height,
        shape.dilation.height),
      columns: axis(
        shape.output.width, shape.input.width, shape.stride.width, shape.padding.width, shape.kernel.width,
        shape.dilation.width))
  }

  /// Groups of one input channel, but for steps so large that hardly any of an image is read.
  private var isDepthwise: Bool { inputs == 1 && outputs < Self.fewTargets && shape.stride.height <= 16 }

  private func depthwise(_ grid: PatchGrid) -> DepthwiseConvolution {
    DepthwiseConvolution(
      kernels: kernels, batch: shape.batch, groups: shape.groups, outputs: outputs, grid: grid)
  }

  /// A kernel of one element at every pixel: a plain product of weight and image.
  private var isPointwise: Bool {
    shape.kernel == (1, 1) && shape.stride == (1, 1) && shape.padding == (0, 0)
  }

  /// For each image and group: the m × k weight, one group's after the other, times the k × pixels image.
  private func pointwise(
    _ weight: MatrixOperand, m: Int, k: Int, _ source: UnsafeRawPointer, bias: UnsafeRawPointer?,
    _ target: UnsafeMutableRawPointer
  ) throws(AlulaError) {
    let area = shape.output.height * shape.output.width
    let failed = Atomic(false)
    let multiply: (Int) -> Void = { task in
      let group = task % shape.groups
      var product = Gemm(kernels.gemm, m: m, n: area, k: k)
      product.rowBias = bias.map { $0 + group * m * size }
      let weight = MatrixOperand(
        pointer: weight.pointer + group * m * k * size, rowStride: weight.rowStride, columnStride: weight.columnStride)
      let image = MatrixOperand(pointer: source + task * k * area * size, rowStride: area, columnStride: 1)
      if !product.run(weight, image, target + task * m * area * size, rowStride: area) {
        failed.store(true, ordering: .relaxed)
      }
    }
    // Threads share out the images, or the tiles of each product when there are few.
    let tasks = shape.batch * shape.groups
    if tasks >= 8 {
      ThreadPool.parallelFor(tasks, grain: max(1, (1 << 17) / max(saturatedProduct(m, area, k), 1))) {
        for task in $0 { multiply(task) }
      }
    } else {
      for task in 0..<tasks { multiply(task) }
    }
    if failed.load(ordering: .relaxed) { throw CPUBackend.outOfMemory(call) }
  }

  // MARK: - Forward

  func forward(_ x: Tensor, _ weight: Tensor, bias: Tensor?, _ output: Tensor) throws(AlulaError) {
    if output.count == 0 { return }
    if let inner = ofPatches { return try inner.forward(patches(x, inner.shape), weight, bias: bias, output) }
    let weight = try weight.contiguous()
    let bias = try bias?.contiguous()
    if isPointwise {
      let x = try x.contiguous()
      let bias = bias.map { UnsafeRawPointer($0.data) }
      return try pointwise(
        MatrixOperand(pointer: weight.data, rowStride: inputs, columnStride: 1), m: outputs, k: inputs,
        x.data, bias: bias, output.data)
    }
    let area = shape.kernel.height * shape.kernel.width
    if outputs >= Self.fewTargets, inputs * area >= Self.shortSum {
      let x = try x.contiguous()
      let weight = WeightOperand(
        pointer: weight.data, groupStride: outputs * inputs * area, targetStride: inputs * area, channelStride: area,
        kernelWidth: shape.kernel.width)
      let bias = bias.map { UnsafeRawPointer($0.data) }
      let direct = direct()
      let done =
        WinogradConvolution(direct)?.run(x.data, weight, bias: bias, output.data)
        ?? direct.run(
          x.data, weight, bias: bias, output.data, targetPlane: shape.output.height * shape.output.width, scatter: nil)
      if !done { throw CPUBackend.outOfMemory(call) }
      return
    }
    let grid = try inputGrid()
    if isDepthwise {
      let bias = bias.map { UnsafeRawPointer($0.data) }
      let done = depthwise(grid).run(
        planes(x), weight.data, bias: bias, output.data, planeSize: grid.count, rowStride: grid.width)
      if !done { throw CPUBackend.outOfMemory(call) }
      return
    }
    try product(weight.data, grid, x, bias: bias.map { UnsafeRawPointer($0.data) }, to: output)
  }

  /// For each image and group: (output channels × depth weights) times (depth × positions patches).
  private func product(
    _ weight: UnsafeRawPointer, _ grid: PatchGrid, _ x: Tensor, bias: UnsafeRawPointer?, to output: Tensor
  ) throws(AlulaError) {
    let (gemm, rows) = (kernels.gemm, outputs)
    let depth = grid.offsets.count
    let panelCount = gemm.paddedRows(rows) * depth
    guard let weights = Scratch(shape.groups, max(panelCount, 1), size: size) else {
      throw CPUBackend.outOfMemory(call)
    }
    let panels = weights.pointer
    for group in 0..<shape.groups {
      Gemm(gemm, m: rows, n: 0, k: depth).packA(
        MatrixOperand(pointer: weight + group * rows * depth * size, rowStride: depth, columnStride: 1),
        panels + group * panelCount * size)
    }
    let area = output.layout.shape[2] * output.layout.shape[3]
    let (image, target) = (planes(x), output.data)
    let deepest = min(depth, Gemm.depthBlock)
    let columns = gemm.paddedColumns(grid.block)
    let failed = Atomic(false)
    let work = saturatedProduct(rows, grid.block, max(depth, 1))
    ThreadPool.parallelFor(shape.batch * shape.groups * grid.blocks, grain: max(1, (1 << 19) / work)) { range in
      guard let padded = Scratch(grid.paddedCount, size: size),
        let patches = Scratch(deepest * columns + 2 * gemm.columns, size: size)
      else { return failed.store(true, ordering: .relaxed) }
      padded.clear()
      for task in range {
        let positions = grid.positions(task % grid.blocks)
        let group = task / grid.blocks % shape.groups
        let index = task / grid.blocks / shape.groups
        let plane = target + (index * output.layout.shape[1] + group * rows) * area * size
        grid.pad(kernels, image, index, channel: group * inputs, positions, padded.pointer)
        let c = plane + positions.lowerBound * size
        var start = 0
        repeat {
          let deep = min(Gemm.depthBlock, depth - start)
          let whole = positions.count / gemm.columns * gemm.columns
          if whole < positions.count { patches.clear(whole * deep..<(whole + gemm.columns) * deep, size: size) }
          grid.pack(kernels, positions, start..<(start + deep), padded.pointer, patches.pointer)
          // Blocks of rows whose weights stay in the second-level cache.
          for row in stride(from: 0, to: rows, by: 192) {
            var product = gemm.packed(
              rows: min(192, rows - row), columns: positions.count, depth: deep, rowStride: area,
              accumulate: start > 0)
            gemm.block(
              &product, panels + (group * panelCount + start * gemm.paddedRows(rows) + row * deep) * size,
              patches.pointer, c + row * area * size,
              start == 0 ? bias.map { $0 + (group * rows + row) * size } : nil, nil)
          }
          start += Gemm.depthBlock
        } while start < depth
      }
    }
    if failed.load(ordering: .relaxed) { throw CPUBackend.outOfMemory(call) }
  }

  // MARK: - Gradient with respect to the input

  /// Input pixels that have the same remainder modulo the stride see the same kernel elements, and the output at
  /// neighbouring positions: for each remainder this is a convolution of stride 1.
  func inputGradient(_ gradient: Tensor, _ weight: Tensor, _ output: Tensor) throws(AlulaError) {
    if output.count == 0 { return }
    if let inner = ofPatches {
      let target = shape.patches(output.layout)
      let sums = try Tensor(uninitialized: target.shape, dtype: output.dtype)
      try inner.inputGradient(gradient, weight, sums)
      if target.count < output.count { CPUBackend.zero(output) }
      return try output.aliased(target).copyElements(from: sums)
    }
    let weight = try weight.contiguous()
    let isDepthwise = isDepthwise && outputs == 1 && !isPointwise
    let gradient = isDepthwise ? gradient : try gradient.contiguous()
    if isPointwise {
      return try pointwise(
        MatrixOperand(pointer: weight.data, rowStride: 1, columnStride: inputs), m: inputs, k: outputs, gradient.data,
        bias: nil, output.data)
    }
    for row in 0..<min(shape.stride.height, shape.input.height) {
      let rows = remainder(
        row, shape.input.height, shape.output.height, shape.kernel.height, shape.stride.height, shape.padding.height,
        shape.dilation.height)
      if isDepthwise {
        try depthwiseInputGradient(gradient, weight, output, row, rows)
        continue
      }
      for column in 0..<min(shape.stride.width, shape.input.width) {
        let columns = remainder(
          column, shape.input.width, shape.output.width, shape.kernel.width, shape.stride.width, shape.padding.width,
          shape.dilation.width)
        try inputGradient(gradient, weight, output, row, column, rows, columns)
      }
    }
  }

  /// The gradient of the input pixels of one remainder.
  private func inputGradient(
    _ gradient: Tensor, _ weight: Tensor, _ output: Tensor, _ row: Int, _ column: Int, _ rows: TapAxis,
    _ columns: TapAxis
  ) throws(AlulaError) {
    let area = shape.kernel.height * shape.kernel.width
    let weight = WeightOperand(
      pointer: weight.data, groupStride: outputs * inputs * area, targetStride: area, channelStride: inputs * area,
      kernelWidth: shape.kernel.width)
    let target = output.data + (row * shape.input.width + column) * size
    let plane = shape.input.height * shape.input.width
    let done: Bool
    if inputs >= Self.fewTargets {
      let direct = DirectConvolution(
        kernels: kernels, batch: shape.batch, groups: shape.groups, channels: outputs, targets: inputs, rows: rows,
        columns: columns)
      let winograd = shape.stride == (1, 1) ? WinogradConvolution(direct) : nil
      done =
        winograd?.run(gradient.data, weight, bias: nil, target)
        ?? direct.run(gradient.data, weight, bias: nil, target, targetPlane: plane, scatter: remainderSteps)
    } else {
      done = ShiftedSums(
        kernels: kernels, batch: shape.batch, groups: shape.groups, channels: outputs, targets: inputs, rows: rows,
        columns: columns
      ).run(gradient.data, weight, target, targetPlane: plane, scatter: remainderSteps)
    }
    if !done { throw CPUBackend.outOfMemory(call) }
  }

  /// The distances of one remainder's input pixels; nil where they are adjacent.
  private var remainderSteps: (row: Int, column: Int)? {
    shape.stride == (1, 1) ? nil : (row: shape.stride.height * shape.input.width, column: shape.stride.width)
  }

  /// Input pixels of one remainder along an axis, and the kernel elements that reach them from where their output lies.
  private func remainder(
    _ first: Int, _ extent: Int, _ outputs: Int, _ kernel: Int, _ stride: Int, _ padding: Int, _ dilation: Int
  ) -> TapAxis {
    TapAxis(
      positions: (extent - first - 1) / stride + 1, extent: outputs, step: 1,
      taps: (0..<kernel).compactMap { element in
        let distance = first + padding - element * dilation
        return distance % stride == 0 ? (element, distance / stride) : nil
      })
  }

  /// The gradient of the input rows of one remainder where groups have one channel on both sides: the convolution of the
  /// output's gradient, its columns a stride apart with zeros between, with the kernel's rows that reach them turned round.
  private func depthwiseInputGradient(
    _ gradient: Tensor, _ weight: Tensor, _ output: Tensor, _ row: Int, _ rows: TapAxis
  ) throws(AlulaError) {
    let elements = (0..<shape.kernel.width).reversed()
    let taps = rows.offsets.flatMap { y in
      elements.map { (y: y, x: shape.padding.width - $0 * shape.dilation.width) }
    }
    let grid = try grid(rows.positions, shape.input.width, 1, 1, 1, taps)
    guard let turned = Scratch(shape.groups, taps.count, size: size) else { throw CPUBackend.outOfMemory(call) }
    var to = turned.pointer
    for group in 0..<shape.groups {
      for y in rows.elements {
        for x in elements {
          let element = (group * shape.kernel.height + y) * shape.kernel.width + x
          to.copyMemory(from: weight.data + element * size, byteCount: size)
          to += size
        }
      }
    }
    var convolution = depthwise(grid)
    convolution.spread = shape.stride.width
    let done = convolution.run(
      planes(gradient), turned.pointer, bias: nil, output.data + row * shape.input.width * size,
      planeSize: shape.input.height * shape.input.width, rowStride: shape.stride.height * shape.input.width)
    if !done { throw CPUBackend.outOfMemory(call) }
  }

  // MARK: - Gradient with respect to the weight

  /// A kernel of one element: a product whose depth are the pixels of all images.
  private func pointwiseWeightGradient(_ gradient: Tensor, _ x: Tensor, _ output: Tensor) throws(AlulaError) {
    let area = shape.output.height * shape.output.width
    /// Channels by pixels, so that those of several images follow one another.
    func byChannel(_ tensor: Tensor, _ channels: Int) throws(AlulaError) -> Tensor {
      let layout = Layout(
        shape: [channels, shape.batch, area], strides: [area, channels * area, 1], offset: tensor.layout.offset)
      return try tensor.aliased(layout).contiguous()
    }
    let (g, x) = (try byChannel(gradient, shape.outputChannels), try byChannel(x, shape.inputChannels))
    let depth = shape.batch * area
    for group in 0..<shape.groups {
      let product = Gemm(kernels.gemm, m: outputs, n: inputs, k: depth)
      let done = product.run(
        MatrixOperand(pointer: g.data + group * outputs * depth * size, rowStride: depth, columnStride: 1),
        MatrixOperand(pointer: x.data + group * inputs * depth * size, rowStride: 1, columnStride: depth),
        output.data + group * outputs * inputs * size, rowStride: inputs)
      if !done { throw CPUBackend.outOfMemory(call) }
    }
  }

  /// Images are shared out in pieces of a number that depends on the batch alone; their sums are added in order.
  func weightGradient(_ gradient: Tensor, _ x: Tensor, _ output: Tensor) throws(AlulaError) {
    if output.count == 0 { return }
    if x.count == 0 || gradient.count == 0 { return CPUBackend.zero(output) }
    if let inner = ofPatches { return try inner.weightGradient(gradient, patches(x, inner.shape), output) }
    let gradient = try gradient.contiguous()
    // Large images take as long by the direct way, which copies a few at a time.
    if isPointwise, shape.batch == 1 || saturatedProduct(x.count, size) <= 1 << 24 {
      return try pointwiseWeightGradient(gradient, x.contiguous(), output)
    }
    let direct = direct()
    if outputs >= Self.fewTargets, direct.suitsWeightGradient {
      let x = try x.contiguous()
      let done =
        WinogradConvolution(direct)?.weightGradient(x.data, gradient.data, output.data)
        ?? direct.weightGradient(x.data, gradient.data, output.data)
      if !done { throw CPUBackend.outOfMemory(call) }
      return
    }
    let gemm = kernels.gemm
    let grid = try inputGrid()
    let depth = grid.offsets.count
    if isDepthwise, shape.groups >= 8 {
      if !depthwise(grid).weightGradient(planes(x), gradient.data, output.data) {
        throw CPUBackend.outOfMemory(call)
      }
      return
    }
    let mostPieces = max(1, min(16, (4 << 20) / output.count))
    let images = (shape.batch + mostPieces - 1) / mostPieces
    let pieces = (shape.batch + images - 1) / images
    // Few images: the kernel's elements are shared out too.
    let tileColumns = pieces >= 8 ? depth : min(depth, 8 * gemm.columns)
    let tiles = (depth + tileColumns - 1) / tileColumns
    let deepest = min(grid.block, Gemm.depthBlock)
    guard let partial = Scratch(pieces - 1, output.count, size: size) else {
      throw CPUBackend.outOfMemory(call)
    }
    let (sum, partials) = (output.data, partial.pointer)
    let (image, source) = (planes(x), gradient.data)
    let failed = Atomic(false)
    ThreadPool.parallelFor(pieces * shape.groups * tiles, grain: 1) { range in
      guard let padded = Scratch(grid.paddedCount, size: size),
        let patches = Scratch(gemm.paddedColumns(tileColumns) * deepest, size: size),
        let rows = Scratch(gemm.paddedRows(outputs) * deepest, size: size)
      else { return failed.store(true, ordering: .relaxed) }
      padded.clear()
      patches.clear()
      for task in range {
        let piece = task / tiles / shape.groups
        let group = task / tiles % shape.groups
        let columns = (task % tiles * tileColumns)..<min(depth, (task % tiles + 1) * tileColumns)
        let target = piece == 0 ? sum : partials + (piece - 1) * output.count * size
        let c = target + (group * outputs * depth + columns.lowerBound) * size
        var accumulate = false
        for index in (piece * images)..<min(shape.batch, (piece + 1) * images) {
          let plane = source + (index * shape.outputChannels + group * outputs) * grid.count * size
          for block in 0..<grid.blocks {
            let positions = grid.positions(block)
            grid.pad(kernels, image, index, channel: group * inputs, positions, padded.pointer)
            for start in stride(from: positions.lowerBound, to: positions.upperBound, by: deepest) {
              let part = start..<min(start + deepest, positions.upperBound)
              gemm.packA(outputs, part.count, plane + start * size, grid.count, 1, rows.pointer)
              grid.packTransposed(kernels, part, within: positions, columns, padded.pointer, patches.pointer)
              var product = gemm.packed(
                rows: outputs, columns: columns.count, depth: part.count, rowStride: depth, accumulate: accumulate)
              gemm.block(&product, rows.pointer, patches.pointer, c, nil, nil)
              accumulate = true
            }
          }
        }
      }
    }
    if failed.load(ordering: .relaxed) { throw CPUBackend.outOfMemory(call) }
    for piece in 1..<max(pieces, 1) {
      gemm.add(output.count, sum, partials + (piece - 1) * output.count * size)
    }
  }
}
