// An Engine.IO server (protocol 4): sessions over polling and WebSocket, for any NIO pipeline that speaks HTTP types,
// Hummingbird's among them:
//
//     let server = EngineServer(configuration: .init(), application: myApplication)
//     Application(router: router, server: .http1(configuration: .init(
//       additionalChannelHandlers: [server.makeHandler()])))

internal import HTTPTypes
public import NIOCore
internal import Synchronization

/// What takes the connections.
public protocol EngineApplication: Sendable {
  /// A session has begun; on its event loop.
  func opened(_ socket: EngineSocket) -> any EngineSocketHandler

  /// Whether a client is nobody until ``EngineSocket/admit()``. There may be fewer of these, and they are forgotten as
  /// soon as they are closed.
  var admitsLater: Bool { get }
}

extension EngineApplication {
  public var admitsLater: Bool { false }
}

/// What an application is told about one connection; always on the connection's event loop.
public protocol EngineSocketHandler: AnyObject {
  func received(_ message: EngineMessage)
  /// After ``EngineSocket/isWritable`` was false: there is room again.
  func becameWritable()
  /// More would wait for the client than may: what it is told on a WebSocket, which is then closed.
  func overrun() -> WebSocketClose
  /// Nothing comes after this.
  func closed(_ reason: EngineCloseReason)
}

extension EngineSocketHandler {
  public func overrun() -> WebSocketClose { .tooSlow }
}

public final class EngineServer: Sendable {
  let configuration: EngineConfiguration
  private let application: any EngineApplication
  private let state = Mutex(State())

  private struct State {
    var sessions: [String: LoopReference<EngineSocket>] = [:]
    var newcomers = EngineNewcomers()
    var isShutDown = false
    var tickets: EngineTicket = 0
  }

  public init(configuration: EngineConfiguration, application: any EngineApplication) {
    self.configuration = configuration
    self.application = application
  }

  /// A handler for one HTTP connection, to stand behind the codec and before what serves requests. It passes on every
  /// request but those for the server's path.
  public func makeHandler() -> any RemovableChannelHandler { EngineRequestHandler(server: self) }

  var admitsLater: Bool { application.admitsLater }

  /// How many sessions there are.
  public var count: Int { state.withLock(\.sessions.count) }

  /// Lets nobody in any more and ends every session; a WebSocket is closed with 1012.
  public func shutDown() {
    let sessions = state.withLock { state in
      state.isShutDown = true
      return Array(state.sessions.values)
    }
    for session in sessions { session.run { $0.close(WebSocketClose(.serviceRestart)) } }
  }

  // MARK: Sessions

  func nextTicket() -> EngineTicket {
    state.withLock { state in
      state.tickets += 1
      return state.tickets
    }
  }

  func session(_ id: String) -> LoopReference<EngineSocket>? { state.withLock { $0.sessions[id] } }

  /// Makes a session on this connection's loop; nil: none are taken. The application learns of it by ``begin(_:)``, when its first
  /// packet is out.
  func open(_ request: HTTPRequest, isWebSocket: Bool, on channel: any Channel) -> EngineSocket? {
    let eventLoop = channel.eventLoop
    let socket = EngineSocket(
      server: self, request: request, peerAddress: channel.remoteAddress?.ipAddress, isWebSocket: isWebSocket,
      eventLoop: eventLoop)
    let address = configuration.clientAddress(request, socket.peerAddress) ?? ""
    let isTaken = state.withLock { state in
      guard !state.isShutDown, state.sessions.count < configuration.maximumSessions else { return false }
      guard !admitsLater || state.newcomers.add(socket.id, from: address, configuration) else { return false }
      state.sessions[socket.id] = LoopReference(socket, on: eventLoop)
      return true
    }
    return isTaken ? socket : nil
  }

  func begin(_ socket: EngineSocket) { socket.begin(application.opened(socket)) }

  func admitted(_ id: String) { state.withLock { $0.newcomers.remove(id) } }

  func forget(_ id: String) {
    state.withLock { state in
      state.sessions[id] = nil
      state.newcomers.remove(id)
    }
  }
}
