// How a sink that speaks over upgraded HTTP connections comes into the server's pipeline.

public import NIOCore

/// A sink that answers requests of its own on the gateway's port. The gateway puts new handlers into the pipeline of
/// each HTTP/1 connection, behind `HTTP1ToHTTPServerCodec` and before what serves the requests:
/// `HTTP1Channel.Configuration(additionalChannelHandlers:)`.
public protocol HTTPUpgradingSink: Sink {
  /// Handlers for one connection, in their order. They pass on every request but the sink's own.
  func makeUpgradeHandlers() -> [any RemovableChannelHandler]
}
