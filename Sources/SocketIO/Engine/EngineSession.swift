// One Engine.IO session as a value: what a client does goes in, what to do comes out. Knows no socket and no clock.

internal import NIOCore

struct EngineSession {
  private enum Probe: Hashable {
    case none
    case connected(deadline: NIODeadline)
    /// It was probed, and the client may switch over.
    case confirmed(deadline: NIODeadline)
  }

  private enum Transport {
    case polling
    case webSocket
  }

  private enum Phase {
    case open
    /// Ended, with last words for a polling client's next request.
    case closing(deadline: NIODeadline)
    case closed
  }

  private enum Heartbeat {
    case ping(due: NIODeadline)
    case pong(due: NIODeadline)
  }

  private let configuration: EngineConfiguration
  private var phase = Phase.open
  private var transport: Transport
  private var heartbeat: Heartbeat
  private var probe = Probe.none
  private var pendingPoll: EngineTicket?
  private var pendingPost: EngineTicket?
  /// What waits for the next GET.
  private var buffer: [EngineFrame] = []
  /// Bytes that wait: in the buffer, or for the WebSocket.
  private var unsent = 0
  private var isWaitingForRoom = false

  init(isWebSocket: Bool, configuration: EngineConfiguration, now: NIODeadline) {
    self.configuration = configuration
    transport = isWebSocket ? .webSocket : .polling
    heartbeat = .ping(due: now + configuration.pingInterval)
  }

  var isOpen: Bool { if case .open = phase { true } else { false } }
  var isPolling: Bool { if case .polling = transport { true } else { false } }

  /// Whether more may be sent before the client has taken what waits; if not, `becameWritable` will say when.
  mutating func isWritable() -> Bool {
    guard isOpen else { return false }
    if unsent < configuration.highWater { return true }
    isWaitingForRoom = true
    return false
  }

  // MARK: Time

  /// When ``timePassed(_:)`` is to be called.
  var deadline: NIODeadline? {
    switch phase {
    case .closed: return nil
    case .closing(let deadline): return deadline
    case .open: break
    }
    let beat: NIODeadline
    switch heartbeat {
    case .ping(let due), .pong(let due): beat = due
    }
    switch probe {
    case .none: return beat
    case .connected(let deadline), .confirmed(let deadline): return min(beat, deadline)
    }
  }

  mutating func timePassed(_ now: NIODeadline) -> [Action] {
    switch phase {
    case .closed: return []
    case .closing(let deadline): return now >= deadline ? forget() : []
    case .open: break
    }
    var actions: [Action] = []
    switch probe {
    case .connected(let deadline) where now >= deadline, .confirmed(let deadline) where now >= deadline:
      probe = .none
      actions.append(.closeProbe)
    default: break
    }
    if case .ping(let due) = heartbeat, now >= due {
      // From when it was due, not from when we came to it: the client knows the times.
      heartbeat = .pong(due: due + configuration.pingTimeout)
      actions += enqueue([.ping])
    }
    if case .pong(let due) = heartbeat, now >= due { actions += end(.pingTimeout) }
    return actions
  }

  // MARK: To the client

  mutating func send(_ frames: [EngineFrame]) -> [Action] { isOpen ? enqueue(frames) : [] }

  private mutating func enqueue(_ frames: [EngineFrame]) -> [Action] {
    let size = frames.reduce(0) { $0 + $1.size }
    // Whoever was told that there is room has it, whatever the size: as much would come again after the next connection.
    guard unsent < configuration.highWater || unsent + size <= configuration.maximumUnsent else { return [.overrun] }
    unsent += size
    switch transport {
    case .webSocket: return [.write(frames)]
    case .polling:
      buffer += frames
      return flush()
    }
  }

  /// Answers a waiting GET with what is there.
  private mutating func flush() -> [Action] {
    guard let poll = pendingPoll else { return [] }
    let isSwitching = if case .confirmed = probe { true } else { false }
    guard !buffer.isEmpty || isSwitching else { return [] }
    pendingPoll = nil
    guard !buffer.isEmpty else { return [.answer(poll, .packets([.noop]))] }
    let frames = nextAnswer()
    return [.answer(poll, .packets(frames))] + sent(frames.reduce(0) { $0 + $1.size })
  }

  private mutating func nextAnswer() -> [EngineFrame] {
    let frames = buffer.prefix(configuration.maximumPacketsPerAnswer)
    buffer.removeFirst(frames.count)
    return Array(frames)
  }

  /// The WebSocket has taken so many bytes.
  mutating func sent(_ bytes: Int) -> [Action] {
    unsent = max(0, unsent - bytes)
    guard isWaitingForRoom, isOpen, unsent <= configuration.highWater / 2 else { return [] }
    isWaitingForRoom = false
    return [.becameWritable]
  }

  /// - Parameters:
  ///   - close: what a WebSocket is told.
  ///   - keepsWords: whether a polling client that is not asking at the moment may still fetch what was said to it.
  mutating func close(
    _ close: WebSocketClose, _ reason: EngineCloseReason, keepsWords: Bool = true, now: NIODeadline
  ) -> [Action] {
    guard isOpen else { return [] }
    if case .polling = transport, pendingPoll == nil, keepsWords {
      // The last words wait for the next request.
      buffer.append(.close)
      var actions: [Action] = [.ended(reason)]
      if let post = pendingPost { actions.append(.answer(post, .taken)) }
      if probe != .none { actions.append(.closeProbe) }
      (pendingPost, probe, phase) = (nil, .none, .closing(deadline: now + configuration.closeTimeout))
      return actions
    }
    return end(reason, close)
  }

