// One connection of a client, whatever carries it: the shell around the session, on its event loop.

public import HTTPTypes
public import NIOCore
internal import Foundation

/// Everything here is to be called on ``eventLoop``.
public final class EngineSocket {
  /// The session's id. It is all that a request needs to speak for this client: a secret.
  let id = RandomIdentifier.make()
  public let eventLoop: any EventLoop
  /// The request that opened the session.
  public let request: HTTPRequest
  /// The IP address from which it came; nil: it has none.
  public let peerAddress: String?

  private let server: EngineServer
  private var isAdmitted: Bool
  private var session: EngineSession
  private var handler: (any EngineSocketHandler)?
  private var responders: [EngineTicket: @Sendable (EngineAnswer) -> Void] = [:]
  private var webSocket: EngineWebSocketLink?
  private var probe: EngineWebSocketLink?
  private var timer: (due: NIODeadline, task: Scheduled<Void>)?

  init(
    server: EngineServer, request: HTTPRequest, peerAddress: String?, isWebSocket: Bool, eventLoop: any EventLoop
  ) {
    self.server = server
    self.request = request
    self.peerAddress = peerAddress
    self.eventLoop = eventLoop
    isAdmitted = !server.admitsLater
    session = EngineSession(isWebSocket: isWebSocket, configuration: server.configuration, now: .now())
  }

  // MARK: The application's side

  public var isOpen: Bool { session.isOpen }

  /// Whether the client keeps up. While it does not, what is sent is kept, up to the configured bound; a session that
  /// goes beyond it ends.
  public var isWritable: Bool { session.isWritable() }

  /// Whether it is carried by polling still.
  public var isPolling: Bool { session.isPolling }

  public func send(_ frame: EngineFrame) { send([frame]) }

  /// Several at once cost one write.
  public func send(_ frames: [EngineFrame]) {
    guard !frames.isEmpty else { return }
    perform(session.send(frames))
  }

  /// The application knows this client from now on; only of use where ``EngineApplication/admitsLater`` says so.
  public func admit() {
    guard !isAdmitted else { return }
    isAdmitted = true
    server.admitted(id)
  }

  /// Ends the session.
  /// - Parameter close: what a client on a WebSocket is told; polling has no words for it.
  public func close(_ close: WebSocketClose = WebSocketClose(.normal)) {
    self.close(close, .server)
  }

  func close(_ close: WebSocketClose, _ reason: EngineCloseReason) {
    // Who was never let in takes no place any more.
    perform(session.close(close, reason, keepsWords: isAdmitted, now: .now()))
  }

  // MARK: The beginning

  /// The first packet.
  func handshake(isWebSocket: Bool) -> EngineFrame {
    let configuration = server.configuration
    let upgrades = !isWebSocket && configuration.transports.contains(.websocket) ? #"["websocket"]"# : "[]"
    let json =
      #"{"sid":"\#(id)","upgrades":\#(upgrades),"pingInterval":\#(configuration.pingInterval.milliseconds),"#
      + #""pingTimeout":\#(configuration.pingTimeout.milliseconds),"maxPayload":\#(configuration.maximumPayload)}"#
    return EngineFrame(.open, json.utf8)
  }

  func begin(_ handler: any EngineSocketHandler) {
    self.handler = handler
    if !session.isOpen { end(.server) } else { schedule() }
  }

  func connect(_ link: EngineWebSocketLink) { webSocket = link }

  // MARK: Requests

  func poll(_ ticket: EngineTicket, _ respond: @escaping @Sendable (EngineAnswer) -> Void) {
    responders[ticket] = respond
    checkTime()
    perform(session.poll(ticket))
  }

  func postBegan(_ ticket: EngineTicket, _ respond: @escaping @Sendable (EngineAnswer) -> Void) {
    responders[ticket] = respond
    checkTime()
    perform(session.postBegan(ticket))
  }

  func post(_ ticket: EngineTicket, _ body: ByteBuffer) {
    let packets = try? PollingPayload.decode(body, maximum: server.configuration.maximumPackets)
    perform(session.post(ticket, packets, now: .now()))
  }

  /// What comes is no payload, whatever it is.
  func postMalformed(_ ticket: EngineTicket) { perform(session.post(ticket, nil, now: .now())) }

  func postRefused(_ ticket: EngineTicket) {
    responders[ticket] = nil
    session.postRefused(ticket)
  }

  func requestLost(_ ticket: EngineTicket) {
    responders[ticket] = nil
    perform(session.requestLost(ticket))
  }

  // MARK: WebSockets

  func probeConnected(_ link: EngineWebSocketLink) {
    checkTime()
    guard session.probeConnected(now: .now()) else { return link.close(WebSocketClose(.normal)) }
    probe = link
    schedule()
  }

  func received(_ packet: EnginePacket?, from link: EngineWebSocketLink) {
    if link == webSocket {
      perform(session.received(packet, now: .now()))
    } else if link == probe {
      perform(session.probeReceived(packet))
    }
  }

  func lost(_ link: EngineWebSocketLink, _ reason: EngineCloseReason) {
    if link == webSocket {
      webSocket = nil
      perform(session.webSocketLost(reason))
    } else if link == probe {
      probe = nil
      session.probeLost()
    }
  }

  func written(_ bytes: Int) { perform(session.sent(bytes)) }

  // MARK: Doing

  private func perform(_ actions: [EngineSession.Action]) {
    for action in actions {
      switch action {
      case .answer(let ticket, let answer): responders.removeValue(forKey: ticket)?(answer)
      case .write(let frames): webSocket?.write(frames)
      case .closeWebSocket(let close): webSocket?.close(close)
      case .writeProbe(let frame): probe?.write([frame])
      case .closeProbe:
        probe?.close(WebSocketClose(.normal))
        probe = nil
      case .adoptProbe:
        webSocket = probe
        probe = nil
      case .deliver(let message): if session.isOpen { handler?.received(message) }
      case .becameWritable: if session.isOpen { handler?.becameWritable() }
      case .overrun: close(handler?.overrun() ?? .tooSlow, .slowReader)
      case .ended(let reason): end(reason)
      case .forget: server.forget(id)
      }
    }
    schedule()
  }

  private func end(_ reason: EngineCloseReason) {
    let handler = handler
    self.handler = nil
    handler?.closed(reason)
  }

  // MARK: Time

  /// A deadline that has passed holds, whether its timer has come or not.
  private func checkTime() {
    if let deadline = session.deadline, deadline <= .now() { perform(session.timePassed(.now())) }
  }

  /// One timer: moved only where the next deadline is nearer; one that comes too early looks again.
  private func schedule() {
    guard let deadline = session.deadline else {
      timer?.task.cancel()
      timer = nil
      return
    }
    if let timer {
      if timer.due <= deadline { return }
      timer.task.cancel()
    }
    let bound = NIOLoopBound(self, eventLoop: eventLoop)
    let task = eventLoop.scheduleTask(deadline: deadline) {
      bound.value.timer = nil
      bound.value.perform(bound.value.session.timePassed(.now()))
    }
    timer = (deadline, task)
  }
}

/// Ids that nobody can guess.
enum RandomIdentifier {
  /// 120 bits from the system's generator, in 20 characters fit for a URL.
  static func make() -> String {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<15).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    return Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
  }
}

extension TimeAmount {
  var milliseconds: Int64 { nanoseconds / 1_000_000 }
}
