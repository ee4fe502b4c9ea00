import Alula

/// The catalog as the generated tests read it.
func testCatalog() -> String {
  "[\n" + Catalog.operations.map { json($0).text(indent: 1) }.joined(separator: ",\n") + "\n]\n"
}

/// A value of JSON.
indirect enum JSON {
  case null, bool(Bool), int(Int), float(Double), string(String), list([JSON]), object([(String, JSON)])

  func text(indent: Int) -> String {
    let pad = String(repeating: " ", count: indent)
    switch self {
    case .object(let members):
      let lines = members.map { "\(pad) \(JSON.quoted($0.0)): \($0.1.line)" }
      return "\(pad){\n" + lines.joined(separator: ",\n") + "\n\(pad)}"
    default: return pad + line
    }
  }

  private var line: String {
    switch self {
    case .null: "null"
    case .bool(let value): "\(value)"
    case .int(let value): "\(value)"
    case .float(let value): value.isFinite ? "\(value)" : value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    case .string(let value): JSON.quoted(value)
    case .list(let values): "[" + values.map(\.line).joined(separator: ", ") + "]"
    case .object(let members):
      "{" + members.map { "\(JSON.quoted($0.0)): \($0.1.line)" }.joined(separator: ", ") + "}"
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for character in text.unicodeScalars {
      switch character {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      default: result.unicodeScalars.append(character)
      }
    }
    return result + "\""
  }
}

private func json(_ operation: Operation) -> JSON {
  .object([
    ("name", .string(operation.name)),
    ("family", .string(Catalog.families.first { $0.operations.contains { $0 === operation } }?.title ?? "")),
    (
      "inputs",
      .list(
        operation.inputs.map {
          .object([
            ("name", .string($0.name)), ("role", .string("\($0.role)")), ("arity", .string("\($0.arity)")),
          ])
        })
    ),
    (
      "attributes",
      .list(
        operation.attributes.map {
          .object([
            ("name", .string($0.name)), ("kind", .string(kindName($0.kind))),
            ("default", $0.defaultValue.map(json) ?? .string("required")),
          ])
        })
    ),
    ("outputs", .list(operation.outputs.map { .string($0) })),
    ("dtypes", .list(DType.allCases.filter { operation.dtypes.contains($0) }.map { .string($0.name) })),
    ("promotion", .string("\(operation.promotion)")),
    ("body", .string(bodyName(operation.body))),
    ("gradient", .string(gradientName(operation.gradient))),
    ("in_place", .bool(operation.inPlace)),
    ("reference", operation.reference.map { .string($0) } ?? .null),
    ("samples", .list(operation.samples.map(json))),
  ])
}

private func json(_ sample: Sample) -> JSON {
  .object([
    ("inputs", .list(sample.inputs.map { $0.map(json) ?? .null })),
    ("attributes", .object(sample.attributes.sorted { $0.key < $1.key }.map { ($0.key, json($0.value)) })),
  ])
}

private func json(_ array: Sample.Array) -> JSON {
  let values: [JSON] =
    switch array.values {
    case .normal: [.string("normal")]
    case .uniform(let low, let high): [.string("uniform"), .float(low), .float(high)]
    case .integers(let low, let high): [.string("integers"), .int(low), .int(high)]
    case .spread: [.string("spread")]
    case .bool: [.string("bool")]
    case .literal(let values): [.string("literal"), .list(values.map { .float($0) })]
    }
  return .object([
    ("values", .list(values)), ("shape", .list(array.shape.map { .int($0) })),
    ("dtype", array.dtype.map { .string($0.name) } ?? .null),
  ])
}

func json(_ value: AttributeValue) -> JSON {
  switch value {
  case .none, .generator: .null
  case .bool(let value): .bool(value)
  case .int(let value): .int(value)
  case .float(let value): .float(value)
  case .ints(let values): .list(values.map { .int($0) })
  case .dtype(let value): .string(value.name)
  case .string(let value): .string(value)
  case .device(let value): .string(value.name)
  case .scalar(let value):
    switch value {
    case .bool(let value): .bool(value)
    case .int(let value): .int(Int(value))
    case .unsigned(let value): .float(Double(value))
    case .float(let value): .float(value)
    case .complex(let real, let imaginary): .list([.float(real), .float(imaginary)])
    }
  }
}

func kindName(_ kind: Attribute.Kind) -> String {
  switch kind {
  case .spatial(let axes): "spatial\(axes)"
  case .choice(let choices): "choice:" + choices.joined(separator: "|")
  default: "\(kind)"
  }
}

private func bodyName(_ body: Operation.Body) -> String {
  switch body {
  case .elementwise: "elementwise"
  case .primitive, .reduction: "primitive"
  case .update: "update"
  case .view: "view"
  case .composite: "composite"
  }
}

private func gradientName(_ gradient: Gradient) -> String {
  switch gradient {
  case .rule, .part: "rule"
  case .composed: "composed"
  case .notDifferentiable: "none"
  case .unsupported: "unsupported"
  }
}
