import CSupport
import Synchronization

extension CPUBackend {
  static let poolingLowerings: [(Operation, Lowering)] = [
    (
      .maxPool2d,
      { (call, outputs) throws(AlulaError) in
        try onContiguous(call, outputs) { (call, outputs) throws(AlulaError) in
          let shape = try PoolingShape(call[0].layout.shape, call)
          let kernel: max_pool_kernel = try poolingKernel("pool.max", call)
          let (x, values, indices) = (call[0].data, outputs[0].data, outputs[1].data)
          let size = call[0].dtype.itemSize
          let (geometry, area, windows) = (shape.geometry, shape.inputArea, shape.outputArea)
          eachPlane(shape.planes, max(area, windows)) { planes in
            kernel(
              planes.count, geometry, x + planes.lowerBound * area * size,
              values + planes.lowerBound * windows * size,
              (indices + planes.lowerBound * windows * 8).assumingMemoryBound(to: Int64.self))
          }
        }
      }
    ),
    (
      .maxPool2dScatter,
      { (call, outputs) throws(AlulaError) in
        try onContiguous(call, outputs) { (call, outputs) throws(AlulaError) in
          try move("pool.scatter", call, outputs[0], images: outputs[0])
        }
      }
    ),
    (
      .maxPool2dGather,
      { (call, outputs) throws(AlulaError) in
        try onContiguous(call, outputs) { (call, outputs) throws(AlulaError) in
          try move("pool.gather", call, outputs[0], images: call[0])
        }
      }
    ),
    (
      .avgPool2d,
      { (call, outputs) throws(AlulaError) in
        try onContiguous(call, outputs) { (call, outputs) throws(AlulaError) in
          let shape = try PoolingShape(call[0].layout.shape, call)
          try average("pool.average", call, shape, call[0], outputs[0], shape.inputArea, shape.outputArea)
        }
      }
    ),
    (
      .avgPool2dInputGradient,
      { (call, outputs) throws(AlulaError) in
        try onContiguous(call, outputs) { (call, outputs) throws(AlulaError) in
          let shape = try PoolingShape(outputs[0].layout.shape, call)
          try average("pool.average_gradient", call, shape, call[0], outputs[0], shape.outputArea, shape.inputArea)
        }
      }
    ),
  ]

  /// Runs `body` on contiguous inputs, indices as int64 and half precision as float32.
  private static func onContiguous(
    _ call: Call, _ outputs: [Tensor], _ body: (Call, [Tensor]) throws(AlulaError) -> Void
  ) throws(AlulaError) {
    try inFloat32(call, outputs) { (call, outputs) throws(AlulaError) in
      var inputs = Operands()
      for tensor in call.inputs {
        guard let tensor else { continue }
        inputs.append(try (tensor.dtype.isInteger ? tensor.cast(dtype: .int64) : tensor).contiguous())
      }
      try body(Call(call.operation, inputs, call.attributes), outputs)
    }
  }

  private static func poolingKernel<F>(_ name: String, _ call: Call) throws(AlulaError) -> F {
    guard let kernel = KernelTable.shared.function(name, slot: call[0].dtype.code, as: F.self) else {
      throw .invalidDType("\(call.operation.name): dtype \(call[0].dtype) is not supported on cpu")
    }
    return kernel
  }

  /// Shares out planes of `area` elements.
  private static func eachPlane(_ planes: Int, _ area: Int, _ body: (Range<Int>) -> Void) {
    ThreadPool.parallelFor(planes, grain: max(1, 16384 / max(area, 1)), body)
  }

  private static func average(
    _ name: String, _ call: Call, _ shape: PoolingShape, _ source: Tensor, _ target: Tensor, _ sourceArea: Int,
    _ targetArea: Int
  ) throws(AlulaError) {
    let kernel: average_pool_kernel = try poolingKernel(name, call)
    let (from, to) = (source.data, target.data)
    let size = source.dtype.itemSize
    let (geometry, includePadding) = (shape.geometry, call.bool("count_include_pad"))
    eachPlane(shape.planes, max(sourceArea, targetArea)) { planes in
      kernel(
        planes.count, geometry, includePadding, from + planes.lowerBound * sourceArea * size,
        to + planes.lowerBound * targetArea * size)
    }
  }

  /// Moves the elements of the call's first input to `output` by the indices in its second.
  private static func move(_ name: String, _ call: Call, _ output: Tensor, images: Tensor) throws(AlulaError) {
    let kernel: plane_index_kernel = try poolingKernel(name, call)
    let windows = call[1].layout.shape
    // Beside an empty axis the other extents may have any product.
    if windows.array.dropLast(2).contains(0) { return }
    let count = windows[windows.count - 2] * windows[windows.count - 1]
    let pixels = images.layout.shape
    let extent = pixels[pixels.count - 2] * pixels[pixels.count - 1]
    let planes = windows.array.dropLast(2).reduce(1, *)
    let sourceArea = call[0].count / planes
    let targetArea = output.count / planes
    let (from, to, indices) = (call[0].data, output.data, call[1].data.assumingMemoryBound(to: Int64.self))
    let size = output.dtype.itemSize
    let failed = Atomic(false)
    eachPlane(planes, max(count, extent)) { range in
      if !kernel(
        range.count, count, extent, from + range.lowerBound * sourceArea * size, indices + range.lowerBound * count,
        to + range.lowerBound * targetArea * size)
      {
        failed.store(true, ordering: .relaxed)
      }
    }
    if failed.load(ordering: .relaxed) {
      throw .outOfRange("\(call.operation.name): an index lies outside the \(extent) pixels of images \(pixels)")
    }
  }
}

extension PoolingShape {
  fileprivate var planes: Int { leading.reduce(1, *) }
  fileprivate var inputArea: Int { input[0] * input[1] }
  fileprivate var outputArea: Int { output[0] * output[1] }
}
