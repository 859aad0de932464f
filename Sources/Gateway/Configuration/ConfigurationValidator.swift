// Checks a document against descriptions of its keys, and goes on after every error.

import ChannelProtocol

/// Collects every problem that it meets. What could not be read is left out of the values that it returns, and
/// reported: a value counts only where `problems` stays empty.
struct ConfigurationValidator: Sendable {
  let environment: [String: String]
  private(set) var problems: [ConfigurationError.Located] = []

  init(environment: [String: String]) { self.environment = environment }

  mutating func report(_ message: String, at position: SourcePosition) {
    problems.append(.init(position: position, message: message))
  }

  mutating func report(_ found: [ConfigurationError.Located]) { problems += found }

  /// Reads a mapping. An optional key whose value is empty counts as left out.
  /// - Parameters:
  ///   - label: what it is called in messages.
  ///   - prefix: what its keys' labels begin with; empty at the top of a section or an entry.
  ///   - isOpen: keys that are not described are passed over; their variables must be set all the same.
  mutating func object(
    _ node: ConfigurationNode, keys: [ConfigurationKey], label: String, prefix: String = "", isOpen: Bool = false
  ) -> ConfigurationValue? {
    guard let members = node.mapping else {
      report("\(label) must be a mapping, not \(node.shape)", at: node.position)
      return nil
    }
    var values: [ConfigurationValue.Member] = []
    for member in members {
      guard let key = keys.first(where: { $0.name == member.key }) else {
        if !isOpen { reportUnknownKey(member, among: keys.map(\.name)) }
        reportMissingVariables(in: member.value)
        continue
      }
      guard !isLeftOut(member.value, key: key) else { continue }
      let value = value(of: member.value, as: key.kind, label: prefix + key.name, isSecret: key.isSecret)
      if let value { values.append(.init(key: key.name, keyPosition: member.keyPosition, value: value)) }
    }
    for key in keys where key.isRequired && !members.contains(where: { $0.key == key.name && !$0.value.isNull }) {
      report("key `\(key.name)` is missing", at: node.position)
    }
    return ConfigurationValue(content: .object(values), position: node.position)
  }

  mutating func reportUnknownKey(_ member: ConfigurationNode.Member, among names: [String]) {
    let suggestion = NearestWord.suggestion(for: member.key, among: names)
    let known = suggestion.isEmpty ? "; the keys here are \(names.map { "`\($0)`" }.joined(separator: ", "))" : ""
    report("unknown key `\(Self.printable(member.key))`\(suggestion)\(known)", at: member.keyPosition)
  }

  /// For what is not read because something around it is wrong: so that a missing variable is told in the first run.
  mutating func reportMissingVariables(in node: ConfigurationNode) {
    switch node.content {
    case .scalar(let text, _):
      for problem in VariableExpansion(text, environment: environment).problems { report(problem, at: node.position) }
    case .sequence(let items):
      for item in items { reportMissingVariables(in: item) }
    case .mapping(let members):
      for member in members { reportMissingVariables(in: member.value) }
    }
  }

  /// Whether nothing is there; for a required key an empty text is reported, nothing at all by the caller.
  private mutating func isLeftOut(_ node: ConfigurationNode, key: ConfigurationKey) -> Bool {
    guard case .scalar(let text, _) = node.content else { return false }
    if node.isNull { return true }
    let expansion = VariableExpansion(text, environment: environment)
    guard expansion.problems.isEmpty, expansion.text.isEmpty else { return false }
    if key.isRequired {
      report("\(key.name) must not be empty\(Self.origin(of: expansion))", at: node.position)
    }
    return true
  }

  /// Reads any value.
  mutating func value(
    of node: ConfigurationNode, as kind: ConfigurationKey.Kind, label: String, isSecret: Bool
  ) -> ConfigurationValue? {
    switch (kind, node.content) {
    case (.object(let keys), _):
      return object(node, keys: keys, label: label, prefix: label + ".")
    case (.list(let element), .sequence(let items)):
      let values = items.enumerated().compactMap { index, item in
        value(of: item, as: element, label: "\(label)[\(index)]", isSecret: isSecret)
      }
      return ConfigurationValue(content: .list(values), position: node.position)
    case (.dictionary(let element), .mapping(let members)):
      let values = members.compactMap { member -> ConfigurationValue.Member? in
        let label = "\(label).\(Self.printable(member.key))"
        guard let value = value(of: member.value, as: element, label: label, isSecret: isSecret) else { return nil }
        return ConfigurationValue.Member(key: member.key, keyPosition: member.keyPosition, value: value)
      }
      return ConfigurationValue(content: .object(values), position: node.position)
    case (.list, _), (.dictionary, _):
      return refuse(node, label: label, kind: kind)
    case (_, .scalar(let text, _)):
      return scalar(text, of: node, as: kind, label: label, isSecret: isSecret)
    default:
      return refuse(node, label: label, kind: kind)
    }
  }

  /// Of the wrong shape: the value itself is not printed, it may be anything.
  private mutating func refuse(
    _ node: ConfigurationNode, label: String, kind: ConfigurationKey.Kind
  ) -> ConfigurationValue? {
    reportMissingVariables(in: node)
    var hint = ""
    if case .list = kind, case .scalar = node.content { hint = "; put it in [brackets]" }
    report("\(label) must be \(kind.words), not \(node.shape)\(hint)", at: node.position)
    return nil
  }

  private mutating func scalar(
    _ source: String, of node: ConfigurationNode, as kind: ConfigurationKey.Kind, label: String, isSecret: Bool
  ) -> ConfigurationValue? {
    guard !node.isNull else {
      report("\(label) must be \(kind.words); nothing is written here", at: node.position)
      return nil
    }
    let expansion = VariableExpansion(source, environment: environment)
    guard expansion.problems.isEmpty else {
      for problem in expansion.problems { report(problem, at: node.position) }
      return nil
    }
    switch ScalarReading.read(expansion.text, as: kind) {
    case .value(let content):
      let content: ConfigurationValue.Content =
        if isSecret, case .string(let text) = content { .secret(Secret(text)) } else { content }
      return ConfigurationValue(content: content, position: node.position)
    case .refused(let hint):
      var message = "\(label) must be \(kind.words)"
      if isSecret || expansion.isSensitive {
        message += Self.origin(of: expansion)
      } else {
        message += ", not \"\(Self.printable(expansion.text))\"\(Self.origin(of: expansion))\(hint)"
      }
      report(message, at: node.position)
      return nil
    }
  }

  /// ` (from PORT)`: where a value came from, if from variables.
  private static func origin(of expansion: VariableExpansion) -> String {
    expansion.variables.isEmpty ? "" : " (from \(expansion.variables.joined(separator: ", ")))"
  }

  /// A text of the file on one line and of bounded length.
  static func printable(_ text: String) -> String {
    let line = text.unicodeScalars.prefix(60).map {
      $0.properties.generalCategory == .control ? "\u{FFFD}" : String($0)
    }
    return line.joined() + (text.unicodeScalars.count > 60 ? "…" : "")
  }
}
