// A bulk's text with each recipient's own words in it.

/// Fills `{{name}}` with the value of that name.
struct BulkText: Sendable, Hashable {
  private enum Part: Sendable, Hashable {
    case text(String)
    case variable(String)
  }

  private let parts: [Part]

  /// The names that must be given.
  let names: Set<String>

  init(_ text: String) {
    var parts: [Part] = []
    var names: Set<String> = []
    var rest = text[...]
    while let opening = rest.firstRange(of: "{{"), let closing = rest[opening.upperBound...].firstRange(of: "}}") {
      let name = rest[opening.upperBound..<closing.lowerBound].trimmed
      if Self.isName(name) {
        parts.append(.text(String(rest[..<opening.lowerBound])))
        parts.append(.variable(name))
        names.insert(name)
      } else {
        // Braces that name nothing are text.
        parts.append(.text(String(rest[..<closing.upperBound])))
      }
      rest = rest[closing.upperBound...]
    }
    parts.append(.text(String(rest)))
    self.parts = parts
    self.names = names
  }

  /// - Returns: nil where a name has no value.
  func filled(with values: [String: String]) -> String? {
    var text = ""
    for part in parts {
      switch part {
      case .text(let words): text += words
      case .variable(let name):
        guard let value = values[name] else { return nil }
        text += value
      }
    }
    return text
  }

  private static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" || $0 == "." }
  }
}

extension Substring {
  fileprivate var trimmed: String {
    let start = drop(while: \.isWhitespace)
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
  }
}
