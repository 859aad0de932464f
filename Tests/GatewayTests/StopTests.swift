// How a gateway ends whose task is cancelled: whoever is connected, and whoever connects in that moment.

import ChannelProtocol
import Foundation
import GatewayTesting
import Logging
import Synchronization
import Testing
import TwilioSandbox

@testable import Gateway

@Suite("The stop of a gateway", .serialized, .timeLimit(.minutes(3)))
struct StopTests {
  // In processes of their own: NIO ends the process for a connection that nobody finishes.

  @Test("a sandbox that is cancelled while clients connect leaves none of them unfinished")
  func floodedSandbox() async throws {
    await #expect(processExitsWith: .success) {
      var floods: [ConnectionFlood] = []
      for _ in 0..<5 {
        var configuration = SandboxConfiguration()
        configuration.port = 0
        configuration.logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let sandbox = Sandbox(configuration)
        let running = Task { try await sandbox.run() }
        let flood = ConnectionFlood(port: try #require(try await URL(string: sandbox.started())?.port))
        floods.append(flood)
        try #require(await eventually { flood.count > 200 })
        let cancelled = ContinuousClock.now
        running.cancel()
        try await running.value
        let took = cancelled.duration(to: .now)
        #expect(took < .milliseconds(900), "nothing is cancelled for being late, but it took \(took)")
      }
      for flood in floods { await flood.ended() }
    }
  }

  @Test("a gateway that is cancelled while clients connect leaves none of them unfinished")
  func floodedGateway() async throws {
    await #expect(processExitsWith: .success) {
      try await WholeGateway.withKeptDirectory { directory in
        let floods = Mutex<[ConnectionFlood]>([])
        for _ in 0..<2 {
          try await WholeGateway.run(in: directory) { gateway in
            let flood = ConnectionFlood(port: try #require(URL(string: gateway.base)?.port))
            floods.withLock { $0.append(flood) }
            try #require(await eventually { flood.count > 200 })
          }
        }
        for flood in floods.withLock({ $0 }) { await flood.ended() }
      }
    }
  }

  @Test("pages that are open and requests that wait end with the gateway, and do not hold it up")
  func openPages() async throws {
    let clients = Mutex<[StayingClient]>([])
    let cancelled = Mutex(ContinuousClock.now)
    try await WholeGateway.run { gateway in
      func client(answersClose: Bool = true) async throws -> StayingClient {
        let client = try await StayingClient.connect(to: gateway, answersClose: answersClose)
        clients.withLock { $0.append(client) }
        return client
      }
      let idle = try await client()
      try await idle.ask("/health")
      try await idle.hear("200 OK")
      let silent = try await client()
      try await silent.upgrade("/ws")
      let subscribed = try await client()
      try await subscribed.upgrade("/ws", key: gateway.key)
      try await subscribed.say(#"{"type":"subscribe"}"#)
      try await subscribed.hear(#""type":"ready""#)
      let socket = try await client()
      try await socket.upgrade("/socket.io/?EIO=4&transport=websocket")
      try await socket.hear("0{")
      try await socket.say("40/messaging,{\"token\":\"\(gateway.key)\"}")
      try await socket.hear("40/messaging,{")
      for target in ["/ws", "/socket.io/?EIO=4&transport=websocket"] {
        try await client(answersClose: false).upgrade(target)
      }
      try await pollingClient(client(), gateway)
      let last = try await gateway.call("GET", "/api/events").json["last"]?.integerValue ?? 0
      try await client().ask("/api/events?after=\(last)&wait=60", key: gateway.key)
      // They are all there once another's request, which came later, has had its answer.
      try await idle.ask("/health/ready")
      #expect(try await gateway.call("GET", "/api/channels").status == 200)
      cancelled.withLock { $0 = .now }
    }
    let took = cancelled.withLock { $0 }.duration(to: .now)
    // Two seconds for those who sleep, and the database's own stop; who waits out a deadline takes more than five, or fifteen.
    #expect(took < .seconds(5), "\(took)")
    for client in clients.withLock({ $0 }) { try await client.ended() }
  }

  /// A Socket.IO client over polling, whose request waits.
  private func pollingClient(_ client: StayingClient, _ gateway: WholeGateway) async throws {
    let url = "/socket.io/?EIO=4&transport=polling"
    let opened = try await WholeGateway.exchange("GET", gateway.base + url)
    let packet = try JSONDecoder().decode(ChannelProtocol.JSONValue.self, from: Data(opened.text.dropFirst().utf8))
    let session = "\(url)&sid=\(packet["sid"]?.stringValue ?? "")"
    _ = try await WholeGateway.exchange(
      "POST", gateway.base + session, body: "40/messaging,{\"token\":\"\(gateway.key)\"}",
      headers: [("Content-Type", "text/plain;charset=UTF-8")])
    let answer = try await WholeGateway.exchange("GET", gateway.base + session)
    #expect(answer.text.hasPrefix("40/messaging,{"))
    try await client.ask(session)
  }
}
