// The rounds, and what they come to.

import BenchmarkSupport
import Foundation

struct IngestBenchmark {
  let binary: String
  let messages: Int
  let rounds: Int
  let connections: Int
  /// Without the yardsticks, to compare two builds.
  let isAlone: Bool

  private struct Round {
    var gateway: LoadResult
    /// Of the gateway's process, for each message.
    var processorMicroseconds: Double
    /// Rows per second, by the place in `yardsticks`.
    var rates: [Double]

    var madePerSecond: Double { rates[IngestBenchmark.made] }
  }

  private static let yardsticks = [
    Yardstick(name: "singly, 1 connection", script: "single.sql", clients: 1, transactions: 3_000),
    Yardstick(name: "singly, 64 connections", script: "single.sql", clients: 64, transactions: 300),
    Yardstick(name: "by 256, 1 connection", script: "batch256.sql", rows: 256, clients: 1, transactions: 200),
    Yardstick(
      name: "by 256, 1 connection, plans of its own", script: "batch256.sql", rows: 256, clients: 1, transactions: 200,
      plansAsGateway: false),
    Yardstick(name: "by 256, 4 connections", script: "batch256.sql", rows: 256, clients: 4, transactions: 80),
    Yardstick(name: "by 256, 64 connections", script: "batch256.sql", rows: 256, clients: 64, transactions: 20),
    // Nothing written: what "by 256, 1 connection" spends before it writes.
    Yardstick(name: "rows made only", script: "batch256-made.sql", rows: 256, clients: 1, transactions: 200),
  ]
  private static let batches = 2
  private static let made = 6

  func run() async throws {
    // Under /tmp, so that the unprivileged user that PostgreSQL runs as can reach it.
    let directory = URL(filePath: "/tmp/fractal-benchmark-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    defer { try? FileManager.default.removeItem(at: directory) }
    let port = try await GatewayProcess.freePort()
    let factory = WebhookFactory(
      accountSID: "ACfeedc0de000000000000000000000001", authToken: "0123456789abcdef0123456789abcdef",
      publicURL: "http://localhost:\(port)", host: "localhost:\(port)", contacts: Pgbench.contacts)
    let gateway = try GatewayProcess(
      binary: URL(filePath: binary).path, directory: directory, port: port, accountSID: factory.accountSID,
      authToken: factory.authToken)
    defer { gateway.stop() }
    try await gateway.waitUntilReady()
    let pgbench = Pgbench(
      socket: directory.appending(path: ".fractal/postgres/run").path, database: "yardstick",
      scripts: URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "pgbench"))
    try pgbench.prepare()

    // Each contact writes at least once.
    let first = max(messages / 4, Pgbench.contacts)
    say("warming up: \(first) messages; contacts and conversations are made now")
    let warmUp = try await load(factory, port: port, run: 0, count: first)
    guard warmUp.refused == 0 else { throw BenchmarkFailure("\(warmUp.refused) requests were refused") }
    var acknowledged = warmUp.acknowledged
    var results: [Round] = []
    for round in 1...rounds {
      // Everybody begins the round with as many messages.
      let stored = acknowledged
      var result: (load: LoadResult, microseconds: Double)?
      var rates = [Double](repeating: 0, count: Self.yardsticks.count)
      // Everybody in another place in each round; nil is the gateway.
      let places: [Int?] = [nil] + (isAlone ? [] : Self.yardsticks.indices.map { $0 })
      let first = (round - 1) * 3 % places.count
      for place in places[first...] + places[..<first] {
        if let place {
          try pgbench.refill(rows: stored)
          try await settle(pgbench)
          rates[place] = try pgbench.measure(Self.yardsticks[place])
        } else {
          try await settle(pgbench)
          say(
            format(
              "the machine: a read takes %.0f ns within 256 kB, %.0f ns within 8 MB",
              MemoryLatency.nanoseconds(within: 256), MemoryLatency.nanoseconds(within: 8_192)))
          let before = gateway.processorSeconds
          let load = try await load(factory, port: port, run: round, count: messages)
          let used = gateway.processorSeconds - before
          guard load.refused == 0 else { throw BenchmarkFailure("\(load.refused) requests were refused") }
          acknowledged += load.acknowledged
          result = (load, used * 1_000_000 / Double(max(load.acknowledged, 1)))
        }
      }
      guard let result else { continue }
      results.append(Round(gateway: result.load, processorMicroseconds: result.microseconds, rates: rates))
      say(words(results[round - 1], round))
    }
    try checkStored(acknowledged, pgbench)
    summarize(results, gateway.memory)
  }

