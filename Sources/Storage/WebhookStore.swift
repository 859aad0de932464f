// What the API asks of the database about webhooks and their deliveries.

public import ChannelProtocol

public protocol WebhookStore: Sendable {
  func webhooks(page: PageRequest) async throws -> Page<Webhook>
  func webhook(_ id: Identifier) async throws -> Webhook?
  /// Makes it, or, where it is there already, gives it this secret alone.
  func createWebhook(_ webhook: Webhook, secret: [UInt8]) async throws
  /// Changes what a person may change. Switching it on again ends what it was disabled for.
  /// - Parameter expected: compared under the webhook's lock; nil: whatever it is.
  /// - Returns: the webhook afterwards; nil where there is none.
  /// - Throws: ``ResourceChanged`` where the webhook is another by now.
  func updateWebhook(
    _ id: Identifier, at now: Timestamp, ifStill expected: Webhook?,
    _ change: @escaping @Sendable (inout Webhook) -> Void
  ) async throws -> Webhook?
  /// - Throws: ``ResourceChanged`` where the webhook is not `expected` any more.
  func deleteWebhook(_ id: Identifier, ifStill expected: Webhook?) async throws -> Bool
  /// Goes on with removals that were broken off: what they were about is there for nobody since they began.
  func finishRemovals() async throws
  /// Puts a new secret in the place of the one that stood; that one signs beside it until `until`.
  func rotateSecret(of id: Identifier, to secret: [UInt8], until: Timestamp, at now: Timestamp) async throws -> Webhook?
  /// What an attempt needs to know of it, whether it is active or not.
  func webhookEndpoint(_ id: Identifier) async throws -> WebhookEndpoint?

  /// The newest events first.
  func deliveries(of webhook: Identifier, states: Set<Delivery.State>, page: PageRequest) async throws -> Page<Delivery>
  /// Makes a delivery due now, with all of its attempts before it.
  func retryDelivery(_ id: Identifier) async throws -> DeliveryRetry
  /// Has the events of a time range delivered again: those that the webhook asks for, without those on their way.
  /// One that is under way by this id is not begun again.
  /// - Returns: how many there are; they are made bit by bit.
  func replayWebhook(_ id: Identifier, since: Timestamp, until: Timestamp, as replay: Identifier) async throws -> Int
  /// Removes deliveries that have ended and were made, and last due, before `age` ago.
  func expireDeliveries(olderThan age: Duration) async throws
}

extension WebhookStore {
  public func updateWebhook(
    _ id: Identifier, at now: Timestamp, _ change: @escaping @Sendable (inout Webhook) -> Void
  ) async throws -> Webhook? {
    try await updateWebhook(id, at: now, ifStill: nil, change)
  }

  public func deleteWebhook(_ id: Identifier) async throws -> Bool { try await deleteWebhook(id, ifStill: nil) }
}

/// A registered receiver of webhooks, as the API shows it.
public struct Webhook: Sendable, Hashable {
  public var id: Identifier
  public var url: String
  public var description: String?
  public var events: [String]
  public var channels: [String]
  public var headers: [String: String]
  public var isActive: Bool
  public var disabledReason: String?
  /// When it was last disabled: nothing is collected from then until it is switched on again.
  public var disabledAt: Timestamp?
  /// How long an attempt may take; nil: as configured.
  public var timeout: Duration?
  /// Attempts under way at once; nil: as configured.
  public var concurrency: Int?
  /// Attempts a second; nil: as many as it takes.
  public var rateLimit: Double?
  public var createdAt: Timestamp
  public var updatedAt: Timestamp

  public init(
    id: Identifier, url: String, description: String? = nil, events: [String] = [], channels: [String] = [],
    headers: [String: String] = [:], isActive: Bool = true, disabledReason: String? = nil,
    disabledAt: Timestamp? = nil, timeout: Duration? = nil, concurrency: Int? = nil, rateLimit: Double? = nil,
    createdAt: Timestamp, updatedAt: Timestamp? = nil
  ) {
    self.id = id
    self.url = url
    self.description = description
    self.events = events
    self.channels = channels
    self.headers = headers
    self.isActive = isActive
    self.disabledReason = disabledReason
    self.disabledAt = disabledAt
    self.timeout = timeout
    self.concurrency = concurrency
    self.rateLimit = rateLimit
    self.createdAt = createdAt
    self.updatedAt = updatedAt ?? createdAt
  }

  /// Writes the Webhook resource of `API.md`; `members` may add the secret.
  public func write(to writer: inout JSONWriter, members: (inout JSONWriter) -> Void = { _ in }) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("url", url)
      writer.member("description", description)
      writer.member("events", .array(events.map { .string($0) }))
      writer.member("channels", .array(channels.map { .string($0) }))
      writer.member("headers", .object(headers.mapValues { .string($0) }))
      writer.member("active", isActive)
      writer.member("disabledReason", disabledReason)
      writer.member("disabledAt", disabledAt)
      writer.key("timeout")
      writer.value(timeout.map { Double($0.wholeMicroseconds) / 1_000_000 })
      writer.member("concurrency", concurrency)
      writer.key("rateLimit")
      writer.value(rateLimit)
      writer.member("createdAt", createdAt)
      writer.member("updatedAt", updatedAt)
      members(&writer)
    }
  }
}

/// An event on its way to a webhook, as the API shows it.
public struct Delivery: Sendable, Hashable {
  public enum State: String, Sendable, Hashable, CaseIterable {
    case pending
    /// It waits for one of its conversation that failed.
    case held
    case delivered
    case dead
  }

  public var id: Identifier
  public var webhookID: Identifier
  public var eventID: Identifier
  public var seq: Int64
  public var type: String
  public var state: State
  /// nil: there is none.
  public var nextAttemptAt: Timestamp?
  /// Oldest first: JSON objects with commas between them.
  public var attempts: [UInt8]
  public var createdAt: Timestamp

  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("webhookId", webhookID)
      writer.member("eventId", eventID)
      writer.key("seq")
      writer.value(seq)
      writer.member("type", type)
      writer.member("state", state.rawValue)
      writer.member("nextAttemptAt", nextAttemptAt)
      writer.key("attempts")
      writer.raw([UInt8(ascii: "[")] + attempts + [UInt8(ascii: "]")])
      writer.member("createdAt", createdAt)
    }
  }
}

public enum DeliveryRetry: Sendable {
  case due(Delivery)
  case unknown
  /// Retention took the event.
  case eventGone
}
