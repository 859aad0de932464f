// The subscription of one connection, whatever it speaks: finding its place, fetching from the log what the ring no longer has.

internal import ChannelProtocol
internal import NIOCore

/// What a stream tells its connection; on the connection's event loop.
protocol RealtimeStreamOwner: AnyObject {
  /// It begins: what follows comes after `place`.
  func streamBegan(at place: LogPosition)
  /// It cannot go on from where the client was, and has ended.
  /// - Parameter oldest: the earliest place that can be resumed from.
  func streamReset(oldest: LogPosition)
  /// There is more to be had by ``RealtimeStream/next(_:)``.
  func streamChanged()
  /// The log cannot be read; the stream has ended.
  func streamFailed()
}

/// The shell around a cursor. Lives on the connection's event loop.
final class RealtimeStream {
  private enum State {
    /// Nothing is subscribed to, or the client must subscribe anew.
    case idle
    /// The log is being asked for its bounds.
    case locating(SubscribeRequest)
    case running(EventCursor)
  }

  private enum Answer: Sendable {
    case bounds(EventLogBounds)
    case events([EncodedEvent], isLast: Bool)
    /// Events after the place are no longer kept.
    case gone(EventLogBounds)
    case failed
  }

  /// How often a question to the log is repeated before the connection is given up.
  private static let maximumAttempts = 5
  /// How many events are asked for before anything is known about their size.
  private static let firstPage = 64

  private let endpoint: RealtimeEndpoint
  private weak var connection: (any RealtimeStreamOwner)?
  private var eventLoop: (any EventLoop)?
  private var state = State.idle
  /// Rises with every change of subscription: an answer to an older question is not listened to.
  private var generation = 0
  private var attempts = 0
  private var askedAt: NIODeadline?
  /// How many events are asked for next.
  private var pageSize = firstPage

  init(endpoint: RealtimeEndpoint) { self.endpoint = endpoint }

  func connect(to connection: any RealtimeStreamOwner, on eventLoop: any EventLoop) {
    self.connection = connection
    self.eventLoop = eventLoop
  }

  /// The last place that was written; nil: no stream.
  var place: LogPosition? { if case .running(let cursor) = state { cursor.place } else { nil } }

  /// Whether the log has been silent for too long.
  func isOverdue(_ now: NIODeadline) -> Bool {
    askedAt.map { now >= $0 + endpoint.limits.storeTimeout } ?? false
  }

  // MARK: Subscribing

  /// Begins anew, in place of what was before.
  func start(_ request: SubscribeRequest) {
    stop()
    begin(request, log: nil)
  }

  /// From here on only events of these conversations; nil: all.
  func narrow(to conversations: Set<Identifier>?) {
    switch state {
    case .idle: break
    case .locating(var request):
      request.conversations = conversations
      state = .locating(request)
    case .running(var cursor):
      cursor.conversations = conversations
      state = .running(cursor)
    }
  }

  func stop() {
    generation += 1
    attempts = 0
    askedAt = nil
    state = .idle
  }

  private func begin(_ request: SubscribeRequest, log: EventLogBounds?) {
    switch SubscriptionStart.decide(request, ring: endpoint.hub.ring.bounds, log: log) {
    case .ready(let place):
      state = .running(EventCursor(after: place, conversations: request.conversations))
      connection?.streamBegan(at: place)
    case .needsLogBounds:
      state = .locating(request)
      askForBounds()
    case .reset(let oldest):
      reset(oldest)
    }
  }

  private func reset(_ oldest: LogPosition) {
    stop()
    endpoint.metrics.reset()
    connection?.streamReset(oldest: oldest)
  }

  // MARK: Reading

  func wants(_ event: EncodedEvent) -> Bool {
    if case .running(let cursor) = state { cursor.wants(event) } else { false }
  }

  func advance(past event: EncodedEvent) {
    guard case .running(var cursor) = state else { return }
    cursor.advance(past: event)
    state = .running(cursor)
  }

