// The rounds, and what they come to.

import Foundation

struct IngestBenchmark {
  let binary: String
  let messages: Int
  let rounds: Int
  let connections: Int

  private struct Round {
    var gateway: LoadResult
    var single: Double
    var batched: Double
    var processorMicroseconds: Double
  }

  func run() async throws {
    // Under /tmp, so that the unprivileged user that PostgreSQL runs as can reach it.
    let directory = URL(filePath: "/tmp/fractal-benchmark-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    defer { try? FileManager.default.removeItem(at: directory) }
    let port = 20_000 + Int.random(in: 0..<20_000)
    let factory = WebhookFactory(
      accountSID: "ACfeedc0de000000000000000000000001", authToken: "0123456789abcdef0123456789abcdef",
      publicURL: "http://localhost:\(port)", host: "localhost:\(port)", contacts: 5_000)
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
      try pgbench.clear()
      let single = try pgbench.measure(script: "single.sql", clients: 64, transactions: 300, rowsPerTransaction: 1)
      try pgbench.clear()
      let batched = try pgbench.measure(script: "batch256.sql", clients: 4, transactions: 80, rowsPerTransaction: 256)
      let before = gateway.processorSeconds
      let result = try await load(factory, port: port, run: round, count: messages)
      let used = (gateway.processorSeconds - before) * 1_000_000 / Double(max(result.acknowledged, 1))
      guard result.refused == 0 else { throw BenchmarkFailure("\(result.refused) requests were refused") }
      results.append(Round(gateway: result, single: single, batched: batched, processorMicroseconds: used))
      say(
        format(
          "round %d: gateway %6.0f/s, p50 %5.2f ms, p99 %6.2f ms, %3.0f us of CPU each; rows singly %6.0f/s, by 256 %6.0f/s; gateway/batched %.2f, gateway/single %.1f",
          round, result.perSecond, result.percentile(0.5), result.percentile(0.99), used, single, batched,
          result.perSecond / batched, result.perSecond / single))
    }
    let memory = gateway.memory
    say("")
    say(
      format(
        "median of %d rounds, %d connections: %.0f webhooks/s, p50 %.2f ms, p99 %.2f ms", rounds, connections,
        median(results.map(\.gateway.perSecond)), median(results.map { $0.gateway.percentile(0.5) }),
        median(results.map { $0.gateway.percentile(0.99) })))
    say(
      format(
        "pgbench in the same run: %.0f/s singly (64 clients), %.0f/s by 256 (4 clients)",
        median(results.map(\.single)), median(results.map(\.batched))))
    say(
      format(
        "ratios: %.2f of the batches, %.1f times the single rows",
        median(results.map { $0.gateway.perSecond / $0.batched }),
        median(results.map { $0.gateway.perSecond / $0.single })))
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
