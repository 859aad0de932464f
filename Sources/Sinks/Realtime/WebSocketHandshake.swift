// Whether a request becomes a WebSocket (RFC 6455 section 4.2), as a decision on its head.

internal import ChannelProtocol
internal import Crypto
internal import Foundation
internal import HTTPTypes

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
    guard request.asksForWebSocket else { return .refuse(upgradeRequired) }
    guard request.headerFields[.secWebSocketVersion].map(trimmed) == "13" else { return .refuse(upgradeRequired) }
    guard let nonce = request.headerFields[.secWebSocketKey].map(trimmed), Data(base64Encoded: nonce)?.count == 16
    else {
      return .refuse(
        Refusal(
          problem: .badRequest("Sec-WebSocket-Key must be 16 bytes in base64."), fields: [.secWebSocketVersion: "13"]))
    }
    let accept = Self.accept(for: nonce)
    switch credential(of: request) {
    case .none: return .proceed(accept: accept, key: nil)
    case .key(let key): return .proceed(accept: accept, key: key)
    case .unusable: return .refuse(.unauthorized)
    }
  }

  static let allowedMethods = "GET, HEAD, OPTIONS"

  /// Section 4.2.2 (5.4): proof that the nonce was read by somebody who speaks WebSocket.
  static func accept(for nonce: String) -> String {
    Data(Insecure.SHA1.hash(data: Data((nonce + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))).base64EncodedString()
  }

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
    if let authorization = request.headerFields[.authorization] {
      let parts = authorization.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, parts[0].lowercased() == "bearer" else { return .unusable }
      key = trimmed(String(parts[1]))
    } else if let field = request.headerFields[.apiKey] {
      key = trimmed(field)
    } else if let token = request.query("token") {
      key = token.removingPercentEncoding
    } else {
      return .none
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

extension HTTPRequest {
  /// The path without its query.
  var pathOnly: Substring { (path ?? "").prefix { $0 != "?" } }

  /// Whether the request asks to go on in another protocol: the parser then stops behind it, and the connection is of
  /// no further use for HTTP.
  var asksForUpgrade: Bool {
    headerFields[.upgrade] != nil && headerFields.tokens(of: .connection).contains("upgrade")
  }

  /// Whether that protocol is WebSocket.
  var asksForWebSocket: Bool { asksForUpgrade && headerFields.tokens(of: .upgrade).contains("websocket") }

  var announcesBody: Bool {
    headerFields[.transferEncoding] != nil || headerFields[.contentLength].map { $0 != "0" } ?? false
  }

  /// The first value of a query parameter, as it was written; nil where there is none of this name.
  func query(_ name: String) -> String? {
    guard let path, let mark = path.firstIndex(of: "?") else { return nil }
    for pair in path[path.index(after: mark)...].split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts[0].utf8.elementsEqual(name.utf8) { return parts.count > 1 ? String(parts[1]) : "" }
    }
    return nil
  }
}

extension HTTPFields {
  /// The elements of a comma-separated field, in lower case, over all its lines.
  func tokens(of name: HTTPField.Name) -> [String] {
    self[values: name].flatMap { $0.split(separator: ",") }
      .map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
  }
}
