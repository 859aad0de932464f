// Outbound webhooks as rows: the webhook sink decides, the store remembers.

/// Keeps deliveries and their attempts. Every method is safe to run on any number of nodes at once.
///
/// One node at a time delivers to an endpoint, under a lease: the order of its conversations, its pace and what it can
/// take are then kept in one place. A delivery is `in line` until it has failed or has to wait for one that did; from
/// then on it `waits` for its time.
public protocol DeliveryStore: Sendable {
  /// Reads the log from the webhook consumer's durable cursor, writes a delivery for each endpoint an event matches,
  /// and advances the cursor, in one transaction: each event becomes each delivery exactly once.
  func materialiseDeliveries(limit: Int) async throws -> MaterialisedDeliveries

  /// Makes the next deliveries of a replay, at most so many: a replay is a row, and goes on after a restart.
  func advanceReplays(limit: Int) async throws -> MaterialisedDeliveries

  /// Keeps the active endpoints that this node delivers to, and takes those that no node does.
  /// - Returns: all that are this node's now.
  func leaseEndpoints(node: Identifier, lease: Duration) async throws -> [WebhookEndpoint]
  func releaseEndpoints(node: Identifier) async throws

  /// What is to be delivered next. What has to wait for a failed delivery of its conversation is put aside on the way.
  /// An endpoint that is not this node's gets nothing.
  func loadDeliveries(_ demands: [DeliveryDemand], node: Identifier) async throws -> [DeliverySupply]

  /// Writes attempts and what follows from them. What failed at an endpoint that is another node's by now is not
  /// written.
  func finishDeliveries(_ outcomes: [DeliveryOutcome], node: Identifier) async throws

  /// How much waits for each endpoint of the node, and of no node's for one of all: each is in one node's answer.
  func deliveryBacklog(node: Identifier) async throws -> [EndpointBacklog]
}

public struct MaterialisedDeliveries: Sendable, Hashable {
  /// How many events were read; less than asked for: there are no more.
  public var events: Int
  /// The endpoints there is something new for.
  public var endpoints: Set<Identifier>
  /// Another node is at it.
  public var isElsewhere: Bool

  public init(events: Int = 0, endpoints: Set<Identifier> = [], isElsewhere: Bool = false) {
    self.events = events
    self.endpoints = endpoints
    self.isElsewhere = isElsewhere
  }
}

/// A receiver of outbound webhooks.
public struct WebhookEndpoint: Sendable, Hashable {
  public var id: Identifier
  public var url: String
  public var headers: [String: String]
  /// The live signing secrets, newest first: raw key bytes.
  public var secrets: [[UInt8]]
  /// How long an attempt may take; nil: as configured.
  public var timeout: Duration?
  /// Attempts under way at once; nil: as configured.
  public var concurrency: Int?
  /// Attempts a second; nil: as many as it takes.
  public var rateLimit: Double?
  /// When it was last switched on again: what was collected before then is caught up at a bounded rate.
  public var resumedAt: Timestamp?
  /// Since when nothing but failures came; nil: the last attempt was a success.
  public var failingSince: Timestamp?

  public init(
    id: Identifier, url: String, headers: [String: String], secrets: [[UInt8]], timeout: Duration? = nil,
    concurrency: Int? = nil, rateLimit: Double? = nil, resumedAt: Timestamp? = nil, failingSince: Timestamp? = nil
  ) {
    self.id = id
    self.url = url
    self.headers = headers
    self.secrets = secrets
    self.timeout = timeout
    self.concurrency = concurrency
    self.rateLimit = rateLimit
    self.resumedAt = resumedAt
    self.failingSince = failingSince
  }
}

/// What a node wants to have of an endpoint's deliveries.
public struct DeliveryDemand: Sendable, Hashable {
  public var endpoint: Identifier
  /// Of those in line, what comes after this number.
  public var after: Int64
  public var inLine: Int
  /// How many of those whose time has come, the ones that the node has among them.
  public var waiting: Int

