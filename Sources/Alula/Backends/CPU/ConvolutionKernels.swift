import CSupport

/// The convolution kernels of one dtype.
struct ConvolutionKernels: Sendable {
  let gemm: GemmKernels
  let pad: conv_pad_kernel
  let pack: conv_pack_kernel
  let packTransposed: conv_pack_kernel
  let scatter: conv_scatter_kernel
  private let transposeElements: transpose_kernel
  let depthwise: depthwise_kernel
  let depthwiseGradient: depthwise_gradient_kernel
  let winograd: WinogradKernels

  private static let all: [ConvolutionKernels?] = DType.allCases.map { ConvolutionKernels($0) }

  static func of(_ dtype: DType) -> ConvolutionKernels? { all[dtype.code] }

  private init?(_ dtype: DType) {
    let table = KernelTable.shared
    guard let gemm = GemmKernels.of(dtype),
      let pad = table.function("conv.pad", slot: dtype.code, as: conv_pad_kernel.self),
      let pack = table.function("conv.pack", slot: dtype.code, as: conv_pack_kernel.self),
      let packTransposed = table.function("conv.pack_transposed", slot: dtype.code, as: conv_pack_kernel.self),
      let scatter = table.function("conv.scatter", slot: dtype.code, as: conv_scatter_kernel.self),
      let transpose = table.function("transpose", slot: dtype.itemSize, as: transpose_kernel.self),
      let depthwise = table.function("conv.depthwise", slot: dtype.code, as: depthwise_kernel.self),
      let depthwiseGradient = table.function(
        "conv.depthwise_gradient", slot: dtype.code, as: depthwise_gradient_kernel.self),
      let winograd = WinogradKernels(dtype)
    else { return nil }
    self.gemm = gemm
    self.pad = pad
    self.pack = pack
    self.packTransposed = packTransposed
    self.scatter = scatter
    transposeElements = transpose
    self.depthwise = depthwise
    self.depthwiseGradient = depthwiseGradient
    self.winograd = winograd
  }

  /// Element (i, j) of a `rows` by `columns` matrix goes to (j, i) of the target. Strides are in elements.
  func transpose(
    _ rows: Int, _ columns: Int, _ source: UnsafeRawPointer, _ sourceStride: Int, _ target: UnsafeMutableRawPointer,
    _ targetStride: Int
  ) {
    let size = gemm.itemSize
    transposeElements(columns, rows, target, targetStride * size, source, sourceStride * size)
  }
}

/// Winograd's transforms of one dtype.
struct WinogradKernels: Sendable {
  let source: winograd_source_kernel
  let weight: winograd_weight_kernel
  let target: winograd_target_kernel
  let gradient: winograd_gradient_kernel
  let taps: winograd_taps_kernel

  init?(_ dtype: DType) {
    let table = KernelTable.shared
    guard let source = table.function("winograd.source", slot: dtype.code, as: winograd_source_kernel.self),
      let weight = table.function("winograd.weight", slot: dtype.code, as: winograd_weight_kernel.self),
      let target = table.function("winograd.target", slot: dtype.code, as: winograd_target_kernel.self),
      let gradient = table.function("winograd.gradient", slot: dtype.code, as: winograd_gradient_kernel.self),
      let taps = table.function("winograd.taps", slot: dtype.code, as: winograd_taps_kernel.self)
    else { return nil }
    self.source = source
    self.weight = weight
    self.target = target
    self.gradient = gradient
    self.taps = taps
  }
}
