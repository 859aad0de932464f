// Outbound webhooks as rows: the webhook sink decides, the store remembers.

/// Keeps deliveries and their attempts. Every method is safe to run on any number of nodes at once.
public protocol DeliveryStore: Sendable {
  /// Reads the log from the webhook consumer's durable cursor, writes a delivery for each endpoint an event matches,
  /// and advances the cursor, in one transaction: each event becomes each delivery exactly once.
  /// - Returns: how many events were read; less than `limit`: the cursor is at the end of the log.
  func materialiseDeliveries(limit: Int) async throws -> Int

  /// Leases due deliveries: of each conversation of an endpoint only the oldest unfinished one, and of one endpoint
  /// at most `perEndpoint` including those under way, so that a dead endpoint cannot fill the claim.
  func claimDeliveries(limit: Int, perEndpoint: Int, lease: Duration) async throws -> [ClaimedDelivery]

  /// Writes attempts and what follows from them. An outcome whose lease was lost meanwhile is ignored.
  func finishDeliveries(_ outcomes: [DeliveryOutcome]) async throws

  /// When the next delivery falls due; nil: nothing is waiting.
  func nextDeliveryDue() async throws -> Timestamp?
}

/// A receiver of outbound webhooks.
public struct WebhookEndpoint: Sendable, Hashable {
  public var id: Identifier
  public var url: String
  public var headers: [String: String]
  /// The live signing secrets, newest first: raw key bytes.
  public var secrets: [[UInt8]]

  public init(id: Identifier, url: String, headers: [String: String], secrets: [[UInt8]]) {
    self.id = id
    self.url = url
    self.headers = headers
    self.secrets = secrets
  }
}

/// A delivery that this node holds for the length of a lease.
public struct ClaimedDelivery: Sendable, Hashable {
  public var id: Identifier
  public var lease: Identifier
  public var endpoint: WebhookEndpoint
  public var event: Event
  /// Attempts made before this one.
  public var attempts: Int
  /// When the first attempt fell due.
  public var firstDueAt: Timestamp

  public init(
    id: Identifier, lease: Identifier, endpoint: WebhookEndpoint, event: Event, attempts: Int, firstDueAt: Timestamp
  ) {
    self.id = id
    self.lease = lease
    self.endpoint = endpoint
    self.event = event
    self.attempts = attempts
    self.firstDueAt = firstDueAt
  }
}

/// One request to an endpoint.
public struct DeliveryAttempt: Sendable, Hashable {
  public var at: Timestamp
  /// The HTTP status; nil where no answer came.
  public var status: Int?
  public var latency: Duration
  /// A word of ours (`timeout`, `connection_failed`, `blocked_address`, …); nil for an answer.
  public var error: String?
  /// The first bytes of the answer's body, valid UTF-8.
  public var response: String?

  public init(at: Timestamp, status: Int?, latency: Duration, error: String?, response: String?) {
    self.at = at
    self.status = status
    self.latency = latency
    self.error = error
    self.response = response
  }
}

/// What became of a claimed delivery.
public struct DeliveryOutcome: Sendable, Hashable {
  public enum Disposition: Sendable, Hashable {
    case delivered
    case retry(at: Timestamp)
    case dead
    /// The endpoint said it is gone: the delivery is dead and the endpoint disabled, for this reason.
    case disableEndpoint(reason: String)
  }

  public var delivery: Identifier
  public var lease: Identifier
  public var attempt: DeliveryAttempt
  public var disposition: Disposition

  public init(delivery: Identifier, lease: Identifier, attempt: DeliveryAttempt, disposition: Disposition) {
    self.delivery = delivery
    self.lease = lease
    self.attempt = attempt
    self.disposition = disposition
  }
}
