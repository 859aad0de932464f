// A Socket.IO server (protocol 5), on an Engine.IO server:
//
//     let server = SocketServer(configuration: configuration, namespaces: ["/": Greeter()])
//     Application(router: router, server: .http1(configuration: .init(
//       additionalChannelHandlers: [server.makeHandler()])))

public import NIOCore

/// A namespace of a server: it decides who comes in.
public protocol SocketNamespace: Sendable {
  /// A client wants in. To be answered by `accept` or `refuse`, now or later, on the socket's event loop.
  /// - Parameter auth: the client's `auth` payload, a JSON object.
  func connect(_ socket: Socket, auth: [UInt8]?)
}

/// What is told about one client in a namespace; always on its event loop.
public protocol SocketHandler: AnyObject {
  /// An event; answered by ``Socket/acknowledge(_:_:)`` where it asks for that.
  func received(_ event: SocketEvent)
  /// After ``Socket/isWritable`` was false: there is room again.
  func becameWritable()
  /// More would wait for the client than may: what it is told on a WebSocket, which is then closed; nil: nothing of
  /// this namespace's.
  func overrun() -> WebSocketClose?
  /// Nothing comes after this.
  func disconnected(_ reason: EngineCloseReason)
}

extension SocketHandler {
  public func overrun() -> WebSocketClose? { nil }
}

public final class SocketServer: Sendable {
  private let engine: EngineServer

  /// - Parameter configuration: its `path` is usually `/socket.io/`.
  public init(
    configuration: EngineConfiguration, limits: SocketLimits = SocketLimits(),
    namespaces: [String: any SocketNamespace]
  ) {
    engine = EngineServer(
      configuration: configuration, application: SocketApplication(namespaces: namespaces, limits: limits))
  }

  /// A handler for one HTTP connection, to stand behind the codec and before what serves requests. It passes on every
  /// request but those for the server's path.
  public func makeHandler() -> any RemovableChannelHandler { engine.makeHandler() }

  /// How many connections there are, in namespaces or not.
  public var count: Int { engine.count }

  /// Lets nobody in any more and ends every connection; a WebSocket is closed with 1012.
  public func shutDown() { engine.shutDown() }
}

private struct SocketApplication: EngineApplication {
  let namespaces: [String: any SocketNamespace]
  let limits: SocketLimits
  let admitsLater = true

  func opened(_ socket: EngineSocket) -> any EngineSocketHandler {
    SocketConnection(engine: socket, namespaces: namespaces, limits: limits)
  }
}
