// Follows the event log on this node and feeds the ring that all sinks read from.

import ChannelProtocol
import Logging
import Metrics
import Postgres
import Sinks
import Storage

/// One reader per node. A notification wakes it, a poll is the backstop; it never waits on a gap, because nothing can
/// appear below a number it has read.
struct TailReader: Sendable {
  let store: any MessageStore
  let ring: EventRing
  let listener: Listener
  let logger: Logger
  let metrics: any MetricsFactory
  /// How long the log may go unread when no notification comes.
  var poll: Duration = .milliseconds(500)
  private static let batch = 2_000

  /// Starts at the log's end: what came before is read from the table by whoever asks for it.
  func prepare() async throws {
    let bounds = try await store.bounds()
    ring.reset(position: LogPosition(epoch: bounds.epoch, seq: bounds.newest))
  }

  func run() async throws {
    try listener.start()
    defer { listener.close() }
    let (wakes, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for await _ in listener.signals { continuation.yield() }
        continuation.finish()
      }
      group.addTask {
        while !Task.isCancelled {
          try await Task.sleep(for: poll)
          continuation.yield()
        }
      }
      group.addTask {
        let lag = Timer(label: "fractal_tail_read_duration", dimensions: [], factory: metrics)
        for await _ in wakes {
          let start = ContinuousClock.now
          do {
            while try await readOnce() {}
          } catch {
            logger.warning("the event log cannot be read", metadata: ["error": "\(error)"])
          }
          lag.record(duration: .now - start)
        }
      }
      try await group.next()
      group.cancelAll()
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
