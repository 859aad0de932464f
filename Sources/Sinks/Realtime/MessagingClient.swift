// One Socket.IO client among the readers of the log: the same hub and the same stream as a WebSocket's.

internal import ChannelProtocol
internal import NIOCore
internal import SocketIO

/// Lives on the socket's event loop. It holds no queue of events: while the client does not keep up, the cursor stands
/// still.
final class MessagingClient: SocketHandler, RealtimeSubscriber, RealtimeStreamOwner {
  /// How many events one client may be given in a turn of its loop.
  private static let turn = 256

  private let socket: Socket
  private let principal: RealtimePrincipal
  private let endpoint: RealtimeEndpoint
  private let stream: RealtimeStream
  /// How many bytes of events make one write: a few of them fit among what may wait.
  private let batch: Int
  private let queue: SendQueue
  private var loop: RealtimeLoop?
  private var isEnded = false
  private var isDraining = false
  /// The conversations that were joined; nil: none was ever, and it hears of all.
  private var conversations: Set<Identifier>?
  private var sends = 0
  private var unwritableSince: NIODeadline?

  /// The client must have been admitted by the hub; it counts itself out when it ends.
  init(_ socket: Socket, principal: RealtimePrincipal, endpoint: RealtimeEndpoint) {
    self.socket = socket
    self.principal = principal
    self.endpoint = endpoint
    stream = RealtimeStream(endpoint: endpoint)
    batch = min(1 << 16, endpoint.limits.maxUnsentBytes / 4)
    queue = SendQueue(endpoint: endpoint, eventLoop: socket.eventLoop)
  }

  func begin(_ request: SubscribeRequest) {
    // It may have gone while it was being let in.
    guard !isEnded else { return }
    let loop = endpoint.hub.loop(for: socket.eventLoop)
    self.loop = loop
    stream.connect(to: self, on: socket.eventLoop)
    loop.add(self)
    stream.start(request)
  }

  // MARK: From the client

  func received(_ event: SocketEvent) {
    do throws(ProblemDocument) {
      switch try MessagingRequest(event) {
      case .join(let id): try join(id, event)
      case .leave(let id): leave(id, event)
      case .send(let message, let key): try send(message, key, event)
      }
    } catch {
      socket.acknowledge(event, MessagingEvent.refused(error.json))
    }
  }

  private func join(_ id: Identifier, _ event: SocketEvent) throws(ProblemDocument) {
    var joined = conversations ?? []
    guard joined.contains(id) || joined.count < ClientFrame.maximumConversations else {
      throw .invalid("conversationId", "would be more than \(ClientFrame.maximumConversations) conversations")
    }
    joined.insert(id)
    narrow(to: joined)
    socket.acknowledge(event, MessagingEvent.conversation(id))
  }

  private func leave(_ id: Identifier, _ event: SocketEvent) {
    if var joined = conversations {
      joined.remove(id)
      narrow(to: joined)
    }
    socket.acknowledge(event, MessagingEvent.conversation(id))
  }

  private func narrow(to conversations: Set<Identifier>) {
    self.conversations = conversations
    stream.narrow(to: conversations)
  }

  private func send(_ message: [UInt8], _ key: String?, _ event: SocketEvent) throws(ProblemDocument) {
    guard principal.canSend else { throw .forbidden(scope: "send") }
    guard sends < endpoint.limits.maximumSends else { throw .tooManySends }
    sends += 1
    queue.send(message, idempotencyKey: key, as: principal) { [weak self] result in self?.sent(result, event) }
  }

  private func sent(_ result: Result<[UInt8], RealtimeProblem>, _ event: SocketEvent) {
    sends -= 1
    switch result {
    case .success(let message): socket.acknowledge(event, MessagingEvent.sent(message))
    case .failure(let problem): socket.acknowledge(event, MessagingEvent.refused(problem.json))
    }
  }

  // MARK: Events

  func drain(_ reader: inout RingReader) {
    guard !isEnded, !isDraining else { return }
    isDraining = true
    var budget = Self.turn
    var isCaughtUp = false
    while budget > 0, !isEnded, socket.isWritable {
      guard let events = stream.next(&reader) else {
        isCaughtUp = true
        break
      }
      write(events, &budget)
    }
    isDraining = false
    guard !isEnded else { return }
    if socket.isWritable {
      unwritableSince = nil
      if !isCaughtUp { loop?.requeue(self) }
    } else {
      stream.dropPage()
      if unwritableSince == nil { unwritableSince = .now() }
    }
  }

  private func write(_ events: ArraySlice<EncodedEvent>, _ budget: inout Int) {
    var packets: [SocketFrames] = []
    var (bytes, count) = (0, 0)
    for event in events {
      guard budget > 0, bytes < batch else { break }
      if stream.wants(event) {
        let packet = event.socketIOFrames
        packets.append(packet)
        bytes += packet.size
      }
      count += 1
      budget -= 1
    }
    if !packets.isEmpty {
      socket.send(packets)
      endpoint.metrics.sent(packets.count)
    }
    // Behind the sending: what did not go out because too much waits is not counted as read.
    for event in events.prefix(count) { stream.advance(past: event) }
  }

  func becameWritable() {
    unwritableSince = nil
    streamChanged()
  }

  func streamBegan(at place: LogPosition) {
    socket.send([MessagingEvent.ready(place)])
    streamChanged()
  }

  func streamReset(oldest: LogPosition) { socket.send([MessagingEvent.reset(oldest: oldest)]) }

  func streamChanged() { if !isEnded, !isDraining { loop?.drain(self) } }

  func streamFailed() { close(WebSocketClose(.tryAgainLater, "the event log cannot be read"), .unavailable) }

  // MARK: Deadlines

  var keyID: Identifier? { principal.keyID }

  func revoke() { close(WebSocketClose(.unauthorized, "the key is no longer good"), .unauthorized) }

  func sweep(now: NIODeadline) {
    guard !isEnded else { return }
    if endpoint.hasExpired(principal) { return revoke() }
    if stream.isOverdue(now) { return streamFailed() }
    guard let unwritableSince, now >= unwritableSince + endpoint.limits.writeTimeout else { return }
    close(tooSlow, .slowReader)
  }

  func overrun() -> WebSocketClose? { tooSlow }

  /// All that was written comes before it: who hears it has everything up to this number.
  private var tooSlow: WebSocketClose {
    WebSocketClose(.slowReader, #"{"seq":\#(stream.place.map { String($0.seq) } ?? "null")}"#)
  }

  // MARK: The end

  func shutDown() { close(WebSocketClose(.serviceRestart), .shutdown) }

  private func close(_ close: WebSocketClose, _ reason: RealtimeMetrics.CloseReason) {
    guard !isEnded else { return }
    end(reason)
    socket.closeConnection(close)
  }

  func disconnected(_ reason: EngineCloseReason) {
    guard !isEnded else { return }
    switch reason {
    case .client: end(.client)
    case .server: end(.shutdown)
    case .pingTimeout: end(.noPong)
    case .lost: end(.lost)
    case .protocolError: end(.protocolError)
    case .slowReader: end(.slowReader)
    }
  }

  private func end(_ reason: RealtimeMetrics.CloseReason) {
    isEnded = true
    stream.stop()
    loop?.remove(self)
    endpoint.metrics.closed(reason)
    endpoint.hub.release()
  }
}
