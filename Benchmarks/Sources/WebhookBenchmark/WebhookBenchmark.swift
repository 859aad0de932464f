// The phases, and what they come to.

import BenchmarkSupport
import Foundation

struct WebhookBenchmark {
  let binary: String
  /// Messages a second that come in during the long phase; each is one delivery to every endpoint.
  let rate: Int
  let endpoints: Int
  let seconds: Int

  func run() async throws {
    // Under /tmp, so that the unprivileged user that PostgreSQL runs as can reach it.
    let directory = URL(filePath: "/tmp/fractal-benchmark-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    defer { try? FileManager.default.removeItem(at: directory) }
    let port = try await GatewayProcess.freePort()
    let factory = WebhookFactory(
      accountSID: "ACfeedc0de000000000000000000000001", authToken: "0123456789abcdef0123456789abcdef",
      publicURL: "http://localhost:\(port)", host: "localhost:\(port)", contacts: 5_000)
    let gateway = try GatewayProcess(
      binary: URL(filePath: binary).path, directory: directory, port: port, accountSID: factory.accountSID,
      authToken: factory.authToken, environment: ["WEBHOOK_ALLOW": "loopback"])
    defer { gateway.stop() }
    try await gateway.waitUntilReady()
    let receiver = try await Receiver()
    let key = try String(contentsOf: directory.appending(path: ".fractal/api-key"), encoding: .utf8)
      .trimmingCharacters(in: .whitespacesAndNewlines)

    say("warming up: 10000 messages, whose contacts and conversations are made now")
    _ = try await load(factory, port: port, run: 0, count: 10_000, rate: nil)
    for number in 1...endpoints {
      try BenchmarkSupport.run(
        "curl",
        [
          "-sf", "-H", "Authorization: Bearer \(key)", "-H", "Content-Type: application/json", "-d",
          "{\"url\":\"http://127.0.0.1:\(receiver.port)/\(number)\",\"events\":[\"message.new\"]}",
          "http://127.0.0.1:\(port)/api/webhooks",
        ])
    }

    let calm = 2_000 / endpoints
    _ = try await load(factory, port: port, run: 1, count: calm, rate: Double(200 / endpoints))
    try await wait(for: calm * endpoints, at: receiver)
    let lags = receiver.take().map(\.lag).sorted()
    say(
      format(
        "%d deliveries at 200 a second, from the event to its receipt: p50 %.1f ms, p99 %.1f ms, worst %.1f ms",
        lags.count, percentile(lags, 0.5), percentile(lags, 0.99), lags.last ?? 0))

    let count = rate * seconds
    let before = gateway.processorSeconds
    let result = try await load(factory, port: port, run: 2, count: count, rate: Double(rate))
    let behind = count * endpoints - receiver.count
    try await wait(for: count * endpoints, at: receiver)
    let used = (gateway.processorSeconds - before) * 1_000_000 / Double(count * endpoints)
    let receipts = receiver.take()
    let busy = receipts.map(\.lag).sorted()
    let time = ((receipts.last?.at ?? .now) - (receipts.first?.at ?? .now)) / .seconds(1)
    say(
      format(
        """
        %d messages a second to %d endpoints for %.0f s: %.0f deliveries/s, %d behind at the end of the load; from the \
        event to its receipt p50 %.1f ms, p99 %.1f ms; %.0f us of the gateway's processor time each
        """,
        rate, endpoints, result.seconds, Double(receipts.count) / time, behind, percentile(busy, 0.5),
        percentile(busy, 0.99), used))

    let flood = 20_000
    _ = try await load(factory, port: port, run: 3, count: flood, rate: nil)
    let start = ContinuousClock.now
    let left = flood * endpoints - receiver.count
    try await wait(for: flood * endpoints, at: receiver)
    let drained = ((receiver.take().last?.at ?? .now) - start) / .seconds(1)
    say(
      format("%d messages at once: the last %d deliveries at %.0f/s", flood, left, Double(left) / max(drained, 0.001)))
    let memory = gateway.memory
    say(format("gateway memory: %.0f MB resident, %.0f MB at its highest", memory.now, memory.peak))
  }

  private func load(_ factory: WebhookFactory, port: Int, run: Int, count: Int, rate: Double?) async throws
    -> LoadResult
  {
    // Made before the clock starts: signing is the sender's work.
    let requests = (0..<count).map { factory.request(run: run, number: $0) }
    let result = try await LoadGenerator.run(
      host: "127.0.0.1", port: port, connections: 32, requests: requests, rate: rate)
    guard result.refused == 0 else { throw BenchmarkFailure("\(result.refused) requests were refused") }
    return result
  }

  private func wait(for count: Int, at receiver: Receiver) async throws {
    let deadline = ContinuousClock.now + .seconds(180)
    while receiver.count < count {
      guard ContinuousClock.now < deadline else {
        throw BenchmarkFailure("\(receiver.count) of \(count) deliveries have come")
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  private func percentile(_ sorted: [Double], _ fraction: Double) -> Double {
    sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * fraction))]
  }

  /// At once, also into a pipe.
  private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }

  private func format(_ text: String, _ values: any CVarArg...) -> String { String(format: text, arguments: values) }
}
