import Alula
import Glibc

/// Tensors by name, in the order of their insertion: what checkpoints hold.
final class TensorMap: @unchecked Sendable {
  // Unchecked: callers must not change a map that another thread uses; the header says so.

  private struct Entry {
    let name: String
    /// The name for C, owned by the map.
    let cName: UnsafeMutablePointer<CChar>
    var tensor: Tensor
  }

  private var entries: [Entry] = []
  private var positions: [String: Int] = [:]
  /// Free text by name, with its value for C.
  private var texts: [(name: String, value: String, cValue: UnsafeMutablePointer<CChar>)] = []

  init() {}

  init(_ tensors: [(name: String, tensor: Tensor)]) throws(AlulaError) {
    for (name, tensor) in tensors { try insert(tensor, name) }
  }

  deinit {
    for entry in entries { free(entry.cName) }
    for text in texts { free(text.cValue) }
  }

  var count: Int { entries.count }
  var tensors: [(name: String, tensor: Tensor)] { entries.map { ($0.name, $0.tensor) } }

  func find(_ name: String) -> Tensor? { positions[name].map { entries[$0].tensor } }

  func entry(_ i: Int, _ function: String) throws(AlulaError) -> (name: UnsafePointer<CChar>, tensor: Tensor) {
    guard entries.indices.contains(i) else {
      throw .outOfRange("\(function): index \(i) is out of range for \(entries.count) entries")
    }
    return (UnsafePointer(entries[i].cName), entries[i].tensor)
  }

  /// Adds an entry, or replaces the one of that name.
  func insert(_ tensor: Tensor, _ name: String) throws(AlulaError) {
    if let i = positions[name] {
      entries[i].tensor = tensor
      return
    }
    guard let cName = strdup(name) else { throw .outOfMemory("alula_tensor_map_insert: no memory for a name") }
    positions[name] = entries.count
    entries.append(Entry(name: name, cName: cName, tensor: tensor))
  }

  // MARK: - Metadata

  var metadata: [(name: String, value: String)] { texts.map { ($0.name, $0.value) } }

  func metadata(_ name: String) -> UnsafePointer<CChar>? {
    texts.first { $0.name == name }.map { UnsafePointer($0.cValue) }
  }

  /// Sets a text, in place of the one of that name.
  func setMetadata(_ value: String, _ name: String) throws(AlulaError) {
    guard let cValue = strdup(value) else { throw .outOfMemory("alula_tensor_map_set_metadata: no memory for a text") }
    if let i = texts.firstIndex(where: { $0.name == name }) {
      free(texts[i].cValue)
      texts[i] = (name, value, cValue)
    } else {
      texts.append((name, value, cValue))
    }
  }
}
