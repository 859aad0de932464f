// All realtime connections of this node: who is let in, and how one append to the ring reaches them all.

internal import ChannelProtocol
internal import NIOCore
internal import Synchronization

/// A connection as the hub sees it, whatever it speaks. Lives on one event loop; every call comes there.
protocol RealtimeSubscriber: AnyObject {
  /// The key it lives on; nil: none was shown yet.
  var keyID: Identifier? { get }
  /// That key is no longer good: tell the peer and end.
  func revoke()
  /// The ring has grown: write what the reader at the other end has room for.
  func drain(_ reader: inout RingReader)
  /// Look after deadlines.
  func sweep(now: NIODeadline)
  /// The node is going down: tell the peer and end.
  func shutDown()
}

/// Wakes each event loop once per append, and not each connection by a hop of its own.
final class RealtimeHub: Sendable {
  private struct State {
    var loops: [ObjectIdentifier: RealtimeLoop] = [:]
    var connections = 0
    var observation: EventRing.Observation?
    var isShutDown = false
    var emptied: CheckedContinuation<Void, Never>?
  }

  let ring: EventRing
  private let maximumConnections: Int
  private let sweepInterval: TimeAmount
  private let clock: any WallClock
  private let metrics: RealtimeMetrics
  private let state = Mutex(State())

  /// - Parameter sweepInterval: how often a connection's deadlines are looked at.
  init(
    ring: EventRing, maximumConnections: Int, sweepInterval: TimeAmount, clock: any WallClock, metrics: RealtimeMetrics
  ) {
    self.ring = ring
    self.maximumConnections = maximumConnections
    self.sweepInterval = sweepInterval
    self.clock = clock
    self.metrics = metrics
  }

  // MARK: Admission

  /// Counts a connection in; false: there are too many, or the node is going down.
  func admit() -> Bool {
    let count: Int? = state.withLock { state in
      guard !state.isShutDown, state.connections < maximumConnections else { return nil }
      state.connections += 1
      return state.connections
    }
    if let count { metrics.connections(count) }
    return count != nil
  }

  /// Counts a connection out; once for each time it was let in.
  func release() {
    let (count, emptied) = state.withLock { state in
      state.connections -= 1
      guard state.connections == 0 else { return (state.connections, nil as CheckedContinuation<Void, Never>?) }
      let emptied = state.emptied
      state.emptied = nil
      return (0, emptied)
    }
    metrics.connections(count)
    emptied?.resume()
  }

  /// The part of the hub that lives on an event loop.
  func loop(for eventLoop: any EventLoop) -> RealtimeLoop {
    state.withLock { state in
      if let loop = state.loops[ObjectIdentifier(eventLoop)] { return loop }
      let (clock, metrics) = (clock, metrics)
      let loop = RealtimeLoop(eventLoop: eventLoop, ring: ring, sweepInterval: sweepInterval) { newest in
        metrics.lagged(microseconds: (clock.now() - newest.event.at).wholeMicroseconds)
      }
      state.loops[ObjectIdentifier(eventLoop)] = loop
      return loop
    }
  }

  // MARK: Keys

  /// Ends every connection that lives on one of these keys.
  func revoke(_ keys: Set<Identifier>) {
    guard !keys.isEmpty else { return }
    for loop in state.withLock({ Array($0.loops.values) }) { loop.revoke(keys) }
  }

  /// The keys that connections live on.
  func keys() async -> Set<Identifier> {
    var keys: Set<Identifier> = []
    for loop in state.withLock({ Array($0.loops.values) }) { keys.formUnion(await loop.keys()) }
    return keys
  }

  // MARK: Lifetime

  /// Begins to listen to the ring.
  func start() {
    let observation = ring.observe { [weak self] _ in self?.wake() }
    state.withLock { $0.observation = observation }
    wake()
  }

  /// Lets nobody in any more, asks every connection to end, and waits until they have, at most for `deadline`.
  func shutDown(within deadline: TimeAmount) async {
    let (observation, loops) = state.withLock { state in
      state.isShutDown = true
      let observation = state.observation
      state.observation = nil
      return (observation, Array(state.loops.values))
    }
    if let observation { ring.remove(observation) }
    for loop in loops { loop.shutDown() }
    guard let timer = loops.first?.eventLoop.scheduleTask(in: deadline, { self.stopWaiting() }) else { return }
    await withCheckedContinuation { continuation in
      let isEmpty = state.withLock { state in
        if state.connections > 0 { state.emptied = continuation }
        return state.connections == 0
      }
      if isEmpty { continuation.resume() }
    }
    timer.cancel()
    for loop in loops { loop.stopSweeping() }
  }

  private func stopWaiting() {
    let emptied = state.withLock { state in
      let emptied = state.emptied
      state.emptied = nil
      return emptied
    }
    emptied?.resume()
  }

  /// On the appender's thread.
  private func wake() {
    for loop in state.withLock({ Array($0.loops.values) }) { loop.wake() }
  }
}
