// The sink `websocket`: events to browsers and services, live and resumable, and messages from them; over WebSocket and
// over Socket.IO.

public import NIOCore
internal import SocketIO

/// Serves `GET /ws` and `/socket.io/` as the HTTP contract says. Connections are cursors into the node's ring of events;
/// behind the ring they read the log.
public final class WebSocketSink: HTTPUpgradingSink {
  public static let type = "websocket"
  public static let guarantee = DeliveryGuarantee.resumable

  private let endpoint: RealtimeEndpoint
  private let socketIO: SocketServer?
  private let watch: PrincipalWatch

  public convenience init(configuration: WebSocketConfiguration, context: SinkContext) throws {
    try configuration.validate()
    self.init(
      limits: WebSocketLimits(configuration), configuration: configuration, context: context,
      metrics: RealtimeMetrics())
  }

  /// For tests: limits that no configuration would allow.
  init(
    limits: WebSocketLimits, configuration: WebSocketConfiguration = WebSocketConfiguration(), context: SinkContext,
    metrics: RealtimeMetrics
  ) {
    let endpoint = RealtimeEndpoint(
      limits: limits, path: configuration.path, origins: OriginRules(configuration.origins), context: context,
      metrics: metrics)
    self.endpoint = endpoint
    socketIO = configuration.socketIO.map { MessagingNamespace.server(at: $0, endpoint: endpoint) }
    watch = PrincipalWatch(
      hub: endpoint.hub, gateway: context.gateway, revocations: context.revocations, logger: context.logger)
  }

  public func makeUpgradeHandlers() -> [any RemovableChannelHandler] {
    [WebSocketUpgradeHandler(endpoint: endpoint)] + (socketIO.map { [$0.makeHandler()] } ?? [])
  }

  /// Serves until the task is cancelled; then every connection is closed with 1012 and waited for, a few seconds at
  /// most.
  public func run() async throws {
    let (endpoint, watch) = (endpoint, watch)
    endpoint.hub.start()
    await withDiscardingTaskGroup { group in
      group.addTask { await endpoint.requests.run() }
      group.addTask { await endpoint.catchUp.run() }
      group.addTask { await watch.run() }
    }
    socketIO?.shutDown()
    await endpoint.hub.shutDown(within: endpoint.limits.closeTimeout + .seconds(1))
  }
}
