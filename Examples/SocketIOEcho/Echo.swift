// What the server answers: every message of Engine.IO, and the events of a small Socket.IO application.

import NIOCore
import SocketIO

/// Echoes every message.
struct EngineEcho: EngineApplication {
  func opened(_ socket: EngineSocket) -> any EngineSocketHandler { Handler(socket) }

  private final class Handler: EngineSocketHandler {
    private let socket: EngineSocket

    init(_ socket: EngineSocket) { self.socket = socket }

    func received(_ message: EngineMessage) {
      switch message {
      case .text(let text): socket.send(EngineFrame(text: text.readableBytesView))
      case .binary(let data): socket.send(EngineFrame(binary: data))
      }
    }

    func becameWritable() {}
    func closed(_ reason: EngineCloseReason) {}
  }
}

/// Emits `auth` with what the client brought, answers `message`, acknowledges `message-with-ack`.
struct SocketEcho: SocketNamespace {
  func connect(_ socket: Socket, auth: [UInt8]?) {
    socket.accept(Handler(socket))
    socket.emit("auth", SocketArguments(json: [auth ?? Array("{}".utf8)]))
  }

  private final class Handler: SocketHandler {
    private let socket: Socket

    init(_ socket: Socket) { self.socket = socket }

    func received(_ event: SocketEvent) {
      switch event.name {
      case "message": socket.emit("message-back", event.arguments)
      case "message-with-ack": socket.acknowledge(event, event.arguments)
      default: break
      }
    }

    func becameWritable() {}
    func disconnected(_ reason: EngineCloseReason) {}
  }
}

/// Emits `auth`, and has nothing else to say.
struct Custom: SocketNamespace {
  func connect(_ socket: Socket, auth: [UInt8]?) {
    socket.accept(Handler())
    socket.emit("auth", SocketArguments(json: [auth ?? Array("{}".utf8)]))
  }

  private final class Handler: SocketHandler {
    func received(_ event: SocketEvent) {}
    func becameWritable() {}
    func disconnected(_ reason: EngineCloseReason) {}
  }
}
