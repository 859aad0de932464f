// The sink `websocket` against the suite that every sink is held to: with a server around it, and a client at the far end
// that comes back with the number of its last event.

import ChannelProtocol
import GatewayTesting
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle
import Synchronization
import Testing

@testable import Sinks

/// What the client has heard, over all of the sink's lives.
private final class Heard: Sendable {
  private let numbers = Mutex<[Int64]>([])
  var all: [Int64] { numbers.withLock { $0 } }
  func take(_ seq: Int64) { numbers.withLock { $0.append(seq) } }
}

/// The sink, served on a port of its own.
private struct ServedWebSocket: Sink {
  struct Configuration: ChannelConfiguration {
    static let keys: [ConfigurationKey] = []
    let heard = Heard()
    var isSocketIO = false
    init(isSocketIO: Bool) { self.isSocketIO = isSocketIO }
    init(from decoder: any Decoder) throws {}
  }

  static let type = WebSocketSink.type
  static let guarantee = WebSocketSink.guarantee

  private let configuration: Configuration
  private let sink: WebSocketSink
  private let logger: Logger

  init(configuration: Configuration, context: SinkContext) throws {
    self.configuration = configuration
    logger = context.logger
    var context = context
    context.gateway = RealtimeTestGateway()
    sink = WebSocketSink(limits: RealtimeTestServer.patientLimits, context: context, metrics: RealtimeMetrics())
  }

  func run() async throws {
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let application = Application(
      router: Router(), server: .http1(configuration: .init(additionalChannelHandlers: sink.makeUpgradeHandlers())),
      configuration: .init(address: .hostname("127.0.0.1", port: 0)),
      onServerRunning: { continuation.yield($0.localAddress?.port ?? 0) }, logger: logger)
    let group = ServiceGroup(
      configuration: .init(services: [.init(service: application)], gracefulShutdownSignals: [], logger: logger))
    // Not children: the client is there until the sink has said good-bye to it, as clients are.
    let serving = Task { try await group.run() }
    let listening = Task { if let port = await ports.first(where: { _ in true }) { try await listen(port) } }
    try await sink.run()
    listening.cancel()
    _ = await listening.result
    await group.triggerGracefulShutdown()
    _ = await serving.result
  }

  /// Until the sink closes the connection.
  private func listen(_ port: Int) async throws {
    let after = configuration.heard.all.last ?? 0
    let client: RealtimeTestClient
    if configuration.isSocketIO {
      client = try await MessagingTestClient.open(port, after: after).connection
    } else {
      client = try await RealtimeTestClient.open(port)
      try await client.send(#"{"type":"subscribe","after":\#(after)}"#)
    }
    while true {
      let frame = try await client.frame()
      if frame.opcode == 8 { return }
      let isEvent = ["{\"type\":\"event\",", "42/messaging,[\"message:new\","].contains { frame.text.hasPrefix($0) }
      if isEvent, let seq = RealtimeTestClient.number("seq", in: frame.text) { configuration.heard.take(seq) }
    }
  }
}

@Suite struct WebSocketConformanceTests {
  @Test("it conforms, over WebSocket and over Socket.IO", arguments: [false, true])
  func conforms(isSocketIO: Bool) async throws {
    let configuration = ServedWebSocket.Configuration(isSocketIO: isSocketIO)
    let fixtures = SinkFixtures(ServedWebSocket.self, configuration: configuration) { [heard = configuration.heard] in
      heard.all
    }
    let violations = try await SinkConformance(fixtures).violations()
    #expect(violations == [])
  }
}
