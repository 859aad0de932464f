// The sink `websocket` against the suite that every sink is held to: with a server around it, and a client at the far end
// that comes back with the epoch and the number of its last event, and begins anew where it is told to.

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
  private struct State {
    var numbers: [Int64] = []
    var after: Int64 = 0
    var epoch: String?
  }

  private let state = Mutex(State())
  var all: [Int64] { state.withLock(\.numbers) }

  /// Where it goes on, as members of a JSON object.
  var place: String {
    state.withLock { state in #""after":\#(state.after)"# + (state.epoch.map { #","epoch":"\#($0)""# } ?? "") }
  }

  func take(_ seq: Int64) {
    state.withLock { state in
      state.numbers.append(seq)
      state.after = seq
    }
  }

  /// The log is this one; where it was told to begin anew, from `oldest` on.
  func follow(_ epoch: String?, from oldest: Int64? = nil) {
    state.withLock { state in
      state.epoch = epoch
      state.after = oldest ?? state.after
    }
  }
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
    let heard = configuration.heard
    var client = try await connect(port)
    while true {
      let frame = try await client.frame()
      if frame.opcode == 8 { return }
      if Self.isFrame("event", "message:new", frame.text) {
        if let seq = RealtimeTestClient.number("seq", in: frame.text) { heard.take(seq) }
      } else if Self.isFrame("ready", "ready", frame.text) {
        heard.follow(Self.epoch(in: frame.text))
      } else if Self.isFrame("reset", "reset", frame.text) {
        heard.follow(Self.epoch(in: frame.text), from: RealtimeTestClient.number("oldest", in: frame.text))
        client = try await connect(port)
      }
    }
  }

  private func connect(_ port: Int) async throws -> RealtimeTestClient {
    let place = configuration.heard.place
    if configuration.isSocketIO {
      return try await MessagingTestClient.connect(port, auth: #"{"token":"sender",\#(place)}"#).client.connection
    }
    let client = try await RealtimeTestClient.open(port)
    try await client.send(#"{"type":"subscribe",\#(place)}"#)
    return client
  }

  private static func isFrame(_ type: String, _ event: String, _ text: String) -> Bool {
    text.hasPrefix(#"{"type":"\#(type)","#) || text.hasPrefix(#"42/messaging,["\#(event)","#)
  }

  private static func epoch(in text: String) -> String? {
    text.firstRange(of: #""epoch":""#).map { String(text[$0.upperBound...].prefix { $0 != "\"" }) }
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
