// The connections of one event loop, drained there.

internal import ChannelProtocol
internal import DequeModule
internal import NIOCore
internal import Synchronization

/// The hub's part on one event loop. Everything but ``wake()`` and ``shutDown()`` is called on that loop.
final class RealtimeLoop: Sendable {
  private struct State {
    var subscribers: [ObjectIdentifier: any RealtimeSubscriber] = [:]
    /// Who is still to be drained, in turn; a connection may stand here twice.
    var queue: Deque<Place> = []
    /// How many in the queue were put there by the last wake-up.
    var woken = 0
    /// The ring grew while those were still waiting: all are to be drained once more, after them.
    var isWakeOwed = false
    var isTurnScheduled = false
    var sweeping: RepeatedTask?
    var isShutDown = false
  }

  private struct Place {
    var subscriber: any RealtimeSubscriber
    var isWoken: Bool
  }

  /// How many connections are drained before the loop sees to its other work.
  private static let turn = 256

  let eventLoop: any EventLoop
  private let ring: EventRing
  private let sweepInterval: TimeAmount
  /// Told once a turn of the newest event that went out in it.
  private let report: @Sendable (EncodedEvent) -> Void
  private let wakeUnderWay = Atomic(false)
  private let state: NIOLoopBoundBox<State>

  init(
    eventLoop: any EventLoop, ring: EventRing, sweepInterval: TimeAmount,
    report: @escaping @Sendable (EncodedEvent) -> Void
  ) {
    self.eventLoop = eventLoop
    self.ring = ring
    self.sweepInterval = sweepInterval
    self.report = report
    state = .makeBoxSendingValue(State(), eventLoop: eventLoop)
  }

  /// The ring has grown; from any thread. Any number of calls before the loop gets to it make one wake-up.
  func wake() {
    guard !wakeUnderWay.exchange(true, ordering: .acquiringAndReleasing) else { return }
    eventLoop.execute {
      // Before the ring is read: what is appended from here on wakes the loop again. An exchange, not a store, so that
      // the append of a caller who found the flag set is seen.
      _ = self.wakeUnderWay.exchange(false, ordering: .acquiringAndReleasing)
      self.queueAll()
      self.takeTurn()
    }
  }

  /// From any thread.
  func shutDown() {
    eventLoop.execute {
      self.state.value.isShutDown = true
      for subscriber in Array(self.state.value.subscribers.values) { subscriber.shutDown() }
    }
  }

  /// From any thread.
  func revoke(_ keys: Set<Identifier>) {
    eventLoop.execute {
      for subscriber in Array(self.state.value.subscribers.values) {
        if let key = subscriber.keyID, keys.contains(key) { subscriber.revoke() }
      }
    }
  }

  /// From any thread; none where the loop has ended.
  func keys() async -> Set<Identifier> {
    let keys = eventLoop.submit { Set(self.state.value.subscribers.values.compactMap(\.keyID)) }
    return (try? await keys.get()) ?? []
  }

  /// From any thread.
  func stopSweeping() {
    eventLoop.execute {
      self.state.value.sweeping?.cancel()
      self.state.value.sweeping = nil
    }
  }

  func add(_ subscriber: any RealtimeSubscriber) {
    state.value.subscribers[ObjectIdentifier(subscriber)] = subscriber
    if state.value.isShutDown { return subscriber.shutDown() }
    if state.value.sweeping == nil {
      state.value.sweeping = eventLoop.scheduleRepeatedTask(initialDelay: sweepInterval, delay: sweepInterval) { _ in
        self.sweep()
      }
    }
  }

  func remove(_ subscriber: any RealtimeSubscriber) {
    state.value.subscribers[ObjectIdentifier(subscriber)] = nil
    if state.value.subscribers.isEmpty {
      state.value.sweeping?.cancel()
      state.value.sweeping = nil
    }
  }

  /// Drains one connection now.
  func drain(_ subscriber: any RealtimeSubscriber) {
    var reader = RingReader(ring)
    subscriber.drain(&reader)
  }

  /// Drains a connection again in a later turn: it has used up its share of this one.
  func requeue(_ subscriber: any RealtimeSubscriber) {
    state.value.queue.append(Place(subscriber: subscriber, isWoken: false))
    scheduleTurn()
  }

  /// Puts every connection into the queue, unless a round is under way: then another follows it, so that nobody is
  /// passed over while events come faster than a round takes.
  private func queueAll() {
    guard state.value.woken == 0 else {
      state.value.isWakeOwed = true
      return
    }
    state.value.isWakeOwed = false
    state.value.woken = state.value.subscribers.count
    for subscriber in state.value.subscribers.values {
      state.value.queue.append(Place(subscriber: subscriber, isWoken: true))
    }
  }

  private func takeTurn() {
    var reader = RingReader(ring)
    var count = 0
    // Those that are requeued meanwhile wait for the next turn.
    let limit = min(Self.turn, state.value.queue.count)
    while count < limit, let place = state.value.queue.popFirst() {
      if place.isWoken { state.value.woken -= 1 }
      place.subscriber.drain(&reader)
      count += 1
    }
    if let newest = reader.newest { report(newest) }
    if state.value.isWakeOwed { queueAll() }
    if !state.value.queue.isEmpty { scheduleTurn() }
  }

  private func scheduleTurn() {
    guard !state.value.isTurnScheduled else { return }
    state.value.isTurnScheduled = true
    eventLoop.execute {
      self.state.value.isTurnScheduled = false
      self.takeTurn()
    }
  }

  private func sweep() {
    let now = NIODeadline.now()
    for subscriber in Array(state.value.subscribers.values) { subscriber.sweep(now: now) }
  }
}
