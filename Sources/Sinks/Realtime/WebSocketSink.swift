// The sink `websocket`: events to browsers and services, live and resumable, and messages from them.

public import NIOCore

/// Serves `GET /ws` as the HTTP contract says. Connections are cursors into the node's ring of events; behind the ring
/// they read the log.
public final class WebSocketSink: HTTPUpgradingSink {
  public static let type = "websocket"
  public static let guarantee = DeliveryGuarantee.resumable

  private let endpoint: WebSocketEndpoint

  public init(configuration: WebSocketConfiguration, context: SinkContext) throws {
    try configuration.validate()
    endpoint = WebSocketEndpoint(
      limits: WebSocketLimits(configuration), path: configuration.path, context: context, metrics: RealtimeMetrics())
  }

  /// For tests: limits that no configuration would allow.
  init(limits: WebSocketLimits, path: String = "/ws", context: SinkContext, metrics: RealtimeMetrics) {
    endpoint = WebSocketEndpoint(limits: limits, path: path, context: context, metrics: metrics)
  }

  public func makeUpgradeHandler() -> any RemovableChannelHandler { WebSocketUpgradeHandler(endpoint: endpoint) }

  /// Serves until the task is cancelled; then every connection is closed with 1012 and waited for, a few seconds at
  /// most.
  public func run() async throws {
    let endpoint = endpoint
    endpoint.hub.start()
    await withDiscardingTaskGroup { group in
      group.addTask { await endpoint.requests.run() }
      group.addTask { await endpoint.catchUp.run() }
    }
    await endpoint.hub.shutDown(within: endpoint.limits.closeTimeout + .seconds(1))
  }
}
