/// How gradients flow back through an operation. Not optional: an operation has a rule or says why not.
public enum Gradient: Sendable {
  /// Computes the inputs' gradients (nil where none flows), written with operations, so that gradients of
  /// gradients need nothing more. A gradient may have the broadcast shape: it is summed to the input's.
  case rule(saves: Saved, @Sendable (GradientContext) throws(AlulaError) -> [Tensor?])
  /// The result is a part of the first input. `adding`, an update that is called on the gradient of the whole, the other
  /// inputs and the result's gradient, with the call's attributes, adds the latter in its place, so that many parts need
  /// one tensor of the whole's size, not one each. `placing` does the same to zeros, where that is less work.
  case part(adding: Operation, placing: Operation? = nil)
  /// A composite: its operations' gradients.
  case composed
  /// Piecewise constant, or integer-valued: no gradient exists.
  case notDifferentiable
  /// A gradient exists, and Alula does not have it; asking for it is an error with this reason.
  case unsupported(String)

  /// What the rule needs to see again.
  public struct Saved: OptionSet, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }
    public static let nothing: Saved = []
    /// All inputs.
    public static let inputs = Saved(rawValue: 0xFFFF)
    /// All outputs.
    public static let outputs = Saved(rawValue: 0xFFFF_0000)
    public static func input(_ i: Int) -> Saved { Saved(rawValue: 1 << UInt32(min(max(i, 0), 15))) }
    public static func output(_ i: Int) -> Saved { Saved(rawValue: 0x1_0000 << UInt32(min(max(i, 0), 15))) }

    func containsInput(_ i: Int) -> Bool { rawValue >> UInt32(min(i, 15)) & 1 == 1 }
    func containsOutput(_ i: Int) -> Bool { rawValue >> UInt32(16 + min(i, 15)) & 1 == 1 }
  }
}

/// What a gradient rule sees: the gradients of the results, and what was saved of the call.
public struct GradientContext {
  let node: OperationNode
  let gradients: [Tensor?]

  /// The gradient of the i-th result, zeros when none arrived.
  public func gradient(_ i: Int) throws(AlulaError) -> Tensor {
    if let gradient = gradients[i] { return gradient }
    guard let output = node.outputs[i] else { throw .internal("\(node.operation.name): no result \(i)") }
    return try Tensor.zeros(shape: output.layout.shape.array, dtype: output.dtype)
  }

  /// The gradient of the first result.
  public var gradient: Tensor { get throws(AlulaError) { try gradient(0) } }

  /// Whether a gradient arrived at the i-th result.
  public func hasGradient(_ i: Int) -> Bool { gradients[i] != nil }

  /// The i-th input of the call. An error when it was overwritten since.
  public func input(_ i: Int) throws(AlulaError) -> Tensor {
    guard let input = try node.savedInput(i) else {
      throw .internal("\(node.operation.name): input \(i) was not saved for the gradient")
    }
    return input
  }

  /// The i-th input, or nil when the caller left it out.
  public func optionalInput(_ i: Int) throws(AlulaError) -> Tensor? {
    node.inputs[i] == nil ? nil : try input(i)
  }

  /// The i-th result of the call.
  public func output(_ i: Int = 0) throws(AlulaError) -> Tensor {
    guard let output = try node.savedOutput(i) else {
      throw .internal("\(node.operation.name): output \(i) was not saved for the gradient")
    }
    return output
  }

  public var inputCount: Int { node.inputs.count }
  public func shape(_ i: Int) -> [Int] { node.inputs[i]?.layout.shape.array ?? [] }
  public func dtype(_ i: Int) -> DType { node.inputs[i]?.dtype ?? .defaultFloat }
  /// Whether the i-th input's gradient is wanted: skip the work when not.
  public func needsGradient(_ i: Int) -> Bool { node.inputs[i]?.edge != nil }

  public func bool(_ name: String) -> Bool { call.bool(name) }
  public func int(_ name: String) -> Int { call.int(name) }
  public func optionalInt(_ name: String) -> Int? { call.optionalInt(name) }
  public func float(_ name: String) -> Double { call.float(name) }
  public func ints(_ name: String) -> [Int] { call.ints(name) }
  public func optionalInts(_ name: String) -> [Int]? { call.optionalInts(name) }
  public func string(_ name: String) -> String { call.string(name) }

  /// An attribute that names an axis of the i-th input, counted from the front.
  public func axis(_ name: String = "axis", of i: Int = 0) throws(AlulaError) -> Int {
    try call.axis(call.int(name), rank: shape(i).count)
  }

  private var call: Call { Call(node.operation, Operands(), node.attributes) }
}
