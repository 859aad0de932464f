// Reads a client's frame: checks the whole text against the grammar and hands out the members of the outer object as
// bytes. No tree is built: a frame may be a million bytes and comes from outside, and the part that matters is passed on
// as it stands.

/// The members of a JSON object (RFC 8259), in their order.
package struct JSONMembers {
  /// One member: its name decoded, its value as the bytes it was written in.
  package struct Member {
    package var name: String
    package var value: ArraySlice<UInt8>
  }

  package private(set) var members: [Member] = []

  /// - Returns: nil where the text is not exactly one JSON object, or is nested deeper than
  ///   ``JSONScanner/maximumDepth``.
  package init?(_ text: [UInt8]) {
    var scanner = JSONScanner(text)
    scanner.skipBlanks()
    guard scanner.skip("{") else { return nil }
    scanner.skipBlanks()
    if !scanner.skip("}") {
      repeat {
        scanner.skipBlanks()
        guard let quoted = scanner.string(), let name = JSONMembers.text(of: quoted) else { return nil }
        scanner.skipBlanks()
        guard scanner.skip(":"), let value = scanner.value() else { return nil }
        members.append(Member(name: name, value: value))
        scanner.skipBlanks()
      } while scanner.skip(",")
      guard scanner.skip("}") else { return nil }
    }
    scanner.skipBlanks()
    guard scanner.isAtEnd else { return nil }
  }

  /// The value of the last member of this name, as most parsers take it; nil also for `null`.
  package subscript(name: String) -> ArraySlice<UInt8>? {
    guard let value = members.last(where: { $0.name.utf8.elementsEqual(name.utf8) })?.value else { return nil }
    return value.elementsEqual("null".utf8) ? nil : value
  }

  // MARK: Values

  /// The text of a JSON string; nil for another kind of value, and for half a surrogate pair.
  package static func text(of value: ArraySlice<UInt8>) -> String? {
    guard value.count >= 2, value.first == UInt8(ascii: "\"") else { return nil }
    let inside = value.dropFirst().dropLast()
    guard inside.contains(UInt8(ascii: "\\")) else { return String(validating: inside, as: UTF8.self) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(inside.count)
    var rest = inside
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\") else {
        bytes.append(byte)
        continue
      }
      guard let escape = rest.popFirst() else { return nil }
      switch escape {
      case UInt8(ascii: "b"): bytes.append(0x08)
      case UInt8(ascii: "f"): bytes.append(0x0C)
      case UInt8(ascii: "n"): bytes.append(0x0A)
      case UInt8(ascii: "r"): bytes.append(0x0D)
      case UInt8(ascii: "t"): bytes.append(0x09)
      case UInt8(ascii: "u"):
        guard let scalar = unicodeEscape(&rest) else { return nil }
        bytes.append(contentsOf: String(Character(scalar)).utf8)
      default: bytes.append(escape)
      }
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// A whole number, also written `1.0` or `1e3`.
  package static func integer(of value: ArraySlice<UInt8>) -> Int64? {
    guard let first = value.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else { return nil }
    let text = String(decoding: value, as: UTF8.self)
    return Int64(text) ?? Double(text).flatMap { Int64(exactly: $0) }
  }

  /// The elements of an array of strings.
  package static func texts(of value: ArraySlice<UInt8>) -> [String]? {
    var scanner = JSONScanner(Array(value))
    guard scanner.skip("[") else { return nil }
    scanner.skipBlanks()
    if scanner.skip("]") { return [] }
    var texts: [String] = []
    repeat {
      guard let element = scanner.value(), let text = text(of: element) else { return nil }
      texts.append(text)
      scanner.skipBlanks()
    } while scanner.skip(",")
    return texts
  }

  private static func unicodeEscape(_ rest: inout ArraySlice<UInt8>) -> Unicode.Scalar? {
    guard let first = codeUnit(&rest) else { return nil }
    guard (0xD800...0xDFFF).contains(first) else { return Unicode.Scalar(first) }
    guard first < 0xDC00, rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u"),
      let second = codeUnit(&rest), (0xDC00...0xDFFF).contains(second)
    else { return nil }
    return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
  }

  private static func codeUnit(_ rest: inout ArraySlice<UInt8>) -> UInt32? {
    let digits = rest.prefix(4)
    guard digits.count == 4 else { return nil }
    rest = rest.dropFirst(4)
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}
