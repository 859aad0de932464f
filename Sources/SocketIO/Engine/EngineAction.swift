// What goes on between a session and its shell: requests by ticket, answers, and what is to be done.

/// Names a request that waits for its answer.
typealias EngineTicket = Int

enum EngineAnswer: Hashable {
  /// To a GET: packets.
  case packets([EngineFrame])
  /// To a POST: all were taken.
  case taken
  case refused(EngineRefusal)
}

/// Why a session ended.
public enum EngineCloseReason: String, Hashable, Sendable {
  /// The client said so.
  case client
  /// We did.
  case server
  /// No pong came in time.
  case pingTimeout
  /// The connection, or a request under way, went away.
  case lost
  /// The client broke a rule.
  case protocolError
  /// More waited for the client than may.
  case slowReader
}

extension EngineSession {
  enum Action: Hashable {
    case answer(EngineTicket, EngineAnswer)
    /// To the session's WebSocket.
    case write([EngineFrame])
    case closeWebSocket(WebSocketClose)
    /// To the WebSocket that would take over.
    case writeProbe(EngineFrame)
    case closeProbe
    /// The probing WebSocket is the session's from now on.
    case adoptProbe
    case deliver(EngineMessage)
    case becameWritable
    /// More would wait for the client than may, and was dropped: the session is to be closed.
    case overrun
    /// The session is over for the application.
    case ended(EngineCloseReason)
    /// Nothing more will be asked of it: forget it.
    case forget
  }
}