  /// The same state for everybody: nothing of what came before is still being written, and autovacuum has nothing of it to
  /// do, in either database. It may find something in what is measured.
  private func settle(_ pgbench: Pgbench) async throws {
    for database in isAlone ? ["postgres"] : ["postgres", pgbench.database] {
      try pgbench.psql(database, "VACUUM (ANALYZE) messages, events, conversations")
    }
    try pgbench.psql("postgres", "CHECKPOINT")
    try await Task.sleep(for: .seconds(2))
  }

  /// What was acknowledged is in the gateway's tables, each message once and with its event.
  private func checkStored(_ acknowledged: Int, _ pgbench: Pgbench) throws {
    let stored = try pgbench.psql(
      "postgres",
      """
      SELECT (SELECT count(*) FROM messages), (SELECT count(DISTINCT provider_sid) FROM messages),
        (SELECT count(*) FROM events WHERE type = 'message.new')
      """)
    let counts = stored.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
    guard counts == [acknowledged, acknowledged, acknowledged] else {
      throw BenchmarkFailure("\(acknowledged) were acknowledged; stored, provider's ids, events: \(counts)")
    }
    say("stored as acknowledged: \(acknowledged) messages, each with its event")
  }

  private func words(_ round: Round, _ number: Int) -> String {
    let load = round.gateway
    return format(
      "round %d: gateway %6.0f/s, p50 %5.2f ms, p99 %6.2f ms, %3.0f us of its CPU each and %2.0f of the sender's",
      number,
      load.perSecond, load.percentile(0.5), load.percentile(0.99), round.processorMicroseconds,
      load.processorSeconds * 1_000_000 / Double(max(load.acknowledged, 1)))
      + (isAlone ? "" : "; pgbench " + round.rates.map { format("%.0f", $0) }.joined(separator: ", "))
  }

  private func summarize(_ results: [Round], _ memory: (now: Double, peak: Double)) {
    say("")
    say(
      format(
        "median of %d rounds, %d connections: %.0f webhooks/s, p50 %.2f ms, p99 %.2f ms", rounds, connections,
        median(results.map(\.gateway.perSecond)), median(results.map { $0.gateway.percentile(0.5) }),
        median(results.map { $0.gateway.percentile(0.99) })))
    say(format("gateway memory: %.0f MB resident, %.0f MB at its highest", memory.now, memory.peak))
    if isAlone { return }
    for (index, yardstick) in Self.yardsticks.enumerated() where index != Self.made {
      say(
        format(
          "pgbench in the same rounds, %@: %.0f rows/s; the gateway is at %.2f of it (%@)", yardstick.name as NSString,
          median(results.map { $0.rates[index] }), median(results.map { $0.gateway.perSecond / $0.rates[index] }),
          results.map { format("%.2f", $0.gateway.perSecond / $0.rates[index]) }.joined(separator: ", ") as NSString))
    }
    let unmade = results.map { 1 / (1 / $0.rates[Self.batches] - 1 / $0.madePerSecond) }
    say(
      format(
        "by 256 over 1 connection, to make and read a row takes at most %.1f us of it: without that %.0f rows/s, %.2f",
        median(results.map { 1_000_000 / $0.madePerSecond }), median(unmade),
        median(zip(results, unmade).map { $0.gateway.perSecond / $1 })))
  }

  private func load(_ factory: WebhookFactory, port: Int, run: Int, count: Int) async throws -> LoadResult {
    // Made before the clock starts: signing is the sender's work.
    let requests = (0..<count).map { factory.request(run: run, number: $0) }
    return try await LoadGenerator.run(
      host: "127.0.0.1", port: port, connections: connections, requests: requests)
  }

  private func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard !sorted.isEmpty else { return 0 }
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
  }

  /// At once, also into a pipe.
  private func say(_ line: String) {
    FileHandle.standardOutput.write(Data((line + "\n").utf8))
  }

  private func format(_ text: String, _ values: any CVarArg...) -> String {
    String(format: text, arguments: values)
  }
}
