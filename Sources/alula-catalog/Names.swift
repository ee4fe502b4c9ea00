import Alula

/// `log_softmax` → `logSoftmax`.
func camelCase(_ name: String) -> String {
  let words = name.split(separator: "_")
  return words.enumerated().map { i, word in
    i == 0 ? String(word) : word.prefix(1).uppercased() + word.dropFirst()
  }.joined()
}

private let swiftKeywords: Set = ["where", "repeat", "in", "as", "is", "for", "default", "var", "let", "operator"]

/// A name as it is declared in Swift.
func swiftName(_ name: String) -> String {
  let name = camelCase(name)
  return swiftKeywords.contains(name) ? "`\(name)`" : name
}

/// `text` in lines of at most `width` columns, each with `prefix` in front.
func wrapped(_ text: String, width: Int, prefix: String) -> String {
  var lines: [String] = []
  for paragraph in text.split(separator: "\n", omittingEmptySubsequences: false) {
    var line = ""
    for word in paragraph.split(separator: " ") {
      if !line.isEmpty, prefix.count + line.count + 1 + word.count > width {
        lines.append(prefix + line)
        line = ""
      }
      line += line.isEmpty ? String(word) : " \(word)"
    }
    lines.append(line.isEmpty ? trimmedEnd(prefix) : prefix + line)
  }
  return lines.joined(separator: "\n")
}

func trimmedEnd(_ text: String) -> String {
  var text = Substring(text)
  while text.last == " " { text = text.dropLast() }
  return String(text)
}

/// `items` in a list that breaks after `width` columns, further lines indented.
func brokenList(_ items: [String], open: String, close: String, width: Int, indent: String) -> String {
  let single = open + items.joined(separator: ", ") + close
  if single.count <= width { return single }
  var lines = [open]
  for (i, item) in items.enumerated() {
    let text = item + (i < items.count - 1 ? ", " : close)
    if (lines.last ?? "").count + text.count > width {
      lines[lines.count - 1] = trimmedEnd(lines.last ?? "")
      lines.append(indent + text)
    } else {
      lines[lines.count - 1] += text
    }
  }
  return lines.joined(separator: "\n")
}

extension Operation {
  var isListOperation: Bool { inputs.first?.arity == .list }
  var required: [Attribute] { attributes.filter { $0.defaultValue == nil } }
  var defaulted: [Attribute] { attributes.filter { $0.defaultValue != nil } }
  /// Many optional attributes go into a structure that can grow.
  var takesOptions: Bool { defaulted.count > 3 }
  /// Whether calls go through `apply`, the short way, and `alula_apply` knows it by its number.
  var isApplicable: Bool { Catalog.applicable.contains { $0 === self } }
  /// Whether calls go through `reduce`.
  var isReduction: Bool { if case .reduction = body { true } else { false } }
}
