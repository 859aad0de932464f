// The guard against requests into the private network: resolving, judging and connecting, with real sockets.

import ChannelProtocol
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import Sinks

@Suite("webhook guard")
struct WebhookGuardTests {
  static func address(_ text: String) -> IPAddress { IPAddress(text) ?? .v4(0) }

  @Test(
    "no spelling of the loopback address is reached unless it is allowed",
    arguments: [
      "127.0.0.1", "localhost", "0x7f.1", "2130706433", "127.0.0.1.", "[::ffff:127.0.0.1]", "LOCALHOST.",
    ])
  func loopback(host: String) async throws {
    let server = try await WebhookScriptedServer { _, _ in .status(200) }
    defer { server.close() }
    let endpoint = WebhookFixtures.endpoint("http://\(host):\(server.port)/")
    try await WebhookFixtures.withSender(WebhookFixtures.configuration(allow: [""])) { sender in
      let attempt = await sender.attempt(endpoint, event: WebhookFixtures.event(1))
      #expect(attempt.error == "blocked_address")
      #expect(attempt.status == nil)
    }
    #expect(server.connections == 0)
    try await WebhookFixtures.withSender { sender in
      #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(1)).status == 200)
    }
  }

  @Test("of a name's addresses only the permitted ones are connected to")
  func mixed() async throws {
    let server = try await WebhookScriptedServer { _, _ in .status(200) }
    defer { server.close() }
    // More blocked ones than are ever tried: were one of them tried, the last would not be reached.
    let resolver = HostResolver { _ in (1...8).map { Self.address("10.0.0.\($0)") } + [Self.address("127.0.0.1")] }
    try await WebhookFixtures.withSender(resolver: resolver) { sender in
      let endpoint = WebhookFixtures.endpoint("http://mixed.test:\(server.port)/")
      #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(1)).status == 200)
      #expect(server.requests.first?.head.headers["host"] == ["mixed.test:\(server.port)"])
    }
  }

