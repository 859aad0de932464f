// Reads JSON that came from outside, within bounds.

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif
import ChannelProtocol

extension JSONValue {
  /// How deep brackets may nest; Twilio's own documents stay below ten.
  private static let maximumDepth = 64

  /// Any JSON document (RFC 8259); nil where it is none, or nests too deep. U+0000 in strings becomes U+FFFD.
  init?(parsing text: some Collection<UInt8>) {
    guard Self.depth(of: text) <= Self.maximumDepth,
      let value = try? JSONDecoder().decode(JSONValue.self, from: Data(text))
    else { return nil }
    self = value.replacingNUL()
  }

  private static func depth(of text: some Collection<UInt8>) -> Int {
    var depth = 0
    var deepest = 0
    var isQuoted = false
    var isEscaped = false
    for byte in text {
      if isEscaped {
        isEscaped = false
      } else if isQuoted {
        if byte == UInt8(ascii: "\\") { isEscaped = true } else if byte == UInt8(ascii: "\"") { isQuoted = false }
      } else if byte == UInt8(ascii: "\"") {
        isQuoted = true
      } else if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") {
        depth += 1
        deepest = max(deepest, depth)
      } else if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") {
        depth -= 1
      }
    }
    return deepest
  }

  private func replacingNUL() -> JSONValue {
    switch self {
    case .string(let text): text.utf8.contains(0) ? .string(text.replacingNUL()) : self
    case .array(let elements): .array(elements.map { $0.replacingNUL() })
    case .object(let members):
      .object(
        Dictionary(
          members.map { ($0.key.utf8.contains(0) ? $0.key.replacingNUL() : $0.key, $0.value.replacingNUL()) },
          uniquingKeysWith: { first, _ in first }))
    default: self
    }
  }
}
