// The server as a child of this process: told what to publish on its standard input.

import Foundation

struct BenchmarkFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

final class ServerProcess {
  let port: Int
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()
  private var pending = Data()

  init() throws {
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = ["serve"]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    var pending = Data()
    guard let port = try Int(Self.line(output, &pending)) else { throw BenchmarkFailure("the server has no port") }
    self.port = port
    self.pending = pending
  }

  /// Publishes evenly; returns when the last event is out of the publisher's hands.
  /// - Returns: how many there were.
  func publish(rate: Int, seconds: Int) throws -> Int {
    try input.fileHandleForWriting.write(contentsOf: Data("\(rate) \(seconds)\n".utf8))
    guard let count = try Int(Self.line(output, &pending)) else { throw BenchmarkFailure("the server is gone") }
    return count
  }

  func end() {
    try? input.fileHandleForWriting.close()
    process.terminate()
    process.waitUntilExit()
  }

  private static func line(_ pipe: Pipe, _ pending: inout Data) throws -> String {
    while true {
      if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        defer { pending = Data(pending[(end + 1)...]) }
        return String(decoding: pending[..<end], as: UTF8.self)
      }
      let data = pipe.fileHandleForReading.availableData
      guard !data.isEmpty else { throw BenchmarkFailure("the server has ended") }
      pending += data
    }
  }

  // MARK: What it takes

  func residentKilobytes() throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
    return line.flatMap { Int($0.filter(\.isNumber)) } ?? 0
  }

  func processorSeconds() throws -> Double {
    let text = try String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)
    // Behind the name, which may hold blanks: utime and stime are the 12th and 13th.
    let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
    let ticks = (Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0)
    return ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
  }
}
