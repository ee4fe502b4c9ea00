import Synchronization

/// One entry of the catalog. Everything that is generated or tested for an operation comes from here: its C
/// and Python functions, their documentation, the operation table, and the checks of values and gradients.
public final class Operation: Sendable {
  public typealias Infer = @Sendable (Call) throws(AlulaError) -> [TensorSpec]

  /// What a call does.
  public enum Body: Sendable {
    /// A loop over broadcast elements: kernels of the operation's name, given these attributes as scalars.
    case elementwise(output: ElementwiseOutput = .same, parameters: [String] = [])
    /// A fold of the axes in attribute `axis`, where `keepdims` and perhaps `dtype` are the only others. The rule says
    /// of which dtype the results are, or refuses; the dtype it is given is the caller's choice.
    case reduction(@Sendable (Tensor, AxisSet, DType?) throws(AlulaError) -> DType)
    /// A kernel of the back end, after the outputs' shapes and dtypes were inferred.
    case primitive(Infer)
    /// Like `primitive`, with one output that starts as a copy of the first input and is partly rewritten.
    case update(@Sendable (Call) throws(AlulaError) -> Void)
    /// Another look at the first input's storage.
    case view(@Sendable (Call) throws(AlulaError) -> Layout)
    /// Written with other operations, which bring their own gradients.
    case composite(@Sendable (Call) throws(AlulaError) -> [Tensor])
  }

  public enum ElementwiseOutput: Sendable {
    case same, bool
  }

  /// How the dtypes of the value inputs are brought together before the body sees them.
  public enum Promotion: Sendable {
    case none
    /// All to their common dtype.
    case common
    /// As `common`; then integers and bool to the default float.
    case floating
  }

  public let name: String
  /// One line, then what a user must know of shapes, dtypes and special values.
  public let documentation: String
  /// Where name and meaning come from.
  public let source: Source
  public let inputs: [Input]
  public let attributes: [Attribute]
  /// The names of the results, in order.
  public let outputs: [String]
  /// Of the value inputs, after promotion.
  public let dtypes: DTypeSet
  public let promotion: Promotion
  public let body: Body
  /// Whether a call on such a tensor, with these attributes, returns the tensor itself. Then nothing else is done.
  let isIdentity: (@Sendable (Tensor, [AttributeValue]) -> Bool)?
  public let gradient: Gradient
  public let samples: [Sample]
  /// A Python expression over NumPy (`np`), SciPy's special functions (`special`) and the functions of
  /// the tests' `reference` module, in terms of the inputs' and attributes' names.
  public let reference: String?
  /// Whether `name_` exists, which writes the result into the first input.
  public let inPlace: Bool

  /// Whether every input is a value that must be there, and there are no attributes.
  public let isPlain: Bool

  /// Whether every input is a value, and their number is fixed.
  let takesValues: Bool
  let attributeNames: [String]
  /// Whether calls on tensors that want gradients leave nodes on the tape, and what those save.
  let leavesNodes: Bool
  let saved: Gradient.Saved

  /// A small number for back ends' tables.
  package let index: Int
  private static let created = Atomic<Int>(0)

  /// Inputs come with their dtypes promoted and checked; `body` may rely on the presence of required ones.
  public init(
    _ name: String, _ documentation: String, source: Source,
    inputs: [Input], attributes: [Attribute] = [], outputs: [String] = ["out"],
    dtypes: DTypeSet, promotion: Promotion = .none, inPlace: Bool = false,
    body: Body, isIdentity: (@Sendable (Tensor, [AttributeValue]) -> Bool)? = nil, gradient: Gradient,
    samples: [Sample], reference: String?
  ) {
    self.name = name
    self.documentation = documentation
    self.source = source
    self.inputs = inputs
    self.attributes = attributes
    self.outputs = outputs
    self.dtypes = dtypes
    self.promotion = promotion
    self.inPlace = inPlace
    self.body = body
    self.isIdentity = isIdentity
    attributeNames = attributes.map(\.name)
    isPlain = attributes.isEmpty && inputs.allSatisfy { $0.role == .value && $0.arity == .one }
    takesValues = inputs.allSatisfy { $0.role == .value && $0.arity != .list }
    self.gradient = gradient
    switch gradient {
    case .rule(let saves, _): (leavesNodes, saved) = (true, saves)
    case .part: (leavesNodes, saved) = (true, .inputs.subtracting(.input(0)))
    case .unsupported: (leavesNodes, saved) = (true, .nothing)
    case .composed, .notDifferentiable: (leavesNodes, saved) = (false, .nothing)
    }
    self.samples = samples
    self.reference = reference
    index = Operation.created.wrappingAdd(1, ordering: .relaxed).oldValue
  }

  public enum Source: String, Sendable {
    case arrayAPI = "Python array API standard 2024.12"
    case numpy = "NumPy"
    case pytorch = "PyTorch"
    case scipy = "SciPy"
    case alula = "Alula"
  }

  /// A tensor argument as an operation declares it.
  public struct Input: Sendable {
    public enum Role: Sendable {
      /// Takes part in promotion and may carry gradients.
      case value
      /// Positions: any integer dtype.
      case index
      /// Yes or no, element by element: bool.
      case condition
      /// Anything; neither promoted nor checked.
      case any
    }
    public enum Arity: Sendable { case one, optional, list }

    public let name: String
    public let role: Role
    public let arity: Arity
    public let documentation: String

    public static func value(_ name: String, _ documentation: String = "") -> Input {
      Input(name: name, role: .value, arity: .one, documentation: documentation)
    }
    public static func optional(_ name: String, _ documentation: String = "") -> Input {
      Input(name: name, role: .value, arity: .optional, documentation: documentation)
    }
    /// One or more tensors; only as the single input.
    public static func list(_ name: String, _ documentation: String = "") -> Input {
      Input(name: name, role: .value, arity: .list, documentation: documentation)
    }
    public static func index(_ name: String, _ documentation: String = "") -> Input {
      Input(name: name, role: .index, arity: .one, documentation: documentation)
    }
    public static func condition(_ name: String, _ documentation: String = "") -> Input {
      Input(name: name, role: .condition, arity: .one, documentation: documentation)
    }
    public static func any(_ name: String, _ documentation: String = "") -> Input {
      Input(name: name, role: .any, arity: .one, documentation: documentation)
    }
  }
}

/// The dtype and shape of a result.
public struct TensorSpec: Sendable {
  public let dtype: DType
  public let shape: Dims
  public init(_ dtype: DType, _ shape: Dims) {
    self.dtype = dtype
    self.shape = shape
  }
}

/// A set of dtypes.
public struct DTypeSet: OptionSet, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }
  public init(_ dtype: DType) { rawValue = 1 << UInt32(dtype.rawValue) }

  public static let bool = DTypeSet(.bool)
  public static let integer = DTypeSet(rawValue: 0x1FE)
  public static let floating = DTypeSet(rawValue: 0x1E00)
  public static let complex = DTypeSet(rawValue: 0x6000)
  /// Integers and floats.
  public static let real: DTypeSet = [.integer, .floating]
  public static let all: DTypeSet = [.bool, .real, .complex]

  public func contains(_ dtype: DType) -> Bool { rawValue >> UInt32(dtype.rawValue) & 1 == 1 }
}
