import Alula

/// The operation table of the documentation.
func operationTable() -> String {
  var text = """
    # Operations

    Generated from the operation catalog by `make generate`: each is `alula_NAME` in C, `alula.NAME` in Python
    and, in camel case, a method of `Tensor` in Swift. *Gradient*: **rule** (its own, differentiable again), **composed** (of the
    operations it is written with), **–** (none exists).

    """
  for family in Catalog.families {
    text += "\n## \(family.title)\n\n| operation | | dtypes | gradient | after |\n|---|---|---|---|---|\n"
    for operation in family.operations {
      let summary = operation.documentation.split(separator: "\n").first.map(String.init) ?? ""
      let gradient: String =
        switch operation.gradient {
        case .rule, .part: "rule"
        case .composed: "composed"
        case .notDifferentiable: "–"
        case .unsupported(let reason): "no: \(reason)"
        }
      text +=
        "| `\(operation.name)` | \(summary) | \(dtypes(operation.dtypes)) | \(gradient) | \(operation.source.rawValue) |\n"
    }
  }
  return text
}

private func dtypes(_ set: DTypeSet) -> String {
  if set == .all { return "all" }
  var parts: [String] = []
  if set.contains(.bool) { parts.append("bool") }
  if set.isSuperset(of: .integer) { parts.append("integer") }
  if set.isSuperset(of: .floating) { parts.append("float") }
  if set.isSuperset(of: .complex) { parts.append("complex") }
  if parts.isEmpty { parts = DType.allCases.filter { set.contains($0) }.map(\.name) }
  return parts.joined(separator: ", ")
}
