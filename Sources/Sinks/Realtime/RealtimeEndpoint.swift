// What all connections of one `websocket` sink share, over WebSocket and Socket.IO.

internal import ChannelProtocol
internal import Logging
internal import SocketIO

final class RealtimeEndpoint: Sendable {
  let path: String
  let origins: OriginRules
  let limits: WebSocketLimits
  let hub: RealtimeHub
  let gateway: any RealtimeGateway
  let log: any EventLog
  let clock: any WallClock
  let logger: Logger
  let metrics: RealtimeMetrics
  /// Questions to the gateway: keys, sends, the log's bounds.
  let requests: WorkLane
  /// Pages from the log; narrow, so that a thousand clients that come back at once do not take the database.
  let catchUp: WorkLane

  init(
    limits: WebSocketLimits, path: String, origins: OriginRules, context: SinkContext, metrics: RealtimeMetrics
  ) {
    self.path = path
    self.origins = origins
    self.limits = limits
    gateway = context.gateway
    log = context.log
    clock = context.clock
    logger = context.logger
    self.metrics = metrics
    hub = RealtimeHub(
      ring: context.ring, maximumConnections: limits.maxConnections, sweepInterval: limits.sweepInterval,
      clock: context.clock, metrics: metrics)
    requests = WorkLane(width: limits.requestWidth, capacity: limits.requestQueue)
    catchUp = WorkLane(width: limits.catchUpWidth, capacity: limits.maxConnections)
  }
}

extension RealtimeGateway {
  /// ``authenticate(key:from:)`` as a value.
  func verdict(on key: String, from peer: RealtimePeer) async -> Result<RealtimePrincipal?, any Error> {
    do {
      return .success(try await authenticate(key: key, from: peer))
    } catch {
      return .failure(error)
    }
  }
}

extension RealtimeEndpoint {
  /// Whether a key's time is over. Revocations are told (``PrincipalWatch``); this needs nobody to tell.
  func hasExpired(_ principal: RealtimePrincipal?) -> Bool {
    guard let expiry = principal?.expiresAt else { return false }
    return expiry <= clock.now()
  }
}
