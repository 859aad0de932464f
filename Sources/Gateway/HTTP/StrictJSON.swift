// Reads JSON (RFC 8259) so that two readers cannot see two things in it: no name twice, no number that does not fit, no
// nesting without end.

import ChannelProtocol

struct StrictJSON {
  enum Failure: Error, Hashable {
    /// At this byte.
    case malformed(Int)
    case tooDeep
    /// A member by its path, such as `variables.1`.
    case repeated(String)
    /// The number that stands there does not fit.
    case outOfRange(String)
  }

  static let maximumDepth = 64

  private let bytes: [UInt8]
  private var position = 0
  private var path: [String] = []

  private init(_ bytes: [UInt8]) { self.bytes = bytes }

  static func parse(_ bytes: [UInt8]) throws(Failure) -> JSONValue {
    guard String(validating: bytes, as: UTF8.self) != nil else { throw .malformed(0) }
    var reader = StrictJSON(bytes)
    reader.skipSpace()
    let value = try reader.value(depth: 1)
    reader.skipSpace()
    guard reader.position == bytes.count else { throw .malformed(reader.position) }
    return value
  }

  private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(Failure) {
    guard take(character) else { throw .malformed(position) }
  }

  private mutating func value(depth: Int) throws(Failure) -> JSONValue {
    guard depth <= Self.maximumDepth else { throw .tooDeep }
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
    let end = position + word.utf8CodeUnitCount
    guard end <= bytes.count, word.withUTF8Buffer({ bytes[position..<end].elementsEqual($0) }) else {
      throw .malformed(position)
    }
    position = end
    return value
  }

  private mutating func object(depth: Int) throws(Failure) -> JSONValue {
    position += 1
    var members: [String: JSONValue] = [:]
    skipSpace()
    if take("}") { return .object(members) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw .malformed(position) }
      let name = try string()
      skipSpace()
      try expect(":")
      skipSpace()
      path.append(name)
      let value = try value(depth: depth + 1)
      guard members.updateValue(value, forKey: name) == nil else { throw .repeated(path.joined(separator: ".")) }
      path.removeLast()
      skipSpace()
    } while take(",")
    try expect("}")
    return .object(members)
  }

  private mutating func array(depth: Int) throws(Failure) -> JSONValue {
    position += 1
    var elements: [JSONValue] = []
    skipSpace()
    if take("]") { return .array(elements) }
    repeat {
      skipSpace()
      path.append("\(elements.count)")
      elements.append(try value(depth: depth + 1))
      path.removeLast()
      skipSpace()
    } while take(",")
    try expect("]")
    return .array(elements)
  }

  // MARK: Numbers

  private mutating func digits() throws(Failure) {
    let start = position
    while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
    guard position > start else { throw .malformed(position) }
  }

  private mutating func number() throws(Failure) -> JSONValue {
    let start = position
    var isWhole = true
    _ = take("-")
    if !take("0") { try digits() }
    if take(".") {
      isWhole = false
      try digits()
    }
    if take("e") || take("E") {
      isWhole = false
      if !take("+") { _ = take("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    if isWhole, let integer = Int64(text) { return .integer(integer) }
    guard let number = Double(text), number.isFinite else { throw .outOfRange(path.joined(separator: ".")) }
    return .number(number)
  }

  // MARK: Strings

  private mutating func string() throws(Failure) -> String {
    position += 1
    let start = position
    // Most strings hold no escape: they are taken as they stand.
    while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
    var text = String(decoding: bytes[start..<position], as: UTF8.self)
    if take("\"") { return text }
    while let byte = next, byte >= 0x20 {
      let start = position
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return text
      case UInt8(ascii: "\\"):
        position += 1
        text.unicodeScalars.append(try escape())
      default:
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { position += 1 }
        text += String(decoding: bytes[start..<position], as: UTF8.self)
      }
    }
    throw .malformed(position)
  }

  private mutating func escape() throws(Failure) -> Unicode.Scalar {
    guard let byte = next else { throw .malformed(position) }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
    case UInt8(ascii: "b"): return "\u{08}"
    case UInt8(ascii: "f"): return "\u{0C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw .malformed(position - 1)
    }
  }

  /// A pair of surrogates is one character; half of one is none.
  private mutating func unicodeEscape() throws(Failure) -> Unicode.Scalar {
    let first = try fourDigits()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard (0xD800..<0xDC00).contains(first), take("\\"), take("u") else { throw .malformed(position) }
    let second = try fourDigits()
    guard (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { throw .malformed(position) }
    return scalar
  }

  private mutating func fourDigits() throws(Failure) -> UInt32 {
    guard position + 4 <= bytes.count else { throw .malformed(position) }
    var value: UInt32 = 0
    for byte in bytes[position..<position + 4] {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else { throw .malformed(position) }
      value = value << 4 + UInt32(digit)
    }
    position += 4
    return value
  }
}
