// Fetches the files that contacts send, behind the messages: no text ever waits for one.

import ChannelProtocol
import Logging
import Metrics
import Sinks
import Storage
import Synchronization

/// Nodes share the work by lease; what a killed node had taken falls due again when its lease ends.
struct MediaFetcher: Sendable {
  let store: any MediaStore
  let shelf: MediaShelf
  let ring: EventRing
  let policy: MediaPolicy
  let limits: MediaLimits
  let logger: Logger
  private let counters: FetchCounters

  init(
    store: any MediaStore, shelf: MediaShelf, ring: EventRing, policy: MediaPolicy, limits: MediaLimits,
    logger: Logger, metrics: any MetricsFactory
  ) {
    self.store = store
    self.shelf = shelf
    self.ring = ring
    self.policy = policy
    self.limits = limits
    self.logger = logger
    counters = FetchCounters(metrics)
  }

  func run() async {
    let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let free = FreeSlots(policy.concurrency)
    await withDiscardingTaskGroup { group in
      group.addTask { await wakeOnEvents(wake) }
      var iterator = wakes.makeAsyncIterator()
      while !Task.isCancelled {
        var pause = policy.poll
        do {
          for entry in try await claim(free) {
            group.addTask {
              await fetch(entry)
              free.release()
              wake.yield()
            }
          }
          // Without a free slot the next one that is released says when to look again.
          if free.count > 0, let due = try await store.nextMediaDue() {
            pause = min(pause, max(due, .milliseconds(20)))
          }
        } catch {
          if !Task.isCancelled { logger.warning("media wait for the database", metadata: ["error": "\(error)"]) }
        }
        await Self.wait(for: &iterator, atMost: pause, wake)
      }
      group.cancelAll()
    }
  }

  /// A wake-up that came meanwhile is kept, so none is missed.
  private static func wait(
    for iterator: inout AsyncStream<Void>.Iterator, atMost pause: Duration, _ wake: AsyncStream<Void>.Continuation
  ) async {
    let alarm = Task {
      try await Task.sleep(for: pause)
      wake.yield()
    }
    _ = await iterator.next()
    alarm.cancel()
  }

  /// A read first: looking must not cost the database a write.
  private func claim(_ free: FreeSlots) async throws -> [ClaimedMedia] {
    guard free.count > 0, let due = try await store.nextMediaDue(), due <= .zero else { return [] }
    let claimed = try await store.claimMedia(limit: free.count, lease: policy.lease)
    free.take(claimed.count)
    return claimed
  }

  /// A message taken in on any node is an event; the ring tells it to all.
  private func wakeOnEvents(_ wake: AsyncStream<Void>.Continuation) async {
    await ring.follow { events in
      // None: the ring was set to another place, and what was passed over is found by looking.
      if events.isEmpty || events.contains(where: \.announcesMedia) { wake.yield() }
    }
  }

  // MARK: One file

  private func fetch(_ entry: ClaimedMedia) async {
    let giveUpAt = ContinuousClock.now + policy.lease
    let outcome = await attempt(entry)
    guard let outcome else { return }
    counters.count(outcome)
    await finish(entry, outcome, giveUpAt: giveUpAt)
  }

  /// - Returns: nil where the file is another node's by now.
  private func attempt(_ entry: ClaimedMedia) async -> MediaOutcome? {
    let file: TakenMedia
    do throws(MediaFailure) {
      file = try await shelf.take(entry)
    } catch {
      // We are stopping, the provider is not at fault: somebody else may go on at once.
      if Task.isCancelled { return .retry(after: .zero, error: "stopped") }
      logger.notice(
        "a file was not fetched",
        metadata: ["mediaID": "\(entry.id)", "attempt": "\(entry.attempts)", "code": "\(error.code)"])
      return policy.after(error, attempts: entry.attempts, jitter: .random(in: 0..<1))
    }
    let type = Self.type(of: file, claimed: entry.contentType)
    if let refusal = limits.refusal(size: file.size, type: type) {
      return policy.after(refusal, attempts: entry.attempts, jitter: 0)
    }
    do {
      guard let place = try await shelf.keep(file, of: entry) else { return nil }
      return .ready(contentType: type, size: file.size, filename: file.filename, place: place)
    } catch {
      if Task.isCancelled { return .retry(after: .zero, error: "stopped") }
      logger.error("a file could not be kept", metadata: ["mediaID": "\(entry.id)", "error": "\(error)"])
      return policy.after(
        MediaFailure(.transient(retryAfter: nil), code: "not_kept", message: "The file could not be kept."),
        attempts: entry.attempts, jitter: .random(in: 0..<1))
    }
  }

  /// The provider's word, which it may have looked into the file for; the sender's where it has none.
  static func type(of file: TakenMedia, claimed: String?) -> String {
    let given = MediaTypeName(file.contentType)
    return (given.essence == MediaTypeName.unknown.essence ? MediaTypeName(claimed) : given).text
  }

  /// Tried until it is written or the lease is over; then the file falls due again.
  private func finish(_ entry: ClaimedMedia, _ outcome: MediaOutcome, giveUpAt: ContinuousClock.Instant) async {
    var pause = Duration.milliseconds(50)
    while true {
      do {
        // On a task of its own: a fetcher that is stopped must still write down what it did.
        _ = try await Task { [store] in try await store.finishMedia(entry, outcome) }.value
        return
      } catch {
        guard StorageFailure.isPassing(error), .now < giveUpAt, !Task.isCancelled else {
          logger.error("a fetch could not be written down", metadata: ["mediaID": "\(entry.id)", "error": "\(error)"])
          return
        }
        try? await Task.sleep(for: pause * Double.random(in: 0.8..<1.2))
        pause = min(pause * 2, .seconds(2))
      }
    }
  }
}

extension EncodedEvent {
  /// Whether it tells of a contact's message with files. Looked for in the bytes, which are ours: within a text the
  /// quotation marks would be escaped.
  var announcesMedia: Bool {
    guard event.type == .messageNew else { return false }
    let mark: StaticString = #""media":[{"#
    return withData { $0.holds(mark, rarest: mark.utf8CodeUnitCount - 2) }
  }
}

/// How many further fetches may be begun.
private final class FreeSlots: Sendable {
  private let free: Mutex<Int>

  init(_ count: Int) { free = Mutex(count) }

  var count: Int { free.withLock(\.self) }
  func take(_ count: Int) { free.withLock { $0 -= count } }
  func release() { free.withLock { $0 += 1 } }
}

private struct FetchCounters: Sendable {
  private let ready: Counter
  private let failed: Counter
  private let retried: Counter

  init(_ factory: any MetricsFactory) {
    func counter(_ outcome: String) -> Counter {
      Counter(label: "fractal_media_fetches_total", dimensions: [("outcome", outcome)], factory: factory)
    }
    ready = counter("ready")
    failed = counter("failed")
    retried = counter("retried")
  }

  func count(_ outcome: MediaOutcome) {
    switch outcome {
    case .ready: ready.increment()
    case .failed: failed.increment()
    case .retry: retried.increment()
    }
  }
}
