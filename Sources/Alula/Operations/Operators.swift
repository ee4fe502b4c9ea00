// Swift's operators on tensors: the operations of the same meaning. Numbers are taken in the tensor's dtype.

extension Tensor {
  public static func + (a: Tensor, b: Tensor) throws(AlulaError) -> Tensor { try a.add(b) }
  public static func - (a: Tensor, b: Tensor) throws(AlulaError) -> Tensor { try a.subtract(b) }
  public static func * (a: Tensor, b: Tensor) throws(AlulaError) -> Tensor { try a.multiply(b) }
  public static func / (a: Tensor, b: Tensor) throws(AlulaError) -> Tensor { try a.divide(b) }
  public static prefix func - (a: Tensor) throws(AlulaError) -> Tensor { try a.negative() }

  public static func + (a: Tensor, b: Double) throws(AlulaError) -> Tensor { try a.add(a.number(b)) }
  public static func - (a: Tensor, b: Double) throws(AlulaError) -> Tensor { try a.subtract(a.number(b)) }
  public static func * (a: Tensor, b: Double) throws(AlulaError) -> Tensor { try a.multiply(a.number(b)) }
  public static func / (a: Tensor, b: Double) throws(AlulaError) -> Tensor { try a.divide(a.number(b)) }

  public static func + (a: Double, b: Tensor) throws(AlulaError) -> Tensor { try b.number(a).add(b) }
  public static func - (a: Double, b: Tensor) throws(AlulaError) -> Tensor { try b.number(a).subtract(b) }
  public static func * (a: Double, b: Tensor) throws(AlulaError) -> Tensor { try b.number(a).multiply(b) }
  public static func / (a: Double, b: Tensor) throws(AlulaError) -> Tensor { try b.number(a).divide(b) }

  /// A number as a 0-d tensor that meets this one without changing its dtype, unless that is an integer's.
  package func number(_ value: Double) throws(AlulaError) -> Tensor {
    try Tensor(scalar: .float(value), dtype: dtype.floating, weak: true, device: device)
  }
}
