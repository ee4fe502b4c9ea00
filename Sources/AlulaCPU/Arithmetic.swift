import CSupport

func registerArithmetic(_ receive: KernelReceiver) {
  registerBinary(receive, "add", float32: { n, p, s, _ in
    binaryLoop(n, p!, s!, { (x: SIMD8<Float>, y: SIMD8<Float>) in x + y }, { (x: Float, y: Float) in x + y })
  })
}
func registerBinary(_ receive: KernelReceiver, _ name: StaticString, float32: @convention(c) (Int, UnsafePointer<UnsafeMutablePointer<CChar>?>?, UnsafePointer<Int>?, UnsafePointer<Double>?) -> Void) {
  receive(name, 11, unsafeBitCast(float32, to: UnsafeRawPointer.self))
}
