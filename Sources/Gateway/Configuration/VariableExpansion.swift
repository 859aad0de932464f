// `${VAR}` and `${VAR:-default}` in values.

/// A value with its variables put in.
struct VariableExpansion: Sendable, Hashable {
  /// The text, as far as its variables are known.
  private(set) var text = ""
  /// The names of all variables in it, in order.
  private(set) var variables: [String] = []
  /// What is wrong with it, each a sentence; empty: `text` stands.
  private(set) var problems: [String] = []

  /// `$$` stands for a dollar; any other dollar that opens no `${` for itself. As in a shell, `:-` also replaces a
  /// variable that is set but empty. A default is taken as it is written, up to the first `}`.
  init(_ source: String, environment: [String: String]) {
    var rest = source[...]
    while let dollar = rest.firstIndex(of: "$") {
      text += rest[..<dollar]
      rest = rest[rest.index(after: dollar)...]
      if rest.first == "$" {
        text += "$"
        rest.removeFirst()
      } else if rest.first == "{" {
        guard let end = rest.firstIndex(of: "}") else {
          problems.append("`${` is not closed; write `${NAME}`, or `$${` for the characters themselves")
          return
        }
        expand(rest[rest.index(after: rest.startIndex)..<end], environment: environment)
        rest = rest[rest.index(after: end)...]
      } else {
        text += "$"
      }
    }
    text += rest
  }

  private mutating func expand(_ reference: Substring, environment: [String: String]) {
    let name = String(reference.prefix(while: Self.isNameCharacter))
    let suffix = reference.dropFirst(name.count)
    guard let first = name.first, !first.isNumber, suffix.isEmpty || suffix.hasPrefix(":-") else {
      problems.append("`${\(reference)}` is not a variable; write `${NAME}` or `${NAME:-default}`")
      return
    }
    variables.append(name)
    let value = environment[name]
    if !suffix.isEmpty {
      text += value.flatMap { $0.isEmpty ? nil : $0 } ?? String(suffix.dropFirst(2))
    } else if let value {
      text += value
    } else {
      let suggestion = NearestWord.suggestion(for: name, among: environment.keys.sorted())
      problems.append("variable \(name) is not set and has no default\(suggestion)")
    }
  }

  private static func isNameCharacter(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || character == "_")
  }

  /// Whether a variable is in it that, by its name, may hold what must not be printed.
  var isSensitive: Bool {
    variables.contains { name in
      ["TOKEN", "SECRET", "PASSWORD", "KEY", "CREDENTIAL", "DATABASE_URL"].contains { name.uppercased().contains($0) }
    }
  }
}
