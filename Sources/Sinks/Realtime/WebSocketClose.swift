// How a WebSocket connection ends: the codes of RFC 6455 section 7.4 and our own.

/// A close code and its reason.
struct WebSocketClose: Hashable, Sendable {
  /// A status code on the wire.
  struct Code: RawRepresentable, Hashable, Sendable {
    let rawValue: UInt16
    init(rawValue: UInt16) { self.rawValue = rawValue }

    static let normal = Self(rawValue: 1000)
    static let goingAway = Self(rawValue: 1001)
    static let protocolError = Self(rawValue: 1002)
    static let unsupportedData = Self(rawValue: 1003)
    static let invalidPayload = Self(rawValue: 1007)
    static let messageTooBig = Self(rawValue: 1009)
    static let serviceRestart = Self(rawValue: 1012)
    static let tryAgainLater = Self(rawValue: 1013)
    static let unauthorized = Self(rawValue: 4401)
    static let forbidden = Self(rawValue: 4403)
    /// The reader did not keep up; the reason is `{"seq":N}`, the place to resume from.
    static let slowReader = Self(rawValue: 4008)

    /// Whether a peer may put it on the wire (section 7.4: reserved ones may not appear).
    var isAllowedOnTheWire: Bool {
      switch rawValue {
      case 1000...1003, 1007...1014, 3000...4999: true
      default: false
      }
    }
  }

  var code: Code
  var reason: String

  init(_ code: Code, _ reason: String = "") {
    self.code = code
    self.reason = reason
  }
}
