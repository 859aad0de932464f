// What all connections of one `websocket` sink share.

internal import ChannelProtocol
internal import Logging

final class WebSocketEndpoint: Sendable {
  let path: String
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

  init(limits: WebSocketLimits, path: String, context: SinkContext, metrics: RealtimeMetrics) {
    self.path = path
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
