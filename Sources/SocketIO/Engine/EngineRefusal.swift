// What a request is refused with: the reference server's codes and words.

internal import HTTPTypes

enum EngineRefusal: Hashable, Sendable {
  case unknownTransport
  case unknownSession
  case badHandshakeMethod
  case badRequest
  case forbidden
  case unsupportedVersion
  case tooLarge
  /// No further sessions are taken.
  case full

  var status: HTTPResponse.Status {
    switch self {
    case .forbidden: .forbidden
    case .tooLarge: .contentTooLarge
    case .full: .serviceUnavailable
    default: .badRequest
    }
  }

  var json: String {
    switch self {
    case .unknownTransport: #"{"code":0,"message":"Transport unknown"}"#
    case .unknownSession: #"{"code":1,"message":"Session ID unknown"}"#
    case .badHandshakeMethod: #"{"code":2,"message":"Bad handshake method"}"#
    case .badRequest: #"{"code":3,"message":"Bad request"}"#
    case .forbidden: #"{"code":4,"message":"Forbidden"}"#
    case .unsupportedVersion: #"{"code":5,"message":"Unsupported protocol version"}"#
    case .tooLarge: #"{"code":3,"message":"Payload too large"}"#
    case .full: #"{"code":3,"message":"Too many sessions"}"#
    }
  }
}
