// Whether a request becomes a WebSocket (RFC 6455 section 4.2), as a decision on its head.

internal import ChannelProtocol
internal import Foundation
internal import HTTPTypes
internal import SocketIO

enum WebSocketHandshake {
  enum Decision: Hashable, Sendable {
    /// Upgrade with this `Sec-WebSocket-Accept`, once the key is known to be good; without a key, upgrade and ask.
    case proceed(accept: String, key: String?)
    case refuse(Refusal)
    /// `OPTIONS`: say what is possible here.
    case describe
  }

  /// An answer in plain HTTP.
  struct Refusal: Hashable, Sendable {
    var problem: ProblemDocument
    var fields: HTTPFields = [:]

    static let unauthorized = Refusal(
      problem: .unauthorized, fields: [.wwwAuthenticate: #"Bearer realm="fractal""#])
    static let forbidden = Refusal(problem: .forbidden(scope: "read"))
    static let foreignOrigin = Refusal(problem: .foreignOrigin)
    static func tooManyKeys(_ throttled: RealtimeThrottled) -> Refusal {
      Refusal(
        problem: .tooManyKeys(throttled.retryAfter), fields: [.retryAfter: String(throttled.retryAfter)])
    }
    static func unavailable(_ detail: String) -> Refusal {
      Refusal(problem: .unavailable(detail), fields: [.retryAfter: "5"])
    }
  }

  static func decide(_ request: HTTPRequest) -> Decision {
    switch request.method {
    case .get: break
    case .head: return .refuse(upgradeRequired)
    case .options: return .describe
    default: return .refuse(Refusal(problem: .methodNotAllowed, fields: [.allow: allowedMethods]))
    }
    let accept: String
    switch WebSocketOpening(request) {
    case .notWebSocket: return .refuse(upgradeRequired)
    case .badNonce:
      return .refuse(
        Refusal(
          problem: .badRequest("Sec-WebSocket-Key must be 16 bytes in base64."), fields: [.secWebSocketVersion: "13"]))
    case .accept(let proof): accept = proof
    }
    switch credential(of: request) {
    case .none: return .proceed(accept: accept, key: nil)
    case .key(let key): return .proceed(accept: accept, key: key)
    case .unusable: return .refuse(.unauthorized)
    }
  }

  static let allowedMethods = "GET, HEAD, OPTIONS"

  private static let upgradeRequired = Refusal(
    problem: .upgradeRequired,
    fields: [.upgrade: "websocket", .connection: "Upgrade", .secWebSocketVersion: "13"])

  // MARK: Credentials

  private enum Credential {
    case none
    case key(String)
    case unusable
  }

  /// The key, from the first place that has one: `Authorization`, `X-API-Key`, `?token=`.
  private static func credential(of request: HTTPRequest) -> Credential {
    let key: String?
    let authorization = request.headerFields[.authorization].map { $0.split(separator: " ", maxSplits: 1) }
    if let authorization, authorization.first?.lowercased() == "bearer" {
      guard authorization.count == 2 else { return .unusable }
      key = trimmed(String(authorization[1]))
    } else if let field = request.headerFields[.apiKey] {
      key = trimmed(field)
    } else if let token = request.query("token") {
      key = token.removingPercentEncoding
    } else {
      return authorization == nil ? .none : .unusable
    }
    guard let key, !key.isEmpty else { return .unusable }
    return .key(key)
  }

  private static func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespaces) }
}

extension HTTPField.Name {
  static let apiKey = HTTPField.Name("X-API-Key")!
  static let requestID = HTTPField.Name("X-Request-Id")!
}