  /// The next events to write; nil: nothing for now.
  func next(_ reader: inout RingReader) -> ArraySlice<EncodedEvent>? {
    guard case .running(var cursor) = state else { return nil }
    let step = cursor.next(&reader)
    state = .running(cursor)
    switch step {
    case .events(let events): return events
    case .wait: return nil
    case .fetch(let after):
      fetch(after: after)
      return nil
    case .otherEpoch:
      // The ring is empty then: only the log knows where it begins.
      if askedAt == nil {
        let log = endpoint.log
        ask(endpoint.requests) { .gone(try await log.bounds()) }
      }
      return nil
    }
  }

  /// The client takes nothing at the moment: what is left of a page is not kept for it.
  func dropPage() {
    guard case .running(var cursor) = state else { return }
    cursor.dropPage()
    state = .running(cursor)
  }

  // MARK: Questions to the log

  private func askForBounds() {
    let log = endpoint.log
    ask(endpoint.requests) { .bounds(try await log.bounds()) }
  }

  private func fetch(after seq: Int64) {
    let (log, limit, bytes) = (endpoint.log, min(pageSize, endpoint.limits.catchUpPage), endpoint.limits.catchUpBytes)
    endpoint.metrics.readLog()
    ask(endpoint.catchUp) {
      do {
        let events = try await log.events(after: seq, limit: limit)
        let page = Self.page(events, bytes: bytes)
        return .events(page, isLast: events.count < limit && page.count == events.count)
      } catch is EventsGone {
        return .gone(try await log.bounds())
      }
    }
  }

  /// As many of the events as fit into so many bytes, one at least.
  private static func page(_ events: [Event], bytes: Int) -> [EncodedEvent] {
    var page: [EncodedEvent] = []
    var size = 0
    for event in events where size < bytes {
      let encoded = EncodedEvent(event)
      size += encoded.memoryCost
      if size <= bytes || page.isEmpty { page.append(encoded) }
    }
    return page
  }

  /// The next page is to hold as many bytes as this one should have: rows that do not fit are read for nothing.
  private func measure(_ page: [EncodedEvent]) {
    guard !page.isEmpty else { return }
    let average = max(1, page.reduce(0) { $0 + $1.memoryCost } / page.count)
    pageSize = max(1, min(endpoint.limits.catchUpPage, endpoint.limits.catchUpBytes / average))
  }

  private func ask(_ lane: WorkLane, _ question: @escaping @Sendable () async throws -> Answer) {
    guard let eventLoop else { return }
    let (bound, generation) = (NIOLoopBound(self, eventLoop: eventLoop), generation)
    askedAt = .now()
    let isSubmitted = lane.submit {
      let answer: Answer
      do { answer = try await question() } catch { answer = .failed }
      eventLoop.execute { bound.value.answered(answer, generation: generation) }
    }
    if !isSubmitted {
      eventLoop.execute { bound.value.answered(.failed, generation: generation) }
    }
  }

  private func answered(_ answer: Answer, generation: Int) {
    guard generation == self.generation else { return }
    askedAt = nil
    switch (answer, state) {
    case (.failed, _): retry()
    case (.bounds(let bounds), .locating(let request)):
      attempts = 0
      begin(request, log: bounds)
    case (.events(let events, let isLast), .running(var cursor)):
      attempts = 0
      measure(events)
      cursor.fetched(events, isLast: isLast)
      state = .running(cursor)
      connection?.streamChanged()
    case (.gone(let bounds), .running):
      reset(LogPosition(epoch: bounds.epoch, seq: bounds.oldest))
    default: break
    }
  }

  private func retry() {
    attempts += 1
    guard attempts < Self.maximumAttempts, let eventLoop else {
      stop()
      connection?.streamFailed()
      return
    }
    let delay = TimeAmount.milliseconds(Int64(Double(100 << attempts) * Double.random(in: 0.5...1)))
    let (bound, generation) = (NIOLoopBound(self, eventLoop: eventLoop), generation)
    eventLoop.scheduleTask(in: delay) { bound.value.repeatQuestion(generation: generation) }
  }

  private func repeatQuestion(generation: Int) {
    guard generation == self.generation else { return }
    switch state {
    case .idle: break
    case .locating: askForBounds()
    case .running(var cursor):
      cursor.fetchFailed()
      state = .running(cursor)
      connection?.streamChanged()
    }
  }
}
