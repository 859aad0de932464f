// A checked value of the configuration: typed, expanded, and still knowing its place.

public import ChannelProtocol

/// JSON-like, with positions. Two values are equal when they say the same, wherever they stand: a reload compares.
public struct ConfigurationValue: Sendable, Hashable {
  public enum Content: Sendable, Hashable {
    case string(String)
    /// A string that is never printed.
    case secret(Secret)
    case integer(Int)
    /// Also a duration, in seconds.
    case number(Double)
    case boolean(Bool)
    case list([ConfigurationValue])
    /// In the order of the file, each key once.
    case object([Member])
  }

  /// A key and its value.
  public struct Member: Sendable, Hashable {
    public var key: String
    public var keyPosition: SourcePosition
    public var value: ConfigurationValue

    public static func == (left: Self, right: Self) -> Bool { left.key == right.key && left.value == right.value }

    public func hash(into hasher: inout Hasher) {
      hasher.combine(key)
      hasher.combine(value)
    }
  }

  public var content: Content
  public var position: SourcePosition

  public static func == (left: Self, right: Self) -> Bool { left.content == right.content }

  public func hash(into hasher: inout Hasher) { hasher.combine(content) }

  /// A string, secret or not.
  public var string: String? {
    switch content {
    case .string(let text): text
    case .secret(let secret): secret.plaintext
    default: nil
    }
  }

  public var integer: Int? { if case .integer(let value) = content { value } else { nil } }

  public var number: Double? {
    switch content {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }

  public var boolean: Bool? { if case .boolean(let value) = content { value } else { nil } }
  public var list: [ConfigurationValue]? { if case .list(let items) = content { items } else { nil } }
  public var members: [Member]? { if case .object(let members) = content { members } else { nil } }

  /// An object's member; nil where this is no object or has none of that name.
  public func member(_ key: String) -> Member? { members?.first { $0.key == key } }

  public subscript(key: String) -> ConfigurationValue? { member(key)?.value }

  /// The value as JSON, secrets in plain text: for decoding, not for printing.
  public var json: JSONValue {
    switch content {
    case .string(let text): .string(text)
    case .secret(let secret): .string(secret.plaintext)
    case .integer(let value): .integer(Int64(value))
    case .number(let value): .number(value)
    case .boolean(let value): .bool(value)
    case .list(let items): .array(items.map(\.json))
    case .object(let members):
      .object(Dictionary(members.map { ($0.key, $0.value.json) }, uniquingKeysWith: { first, _ in first }))
    }
  }

  /// The place of what stands at the path: of the key, of the list's item, or of the nearest that is there.
  /// - Parameter path: names and, in lists, indices from 0.
  public func position(at path: some Sequence<String>) -> SourcePosition {
    var current = self
    var place = position
    for step in path {
      if let member = current.member(step) {
        place = member.keyPosition
        current = member.value
      } else if let items = current.list, let index = Int(step), items.indices.contains(index) {
        place = items[index].position
        current = items[index]
      } else {
        break
      }
    }
    return place
  }
}