  @Test("a name is resolved again for every connection, so that one that turns inwards is caught")
  func rebinding() async throws {
    let server = try await WebhookScriptedServer { _, _ in .status(200, "connection: close\r\n") }
    defer { server.close() }
    let answers = Mutex(["127.0.0.1", "10.0.0.1"])
    let resolver = HostResolver { _ in
      [Self.address(answers.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] })]
    }
    try await WebhookFixtures.withSender(resolver: resolver) { sender in
      let endpoint = WebhookFixtures.endpoint("http://rebind.test:\(server.port)/")
      #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(1)).status == 200)
      #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(2)).error == "blocked_address")
    }
  }

  @Test("the next address is tried where one does not answer")
  func nextAddress() async throws {
    let server = try await WebhookScriptedServer { _, _ in .status(200) }
    defer { server.close() }
    let resolver = HostResolver { _ in ["127.0.0.2", "127.0.0.3", "127.0.0.1"].map(Self.address) }
    try await WebhookFixtures.withSender(resolver: resolver) { sender in
      let endpoint = WebhookFixtures.endpoint("http://several.test:\(server.port)/")
      #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(1)).status == 200)
    }
  }

  @Test("a name that does not exist, or has no address, is said to be so")
  func unresolved() async throws {
    let resolver = HostResolver { name in
      if name == "empty.test" { return [] }
      throw WebhookFailure.unresolvedHost
    }
    try await WebhookFixtures.withSender(resolver: resolver) { sender in
      for name in ["empty.test", "missing.test"] {
        let attempt = await sender.attempt(
          WebhookFixtures.endpoint("http://\(name)/"), event: WebhookFixtures.event(1))
        #expect(attempt.error == "unresolved_host")
      }
    }
  }

  @Test("a name whose servers hang costs its deadline, one thread, and no other name anything")
  func hangingName() async throws {
    let server = try await WebhookScriptedServer { _, _ in .status(200) }
    defer { server.close() }
    let release = DispatchSemaphore(value: 0)
    defer { release.signal() }
    let lookups = Mutex(0)
    let resolver = HostResolver { name in
      if name == "hang.test" {
        lookups.withLock { $0 += 1 }
        release.wait()
      }
      return [Self.address("127.0.0.1")]
    }
    // Two deadlines over one resolver: the live name must not depend on how fast this machine is.
    let patient = WebhookFixtures.configuration(timeout: 30)
    let impatient = WebhookFixtures.configuration(timeout: 0.5)
    try await WebhookFixtures.withSender(patient, resolver: resolver) { patient in
      try await WebhookFixtures.withSender(impatient, resolver: resolver) { impatient in
        await withTaskGroup(of: String?.self) { group in
          for seq in Int64(1)...20 {
            group.addTask {
              let endpoint = WebhookFixtures.endpoint("http://hang.test/")
              return await impatient.attempt(endpoint, event: WebhookFixtures.event(seq)).error
            }
          }
          for await error in group { #expect(error == "timeout") }
        }
        #expect(lookups.withLock { $0 } == 1)
        // The lookup still hangs.
        let live = WebhookFixtures.endpoint("http://live.test:\(server.port)/")
        #expect(await patient.attempt(live, event: WebhookFixtures.event(100)).status == 200)
      }
    }
  }

  @Test("many names whose servers hang delay no other name, at their first lookup and at every further one")
  func hangingNames() async throws {
    let server = try await WebhookScriptedServer { _, _ in .status(200) }
    defer { server.close() }
    let release = DispatchSemaphore(value: 0)
    defer { for _ in 1...200 { release.signal() } }
    let resolver = HostResolver(patience: .milliseconds(50)) { name in
      if name.hasPrefix("dead") {
        release.wait()
        throw WebhookFailure.unresolvedHost
      }
      return [Self.address("127.0.0.1")]
    }
    try await WebhookFixtures.withSender(WebhookFixtures.configuration(timeout: 20), resolver: resolver) { sender in
      for round in 1...3 {
        await withTaskGroup(of: Void.self) { group in
          for number in 1...10 {
            group.addTask {
              let dead = WebhookFixtures.endpoint("http://dead\(number).test/")
              #expect(await sender.attempt(dead, event: WebhookFixtures.event(1)).error == "unresolved_host")
            }
          }
          for number in 1...3 {
            let live = WebhookFixtures.endpoint("http://live\(round)-\(number).test:\(server.port)/")
            let attempt = await sender.attempt(live, event: WebhookFixtures.event(2))
            #expect(attempt.status == 200 && attempt.latency < .seconds(10))
          }
          // Their servers give up, at last.
          for _ in 1...10 { release.signal() }
        }
      }
    }
  }

  @Test("a name that was slow stands in a line of its own until it is quick again")
  func slowNames() {
    var queue = LookupQueue()
    func begun() -> [String] {
      var names: [String] = []
      while let name = queue.next() { names.append(name) }
      return names
    }
    let dead = (1...10).map { "dead\($0)" }
    for name in dead { queue.ask(name) }
    queue.ask("live")
    #expect(begun() == Array(dead.prefix(LookupQueue.quickLimit)))
    for name in dead.prefix(3) { queue.isLate(name) }
    #expect(begun() == ["dead9", "dead10", "live"])
    for name in dead.dropFirst(3) { queue.isLate(name) }
    for name in dead + ["live"] { queue.ended(name) }
    for name in dead + ["live"] { queue.ask(name) }
    #expect(begun() == ["live"] + dead.prefix(LookupQueue.slowLimit))
    // One of them answers in time.
    queue.ended("dead1")
    #expect(begun() == ["dead5"])
    queue.ask("dead1")
    #expect(begun() == ["dead1"])
  }

  @Test("the system's resolver gives the loopback address for localhost")
  func systemLookup() throws {
    let addresses = try HostResolver.systemLookup("localhost")
    #expect(addresses.contains(Self.address("127.0.0.1")) || addresses.contains(.v6(1)))
    #expect(Set(addresses).count == addresses.count)
  }
}
