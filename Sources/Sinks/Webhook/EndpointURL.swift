// An endpoint's URL, read once and strictly, so that the host that is judged is the host that is called.

/// An absolute `http` or `https` URL without user info and fragment.
public struct EndpointURL: Sendable, Hashable {
  /// What is spoken; without TLS only where the URL says so.
  public enum Scheme: String, Sendable, Hashable {
    case http, https

    public var defaultPort: Int { self == .http ? 80 : 443 }
  }

  /// Who is called.
  public enum Host: Sendable, Hashable {
    /// Lower-case labels without a trailing dot.
    case name(String)
    case address(IPAddress)
  }

  public let scheme: Scheme
  public let host: Host
  /// The one that is written, else the scheme's.
  public let port: Int
  /// Path and query as sent in the request line, at least `/`.
  public let target: String

  /// The host as text: a name, `10.0.0.1`, or an IPv6 address without brackets.
  public var hostText: String {
    switch host {
    case .name(let name): name
    case .address(let address): address.description
    }
  }

  /// The value of the `Host` field.
  public var authority: String {
    let text = if case .address(.v6) = host { "[\(hostText)]" } else { hostText }
    return port == scheme.defaultPort ? text : "\(text):\(port)"
  }

  /// Reads a URL as browsers do where they agree, and refuses what they read differently. The host must be ASCII.
  /// - Throws: ``EndpointURLProblem``.
  public init(_ text: some StringProtocol) throws(EndpointURLProblem) {
    let bytes = Array(text.utf8)
    guard bytes.count <= 2_048 else { throw .tooLong }
    guard bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\\") }) else { throw .malformed }
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")),
      let scheme = Scheme(rawValue: String(decoding: bytes[..<colon], as: UTF8.self).lowercased())
    else { throw .scheme }
    guard bytes[(colon + 1)...].starts(with: "//".utf8) else { throw .malformed }

    let start = colon + 3
    let end = bytes[start...].firstIndex { "/?#".utf8.contains($0) } ?? bytes.endIndex
    let authority = bytes[start..<end]
    guard !authority.contains(UInt8(ascii: "@")) else { throw .userInfo }
    let (host, port) = try Self.split(authority)
    self.scheme = scheme
    self.host = try Self.host(host)
    self.port = try Self.port(port) ?? scheme.defaultPort
    target = Self.target(bytes[end...])
  }

  private static func split(
    _ authority: ArraySlice<UInt8>
  ) throws(EndpointURLProblem) -> (host: ArraySlice<UInt8>, port: ArraySlice<UInt8>) {
    var end = authority.endIndex
    if authority.first == UInt8(ascii: "[") {
      guard let bracket = authority.firstIndex(of: UInt8(ascii: "]")) else { throw .host }
      end = bracket + 1
    } else if let colon = authority.firstIndex(of: UInt8(ascii: ":")) {
      end = colon
    }
    let rest = authority[end...]
    guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { throw .host }
    return (authority[..<end], rest.dropFirst())
  }

  private static func port(_ digits: ArraySlice<UInt8>) throws(EndpointURLProblem) -> Int? {
    if digits.isEmpty { return nil }
    guard digits.count <= 5, digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }),
      let port = Int(String(decoding: digits, as: UTF8.self)), (1...65_535).contains(port)
    else { throw .port }
    return port
  }

  private static func host(_ bytes: ArraySlice<UInt8>) throws(EndpointURLProblem) -> Host {
    if bytes.first == UInt8(ascii: "[") {
      guard let address = IPAddress(String(decoding: bytes.dropFirst().dropLast(), as: UTF8.self)),
        case .v6 = address
      else { throw .host }
      return .address(address)
    }
    var name = String(decoding: bytes, as: UTF8.self).lowercased()
    if name.hasSuffix(".") { name.removeLast() }
    let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard !name.isEmpty, name.utf8.count <= 253,
      labels.allSatisfy({ !$0.isEmpty && $0.count <= 63 && $0.allSatisfy(isHostByte) })
    else { throw .host }
    guard let last = labels.last, looksNumeric(last) else { return .name(name) }
    guard let number = LegacyIPv4.parse(labels.map { Substring($0) }) else { throw .host }
    return .address(.v4(number))
  }

  private static func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }

  /// A host whose last label is a number is an IPv4 address or nothing (WHATWG URL, "ends in a number").
  private static func looksNumeric(_ label: Substring.UTF8View) -> Bool {
    label.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } || label.starts(with: "0x".utf8)
  }

  /// Percent-encodes what is not ASCII, and drops the fragment.
  private static func target(_ bytes: ArraySlice<UInt8>) -> String {
    var target: [UInt8] = bytes.first == UInt8(ascii: "/") ? [] : [UInt8(ascii: "/")]
    let digits = Array("0123456789ABCDEF".utf8)
    for byte in bytes.prefix(while: { $0 != UInt8(ascii: "#") }) {
      if byte < 0x80 {
        target.append(byte)
      } else {
        target += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
      }
    }
    return String(decoding: target, as: UTF8.self)
  }
}

/// Why a text is no endpoint's URL.
public enum EndpointURLProblem: Error, Sendable, Hashable, CustomStringConvertible {
  case tooLong, malformed, scheme, userInfo, host, port

  /// A sentence for a person; never holds the text.
  public var description: String {
    switch self {
    case .tooLong: "A URL has at most 2048 bytes."
    case .malformed: "This is no absolute URL."
    case .scheme: "A URL begins with http:// or https://."
    case .userInfo: "A URL holds no user name or password; use a header."
    case .host: "The URL's host is no host name (international ones in their xn-- form) and no IP address."
    case .port: "The URL's port is not between 1 and 65535."
    }
  }
}

/// IPv4 addresses as `inet_aton` and browsers read them: one to four parts, each decimal, octal or hexadecimal.
enum LegacyIPv4 {
  static func parse(_ labels: [Substring]) -> UInt32? {
    guard (1...4).contains(labels.count) else { return nil }
    var parts: [UInt64] = []
    for label in labels {
      guard let part = number(label) else { return nil }
      parts.append(part)
    }
    let last = parts.removeLast()
    guard parts.allSatisfy({ $0 <= 255 }), last < 1 << UInt64(8 * (4 - parts.count)) else { return nil }
    var value = last
    for (index, part) in parts.enumerated() { value |= part << UInt64(24 - 8 * index) }
    return UInt32(value)
  }

  private static func number(_ label: Substring) -> UInt64? {
    guard label.utf8.count <= 20 else { return nil }
    if label.hasPrefix("0x") {
      let digits = label.dropFirst(2)
      return digits.isEmpty ? 0 : unsigned(digits, radix: 16)
    }
    if label.hasPrefix("0"), label.utf8.count > 1 { return unsigned(label.dropFirst(), radix: 8) }
    return unsigned(label, radix: 10)
  }

  /// `UInt64(_:radix:)` accepts a sign; an address has none.
  private static func unsigned(_ digits: Substring, radix: Int) -> UInt64? {
    digits.first == "+" || digits.first == "-" ? nil : UInt64(digits, radix: radix)
  }
}
