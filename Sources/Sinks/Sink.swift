// What a sink is to the gateway: a consumer of the event log. A new sink is one type that conforms to this.

public import ChannelProtocol
public import HTTPTypes
public import Logging

/// Takes events onward. A sink never hears from a channel: it follows the log, from its own place, at its own pace.
public protocol Sink: Sendable {
  associatedtype Configuration: ChannelConfiguration

  /// The word in `channels.yaml`: `log`, `websocket`, `webhook`.
  static var type: String { get }

  static var guarantee: DeliveryGuarantee { get }

  /// - Throws: `ConfigurationProblem` for what decodes but cannot be.
  init(configuration: Configuration, context: SinkContext) throws

  /// Runs until the task is cancelled. One that throws, or ends before, is run again after a while: the gateway and the
  /// other sinks go on meanwhile.
  func run() async throws
}

/// What a consumer of a sink may count on.
public enum DeliveryGuarantee: String, Sendable {
  /// Events from now on, while it keeps up; what was dropped is counted.
  case bestEffort
  /// The reader names the place it continues from.
  case resumable
  /// Every event at least once, from a place kept in the database.
  case atLeastOnce
}

/// What a sink is given.
public struct SinkContext: Sendable {
  /// The node's window on the newest events.
  public var ring: EventRing
  /// The whole log, for what the ring no longer holds.
  public var log: any EventLog
  public var deliveries: any DeliveryStore
  public var gateway: any RealtimeGateway
  /// Keys that were taken back.
  public var revocations: PrincipalRevocations
  public var clock: any WallClock
  public var logger: Logger

  public init(
    ring: EventRing, log: any EventLog, deliveries: any DeliveryStore, gateway: any RealtimeGateway,
    revocations: PrincipalRevocations = PrincipalRevocations(), clock: any WallClock, logger: Logger
  ) {
    self.ring = ring
    self.log = log
    self.deliveries = deliveries
    self.gateway = gateway
    self.revocations = revocations
    self.clock = clock
    self.logger = logger
  }
}

/// What a realtime connection may ask of the gateway.
public protocol RealtimeGateway: Sendable {
  /// Whose key this is; nil: nobody's.
  /// - Throws: ``RealtimeThrottled`` where this peer has shown too many that are none.
  func authenticate(key: String, from peer: RealtimePeer) async throws -> RealtimePrincipal?

  /// Who is at the other end: behind a proxy that is trusted to say so, not the proxy.
  func address(of peer: RealtimePeer) -> String?

  /// The key with this id; nil where there is none any more, or its time is over.
  func principal(_ keyID: Identifier) async throws -> RealtimePrincipal?

  /// Sends a message as `POST /api/messages` does.
  /// - Parameter message: the request's JSON object.
  /// - Returns: the Message resource, or a problem document (RFC 9457), as JSON.
  func send(_ message: [UInt8], idempotencyKey: String?, as principal: RealtimePrincipal) async
    -> Result<[UInt8], RealtimeProblem>
}

extension RealtimeGateway {
  public func address(of peer: RealtimePeer) -> String? { peer.address }
}

/// The other end of a connection, and what proxies say of who is behind it.
public struct RealtimePeer: Sendable, Hashable {
  public var address: String?
  public var forwarding: HTTPFields

  /// - Parameter fields: those of the request that opened the connection.
  public init(address: String?, fields: HTTPFields) {
    self.address = address
    let names = ["x-forwarded-for", "forwarded"]
    forwarding = HTTPFields(fields.filter { names.contains($0.name.canonicalName) })
  }
}

/// Too many keys that are none came from there.
public struct RealtimeThrottled: Error, Sendable, Hashable {
  /// Seconds.
  public var retryAfter: Int
  public init(retryAfter: Int) { self.retryAfter = retryAfter }
}

public struct RealtimePrincipal: Sendable, Hashable {
  public var keyID: Identifier
  public var canRead: Bool
  public var canSend: Bool
  /// When its time is over; nil: never.
  public var expiresAt: Timestamp?

  public init(keyID: Identifier, canRead: Bool, canSend: Bool, expiresAt: Timestamp? = nil) {
    self.keyID = keyID
    self.expiresAt = expiresAt
    self.canRead = canRead
    self.canSend = canSend
  }
}

/// A problem document, as JSON.
public struct RealtimeProblem: Error, Sendable, Hashable {
  public var json: [UInt8]
  public init(json: [UInt8]) { self.json = json }
}
