// Whether a request asks for a WebSocket (RFC 6455 section 4.2), and what it is answered.

internal import Crypto
internal import Foundation
package import HTTPTypes

package enum WebSocketOpening: Hashable, Sendable {
  /// Switch protocols, with this `Sec-WebSocket-Accept`.
  case accept(String)
  /// It asks for another protocol, another version, or for none.
  case notWebSocket
  /// `Sec-WebSocket-Key` is not 16 bytes in base64.
  case badNonce

  package init(_ request: HTTPRequest) {
    guard request.method == .get, request.asksForWebSocket,
      request.headerFields[.secWebSocketVersion]?.trimmingCharacters(in: .whitespaces) == "13"
    else {
      self = .notWebSocket
      return
    }
    let nonce = request.headerFields[.secWebSocketKey]?.trimmingCharacters(in: .whitespaces)
    guard let nonce, Data(base64Encoded: nonce)?.count == 16 else {
      self = .badNonce
      return
    }
    self = .accept(Self.proof(for: nonce))
  }

  /// Section 4.2.2 (5.4): proof that the nonce was read by somebody who speaks WebSocket.
  package static func proof(for nonce: String) -> String {
    Data(Insecure.SHA1.hash(data: Data((nonce + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8))).base64EncodedString()
  }
}

extension HTTPRequest {
  /// The path without its query.
  package var pathOnly: Substring { (path ?? "").prefix { $0 != "?" } }

  /// Whether the request asks to go on in another protocol: the parser then stops behind it, and the connection is of
  /// no further use for HTTP.
  package var asksForUpgrade: Bool {
    headerFields[.upgrade] != nil && headerFields.tokens(of: .connection).contains("upgrade")
  }

  /// Whether that protocol is WebSocket.
  package var asksForWebSocket: Bool { asksForUpgrade && headerFields.tokens(of: .upgrade).contains("websocket") }

  package var announcesBody: Bool {
    headerFields[.transferEncoding] != nil || headerFields[.contentLength].map { $0 != "0" } ?? false
  }

  /// The first value of a query parameter, as it was written; nil where there is none of this name.
  package func query(_ name: String) -> String? {
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
  package func tokens(of name: HTTPField.Name) -> [String] {
    self[values: name].flatMap { $0.split(separator: ",") }
      .map { $0.trimmingCharacters(in: .whitespaces).lowercased() }
  }
}
