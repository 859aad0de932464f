// One client in one namespace.

public import HTTPTypes
public import NIOCore

/// Everything here is to be called on ``eventLoop``.
public final class Socket {
  /// Its own id, which other clients may know.
  public let id = RandomIdentifier.make()
  public let namespace: String

  private enum State {
    case connecting
    case connected(any SocketHandler)
    case ended
  }

  private var connection: SocketConnection?
  private let engine: EngineSocket
  private var state = State.connecting
  private var waiting: [Int: (answer: (SocketArguments?) -> Void, deadline: Scheduled<Void>)] = [:]
  private var nextID = 0

  init(connection: SocketConnection, namespace: String) {
    self.connection = connection
    self.namespace = namespace
    engine = connection.engine
  }

  public var eventLoop: any EventLoop { engine.eventLoop }
  /// The request that opened the connection.
  public var request: HTTPRequest { engine.request }
  /// The IP address from which it came; nil: it has none.
  public var peerAddress: String? { engine.peerAddress }
  /// Whether the client waits to be let in.
  public var isConnecting: Bool { if case .connecting = state { true } else { false } }
  /// Whether the client is in the namespace.
  public var isConnected: Bool { if case .connected = state { true } else { false } }
  /// Whether the client keeps up. While it does not, what is sent is kept, up to the configured bound; a connection that
  /// goes beyond it ends.
  public var isWritable: Bool { engine.isWritable }

  // MARK: Coming in

  /// Lets the client in.
  public func accept(_ handler: any SocketHandler) {
    guard case .connecting = state else { return }
    state = .connected(handler)
    connection?.accept(self)
  }

  /// Refuses the client; its connection stays.
  /// - Parameters:
  ///   - message: words for a person.
  ///   - data: JSON with more.
  public func refuse(_ message: String, data: [UInt8]? = nil) {
    guard case .connecting = state else { return }
    state = .ended
    connection?.refuse(self, message: message, data: data)
    connection = nil
  }

  // MARK: Sending

  /// - Parameters:
  ///   - arguments: JSON texts, with placeholders where attachments belong.
  public func emit(_ name: String, _ arguments: SocketArguments) {
    send(
      [SocketFrames(event: name, arguments.json, attachments: arguments.attachments, namespace: namespace)])
  }

  /// The same, and asks for an acknowledgement.
  /// - Parameter answer: called once: with what the client says, or with nil: in time it said nothing, it is gone, or
  ///   too many wait already.
  public func emit(
    _ name: String, _ arguments: SocketArguments, acknowledgedWithin timeout: TimeAmount,
    _ answer: @escaping (SocketArguments?) -> Void
  ) {
    guard isConnected, let connection, waiting.count < connection.acknowledgements() else { return answer(nil) }
    let id = nextID
    nextID += 1
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    let deadline = eventLoop.scheduleTask(in: timeout) {
      bound.value.waiting.removeValue(forKey: id)?.answer(nil) ?? ()
    }
    waiting[id] = (answer, deadline)
    send(
      [
        SocketFrames(
          event: name, arguments.json, attachments: arguments.attachments, namespace: namespace, id: id)
      ])
  }

  /// Packets that were encoded for this namespace; several at once cost one write.
  public func send(_ packets: [SocketFrames]) {
    guard isConnected else { return }
    engine.send(packets.flatMap(\.frames))
  }

  /// Answers an event; does nothing where it asked for no answer.
  public func acknowledge(_ event: SocketEvent, _ arguments: SocketArguments) {
    guard let id = event.id else { return }
    send(
      [
        SocketFrames(
          acknowledging: id, arguments.json, attachments: arguments.attachments, namespace: namespace)
      ])
  }

  // MARK: The end

  /// Puts the client out of the namespace; its connection stays.
  public func disconnect() { connection?.expel(self) }

  /// Ends the whole connection, and with it the client's other namespaces.
  /// - Parameter close: what a client on a WebSocket is told.
  public func closeConnection(_ close: WebSocketClose) { engine.close(close) }

  // MARK: From the connection

  func received(_ event: SocketEvent) { if case .connected(let handler) = state { handler.received(event) } }

  func acknowledged(_ id: Int, _ arguments: SocketArguments) {
    guard let entry = waiting.removeValue(forKey: id) else { return }
    entry.deadline.cancel()
    entry.answer(arguments)
  }

  func overrun() -> WebSocketClose? { if case .connected(let handler) = state { handler.overrun() } else { nil } }

  func becameWritable() { if case .connected(let handler) = state { handler.becameWritable() } }

  func ended(_ reason: EngineCloseReason) {
    let before = state
    state = .ended
    connection = nil
    let unanswered = waiting.values
    waiting = [:]
    for entry in unanswered {
      entry.deadline.cancel()
      entry.answer(nil)
    }
    if case .connected(let handler) = before { handler.disconnected(reason) }
  }
}