  public init(endpoint: Identifier, after: Int64, inLine: Int, waiting: Int) {
    self.endpoint = endpoint
    self.after = after
    self.inLine = inLine
    self.waiting = waiting
  }
}

public struct DeliverySupply: Sendable, Hashable {
  public var endpoint: Identifier
  /// By number.
  public var inLine: [DueDelivery] = []
  /// The longest due first; within a conversation by number.
  public var waiting: [DueDelivery] = []
  /// Nothing that was in line up to here is missing.
  public var reached: Int64
  /// Whether there were as many in line as were asked for.
  public var hasMore = false
  /// The same of those that wait; some of them may have been put off.
  public var hasMoreWaiting = false
  /// When the next one of those that wait falls due.
  public var nextDue: Timestamp?

  public init(endpoint: Identifier, reached: Int64) {
    self.endpoint = endpoint
    self.reached = reached
  }
}

/// A delivery that is to be made.
public struct DueDelivery: Sendable, Hashable {
  public var id: Identifier
  public var endpoint: Identifier
  public var event: Event
  /// Deliveries of one order are made one after the other: the conversation, or the event itself where it has none.
  public var order: Identifier
  /// Attempts made before this one, since it was made or last replayed.
  public var attempts: Int
  /// Until when it holds its conversation back; nil: it has not failed, or there is no end to it.
  public var holdsUntil: Timestamp?
  public var createdAt: Timestamp

  public init(
    id: Identifier, endpoint: Identifier, event: Event, order: Identifier, attempts: Int, holdsUntil: Timestamp?,
    createdAt: Timestamp
  ) {
    self.id = id
    self.endpoint = endpoint
    self.event = event
    self.order = order
    self.attempts = attempts
    self.holdsUntil = holdsUntil
    self.createdAt = createdAt
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

  /// Writes `{at, status, latencyMs, error, response}`.
  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("at", at)
      writer.member("status", status)
      writer.member("latencyMs", Double(latency.wholeMicroseconds) / 1_000)
      writer.member("error", error)
      writer.member("response", response)
    }
  }
}

/// What became of a delivery.
public struct DeliveryOutcome: Sendable, Hashable {
  public enum Disposition: Sendable, Hashable {
    case delivered
    case retry(at: Timestamp)
    case dead
  }

  /// What an attempt changes about its endpoint.
  public enum Health: Sendable, Hashable {
    case unchanged
    /// The first failure after a success.
    case failing(since: Timestamp)
    case recovered
    /// It gets nothing more until somebody switches it on again.
    case disabled(reason: String)
  }

  public var delivery: DueDelivery
  public var attempt: DeliveryAttempt
  public var disposition: Disposition
  public var health: Health
  /// Until when it holds back what comes after it in its conversation, and what of that the node has at hand.
  public var holdsUntil: Timestamp?
  public var heldBack: [Identifier]
  /// Whether it uses up one of the attempts that the delivery has; one that the gateway broke off itself does not.
  public var isCounted: Bool

  public init(
    delivery: DueDelivery, attempt: DeliveryAttempt, disposition: Disposition, health: Health = .unchanged,
    holdsUntil: Timestamp? = nil, heldBack: [Identifier] = [], isCounted: Bool = true
  ) {
    self.isCounted = isCounted
    self.delivery = delivery
    self.attempt = attempt
    self.disposition = disposition
    self.health = health
    self.holdsUntil = holdsUntil
    self.heldBack = heldBack
  }

  /// When what it holds back may be looked at again; nil: it holds nothing back.
  public var heldUntil: Timestamp? {
    guard case .retry(let at) = disposition else { return nil }
    guard let holdsUntil else { return at }
    return holdsUntil <= attempt.at ? nil : min(at, holdsUntil)
  }
}

public struct EndpointBacklog: Sendable, Hashable {
  public var endpoint: Identifier
  /// Deliveries that are not ended; counted up to a bound.
  public var pending: Int
  /// When the oldest of them was made.
  public var oldest: Timestamp?

  public init(endpoint: Identifier, pending: Int, oldest: Timestamp?) {
    self.endpoint = endpoint
    self.pending = pending
    self.oldest = oldest
  }
}
