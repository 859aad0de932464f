// What a request to an Engine.IO path asks for, as a decision on its head.

internal import HTTPTypes

enum EngineRoute: Hashable, Sendable {
  /// `OPTIONS`, before a request from another origin.
  case preflight
  /// A session that begins with polling.
  case open
  /// A session that begins as a WebSocket.
  case openWebSocket(accept: String)
  case poll(session: String)
  case post(session: String)
  /// A session goes over to a WebSocket.
  case upgrade(session: String, accept: String)
  case refuse(EngineRefusal)

  init(_ request: HTTPRequest, _ configuration: EngineConfiguration) {
    guard configuration.origins.permits(request) else {
      self = .refuse(.forbidden)
      return
    }
    if request.method == .options {
      self = .preflight
      return
    }
    guard let transport = request.query("transport").flatMap(EngineConfiguration.Transport.init(rawValue:)),
      configuration.transports.contains(transport)
    else {
      self = .refuse(.unknownTransport)
      return
    }
    let session = request.query("sid").flatMap { $0.isEmpty ? nil : $0 }
    switch transport {
    case .polling: self = Self.polling(request, session)
    case .websocket: self = Self.webSocket(request, session)
    }
  }

  private static func polling(_ request: HTTPRequest, _ session: String?) -> EngineRoute {
    guard let session else {
      guard request.method == .get else { return .refuse(.badHandshakeMethod) }
      return speaksOurs(request) ? .open : .refuse(.unsupportedVersion)
    }
    switch request.method {
    case .get: return .poll(session: session)
    case .post: return .post(session: session)
    default: return .refuse(.badRequest)
    }
  }

  private static func webSocket(_ request: HTTPRequest, _ session: String?) -> EngineRoute {
    guard request.method == .get else { return .refuse(session == nil ? .badHandshakeMethod : .badRequest) }
    guard case .accept(let accept) = WebSocketOpening(request) else { return .refuse(.badRequest) }
    guard let session else {
      return speaksOurs(request) ? .openWebSocket(accept: accept) : .refuse(.unsupportedVersion)
    }
    return .upgrade(session: session, accept: accept)
  }

  /// Looked at when a session begins, and only then: as the reference server does, whose other answers come first.
  private static func speaksOurs(_ request: HTTPRequest) -> Bool { request.query("EIO") == "4" }
}
