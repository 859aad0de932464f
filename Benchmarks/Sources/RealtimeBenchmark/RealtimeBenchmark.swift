// The rounds: memory for each idle connection, then delivery at rates that rise.

import Foundation
import NIOCore
import NIOPosix

struct RealtimeBenchmark {
  var idle: Int
  var readers: Int
  var seconds: Int

  func run() async throws {
    let server = try ServerProcess()
    defer { server.end() }
    try await memory(server)
    print("deliveries to \(readers) connections, for \(seconds) s each:")
    for rate in [20_000, 50_000, 100_000, 150_000, 200_000] where rate / readers > 0 {
      try await deliver(rate / readers, server)
    }
  }

  /// Connections that are subscribed and hear nothing.
  private func memory(_ server: ServerProcess) async throws {
    // What the first connections load is not theirs.
    let first = try await ReaderGroup.open(20, port: server.port, samplesEvery: 1)
    let before = try server.residentKilobytes()
    let group = try await ReaderGroup.open(idle, port: server.port, samplesEvery: idle)
    let after = try server.residentKilobytes()
    print(
      "\(idle) open connections: \(after / 1_024) MiB resident, \((after - before) * 1_024 / idle) bytes for each "
        + "(\(before / 1_024) MiB before)")
    await group.close()
    await first.close()
  }

  private func deliver(_ rate: Int, _ server: ServerProcess) async throws {
    let group = try await ReaderGroup.open(readers, port: server.port, samplesEvery: 10)
    let (cpu, start) = (try server.processorSeconds(), ContinuousClock.now)
    let published = try server.publish(rate: rate, seconds: seconds)
    let wanted = published * readers
    let deadline = ContinuousClock.now + .seconds(30)
    while group.received < wanted, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(1)) }
    let elapsed = (ContinuousClock.now - start) / .seconds(1)
    let spent = try server.processorSeconds() - cpu
    let latencies = await group.latencies().sorted()
    func percentile(_ part: Double) -> String {
      guard !latencies.isEmpty else { return "-" }
      let index = min(latencies.count - 1, Int(Double(latencies.count) * part))
      return String(format: "%.1f", Double(latencies[index]) / 1e6)
    }
    let perSecond = Int(Double(group.received) / elapsed)
    print(
      "  asked \(rate * readers)/s: \(perSecond)/s, p50 \(percentile(0.5)) ms, p99 \(percentile(0.99)) ms, "
        + "lost \(wanted - group.received), server \(String(format: "%.2f", spent / elapsed)) processors")
    await group.close()
  }
}