  // MARK: Polling requests

  mutating func poll(_ ticket: EngineTicket) -> [Action] {
    guard case .polling = transport else { return [.answer(ticket, .refused(.badRequest))] }
    switch phase {
    case .closed: return [.answer(ticket, .refused(.unknownSession))]
    case .closing:
      let answer = [Action.answer(ticket, .packets(nextAnswer()))]
      return buffer.isEmpty ? answer + forget() : answer
    case .open: break
    }
    guard pendingPoll == nil else { return end(.protocolError) + [.answer(ticket, .refused(.badRequest))] }
    pendingPoll = ticket
    return flush()
  }

  /// A POST has begun to arrive.
  mutating func postBegan(_ ticket: EngineTicket) -> [Action] {
    guard isOpen else { return [.answer(ticket, .refused(.unknownSession))] }
    guard case .polling = transport else { return [.answer(ticket, .refused(.badRequest))] }
    guard pendingPost == nil else { return end(.protocolError) + [.answer(ticket, .refused(.badRequest))] }
    pendingPost = ticket
    return []
  }

  /// Its body is there; nil: it is no payload.
  mutating func post(_ ticket: EngineTicket, _ packets: [EnginePacket]?, now: NIODeadline) -> [Action] {
    guard pendingPost == ticket else { return [] }
    guard let packets else { return end(.protocolError) }
    var actions: [Action] = []
    for packet in packets {
      actions += receive(packet, now)
      guard isOpen else { return actions }
    }
    pendingPost = nil
    return actions + [.answer(ticket, .taken)]
  }

  /// The body was too large, and has been refused already: the session goes on.
  mutating func postRefused(_ ticket: EngineTicket) {
    if pendingPost == ticket { pendingPost = nil }
  }

  /// The connection of a request went away before its answer.
  mutating func requestLost(_ ticket: EngineTicket) -> [Action] {
    guard pendingPoll == ticket || pendingPost == ticket else { return [] }
    if pendingPoll == ticket { pendingPoll = nil } else { pendingPost = nil }
    return end(.lost)
  }

  // MARK: WebSocket

  /// A WebSocket wants to take the session over.
  /// - Returns: false: there is no room for it, close it.
  mutating func probeConnected(now: NIODeadline) -> Bool {
    guard isOpen, case .polling = transport, case .none = probe else { return false }
    probe = .connected(deadline: now + configuration.upgradeTimeout)
    return true
  }

  /// - Parameter packet: nil: it was none.
  mutating func probeReceived(_ packet: EnginePacket?) -> [Action] {
    switch (probe, packet) {
    case (.connected(let deadline), let packet?) where packet.isProbe:
      probe = .confirmed(deadline: deadline)
      // A GET that waits would hold the client back.
      return [.writeProbe(.probeAnswer)] + flush()
    case (.confirmed, .upgrade): return adopt()
    case (.none, _): return []
    default:
      probe = .none
      return [.closeProbe]
    }
  }

  mutating func probeLost() { probe = .none }

  private mutating func adopt() -> [Action] {
    (probe, transport) = (.none, .webSocket)
    var actions: [Action] = [.adoptProbe]
    if let poll = pendingPoll { actions.append(.answer(poll, .packets([.noop]))) }
    pendingPoll = nil
    if !buffer.isEmpty { actions.append(.write(buffer)) }
    buffer = []
    return actions
  }

  /// - Parameter packet: nil: it was none.
  mutating func received(_ packet: EnginePacket?, now: NIODeadline) -> [Action] {
    guard isOpen else { return [] }
    guard let packet else { return end(.protocolError, WebSocketClose(.protocolError, "no packet")) }
    return receive(packet, now)
  }

  mutating func webSocketLost(_ reason: EngineCloseReason) -> [Action] { isOpen ? end(reason) : [] }

  // MARK: Packets

  private mutating func receive(_ packet: EnginePacket, _ now: NIODeadline) -> [Action] {
    switch packet {
    case .close: return end(.client)
    // It is the server that pings.
    case .ping: return end(.protocolError, WebSocketClose(.protocolError, "a ping from the client"))
    case .pong:
      if case .pong = heartbeat { heartbeat = .ping(due: now + configuration.pingInterval) }
      return []
    case .message(let message): return [.deliver(message)]
    case .upgrade, .noop: return []
    }
  }

  // MARK: The end

  private mutating func end(
    _ reason: EngineCloseReason, _ close: WebSocketClose = WebSocketClose(.normal)
  ) -> [Action] {
    guard isOpen else { return [] }
    phase = .closed
    var actions: [Action] = []
    if let poll = pendingPoll {
      let last = reason == .client ? [.noop] : buffer + [.close]
      actions.append(.answer(poll, .packets(last)))
    }
    if let post = pendingPost {
      actions.append(.answer(post, reason == .client || reason == .server ? .taken : .refused(.badRequest)))
    }
    if probe != .none { actions.append(.closeProbe) }
    if case .webSocket = transport { actions.append(.closeWebSocket(close)) }
    (pendingPoll, pendingPost, probe) = (nil, nil, .none)
    return actions + [.ended(reason)] + forget()
  }

  private mutating func forget() -> [Action] {
    phase = .closed
    buffer = []
    unsent = 0
    return [.forget]
  }
}
