// How a WebSocket connection ends: the codes of RFC 6455 section 7.4.

/// A close code and its reason.
public struct WebSocketClose: Hashable, Sendable {
  /// A status code on the wire.
  public struct Code: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }

    public static let normal = Self(rawValue: 1000)
    public static let goingAway = Self(rawValue: 1001)
    public static let protocolError = Self(rawValue: 1002)
    public static let unsupportedData = Self(rawValue: 1003)
    public static let invalidPayload = Self(rawValue: 1007)
    public static let policyViolation = Self(rawValue: 1008)
    public static let messageTooBig = Self(rawValue: 1009)
    public static let serviceRestart = Self(rawValue: 1012)
    public static let tryAgainLater = Self(rawValue: 1013)

    /// Whether a peer may put it on the wire (section 7.4: reserved ones may not appear).
    var isAllowedOnTheWire: Bool {
      switch rawValue {
      case 1000...1003, 1007...1014, 3000...4999: true
      default: false
      }
    }
  }

  public var code: Code
  public var reason: String

  public init(_ code: Code, _ reason: String = "") {
    self.code = code
    self.reason = reason
  }

  /// For a reader that does not keep up, where nobody has better words.
  static let tooSlow = WebSocketClose(.policyViolation, "too slow")
}
