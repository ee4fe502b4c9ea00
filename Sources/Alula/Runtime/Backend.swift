/// What a device must do for the engine. Operations and gradient rules never name a device; only storage
/// and the dispatcher reach through this seam.
package protocol Backend: Sendable {
  func allocate(byteCount: Int, operation: String) throws(AlulaError) -> UnsafeMutableRawPointer
  func deallocate(_ pointer: UnsafeMutableRawPointer, byteCount: Int)

  /// Copies between host memory and the device's.
  func copyIn(_ destination: UnsafeMutableRawPointer, from host: UnsafeRawPointer, byteCount: Int)
  func copyOut(_ host: UnsafeMutableRawPointer, from source: UnsafeRawPointer, byteCount: Int)

  /// Waits until everything handed to the device has been done.
  func synchronize()

  /// Waits until nothing handed to the device writes or reads the storage.
  func settle(_ storage: Storage)

  /// What is in hand may leave out what only fills the storage, whose last owner has gone.
  func forget(_ storage: Storage)

  /// Whether `run` can execute the primitive on elements of `dtype`.
  func supports(_ operation: Operation, _ dtype: DType) -> Bool

  /// Executes an element-wise primitive on up to three inputs that broadcast to `output`'s shape. `parameters` are the
  /// attributes that its kernels are given.
  func runElementwise(
    _ operation: Operation, _ a: Tensor, _ b: Tensor?, _ c: Tensor?, parameters: [Double], into output: Tensor
  ) throws(AlulaError)

  /// The same for an output that nobody has seen yet, and at the latest when somebody asks for its storage's bytes.
  func enqueueElementwise(
    _ operation: Operation, _ a: Tensor, _ b: Tensor?, _ c: Tensor?, parameters: [Double], into output: Tensor
  ) throws(AlulaError)

  /// Executes a reduction of `axes` into `output`, whose shape and dtype were inferred.
  func runReduction(_ operation: Operation, _ x: Tensor, _ axes: AxisSet, into output: Tensor) throws(AlulaError)

  /// Executes any other primitive: reads `call`'s inputs and fills `outputs`, whose shapes and dtypes were inferred.
  func run(_ operation: Operation, _ call: Call, into outputs: [Tensor]) throws(AlulaError)
}
