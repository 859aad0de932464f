// A small server on the target SocketIO alone, for any client or protocol suite: Engine.IO at /engine.io/, Socket.IO at
// /socket.io/.

import ArgumentParser
import Hummingbird
import NIOCore
import SocketIO

@main
struct Program: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "socketio-echo",
    abstract: "An Engine.IO and Socket.IO server that answers what it is told.")

  @Option(help: "The host to listen on.") var host = "127.0.0.1"
  @Option(help: "The port to listen on.") var port = 3000
  @Option(help: "Milliseconds between pings.") var pingInterval: Int64 = 25_000
  @Option(help: "Milliseconds a client has for its pong.") var pingTimeout: Int64 = 20_000
  @Option(help: "Milliseconds a client may be in no namespace.") var connectTimeout: Int64 = 45_000
  @Option(help: "The size of one message in bytes.") var maxPayload = 1_000_000

  func run() async throws {
    var engineConfiguration = EngineConfiguration()
    engineConfiguration.pingInterval = .milliseconds(pingInterval)
    engineConfiguration.pingTimeout = .milliseconds(pingTimeout)
    engineConfiguration.maximumPayload = maxPayload
    engineConfiguration.maximumUnsent = max(1 << 20, maxPayload * 4)
    var socketConfiguration = engineConfiguration
    socketConfiguration.path = "/socket.io/"
    var limits = SocketLimits()
    limits.connectTimeout = .milliseconds(connectTimeout)

    let engine = EngineServer(configuration: engineConfiguration, application: EngineEcho())
    let sockets = SocketServer(
      configuration: socketConfiguration, limits: limits,
      namespaces: ["/": SocketEcho(), "/custom": Custom()])
    let application = Application(
      router: Router(),
      server: .http1(
        configuration: .init(additionalChannelHandlers: [engine.makeHandler(), sockets.makeHandler()])),
      configuration: .init(address: .hostname(host, port: port)),
      onServerRunning: { _ in print("listening") })
    try await application.runService()
  }
}
