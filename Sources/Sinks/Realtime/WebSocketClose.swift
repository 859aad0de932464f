// The close codes of our own, beside those of RFC 6455.

internal import SocketIO

extension WebSocketClose.Code {
  static let unauthorized = Self(rawValue: 4401)
  static let forbidden = Self(rawValue: 4403)
  /// From where the client is, too many keys have come that are none.
  static let tooManyKeys = Self(rawValue: 4429)
  /// The reader did not keep up; the reason is `{"seq":N}`, the place to resume from.
  static let slowReader = Self(rawValue: 4008)
}
