// The grammar of JSON, strictly: finds where a value ends without making anything of it.

/// Walks over a JSON text (RFC 8259).
package struct JSONScanner {
  /// Deeper nesting is refused: the walk is recursive.
  package static let maximumDepth = 64

  private let text: [UInt8]
  private var position = 0

  package init(_ text: [UInt8]) { self.text = text }

  package var isAtEnd: Bool { position == text.count }

  package mutating func skipBlanks() {
    while position < text.count {
      switch text[position] {
      case 0x20, 0x0A, 0x0D, 0x09: position += 1
      default: return
      }
    }
  }

  package mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  /// The bytes of the next value, blanks before it left out; nil where there is none.
  package mutating func value() -> ArraySlice<UInt8>? {
    skipBlanks()
    let start = position
    return walkValue(depth: 0) ? text[start..<position] : nil
  }

  /// The bytes of the next string, quotes included.
  package mutating func string() -> ArraySlice<UInt8>? {
    let start = position
    return walkString() ? text[start..<position] : nil
  }

  private mutating func walkValue(depth: Int) -> Bool {
    guard position < text.count, depth < Self.maximumDepth else { return false }
    switch text[position] {
    case UInt8(ascii: "{"): return walkObject(depth: depth)
    case UInt8(ascii: "["): return walkArray(depth: depth)
    case UInt8(ascii: "\""): return walkString()
    case UInt8(ascii: "t"): return walkLiteral("true")
    case UInt8(ascii: "f"): return walkLiteral("false")
    case UInt8(ascii: "n"): return walkLiteral("null")
    default: return walkNumber()
    }
  }

  private mutating func walkObject(depth: Int) -> Bool {
    position += 1
    skipBlanks()
    if skip("}") { return true }
    repeat {
      skipBlanks()
      guard walkString() else { return false }
      skipBlanks()
      guard skip(":") else { return false }
      skipBlanks()
      guard walkValue(depth: depth + 1) else { return false }
      skipBlanks()
    } while skip(",")
    return skip("}")
  }

  private mutating func walkArray(depth: Int) -> Bool {
    position += 1
    skipBlanks()
    if skip("]") { return true }
    repeat {
      skipBlanks()
      guard walkValue(depth: depth + 1) else { return false }
      skipBlanks()
    } while skip(",")
    return skip("]")
  }

  private mutating func walkString() -> Bool {
    guard skip("\"") else { return false }
    while position < text.count {
      let byte = text[position]
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return true
      case 0..<0x20: return false
      case UInt8(ascii: "\\"): guard walkEscape() else { return false }
      default: break
      }
    }
    return false
  }

  private mutating func walkEscape() -> Bool {
    guard position < text.count else { return false }
    let byte = text[position]
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      return true
    case UInt8(ascii: "u"):
      for _ in 0..<4 {
        guard position < text.count, Self.isHexadecimal(text[position]) else { return false }
        position += 1
      }
      return true
    default: return false
    }
  }

  private mutating func walkNumber() -> Bool {
    _ = skip("-")
    if !skip("0") {
      guard walkDigits() else { return false }
    }
    if skip(".") {
      guard walkDigits() else { return false }
    }
    if skip("e") || skip("E") {
      if !skip("+") { _ = skip("-") }
      guard walkDigits() else { return false }
    }
    return true
  }

  private mutating func walkDigits() -> Bool {
    let start = position
    while position < text.count, (0x30...0x39).contains(text[position]) { position += 1 }
    return position > start
  }

  private mutating func walkLiteral(_ literal: StaticString) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard position + count <= text.count else { return false }
    let matches = literal.withUTF8Buffer { text[position..<position + count].elementsEqual($0) }
    position += count
    return matches
  }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x46, 0x61...0x66: true
    default: false
    }
  }
}
