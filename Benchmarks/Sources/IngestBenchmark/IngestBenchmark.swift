// The rounds, and what they come to.

import BenchmarkSupport
import Foundation

struct IngestBenchmark {
  let binary: String
  let messages: Int
  let rounds: Int
  let connections: Int

  private struct Round {
    var gateway: LoadResult
    var yardsticks: [Double]
    var processorMicroseconds: Double
  }

  /// The same rows, written by pgbench: over one connection, as the gateway's lane has one, and over as many as suit
  /// the method best here.
  private struct Yardstick {
    var name: String
    var script: String
    var clients: Int
    var transactions: Int
    var rows: Int
  }

  private static let yardsticks = [
    Yardstick(name: "singly, 1 connection", script: "single.sql", clients: 1, transactions: 3_000, rows: 1),
    Yardstick(name: "singly, 64 connections", script: "single.sql", clients: 64, transactions: 300, rows: 1),
    Yardstick(name: "by 256, 1 connection", script: "batch256.sql", clients: 1, transactions: 200, rows: 256),
    Yardstick(name: "by 256, 4 connections", script: "batch256.sql", clients: 4, transactions: 80, rows: 256),
    Yardstick(name: "by 256, 64 connections", script: "batch256.sql", clients: 64, transactions: 20, rows: 256),
  ]

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

    say("warming up: \(messages / 4) messages; contacts and conversations are made now")
    _ = try await load(factory, port: port, run: 0, count: messages / 4)
    var results: [Round] = []
    for round in 1...rounds {
      let stored = messages / 4 + (round - 1) * messages
      let rates = try Self.yardsticks.map { yardstick in
        try pgbench.refill(rows: stored)
        return try pgbench.measure(
          script: yardstick.script, clients: yardstick.clients, transactions: yardstick.transactions,
          rowsPerTransaction: yardstick.rows)
      }
      let before = gateway.processorSeconds
      let result = try await load(factory, port: port, run: round, count: messages)
      let used = (gateway.processorSeconds - before) * 1_000_000 / Double(max(result.acknowledged, 1))
      guard result.refused == 0 else { throw BenchmarkFailure("\(result.refused) requests were refused") }
      results.append(Round(gateway: result, yardsticks: rates, processorMicroseconds: used))
      say(
        format(
          "round %d: gateway %6.0f/s, p50 %5.2f ms, p99 %6.2f ms, %3.0f us of its CPU each and %2.0f of the sender's",
          round, result.perSecond, result.percentile(0.5), result.percentile(0.99), used,
          result.processorSeconds * 1_000_000 / Double(max(result.acknowledged, 1)))
          + "; pgbench " + rates.map { format("%.0f", $0) }.joined(separator: ", "))
    }
    let memory = gateway.memory
    say("")
    say(
      format(
        "median of %d rounds, %d connections: %.0f webhooks/s, p50 %.2f ms, p99 %.2f ms", rounds, connections,
        median(results.map(\.gateway.perSecond)), median(results.map { $0.gateway.percentile(0.5) }),
        median(results.map { $0.gateway.percentile(0.99) })))
    for (index, yardstick) in Self.yardsticks.enumerated() {
      say(
        format(
          "pgbench in the same rounds, %@: %.0f rows/s; the gateway is at %.2f of it", yardstick.name as NSString,
          median(results.map { $0.yardsticks[index] }),
          median(results.map { $0.gateway.perSecond / $0.yardsticks[index] })))
    }
    say(format("gateway memory: %.0f MB resident, %.0f MB at its highest", memory.now, memory.peak))
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
