// The programs that are measured, as child processes.

package import Foundation
import NIOCore
import NIOPosix

package struct BenchmarkFailure: Error, CustomStringConvertible {
  package var description: String
  package init(_ description: String) { self.description = description }
}

/// The gateway, in a directory of its own, with its private PostgreSQL.
package final class GatewayProcess {
  private let process = Process()
  package let directory: URL
  package let port: Int

  /// A port that nobody has at this moment.
  package static func freePort() async throws -> Int {
    let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
      .bind(host: "127.0.0.1", port: 0).get()
    let port = channel.localAddress?.port
    try await channel.close()
    guard let port else { throw BenchmarkFailure("no port is free") }
    return port
  }

  /// - Parameter environment: further variables.
  package init(
    binary: String, directory: URL, port: Int, accountSID: String, authToken: String,
    environment: [String: String] = [:]
  ) throws {
    self.directory = directory
    self.port = port
    try Self.configuration.write(
      to: directory.appending(path: "channels.yaml"), atomically: true, encoding: .utf8)
    process.executableURL = URL(filePath: binary)
    process.arguments = ["serve"]
    process.currentDirectoryURL = directory
    process.environment = environment.merging([
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "PORT": "\(port)",
      "TWILIO_ACCOUNT_SID": accountSID, "TWILIO_AUTH_TOKEN": authToken, "LOG_LEVEL": "warning",
    ]) { given, _ in given }
    process.standardOutput = FileHandle.nullDevice
    process.standardError =
      FileHandle(
        forWritingAtPath: Self.makeFile(directory.appending(path: "gateway.log").path)) ?? .nullDevice
    try process.run()
  }

  private static func makeFile(_ path: String) -> String {
    _ = FileManager.default.createFile(atPath: path, contents: nil)
    return path
  }

  /// One SMS channel, and the sinks that a plain deployment has.
  private static let configuration = """
    server: { host: 127.0.0.1, port: "${PORT}", publicURL: "http://localhost:${PORT}" }
    accounts:
      - { id: main, accountSID: "${TWILIO_ACCOUNT_SID}", authTokens: ["${TWILIO_AUTH_TOKEN}"] }
    channels:
      - { id: sms, type: sms, account: main, from: ["+15005550006"] }
    sinks:
      - { type: log }
      - { type: websocket }
      - { type: webhook, allow: ["${WEBHOOK_ALLOW:-}"] }
    limits: { requestsPerSecond: "${RATE_LIMIT:-100}" }
    """

  package func waitUntilReady() async throws {
    let deadline = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < deadline {
      if (try? run("curl", ["-sf", "http://127.0.0.1:\(port)/ready"])) != nil { return }
      guard process.isRunning else { throw BenchmarkFailure("the gateway ended; see gateway.log in \(directory.path)") }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw BenchmarkFailure("the gateway did not get ready")
  }

  /// Resident memory in MB, now and at its highest.
  package var memory: (now: Double, peak: Double) {
    let status = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)) ?? ""
    func megabytes(_ name: String) -> Double {
      let line = status.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
      return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Double($0) } ?? 0) / 1_024
    }
    return (megabytes("VmRSS:"), megabytes("VmHWM:"))
  }

  /// Seconds of processor time used so far.
  package var processorSeconds: Double {
    let text = (try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)) ?? ""
    let fields = (text.split(separator: ")").last ?? "").split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return 0 }
    return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  package func stop() {
    process.terminate()
    process.waitUntilExit()
  }
}

/// Runs a program to its end and gives its output.
@discardableResult
package func run(_ program: String, _ arguments: [String], input: String? = nil) throws -> String {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = [program] + arguments
  let output = Pipe()
  process.standardOutput = output
  let errors = Pipe()
  process.standardError = errors
  try process.run()
  let bytes = output.fileHandleForReading.readDataToEndOfFile()
  let words = errors.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    throw BenchmarkFailure("\(program) failed: \(String(decoding: words, as: UTF8.self))")
  }
  return String(decoding: bytes, as: UTF8.self)
}
