// `application/x-www-form-urlencoded` fields in wire order: how Twilio's API is asked and how its webhooks speak.

/// Decoded form fields, in wire order; a name may repeat (`MediaUrl`).
///
/// Names and values are compared by their UTF-8 bytes: Swift's `==` would take `é` composed and decomposed for one.
public struct FormFields: Sendable, Hashable {
  /// One decoded field.
  public struct Field: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  public var fields: [Field]

  public init(_ fields: [Field] = []) {
    self.fields = fields
  }

  /// Parses a body or a query string. Broken percent sequences stay as they are, invalid UTF-8 is replaced: text
  /// from outside must not be able to stop the sandbox.
  public init(decoding encoded: String) {
    self.fields = encoded.utf8.split(separator: UInt8(ascii: "&")).map { pair in
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      return Field(
        name: Self.decode(parts[0]),
        value: parts.count > 1 ? Self.decode(parts[1]) : "")
    }
  }

  /// The first value of that name.
  public subscript(name: String) -> String? {
    fields.first { $0.name.utf8.elementsEqual(name.utf8) }?.value
  }

  /// All values of that name, in wire order.
  public func values(_ name: String) -> [String] {
    fields.filter { $0.name.utf8.elementsEqual(name.utf8) }.map(\.value)
  }

  public mutating func append(_ name: String, _ value: String) {
    fields.append(Field(name: name, value: value))
  }

  /// Appends the field unless the value is nil.
  public mutating func append(_ name: String, ifPresent value: String?) {
    if let value { append(name, value) }
  }

  /// Replaces the first field of that name, or appends it.
  public mutating func set(_ name: String, _ value: String) {
    if let index = fields.firstIndex(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
      fields[index].value = value
    } else {
      append(name, value)
    }
  }

  /// The wire form: space as `+`, everything but `A–Z a–z 0–9 - . _ *` percent-encoded.
  public var encoded: String {
    var bytes: [UInt8] = []
    for field in fields {
      if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
      Self.encode(field.name, into: &bytes)
      bytes.append(UInt8(ascii: "="))
      Self.encode(field.value, into: &bytes)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// One value as it stands in a query string.
  static func encoded(_ text: String) -> String {
    var bytes: [UInt8] = []
    encode(text, into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func encode(_ text: String, into bytes: inout [UInt8]) {
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "*"):
        bytes.append(byte)
      case UInt8(ascii: " "):
        bytes.append(UInt8(ascii: "+"))
      default:
        bytes.append(UInt8(ascii: "%"))
        bytes.append(hexDigits[Int(byte >> 4)])
        bytes.append(hexDigits[Int(byte & 15)])
      }
    }
  }

  private static func decode(_ text: Substring.UTF8View) -> String {
    var bytes: [UInt8] = []
    var rest = text[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "+") {
        bytes.append(UInt8(ascii: " "))
      } else if byte == UInt8(ascii: "%"), let high = rest.first.flatMap(nibble),
        let low = rest.dropFirst().first.flatMap(nibble)
      {
        bytes.append(high << 4 | low)
        rest = rest.dropFirst(2)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func nibble(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  private static let hexDigits = Array("0123456789ABCDEF".utf8)
}
