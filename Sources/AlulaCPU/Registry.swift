import CSupport

/// Receives each kernel of this instruction set: its operation's name, its slot (a data type's code,
/// or what the family's lowering documents), and its address.
public typealias KernelReceiver = (StaticString, Int, UnsafeRawPointer) -> Void

/// Hands every kernel to `receive`. Called once, for the instruction set chosen at load.
public func registerKernels(_ receive: KernelReceiver) {
  registerArithmetic(receive)
  registerExtrema(receive)
  registerDivision(receive)
  registerPower(receive)
  registerComparisons(receive)
  registerLogical(receive)
  registerBitwise(receive)
  registerClassification(receive)
  registerRounding(receive)
  registerExponentials(receive)
  registerTrigonometry(receive)
  registerHyperbolics(receive)
  registerActivations(receive)
  registerActivationGradients(receive)
  registerSelection(receive)
  registerFused(receive)
  registerCopies(receive)
  registerIntegerCasts(receive)
  registerFloatCasts(receive)
  registerComplexCasts(receive)
  registerGemm(receive)
  registerDotProducts(receive)
  registerRandom(receive)
  registerConvolution(receive)
  registerOptimizerSteps(receive)
  registerIndexing(receive)
  registerSorting(receive)
  registerPooling(receive)
  registerReductions(receive)
  registerSearch(receive)
  registerScans(receive)
  registerSoftmax(receive)
  registerSoftmaxColumns(receive)
  registerTransposition(receive)
  registerNormalization(receive)
  registerChannelNormalization(receive)
  registerCrossEntropy(receive)
  registerPanels(receive)
  registerAttention(receive)
  registerRecurrent(receive)
}
