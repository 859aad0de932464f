// The sync of templates against a real store: when it happens, on which node, and what a failure does.

import ChannelProtocol
import GatewayTesting
import Logging
import Storage
import Synchronization
import Testing

@testable import Gateway

@Suite("The sync of templates", .timeLimit(.minutes(2)))
struct TemplateSyncTests {
  @Test("it happens at the start and from time to time, and a failure in between ends nothing")
  func running() async throws {
    try await Node.run { node in
      let provider = Provider()
      provider.fail(times: 1)
      var sync = node.sync(provider)
      sync.interval = .milliseconds(20)
      let running = Task { [sync] in try await sync.run() }
      try await node.has(["order"])
      provider.rename("parcel")
      try await node.has(["parcel"])
      #expect(provider.calls >= 3)
      running.cancel()
      await #expect(throws: CancellationError.self) { try await running.value }
    }
  }

  @Test("two nodes that are asked at once fetch one after the other, and both have an answer")
  func together() async throws {
    try await Node.run { node in
      let provider = Provider()
      let sync = node.sync(provider)
      try await withThrowingTaskGroup(of: Int.self) { group in
        for _ in 0..<4 { group.addTask { try await sync.syncNow().counts.total } }
        for try await total in group { #expect(total == 1) }
      }
      #expect(provider.calls == 4 && provider.mostAtOnce == 1)
    }
  }

  @Test("one account's failure is told after every account had its turn")
  func accounts() async throws {
    try await Node.run { node in
      let (broken, sound) = (Provider(), Provider())
      broken.fail(times: .max)
      let sync = TemplateSync(
        store: node.store, catalogs: [broken.catalog("AC1"), sound.catalog("AC2")], clock: SystemClock(),
        logger: ThrowawayDatabase.silentLogger)
      await #expect(throws: TemplateSyncFailure.self) { try await sync.syncNow() }
      #expect(try await node.names() == ["order"])
      let states = try await node.store.templateSyncs()
      #expect(states.map(\.accountSID) == ["AC1", "AC2"])
      #expect(states[0].lastError == "20003: Authenticate" && states[0].lastSuccessAt == nil)
      #expect(states[1].lastError == nil && states[1].lastSuccessAt != nil)
    }
  }

  @Test("what an account left behind that is no longer configured goes at the start")
  func formerAccounts() async throws {
    try await Node.run { node in
      let provider = Provider()
      _ = try await node.sync(provider).syncNow()
      let sync = TemplateSync(
        store: node.store, catalogs: [], clock: SystemClock(), logger: ThrowawayDatabase.silentLogger)
      let running = Task { try await sync.run() }
      try await node.has([])
      running.cancel()
      _ = await running.result
    }
  }
}

/// A provider with one template.
private final class Provider: Sendable {
  private struct State {
    var name = "order"
    var failures = 0
    var calls = 0
    var running = 0
    var mostAtOnce = 0
  }

  private let state = Mutex(State())

  var calls: Int { state.withLock(\.calls) }
  var mostAtOnce: Int { state.withLock(\.mostAtOnce) }
  func fail(times: Int) { state.withLock { $0.failures = times } }
  func rename(_ name: String) { state.withLock { $0.name = name } }

  func catalog(_ account: String) -> TemplateSync.Catalog {
    TemplateSync.Catalog(accountSID: account) { () async throws(SendFailure) in try await self.templates() }
  }

  private func templates() async throws(SendFailure) -> [TemplateRecord] {
    let (name, fails) = state.withLock { state in
      state.calls += 1
      state.running += 1
      state.mostAtOnce = max(state.mostAtOnce, state.running)
      defer { state.failures = max(0, state.failures - 1) }
      return (state.name, state.failures > 0)
    }
    // Lets the others have a try meanwhile.
    for _ in 0..<100 { await Task.yield() }
    state.withLock { $0.running -= 1 }
    if fails { throw SendFailure(.misconfigured, code: "20003", message: "Authenticate") }
    return [TemplateRecord(sid: "HX1", name: name, language: "en", types: [:])]
  }
}

/// A store of the test's own.
private struct Node: Sendable {
  let store: PostgresMessageStore

  static func run(_ body: (Node) async throws -> Void) async throws {
    let database = try await ThrowawayDatabase.make()
    let store = PostgresMessageStore(
      configuration: database.configuration, context: ResourceContext(publicURL: "http://localhost"),
      logger: ThrowawayDatabase.silentLogger)
    try store.start()
    let result: Result<Void, any Error>
    do { result = .success(try await body(Node(store: store))) } catch { result = .failure(error) }
    await store.close()
    try? await database.drop()
    try result.get()
  }

  func sync(_ provider: Provider) -> TemplateSync {
    TemplateSync(
      store: store, catalogs: [provider.catalog("AC1")], clock: SystemClock(), logger: ThrowawayDatabase.silentLogger)
  }

  /// Waits until these are the templates.
  func has(_ expected: [String]) async throws {
    let came = try await eventually { try await names() == expected }
    #expect(came, "the templates are not \(expected)")
  }

  func names() async throws -> [String] {
    try await store.templates(TemplateQuery(), page: PageRequest()).items.map(\.record.name)
  }
}
