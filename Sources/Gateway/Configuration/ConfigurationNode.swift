// A YAML document as a tree in which everything knows its place.

/// One node of the document, before variables are expanded and before it has a type.
struct ConfigurationNode: Sendable, Hashable {
  enum Content: Sendable, Hashable {
    /// A scalar's text. What it means is decided by the key that wants it: `"3000"` may be a number.
    case scalar(String, isQuoted: Bool)
    case sequence([ConfigurationNode])
    /// In the order of the file, each key once.
    case mapping([Member])
  }

  struct Member: Sendable, Hashable {
    var key: String
    var keyPosition: SourcePosition
    var value: ConfigurationNode
  }

  var content: Content
  var position: SourcePosition

  /// Nothing was written, or YAML's null: as if the key were not there.
  var isNull: Bool {
    guard case .scalar(let text, isQuoted: false) = content else { return false }
    return ["", "~", "null", "Null", "NULL"].contains(text)
  }

  var sequence: [ConfigurationNode]? { if case .sequence(let items) = content { items } else { nil } }
  var mapping: [Member]? { if case .mapping(let members) = content { members } else { nil } }

  /// What stands here, for a message.
  var shape: String {
    switch content {
    case .scalar: "a single value"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }
}
