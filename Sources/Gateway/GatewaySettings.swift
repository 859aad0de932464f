// Everything a gateway is made of, before anything is started: the configuration and what comes from outside of it.

public import ChannelProtocol
public import Logging

/// A gateway's settings. Tests start the real wiring with other leaves.
public struct GatewaySettings: Sendable {
  public var configuration: GatewayConfiguration
  public var channels: ChannelRegistry
  public var sinks: SinkRegistry
  /// Where `.fractal/` is.
  public var directory: String
  /// `API_KEY_SECRET` and `WEBHOOK_SIGNING_SECRET`; nil: made once and kept under `.fractal/`.
  public var apiKeySecret: String?
  public var webhookSigningSecret: String?
  /// The built-in sandbox's port; 0: any free one; -1: what was asked for is no port.
  public var sandboxPort: Int
  public var clock: any WallClock
  public var logger: Logger
  /// The times and numbers of the sending side.
  var sendPolicy = SendPolicy()
  /// Those of fetching files.
  var mediaPolicy = MediaPolicy()
  /// Those of asking providers again.
  var pollPolicy = PollPolicy()
  var reconciliationTimes = ReconciliationTimes()
  /// The way out to providers; nil: over HTTP, which is closed at the end.
  var transport: (any HTTPTransport)?
  let metrics = PrometheusRegistry()

  public init(
    configuration: GatewayConfiguration, channels: ChannelRegistry, sinks: SinkRegistry,
    directory: String = ".fractal", environment: [String: String] = [:], clock: any WallClock = SystemClock(),
    logger: Logger
  ) {
    self.configuration = configuration
    self.channels = channels
    self.sinks = sinks
    self.directory = directory
    apiKeySecret = environment["API_KEY_SECRET"].flatMap { $0.isEmpty ? nil : $0 }
    webhookSigningSecret = environment["WEBHOOK_SIGNING_SECRET"].flatMap { $0.isEmpty ? nil : $0 }
    sandboxPort = environment["FRACTAL_SANDBOX_PORT"].flatMap { $0.isEmpty ? nil : Int($0) ?? -1 } ?? 0
    self.clock = clock
    self.logger = logger
  }
}
