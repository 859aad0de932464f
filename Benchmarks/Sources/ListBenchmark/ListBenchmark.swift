// Every list, filter and search, many times each, and what it takes.

import BenchmarkSupport
import Foundation

struct ListBenchmark {
  let binary: String
  let requests: Int
  let messages: Int
  let contacts: Int
  /// Where the archive stays, and is found the next time; nil: it is made anew, and goes.
  let kept: String?
  /// Parts of the questions that are asked; none: all are.
  let only: [String]

  private static let limit = 30.0

  private struct Measurement {
    var question: String
    var rows: Int
    var milliseconds: [Double]

    func percentile(_ share: Double) -> Double {
      milliseconds[min(milliseconds.count - 1, Int(Double(milliseconds.count) * share))]
    }
  }

  func run() async throws {
    // Under /tmp, so that the unprivileged user that PostgreSQL runs as can reach it.
    let directory = URL(filePath: kept ?? "/tmp/fractal-lists-\(ProcessInfo.processInfo.processIdentifier)")
    try FileManager.default.createDirectory(
      at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    defer { if kept == nil { try? FileManager.default.removeItem(at: directory) } }
    let gateway = try GatewayProcess(
      binary: URL(filePath: binary).path, directory: directory, port: try await GatewayProcess.freePort(),
      accountSID: "ACfeedc0de000000000000000000000001", authToken: "0123456789abcdef0123456789abcdef",
      environment: ["RATE_LIMIT": "0"])
    defer { gateway.stop() }
    try await gateway.waitUntilReady()
    let archive = Archive(
      socket: directory.appending(path: ".fractal/postgres/run").path, messages: messages, contacts: contacts)
    try fill(archive, in: directory)
    let key = try String(contentsOf: directory.appending(path: ".fractal/api-key"), encoding: .utf8)
    let client = try KeepAliveClient(
      port: gateway.port, key: key.trimmingCharacters(in: .whitespacesAndNewlines))
    var landmarks = try Landmarks(
      archive, contacts: contacts, client: client, file: directory.appending(path: "cursors"))
    say(pad("", 68) + "   rows    p50 ms    p99 ms")
    var measured: [Measurement] = []
    for question in Questions.all where only.isEmpty || only.contains(where: question.contains) {
      let measurement = try measure(question, try landmarks.paths(question), client)
      measured.append(measurement)
      let median = measurement.percentile(0.5)
      say(
        pad(question, 68)
          + String(format: "%7d %9.2f %9.2f", measurement.rows, median, measurement.percentile(0.99))
          + (median >= Self.limit ? "  <- \(Int(Self.limit)) ms or more" : ""))
    }
    conclude(measured)
  }

  /// Loads the archive, unless it was kept.
  private func fill(_ archive: Archive, in directory: URL) throws {
    let mark = directory.appending(path: "loaded")
    let wanted = "\(messages) messages, \(contacts) contacts"
    if let loaded = try? String(contentsOf: mark, encoding: .utf8) {
      guard loaded == wanted else { throw BenchmarkFailure("\(directory.path) holds \(loaded)") }
      return
    }
    guard try archive.value("SELECT count(*) FROM (SELECT FROM messages LIMIT 1) m") == "0" else {
      throw BenchmarkFailure("\(directory.path) holds messages of something else, or of a load that did not end")
    }
    say("loading \(wanted)")
    try archive.load()
    try wanted.write(to: mark, atomically: true, encoding: .utf8)
  }

  private func conclude(_ measured: [Measurement]) {
    let fast = measured.filter { $0.percentile(0.5) < Self.limit }
    let slowest = measured.max { $0.percentile(0.5) < $1.percentile(0.5) }
    say(
      "\(fast.count) of \(measured.count) medians are under \(Int(Self.limit)) ms; the slowest is "
        + String(format: "%.2f ms: ", slowest?.percentile(0.5) ?? 0) + (slowest?.question ?? ""))
  }

  private func measure(_ question: String, _ paths: [String], _ client: KeepAliveClient) throws -> Measurement {
    var rows = 0
    var times: [Double] = []
    // Bounded also where an answer takes seconds.
    let deadline = ContinuousClock.now + .seconds(20)
    for number in 0..<requests + 3 {
      let start = ContinuousClock.now
      let body = try client.get(paths[number % paths.count])
      let taken = ContinuousClock.now - start
      // The first ones prepare their statements.
      if number >= 3 || start > deadline {
        times.append(Double(taken.components.attoseconds) / 1e15 + Double(taken.components.seconds) * 1e3)
      }
      if number < 3 { rows = max(rows, Self.rows(of: body)) }
      if start > deadline { break }
    }
    return Measurement(question: question, rows: rows, milliseconds: times.sorted())
  }

  /// Elements of a list; 1 where it is none.
  private static func rows(of body: [UInt8]) -> Int {
    let answer = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
    return (answer?["data"] as? [Any])?.count ?? 1
  }

  private func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// At once, also into a pipe.
  private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}
