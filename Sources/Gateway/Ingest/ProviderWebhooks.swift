// The way in: a provider's request becomes durable before it is answered.

import ChannelProtocol
import HTTPTypes
import Logging
import Metrics
import Storage

/// What a provider is told.
enum WebhookAnswer: Sendable {
  /// 200 and an empty document of instructions.
  case taken
  /// 204: what the path takes.
  case methods
  case refused(Problem)
}

/// Takes providers' requests: finds whose one is, has its adapter verify and read it, and stores what it says. While
/// the database is away the raw request goes to the journal instead.
final class ProviderWebhooks: Sendable {
  let directory: ChannelDirectory
  let store: any MessageStore
  let journal: Journal
  let clock: any WallClock
  let logger: Logger
  /// How long a write may take before the request goes to the journal; well inside the provider's own deadline.
  let deadline: Duration
  private let counters: WebhookCounters

  init(
    directory: ChannelDirectory, store: any MessageStore, journal: Journal, clock: any WallClock, logger: Logger,
    metrics: any MetricsFactory, deadline: Duration = .seconds(4)
  ) {
    self.directory = directory
    self.store = store
    self.journal = journal
    self.clock = clock
    self.logger = logger
    self.deadline = deadline
    counters = WebhookCounters(metrics)
  }

  /// Everything up to the store is done before this returns.
  ///
  /// - Parameter completion: called once, here or on a thread of the store's; it must not block.
  func take(
    method: HTTPRequest.Method, target: String, headers: HTTPFields, body: [UInt8], requestID: String,
    completion: @escaping @Sendable (WebhookAnswer) -> Void
  ) {
    let receivedAt = clock.now()
    switch read(method: method, target: target, headers: headers, body: body, receivedAt: receivedAt) {
    case .success(let work):
      store(work[...]) { error in
        guard let error else { return completion(.taken) }
        guard Self.isPassing(error) else {
          self.counters.failed.increment()
          self.logger.error(
            "a provider's request could not be stored", metadata: ["request": "\(requestID)", "error": "\(error)"])
          return completion(.refused(.internal))
        }
        let entry = JournalEntry(
          receivedAt: receivedAt, method: method.rawValue, target: target,
          headers: headers.map { ($0.name.canonicalName, $0.value) }, body: body)
        // An unstructured task: nobody waits for it but the provider.
        Task { completion(await self.keep(entry, because: error, requestID: requestID)) }
      }
    case .failure(let rejection):
      completion(refuse(rejection, requestID: requestID))
    }
  }

  // MARK: Reading

  /// What a request asks of the store.
  enum Work: Sendable {
    case message(InboundRecord)
    case status(StatusUpdate)
  }

  /// Everything before the first wait: whose it is, its signature, its words.
  func read(
    method: HTTPRequest.Method, target: String, headers: HTTPFields, body: [UInt8], receivedAt: Timestamp,
    isVerified: Bool = false
  ) -> Result<[Work], WebhookRejection> {
    let request = WebhookRequest(
      method: method, target: target, headers: headers, body: body, receivedAt: receivedAt, isVerified: isVerified)
    guard let (channel, claim) = directory.claimant(of: request) else { return .failure(.unknownAccount) }
    do throws(WebhookRejection) {
      return .success(
        try channel.adapter.receive(request).map { event in
          switch event {
          case .message(let message): .message(record(message, channel: channel, claim: claim))
          case .status(let update): .status(update)
          }
        })
    } catch {
      return .failure(error)
    }
  }

  private func record(_ message: InboundMessage, channel: ConfiguredChannel, claim: WebhookClaim) -> InboundRecord {
    let isOurs = claim >= .address
    if !isOurs { counters.unnamed.increment() }
    return InboundRecord(
      id: clock.makeIdentifier(), message: message, channel: isOurs ? channel.id : nil,
      line: isOurs ? channel.line : message.to)
  }

  // MARK: Storing

