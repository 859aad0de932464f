// Follows the event log on this node and feeds the ring that all sinks read from.

import ChannelProtocol
import Logging
import Metrics
import Postgres
import Sinks
import Storage
import Synchronization

/// One reader per node. What this node commits itself comes straight from its writer, where it follows on what is in
/// the ring; everything else is read from the log. A notification wakes the reader, a poll is the backstop; it never
/// waits on a gap, because nothing can appear below a number it has read.
struct TailReader: Sendable {
  let store: any MessageStore
  let ring: EventRing
  /// Told of keys that were taken back.
  let revocations: PrincipalRevocations
  let listener: Listener
  let logger: Logger
  let metrics: any MetricsFactory
  /// How long the log may go unread when no notification comes.
  var poll: Duration = .milliseconds(500)
  /// A notification of our own commit comes at the same moment as the commit itself: only one whose events have not
  /// come by then is another node's.
  var grace: Duration = .milliseconds(2)
  /// How long a restore of the database may go unnoticed, where the connection to it is not lost.
  var look: Duration = .seconds(1)
  private static let batch = 2_000
  private let originWarning = OriginWarning()

  /// Starts at the log's end: what came before is read from the table by whoever asks for it.
  func prepare() async throws {
    let bounds = try await examine(since: nil)
    ring.reset(position: LogPosition(epoch: bounds.epoch, seq: bounds.newest))
  }

  func run() async throws {
    try listener.start()
    defer { listener.close() }
    let (wakes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let inbox = TailInbox { continuation.yield() }
    store.commits.follow { inbox.add($0) }
    defer { store.commits.follow(nil) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for await signal in listener.signals { try await heed(signal, inbox) }
        continuation.finish()
      }
      group.addTask {
        var looked = ContinuousClock.now
        while !Task.isCancelled {
          try await Task.sleep(for: poll)
          let isTime = .now - looked >= look
          if isTime { looked = .now }
          inbox.askForRead(withLook: isTime)
        }
      }
      group.addTask {
        let duration = Timer(label: "fractal_tail_read_duration", dimensions: [], factory: metrics)
        for await _ in wakes {
          let start = ContinuousClock.now
          await follow(inbox.take())
          duration.record(duration: .now - start)
        }
      }
      try await group.next()
      group.cancelAll()
    }
  }

  private func heed(_ signal: Listener.Signal, _ inbox: TailInbox) async throws {
    switch signal {
    case .notification(APIKey.revocations, let payload):
      if let id = Identifier(payload) { revocations.publish(.key(id)) }
      return
    // What was sent while the connection was away has not been heard.
    case .listening:
      revocations.publish(.unknown)
      return inbox.askForRead(withLook: true)
    case .notification: break
    }
    if case .notification(_, let payload) = signal, let seq = Int64(payload) {
      guard seq > ring.position.seq, !inbox.leads(to: seq) else { return }
      try await Task.sleep(for: grace)
      guard seq > ring.position.seq else { return }
    }
    inbox.askForRead()
  }

  private func follow(_ work: TailInbox.Work) async {
    var mustRead = work.mustRead
    var committed = work.committed
    if work.mustLook {
      do {
        if try await look() {
          // They may have been committed to the log that was.
          committed = []
          mustRead = true
        }
      } catch {
        logger.warning("the event log cannot be looked at", metadata: ["error": "\(error)"])
        return
      }
    }
    for events in committed where !ring.extend(events) {
      // Something lies between: another node's commit, or a number that was given up.
      mustRead = true
      break
    }
    guard mustRead else { return }
    do {
      while try await readOnce() {}
    } catch {
      logger.warning("the event log cannot be read", metadata: ["error": "\(error)"])
    }
  }

  /// A log that is no longer the one that was read has nothing to do with what is in the ring: every reader of it is
  /// sent back to the start.
  /// - Returns: whether it is another one.
  private func look() async throws -> Bool {
    let place = ring.position
    let bounds = try await examine(since: place)
    guard bounds.epoch != place.epoch else { return false }
    logger.warning("the event log is another one: its database was restored, or its server replaced")
    ring.reset(position: LogPosition(epoch: bounds.epoch, seq: bounds.newest))
    return true
  }

  /// A database that cannot tell where its log is from is followed all the same; one that was set back is still found
  /// out, by its numbers.
  private func examine(since place: LogPosition?) async throws -> EventLogBounds {
    do {
      let bounds = try await store.examineLog(since: place)
      originWarning.take(nil, logger)
      return bounds
    } catch let error as PostgresError {
      guard case .server = error.kind else { throw error }
      let bounds = try await store.examineLog(since: place, comparesOrigin: false)
      originWarning.take(error, logger)
      return bounds
    }
  }

  /// - Returns: whether there may be more at once.
  private func readOnce() async throws -> Bool {
    let events: [Event]
    do {
      events = try await store.events(after: ring.position.seq, limit: Self.batch)
    } catch let gone as EventsGone {
      logger.error("retention overtook this node's reader", metadata: ["oldest": "\(gone.oldest)"])
      try await prepare()
      return true
    }
    if !events.isEmpty { ring.append(events) }
    return events.count == Self.batch
  }
}

/// Says once that the origin of the log is not known, and not each second.
private final class OriginWarning: Sendable {
  private let isGiven = Mutex(false)

  func take(_ error: PostgresError?, _ logger: Logger) {
    let isNew = isGiven.withLock { isGiven in
      defer { isGiven = error != nil }
      return error != nil && !isGiven
    }
    guard isNew, let error else { return }
    logger.warning(
      "the database does not tell where its log is from: that it was restored elsewhere goes unnoticed",
      metadata: ["error": "\(error)"])
  }
}

/// What waits for the reader.
final class TailInbox: Sendable {
  struct Work: Sendable {
    /// Units of this node, in the order of their commits.
    var committed: [[Event]] = []
    /// The log itself has to be read.
    var mustRead = false
    /// Whether it is still the same log is to be looked at first.
    var mustLook = false
  }

  /// Beyond this many units the log is read instead.
  private static let limit = 256

  private let work = Mutex(Work())
  private let wake: @Sendable () -> Void

  init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

  func add(_ events: [Event]) {
    work.withLock { work in
      if work.committed.count < Self.limit {
        work.committed.append(events)
      } else {
        work = Work(mustRead: true, mustLook: work.mustLook)
      }
    }
    wake()
  }

  func askForRead(withLook: Bool = false) {
    work.withLock { work in
      work.mustRead = true
      work.mustLook = work.mustLook || withLook
    }
    wake()
  }

  /// Whether what waits already will bring the ring to this number.
  func leads(to seq: Int64) -> Bool {
    work.withLock { work in
      if let newest = work.committed.last?.last?.seq, newest >= seq { return true }
      return work.mustRead
    }
  }

  func take() -> Work {
    work.withLock { work in
      defer { work = Work() }
      return work
    }
  }
}
