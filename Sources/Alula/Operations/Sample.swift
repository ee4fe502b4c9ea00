/// Arguments with which the generated tests call an operation.
public struct Sample: Sendable {
  /// How the elements of a test array are drawn.
  public enum Values: Sendable {
    case normal
    case uniform(Double, Double)
    /// Integers in low..<high, whatever the dtype.
    case integers(Int, Int)
    /// Distinct values at a distance that finite differences do not bridge, shuffled.
    case spread
    case bool
    case literal([Double])
  }

  public struct Array: Sendable {
    public let values: Values
    public let shape: [Int]
    /// nil: the dtype under test.
    public let dtype: DType?

    public static func normal(_ shape: Int...) -> Array { .init(values: .normal, shape: shape, dtype: nil) }
    public static func uniform(_ low: Double, _ high: Double, _ shape: Int...) -> Array {
      .init(values: .uniform(low, high), shape: shape, dtype: nil)
    }
    public static func spread(_ shape: Int...) -> Array { .init(values: .spread, shape: shape, dtype: nil) }
    public static func integers(_ low: Int, _ high: Int, _ shape: Int..., dtype: DType? = nil) -> Array {
      .init(values: .integers(low, high), shape: shape, dtype: dtype)
    }
    /// Indices: int64 whatever the dtype under test.
    public static func indices(_ limit: Int, _ shape: Int...) -> Array {
      .init(values: .integers(0, limit), shape: shape, dtype: .int64)
    }
    public static func bool(_ shape: Int...) -> Array { .init(values: .bool, shape: shape, dtype: .bool) }
    public static func literal(_ values: [Double], _ shape: Int..., dtype: DType? = nil) -> Array {
      .init(values: .literal(values), shape: shape, dtype: dtype)
    }
  }

  /// One per input of the declaration; nil leaves an optional one out. A list operation takes them all.
  public let inputs: [Array?]
  public let attributes: [String: AttributeValue]

  public init(_ inputs: Array?..., attributes: [String: AttributeValue] = [:]) {
    self.inputs = inputs
    self.attributes = attributes
  }
}