  func store(_ work: Work) async throws {
    try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
      store([work][...]) { error in
        if let error { continuation.resume(throwing: error) } else { continuation.resume() }
      }
    }
  }

  /// One after the other; `completion` is given the first failure.
  private func store(_ work: ArraySlice<Work>, completion: @escaping @Sendable ((any Error)?) -> Void) {
    guard let first = work.first else { return completion(nil) }
    let rest = work.dropFirst()
    switch first {
    case .message(let record):
      store.receive(record, deadline: deadline) { result in
        switch result {
        case .success(.stored): self.counters.stored.increment()
        case .success(.duplicate): self.counters.duplicates.increment()
        case .failure(let error): return completion(error)
        }
        self.store(rest, completion: completion)
      }
    case .status(let update):
      store.apply(update, deadline: deadline) { result in
        switch result {
        case .success(.applied): self.counters.statuses.increment()
        case .success(.parked): self.counters.parked.increment()
        case .failure(let error): return completion(error)
        }
        self.store(rest, completion: completion)
      }
    }
  }

  /// Whether a failure lies with the database's being away or slow, so that the same request succeeds later.
  static func isPassing(_ error: any Error) -> Bool { StorageFailure.isPassing(error) }

  private func keep(_ entry: JournalEntry, because error: any Error, requestID: String) async -> WebhookAnswer {
    do {
      try await journal.append(entry)
      counters.journaled.increment()
      logger.warning(
        "the database is away: a request went to the journal",
        metadata: ["request": "\(requestID)", "error": "\(error)"])
      return .taken
    } catch {
      counters.lost.increment()
      logger.critical(
        "a provider's request could be kept nowhere", metadata: ["request": "\(requestID)", "error": "\(error)"])
      return .refused(.unavailable)
    }
  }

  /// A request whose body is longer than any of a provider's; nothing of it was read.
  func refuseTooLarge(requestID: String) {
    counters.tooLarge.increment()
    logger.warning(
      "a provider's request was refused", metadata: ["request": "\(requestID)", "reason": "too large"])
  }

  private func refuse(_ rejection: WebhookRejection, requestID: String) -> WebhookAnswer {
    counters.refused(rejection)
    logger.warning(
      "a provider's request was refused", metadata: ["request": "\(requestID)", "reason": "\(rejection)"])
    switch rejection {
    case .unknownAccount: return .refused(Problem(.forbidden, "unknown_account", "No channel has this account."))
    case .badSignature: return .refused(Problem(.forbidden, "bad_signature", "The signature is missing or wrong."))
    case .malformed(let words): return .refused(Problem(.badRequest, "malformed_request", words))
    case .unsupportedMediaType:
      return .refused(Problem(.unsupportedMediaType, "unsupported_media_type", "The body is neither a form nor JSON."))
    case .notAMessage(let words): return .refused(Problem(.unprocessableContent, "not_a_message", words))
    }
  }
}

/// Counted by outcome; made once.
private struct WebhookCounters: Sendable {
  let stored: Counter
  let duplicates: Counter
  let statuses: Counter
  let parked: Counter
  let journaled: Counter
  let failed: Counter
  let lost: Counter
  let unnamed: Counter
  let tooLarge: Counter
  private let refusals: [String: Counter]

  init(_ factory: any MetricsFactory) {
    func counter(_ outcome: String) -> Counter {
      Counter(label: "fractal_provider_requests_total", dimensions: [("outcome", outcome)], factory: factory)
    }
    stored = counter("stored")
    duplicates = counter("duplicate")
    statuses = counter("status")
    parked = counter("parked")
    journaled = counter("journaled")
    failed = counter("failed")
    lost = counter("unavailable")
    tooLarge = counter("too_large")
    unnamed = Counter(label: "fractal_unnamed_number_messages_total", factory: factory)
    refusals = Dictionary(
      uniqueKeysWithValues: ["unknown_account", "bad_signature", "malformed", "media_type", "not_a_message"].map {
        ($0, counter($0))
      })
  }

  func refused(_ rejection: WebhookRejection) {
    let word =
      switch rejection {
      case .unknownAccount: "unknown_account"
      case .badSignature: "bad_signature"
      case .malformed: "malformed"
      case .unsupportedMediaType: "media_type"
      case .notAMessage: "not_a_message"
      }
    refusals[word]?.increment()
  }
}
