import CSupport

// The pooling kernels of each data type: pool.max, pool.scatter, pool.gather, pool.average and
// pool.average_gradient.

func registerPooling(_ receive: KernelReceiver) {
  registerPoolingFloat(receive)
  registerPoolingDouble(receive)
}

func registerPoolingFloat(_ receive: KernelReceiver) {
  let slot = 11
  let max: max_pool_kernel = { planes, geometry, source, values, indices in
    maxPool(
      planes, geometry, source.assumingMemoryBound(to: Float.self), values.assumingMemoryBound(to: Float.self),
      indices, maxPoolTwoByTwo)
  }
  let scatter: plane_index_kernel = { planes, count, extent, source, indices, target in
    scatterToPlanes(
      planes, count, extent, source.assumingMemoryBound(to: Float.self), indices,
      target.assumingMemoryBound(to: Float.self))
  }
  let gather: plane_index_kernel = { planes, count, extent, source, indices, target in
    gatherFromPlanes(
      planes, count, extent, source.assumingMemoryBound(to: Float.self), indices,
      target.assumingMemoryBound(to: Float.self))
  }
  let average: average_pool_kernel = { planes, geometry, includePadding, source, target in
    averagePool(
      planes, geometry, includePadding, source.assumingMemoryBound(to: Float.self),
      target.assumingMemoryBound(to: Float.self))
  }
  let averageGradient: average_pool_kernel = { planes, geometry, includePadding, source, target in
    averagePoolGradient(
      planes, geometry, includePadding, source.assumingMemoryBound(to: Float.self),
      target.assumingMemoryBound(to: Float.self))
  }
  receive("pool.max", slot, unsafeBitCast(max, to: UnsafeRawPointer.self))
  receive("pool.scatter", slot, unsafeBitCast(scatter, to: UnsafeRawPointer.self))
  receive("pool.gather", slot, unsafeBitCast(gather, to: UnsafeRawPointer.self))
  receive("pool.average", slot, unsafeBitCast(average, to: UnsafeRawPointer.self))
  receive("pool.average_gradient", slot, unsafeBitCast(averageGradient, to: UnsafeRawPointer.self))
}

func registerPoolingDouble(_ receive: KernelReceiver) {
  let slot = 12
  let max: max_pool_kernel = { planes, geometry, source, values, indices in
    maxPool(
      planes, geometry, source.assumingMemoryBound(to: Double.self), values.assumingMemoryBound(to: Double.self),
      indices, { _, _, _, _, _, _ in 0 })
  }
  let scatter: plane_index_kernel = { planes, count, extent, source, indices, target in
    scatterToPlanes(
      planes, count, extent, source.assumingMemoryBound(to: Double.self), indices,
      target.assumingMemoryBound(to: Double.self))
  }
  let gather: plane_index_kernel = { planes, count, extent, source, indices, target in
    gatherFromPlanes(
      planes, count, extent, source.assumingMemoryBound(to: Double.self), indices,
      target.assumingMemoryBound(to: Double.self))
  }
  let average: average_pool_kernel = { planes, geometry, includePadding, source, target in
    averagePool(
      planes, geometry, includePadding, source.assumingMemoryBound(to: Double.self),
      target.assumingMemoryBound(to: Double.self))
  }
  let averageGradient: average_pool_kernel = { planes, geometry, includePadding, source, target in
    averagePoolGradient(
      planes, geometry, includePadding, source.assumingMemoryBound(to: Double.self),
      target.assumingMemoryBound(to: Double.self))
  }
  receive("pool.max", slot, unsafeBitCast(max, to: UnsafeRawPointer.self))
  receive("pool.scatter", slot, unsafeBitCast(scatter, to: UnsafeRawPointer.self))
  receive("pool.gather", slot, unsafeBitCast(gather, to: UnsafeRawPointer.self))
  receive("pool.average", slot, unsafeBitCast(average, to: UnsafeRawPointer.self))
  receive("pool.average_gradient", slot, unsafeBitCast(averageGradient, to: UnsafeRawPointer.self))
}
