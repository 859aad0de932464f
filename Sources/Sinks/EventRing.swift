// The newest events of this node, for every reader that is nearly up to date.

public import ChannelProtocol
internal import DequeModule
internal import Synchronization

/// A bounded window on the end of the event log. One tail reader appends; any number of readers read, each from its
/// own place. What falls out of the window is read from the log.
public final class EventRing: Sendable {
  /// What a reader finds after its place.
  public enum Reading: Sendable, Equatable {
    /// The next events, oldest first; never empty.
    case events([EncodedEvent])
    /// The ring no longer reaches back that far; it holds what comes after `oldest`.
    case behind(oldest: Int64)
    /// Nothing newer yet.
    case caughtUp
  }

  /// Names an observer, for its removal.
  public struct Observation: Sendable, Hashable {
    fileprivate let number: Int
  }

  /// How many events it holds at most.
  public let capacity: Int
  /// How much memory they may take, in bytes; the newest event is kept whatever its size.
  public let byteLimit: Int

  private let window: Mutex<Window>
  private let observers = Mutex(Observers())

  public init(
    capacity: Int = 65_536, byteLimit: Int = 64 << 20,
    position: LogPosition = LogPosition(epoch: Identifier(high: 0, low: 0), seq: 0)
  ) {
    self.capacity = max(1, capacity)
    self.byteLimit = byteLimit
    window = Mutex(Window(position: position))
  }

  /// The newest place that has been appended.
  public var position: LogPosition { window.withLock(\.position) }

  /// The epoch, the number before the oldest event held, and the newest number.
  public var bounds: EventLogBounds {
    window.withLock { EventLogBounds(epoch: $0.position.epoch, oldest: $0.floor, newest: $0.position.seq) }
  }

  /// Adds committed events, in the order of the log. What is at or below the newest place is skipped, so that a tail
  /// reader may read a part twice.
  public func append(_ events: [Event]) {
    let held = position.seq
    let encoded = EncodedEvent.encode(events.drop { $0.seq <= held })
    guard !encoded.isEmpty else { return }
    // What falls out is released after the lock is given back.
    let evicted = window.withLock { $0.append(encoded, capacity: capacity, byteLimit: byteLimit) }
    withExtendedLifetime(evicted) {}
    notify(encoded)
  }

  /// Adds committed events where they follow without a gap on what is held; a part that is held already is skipped.
  /// - Returns: false where something lies between, or may: then nothing was added.
  public func extend(_ events: [Event]) -> Bool {
    guard let first = events.first, let last = events.last else { return true }
    let held = position.seq
    if last.seq <= held { return true }
    guard first.seq <= held + 1 else { return false }
    append(events)
    return true
  }

  /// Empties the ring and sets the place it goes on from: at the start, and when the log's epoch changes.
  public func reset(position: LogPosition) {
    let evicted = window.withLock { window in
      let events = window.events
      window = Window(position: position)
      return events
    }
    withExtendedLifetime(evicted) {}
    notify([])
  }

  /// At most `limit` events after `seq`.
  public func read(after seq: Int64, limit: Int) -> Reading {
    window.withLock { $0.read(after: seq, limit: limit) }
  }

  /// The same, for a reader that must not go on in another epoch.
  /// - Returns: nil where the log is another one than the reader's.
  func read(after place: LogPosition, limit: Int) -> Reading? {
    window.withLock { window in
      window.position.epoch == place.epoch ? window.read(after: place.seq, limit: limit) : nil
    }
  }

  // MARK: Wake-ups

  /// A signal now and after every change; several changes may come as one signal.
  public func signals() -> AsyncStream<Void> {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let observation = observe { _ in continuation.yield() }
    continuation.onTermination = { [weak self] _ in self?.remove(observation) }
    continuation.yield()
    return stream
  }

  /// Calls `body` after every change with what was appended, with nothing where the ring was emptied; on the thread that
  /// made the change: it must be quick and must not change the ring.
  public func observe(_ body: @escaping @Sendable ([EncodedEvent]) -> Void) -> Observation {
    observers.withLock { $0.add(body) }
  }

  public func remove(_ observation: Observation) {
    observers.withLock { $0.remove(observation.number) }
  }

  /// Observes the ring until the task is cancelled: for those who are woken by few events, and not by each.
  public func follow(_ body: @escaping @Sendable ([EncodedEvent]) -> Void) async {
    let observation = observe(body)
    let (end, continuation) = AsyncStream.makeStream(of: Void.self)
    await withTaskCancellationHandler {
      for await _ in end {}
    } onCancel: {
      continuation.finish()
    }
    remove(observation)
  }

  private func notify(_ appended: [EncodedEvent]) {
    for body in observers.withLock(\.calls) { body(appended) }
  }
}

// MARK: State

/// The events and the place they end at.
private struct Window {
  var events: Deque<EncodedEvent> = []
  var bytes = 0
  /// Everything after this number is held.
  var floor: Int64
  var position: LogPosition

  init(position: LogPosition) {
    self.position = position
    floor = position.seq
  }

  /// - Returns: the events that fell out.
  mutating func append(_ encoded: [EncodedEvent], capacity: Int, byteLimit: Int) -> [EncodedEvent] {
    for event in encoded where event.seq > position.seq {
      events.append(event)
      bytes += event.memoryCost
      position.seq = event.seq
    }
    var evicted: [EncodedEvent] = []
    while events.count > capacity || (bytes > byteLimit && events.count > 1), let oldest = events.popFirst() {
      bytes -= oldest.memoryCost
      floor = oldest.seq
      evicted.append(oldest)
    }
    return evicted
  }

  func read(after seq: Int64, limit: Int) -> EventRing.Reading {
    if seq < floor { return .behind(oldest: floor) }
    guard seq < position.seq, limit > 0 else { return .caughtUp }
    let start = firstIndex(after: seq)
    return .events(Array(events[start..<min(events.count, start + limit)]))
  }

  /// The index of the first event above `seq`; numbers may be skipped, so it is searched.
  private func firstIndex(after seq: Int64) -> Int {
    var low = 0
    var high = events.count
    while low < high {
      let middle = (low + high) / 2
      if events[middle].seq > seq { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

private struct Observers {
  private var bodies: [Int: @Sendable ([EncodedEvent]) -> Void] = [:]
  private var next = 0
  /// Kept as an array, since every append calls them all.
  private(set) var calls: [@Sendable ([EncodedEvent]) -> Void] = []

  mutating func add(_ body: @escaping @Sendable ([EncodedEvent]) -> Void) -> EventRing.Observation {
    next += 1
    bodies[next] = body
    calls = Array(bodies.values)
    return EventRing.Observation(number: next)
  }

  mutating func remove(_ number: Int) {
    bodies[number] = nil
    calls = Array(bodies.values)
  }
}
