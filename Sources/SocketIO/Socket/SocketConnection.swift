// One connection's namespaces: the shell around the session, on its event loop.

internal import NIOCore

final class SocketConnection: EngineSocketHandler {
  let engine: EngineSocket
  private let namespaces: [String: any SocketNamespace]
  private let limits: SocketLimits
  private var session: SocketSession
  private var sockets: [String: Socket] = [:]
  private var timer: Scheduled<Void>?

  init(engine: EngineSocket, namespaces: [String: any SocketNamespace], limits: SocketLimits) {
    self.engine = engine
    self.namespaces = namespaces
    self.limits = limits
    session = SocketSession(namespaces: Set(namespaces.keys), limits: limits)
    keepTime()
  }

  // MARK: From the engine

  func received(_ message: EngineMessage) { perform(session.received(message)) }

  func overrun() -> WebSocketClose { sockets.values.lazy.compactMap { $0.overrun() }.first ?? .tooSlow }

  func becameWritable() { for socket in Array(sockets.values) { socket.becameWritable() } }

  func closed(_ reason: EngineCloseReason) {
    timer?.cancel()
    timer = nil
    let left = Array(sockets.values)
    sockets = [:]
    for socket in left { socket.ended(reason) }
  }

  /// The time runs whenever the client is in no namespace, whatever it tries meanwhile.
  private func keepTime() {
    guard session.isOutside, engine.isOpen else {
      timer?.cancel()
      timer = nil
      return
    }
    guard timer == nil else { return }
    let bound = NIOLoopBound(self, eventLoop: engine.eventLoop)
    timer = engine.eventLoop.scheduleTask(in: limits.connectTimeout) {
      bound.value.timer = nil
      bound.value.engine.close(WebSocketClose(.normal, "no namespace was joined"), .server)
    }
  }

  // MARK: From the sockets

  func accept(_ socket: Socket) {
    engine.admit()
    perform(session.accept(socket.namespace, id: socket.id))
  }

  func refuse(_ socket: Socket, message: String, data: [UInt8]?) {
    perform(session.refuse(socket.namespace, message: message, data: data))
    if sockets[socket.namespace] === socket { sockets[socket.namespace] = nil }
  }

  func expel(_ socket: Socket) {
    guard sockets[socket.namespace] === socket else { return }
    sockets[socket.namespace] = nil
    perform(session.expel(socket.namespace))
    socket.ended(.server)
  }

  func acknowledgements() -> Int { limits.maximumAcknowledgements }

  // MARK: Doing

  private func perform(_ actions: [SocketSession.Action]) {
    for action in actions {
      switch action {
      case .connect(let namespace, let auth):
        let socket = Socket(connection: self, namespace: namespace)
        sockets[namespace] = socket
        namespaces[namespace]?.connect(socket, auth: auth)
      case .event(let namespace, let event): sockets[namespace]?.received(event)
      case .acknowledged(let namespace, let id, let arguments): sockets[namespace]?.acknowledged(id, arguments)
      case .left(let namespace): sockets.removeValue(forKey: namespace)?.ended(.client)
      case .write(let packet): engine.send(packet.frames)
      case .violation(let words): engine.close(WebSocketClose(.protocolError, words), .protocolError)
      case .refusedTooOften: engine.close(WebSocketClose(.policyViolation, "refused too often"), .server)
      }
    }
    keepTime()
  }
}
