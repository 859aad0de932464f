// A URL taken apart without changing a byte of it; `URLComponents` re-encodes, which breaks signatures.

/// The parts of an absolute URL as they stand there; the fragment is dropped.
struct SplitURL: Hashable, Sendable {
  /// `https`
  var scheme: Substring
  /// `user:password`, without the at sign.
  var userInfo: Substring?
  /// A name, or an address; brackets included.
  var host: Substring
  var port: Substring?
  /// Path and query, from the first slash or question mark on; empty where there is none.
  var target: Substring

  init?(_ text: some StringProtocol) {
    let text = Substring(text)
    guard let schemeEnd = text.utf8.firstIndex(of: UInt8(ascii: ":")), schemeEnd != text.startIndex,
      text[schemeEnd...].hasPrefix("://")
    else { return nil }
    let utf8 = text.utf8
    scheme = text[..<schemeEnd]
    let authorityStart = utf8.index(schemeEnd, offsetBy: 3)
    let fragment = utf8.firstIndex(of: UInt8(ascii: "#")) ?? text.endIndex
    let authorityEnd =
      utf8[authorityStart..<fragment].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? fragment
    target = text[authorityEnd..<fragment]
    var authority = text[authorityStart..<authorityEnd]
    if let at = authority.utf8.lastIndex(of: UInt8(ascii: "@")) {
      userInfo = authority[..<at]
      authority = authority[authority.utf8.index(after: at)...]
    }
    // In brackets stands an IPv6 address, whose colons begin no port.
    let bracket = authority.utf8.lastIndex(of: UInt8(ascii: "]")) ?? authority.startIndex
    if let colon = authority.utf8[bracket...].lastIndex(of: UInt8(ascii: ":")) {
      host = authority[..<colon]
      port = authority[authority.utf8.index(after: colon)...]
    } else {
      host = authority
    }
    guard !host.isEmpty else { return nil }
  }

  /// Host and port as a request's authority.
  var authority: String { port.map { "\(host):\($0)" } ?? String(host) }

  /// The port a scheme has when none is written.
  var defaultPort: Substring? {
    switch scheme.lowercased() {
    case "https": "443"
    case "http": "80"
    default: nil
    }
  }

  func text(userInfo: Substring?, port: Substring?) -> String {
    var text = ""
    text.reserveCapacity(scheme.utf8.count + host.utf8.count + target.utf8.count + 16)
    text += scheme
    text += "://"
    if let userInfo {
      text += userInfo
      text += "@"
    }
    text += host
    if let port {
      text += ":"
      text += port
    }
    text += target
    return text
  }

  static let spellingCount = 6

  /// The spellings under which Twilio may have signed this URL, likeliest first: it drops credentials and adds or
  /// drops ports, by product (FACTS section 10). Nil where an earlier index gave the same.
  func spelling(_ index: Int) -> String? {
    if index >= 3, userInfo == nil { return nil }
    let userInfo = index < 3 ? nil : userInfo
    switch index % 3 {
    case 0: return text(userInfo: userInfo, port: port)
    case 1: return port == nil ? nil : text(userInfo: userInfo, port: nil)
    default: return defaultPort == nil || port == defaultPort ? nil : text(userInfo: userInfo, port: defaultPort)
    }
  }
}
