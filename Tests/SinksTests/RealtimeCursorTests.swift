// Where a subscription begins, and how a cursor walks through ring and log without a gap.

import ChannelProtocol
import Testing

@testable import Sinks

@Suite struct RealtimeCursorTests {
  static let epoch = RealtimeTestServer.epoch
  static let otherEpoch = Identifier(high: 3, low: 3)
  static let ring = EventLogBounds(epoch: epoch, oldest: 50, newest: 100)
  static let log = EventLogBounds(epoch: epoch, oldest: 10, newest: 120)

  static func place(_ seq: Int64, _ epoch: Identifier = epoch) -> LogPosition { LogPosition(epoch: epoch, seq: seq) }

  @Test(
    "a subscription goes on from its place, starts now, or is told that there is a gap",
    arguments: [
      (SubscribeRequest(), SubscriptionStart.ready(place(100)), SubscriptionStart.ready(place(100))),
      (SubscribeRequest(after: nil, epoch: "other"), .ready(place(100)), .ready(place(100))),
      (SubscribeRequest(after: 100), .ready(place(100)), .ready(place(100))),
      (SubscribeRequest(after: 50), .ready(place(50)), .ready(place(50))),
      (SubscribeRequest(after: 70, epoch: epoch.description.uppercased()), .ready(place(70)), .ready(place(70))),
      (SubscribeRequest(after: 49), .needsLogBounds, .ready(place(49))),
      (SubscribeRequest(after: 10), .needsLogBounds, .ready(place(10))),
      (SubscribeRequest(after: 9), .needsLogBounds, .reset(oldest: place(10))),
      // Another node is ahead of this one's ring.
      (SubscribeRequest(after: 110), .needsLogBounds, .ready(place(110))),
      (SubscribeRequest(after: 121), .needsLogBounds, .reset(oldest: place(10))),
      (SubscribeRequest(after: 70, epoch: otherEpoch.description), .needsLogBounds, .reset(oldest: place(10))),
      (SubscribeRequest(after: 70, epoch: "no epoch"), .needsLogBounds, .reset(oldest: place(10))),
    ])
  func start(request: SubscribeRequest, first: SubscriptionStart, then: SubscriptionStart) {
    #expect(SubscriptionStart.decide(request, ring: Self.ring, log: nil) == first)
    #expect(SubscriptionStart.decide(request, ring: Self.ring, log: Self.log) == then)
  }

  @Test("a log that was restored meanwhile is named by its new epoch")
  func restored() {
    let log = EventLogBounds(epoch: Self.otherEpoch, oldest: 0, newest: 500)
    #expect(
      SubscriptionStart.decide(SubscribeRequest(after: 20), ring: Self.ring, log: log)
        == .reset(oldest: Self.place(0, Self.otherEpoch)))
  }

  /// Walks until there is nothing more, fetching from `log` in pages.
  static func walk(_ cursor: inout EventCursor, _ ring: EventRing, _ log: [Int64], page: Int) -> [Int64] {
    var seen: [Int64] = []
    var reader = RingReader(ring)
    for _ in 0..<10_000 {
      switch cursor.next(&reader) {
      case .events(let events):
        // Not all at once: a socket fills up in the middle.
        for event in events.prefix(3) {
          if cursor.wants(event) { seen.append(event.seq) }
          cursor.advance(past: event)
        }
      case .fetch(let after):
        let events = log.filter { $0 > after }.prefix(page).map { EncodedEvent(RealtimeTestServer.event($0)) }
        cursor.fetched(Array(events), isLast: events.count < page)
      case .wait, .otherEpoch: return seen
      }
    }
    return seen
  }

  @Test("a cursor goes from the log into the ring, in order, none twice", arguments: [1, 2, 7, 1_000])
  func walks(page: Int) {
    let numbers = Array(stride(from: Int64(1), through: 99, by: 2))
    let ring = EventRing(capacity: 10, position: Self.place(0))
    ring.append(numbers.map { RealtimeTestServer.event($0) })
    var cursor = EventCursor(after: Self.place(4), conversations: nil)
    #expect(Self.walk(&cursor, ring, numbers, page: page) == Array(numbers.dropFirst(2)))
    #expect(cursor.place.seq == 99)
  }

  @Test("numbers that were skipped do not keep a cursor asking the log")
  func skipped() {
    // A ring that begins at 80, where the log's last event is 60.
    let ring = EventRing(capacity: 10, position: Self.place(80))
    var cursor = EventCursor(after: Self.place(60), conversations: nil)
    #expect(Self.walk(&cursor, ring, [50, 60], page: 5).isEmpty)
    #expect(cursor.place.seq == 80)
    ring.append([RealtimeTestServer.event(81)])
    #expect(Self.walk(&cursor, ring, [], page: 5) == [81])
  }

  @Test("a cursor that asks for some conversations passes over the others")
  func filter() {
    let ring = EventRing(capacity: 100, position: Self.place(0))
    ring.append((1...12).map { RealtimeTestServer.event($0) })
    var elsewhere = RealtimeTestServer.event(13)
    elsewhere.conversationID = nil
    ring.append([elsewhere])
    var cursor = EventCursor(
      after: Self.place(0),
      conversations: [RealtimeTestServer.conversation(1), RealtimeTestServer.conversation(2)])
    #expect(Self.walk(&cursor, ring, [], page: 5) == [1, 2, 5, 6, 9, 10])
    #expect(cursor.place.seq == 13)
  }

  @Test("what is left of a page that was given up is asked for again, and nothing comes twice")
  func drops() {
    let ring = EventRing(capacity: 10, position: Self.place(80))
    var reader = RingReader(ring)
    var cursor = EventCursor(after: Self.place(10), conversations: nil)
    guard case .fetch(after: 10) = cursor.next(&reader) else { return #expect(Bool(false), "no fetch") }
    cursor.fetched((11...20).map { EncodedEvent(RealtimeTestServer.event($0)) }, isLast: false)
    guard case .events(let events) = cursor.next(&reader) else { return #expect(Bool(false), "no events") }
    for event in events.prefix(4) { cursor.advance(past: event) }
    cursor.dropPage()
    guard case .fetch(after: 14) = cursor.next(&reader) else { return #expect(Bool(false), "not asked again") }
    cursor.fetched((15...20).map { EncodedEvent(RealtimeTestServer.event($0)) }, isLast: true)
    #expect(Self.walk(&cursor, ring, [], page: 5) == Array(15...20))
  }

  @Test("a page that could not be had is asked for again; one that was not asked for is ignored")
  func failure() {
    let ring = EventRing(capacity: 10, position: Self.place(80))
    var reader = RingReader(ring)
    var cursor = EventCursor(after: Self.place(60), conversations: nil)
    cursor.fetched([EncodedEvent(RealtimeTestServer.event(99))], isLast: true)
    #expect(cursor.place.seq == 60)
    guard case .fetch(after: 60) = cursor.next(&reader) else { return #expect(Bool(false), "no fetch") }
    guard case .wait = cursor.next(&reader) else { return #expect(Bool(false), "asked twice") }
    cursor.fetchFailed()
    guard case .fetch(after: 60) = cursor.next(&reader) else { return #expect(Bool(false), "not asked again") }
  }
}
