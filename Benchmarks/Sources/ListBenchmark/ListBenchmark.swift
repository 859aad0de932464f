// Every list, filter and search, many times each, and what it takes.

import BenchmarkSupport
import Foundation

struct ListBenchmark {
  let binary: String
  let requests: Int
  let messages: Int
  let contacts: Int

  private struct Measurement {
    var name: String
    var rows: Int
    var milliseconds: [Double]

    func percentile(_ share: Double) -> Double {
      milliseconds[min(milliseconds.count - 1, Int(Double(milliseconds.count) * share))]
    }
  }

  func run() async throws {
    // Under /tmp, so that the unprivileged user that PostgreSQL runs as can reach it.
    let directory = URL(filePath: "/tmp/fractal-lists-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    defer { try? FileManager.default.removeItem(at: directory) }
    let gateway = try GatewayProcess(
      binary: URL(filePath: binary).path, directory: directory, port: try await GatewayProcess.freePort(),
      accountSID: "ACfeedc0de000000000000000000000001", authToken: "0123456789abcdef0123456789abcdef",
      environment: ["RATE_LIMIT": "0"])
    defer { gateway.stop() }
    try await gateway.waitUntilReady()
    let archive = Archive(
      socket: directory.appending(path: ".fractal/postgres/run").path, messages: messages, contacts: contacts)
    say("loading \(messages) messages and \(contacts) contacts")
    try archive.load()
    let key = try String(contentsOf: directory.appending(path: ".fractal/api-key"), encoding: .utf8)
    let client = try KeepAliveClient(
      port: gateway.port, key: key.trimmingCharacters(in: .whitespacesAndNewlines))
    let questions = try Questions(archive, messages: messages, contacts: contacts, client: client)
    say(pad("", 52) + "   rows    p50 ms    p99 ms")
    var slow = 0
    for question in questions.all {
      let measurement = try measure(question, client)
      let median = measurement.percentile(0.5)
      if median >= 30 { slow += 1 }
      say(
        pad(question.name, 52)
          + String(format: "%7d %9.2f %9.2f", measurement.rows, median, measurement.percentile(0.99))
          + (median >= 30 ? "  <- 30 ms or more" : ""))
    }
    say(slow == 0 ? "every median is under 30 ms" : "\(slow) medians are 30 ms or more")
  }

  private func measure(_ question: Question, _ client: KeepAliveClient) throws -> Measurement {
    var rows = 0
    var times: [Double] = []
    // Bounded also where an answer takes seconds.
    let deadline = ContinuousClock.now + .seconds(20)
    for number in 0..<requests + 3 {
      let path = question.path(number)
      let start = ContinuousClock.now
      let body = try client.get(path)
      let taken = ContinuousClock.now - start
      // The first ones prepare their statements.
      if number >= 3 || start > deadline {
        times.append(Double(taken.components.attoseconds) / 1e15 + Double(taken.components.seconds) * 1e3)
      }
      rows = max(rows, body.ranges(of: Array("\"createdAt\"".utf8)).count)
      if start > deadline { break }
    }
    return Measurement(name: question.name, rows: rows, milliseconds: times.sorted())
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// At once, also into a pipe.
  private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
