/// The value of one attribute in a call.
public enum AttributeValue: Sendable, Equatable {
  /// Left out: the operation's own choice (all axes, the input's dtype).
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case ints([Int])
  case dtype(DType)
  case scalar(Scalar)
  case string(String)
  case device(Device)
  /// A source of random numbers; `none` is the default one.
  case generator(Generator)

  public static func == (a: AttributeValue, b: AttributeValue) -> Bool {
    switch (a, b) {
    case (.none, .none): true
    case (.bool(let x), .bool(let y)): x == y
    case (.int(let x), .int(let y)): x == y
    case (.float(let x), .float(let y)): x == y
    case (.ints(let x), .ints(let y)): x == y
    case (.dtype(let x), .dtype(let y)): x == y
    case (.scalar(let x), .scalar(let y)): x == y
    case (.string(let x), .string(let y)): x == y
    case (.device(let x), .device(let y)): x == y
    case (.generator(let x), .generator(let y)): x === y
    default: false
    }
  }
}

/// An attribute as an operation declares it.
public struct Attribute: Sendable {
  public enum Kind: Sendable, Equatable {
    case bool
    case int
    /// An integer that may be left out (`None` in Python, `ALULA_NONE` in C).
    case optionalInt
    case float
    /// A list of any length: a shape, axes.
    case ints
    /// A list that may be left out (`None` in Python, `NULL` in C).
    case optionalInts
    /// A list of fixed length, one entry per spatial axis; one integer serves for all in Python.
    case spatial(Int)
    case dtype
    /// A dtype that may be left out.
    case optionalDType
    case scalar
    /// One of the named choices.
    case choice([String])
    case device
    case generator
  }

  public let name: String
  public let kind: Kind
  /// What a caller that leaves it out gets; nil when it must be given.
  public let defaultValue: AttributeValue?
  public let documentation: String

  private init(_ name: String, _ kind: Kind, _ defaultValue: AttributeValue?, _ documentation: String) {
    self.name = name
    self.kind = kind
    self.defaultValue = defaultValue
    self.documentation = documentation
  }

  public static func bool(_ name: String, default value: Bool? = nil, _ documentation: String) -> Attribute {
    Attribute(name, .bool, value.map { .bool($0) }, documentation)
  }
  public static func int(_ name: String, default value: Int? = nil, _ documentation: String) -> Attribute {
    Attribute(name, .int, value.map { .int($0) }, documentation)
  }
  public static func optionalInt(_ name: String, default value: Int? = nil, _ documentation: String) -> Attribute {
    Attribute(name, .optionalInt, value.map { .int($0) } ?? AttributeValue.none, documentation)
  }
  public static func float(_ name: String, default value: Double? = nil, _ documentation: String) -> Attribute {
    Attribute(name, .float, value.map { .float($0) }, documentation)
  }
  public static func ints(_ name: String, default value: [Int]? = nil, _ documentation: String) -> Attribute {
    Attribute(name, .ints, value.map { .ints($0) }, documentation)
  }
  public static func optionalInts(_ name: String, _ documentation: String) -> Attribute {
    Attribute(name, .optionalInts, AttributeValue.none, documentation)
  }
  public static func spatial(_ name: String, _ axes: Int, default value: Int? = nil, _ documentation: String)
    -> Attribute
  {
    Attribute(name, .spatial(axes), value.map { .ints(Array(repeating: $0, count: axes)) }, documentation)
  }
  public static func dtype(_ name: String, _ documentation: String) -> Attribute {
    Attribute(name, .dtype, nil, documentation)
  }
  public static func optionalDType(_ name: String = "dtype", _ documentation: String) -> Attribute {
    Attribute(name, .optionalDType, AttributeValue.none, documentation)
  }
  public static func scalar(_ name: String, default value: Scalar? = nil, _ documentation: String) -> Attribute {
    Attribute(name, .scalar, value.map { .scalar($0) }, documentation)
  }
  /// The first choice is the default.
  public static func choice(_ name: String, _ choices: [String], _ documentation: String) -> Attribute {
    Attribute(name, .choice(choices), choices.first.map { .string($0) }, documentation)
  }
  public static func device(_ documentation: String = "Where the result lies.") -> Attribute {
    Attribute("device", .device, .device(.cpu), documentation)
  }
  public static func generator(_ documentation: String = "The source of random numbers; the default one when left out.")
    -> Attribute
  {
    Attribute("generator", .generator, AttributeValue.none, documentation)
  }

  /// Whether `value` may be passed for this attribute.
  package func accepts(_ value: AttributeValue) -> Bool {
    switch (kind, value) {
    case (.bool, .bool), (.int, .int), (.optionalInt, .int), (.optionalInt, .none), (.float, .float): true
    case (.ints, .ints), (.optionalInts, .ints), (.optionalInts, .none): true
    case (.spatial(let axes), .ints(let values)): values.count == axes
    case (.dtype, .dtype), (.optionalDType, .dtype), (.optionalDType, .none), (.scalar, .scalar): true
    case (.choice(let choices), .string(let value)): choices.contains(value)
    case (.device, .device), (.generator, .generator), (.generator, .none): true
    default: false
    }
  }
}
