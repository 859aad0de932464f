// A reader's place in the log: instead of a queue of its own, every connection has a number.

internal import ChannelProtocol

/// Walks the log from a place on, in order and none twice, out of the ring or, behind it, out of the log.
struct EventCursor {
  enum Step {
    /// The next events; each is to be given to ``advance(past:)`` once it is dealt with.
    case events(ArraySlice<EncodedEvent>)
    /// The ring does not reach back to this place: fetch a page from the log, then ``fetched(_:isLast:)``.
    case fetch(after: Int64)
    /// Nothing newer, or a page is under way.
    case wait
    /// The log is no longer the one the place is of.
    case otherEpoch
  }

  private enum Source {
    case ring
    /// A page is being fetched; everything up to `ringFloor` was in the log before the fetch began.
    case fetching(ringFloor: Int64)
    case page([EncodedEvent], next: Int, then: Int64)
  }

  /// The last event that was dealt with.
  private(set) var place: LogPosition
  /// Only events of these are wanted; nil: all.
  var conversations: Set<Identifier>?
  private var source: Source = .ring

  init(after place: LogPosition, conversations: Set<Identifier>?) {
    self.place = place
    self.conversations = conversations
  }

  /// Whether the reader asked for this event.
  func wants(_ event: EncodedEvent) -> Bool {
    guard let conversations else { return true }
    guard let conversation = event.event.conversationID else { return false }
    return conversations.contains(conversation)
  }

  mutating func next(_ reader: inout RingReader) -> Step {
    switch source {
    case .fetching: return .wait
    case .page(let events, let next, _): return .events(events[next...])
    case .ring: break
    }
    switch reader.read(after: place) {
    case .events(let events): return .events(events[...])
    case .caughtUp: return .wait
    case nil: return .otherEpoch
    case .behind(let floor):
      source = .fetching(ringFloor: floor)
      return .fetch(after: place.seq)
    }
  }

  mutating func advance(past event: EncodedEvent) {
    place.seq = max(place.seq, event.seq)
    guard case .page(let events, let next, let then) = source else { return }
    if next + 1 < events.count {
      source = .page(events, next: next + 1, then: then)
    } else {
      finishPage(then)
    }
  }

  /// A page came from the log.
  /// - Parameter isLast: it was shorter than asked for, so that nothing lies between its end and what the ring held
  ///   when the fetch began: numbers may be skipped, and an empty page must not be asked for again and again.
  mutating func fetched(_ events: [EncodedEvent], isLast: Bool) {
    guard case .fetching(let ringFloor) = source else { return }
    let new = events.filter { $0.seq > place.seq }
    let then = isLast ? ringFloor : place.seq
    if new.isEmpty {
      finishPage(then)
    } else {
      source = .page(new, next: 0, then: then)
    }
  }

  /// The page could not be had; ``next(_:)`` will ask for it again.
  mutating func fetchFailed() {
    if case .fetching = source { source = .ring }
  }

  /// Gives up what is left of a page; ``next(_:)`` will ask for it again.
  mutating func dropPage() {
    if case .page = source { source = .ring }
  }

  private mutating func finishPage(_ then: Int64) {
    place.seq = max(place.seq, then)
    source = .ring
  }
}

/// Reads the ring for many readers in a row: those that stand at the same place share one reading.
struct RingReader {
  /// How many events one reading returns.
  static let page = 64

  private let ring: EventRing
  private var last: (place: LogPosition, reading: EventRing.Reading?)?
  /// The newest event that was read.
  private(set) var newest: EncodedEvent?

  init(_ ring: EventRing) { self.ring = ring }

  /// - Returns: nil where the log is of another epoch than the place.
  mutating func read(after place: LogPosition) -> EventRing.Reading? {
    if let last, last.place == place { return last.reading }
    let reading = ring.read(after: place, limit: Self.page)
    last = (place, reading)
    if case .events(let events) = reading, let event = events.last, event.seq > newest?.seq ?? .min { newest = event }
    return reading
  }
}
