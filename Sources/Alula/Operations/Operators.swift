// Swift's operators on tensors: the operations of the same meaning.

extension Tensor {
  public static func + (a: Tensor, b: Tensor) throws(AlulaError) -> Tensor { try a.add(b) }
  public static func * (a: Tensor, b: Tensor) throws(AlulaError) -> Tensor { try a.multiply(b) }
}
