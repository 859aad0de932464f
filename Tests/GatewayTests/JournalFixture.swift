// A journal in a directory of its own, for one test.

import ChannelProtocol
import Foundation
import Logging
import Synchronization

@testable import Gateway

/// A directory that is gone with the fixture, and journals in it.
final class JournalFixture {
  let directory: String

  init() {
    directory = NSTemporaryDirectory() + "journal-\(UUID().uuidString)"
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  func open(
    maximumBytes: Int = 1 << 30, segmentBytes: Int = 1 << 20, patience: Duration = .seconds(20),
    synchronize: @escaping @Sendable (Int32) -> Int32 = { fsync($0) }
  ) throws -> Journal {
    try Journal(
      directory: directory, maximumBytes: maximumBytes, segmentBytes: segmentBytes, patience: patience,
      synchronize: synchronize, logger: .silent)
  }

  /// What a crash at this moment leaves: a copy of all files.
  func crashed() throws -> JournalFixture {
    let copy = JournalFixture()
    try FileManager.default.copyItem(atPath: directory, toPath: copy.directory)
    return copy
  }

  /// The names of all segments, oldest first.
  func segments() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".journal") }.sorted()
  }

  func contains(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(directory)/\(name)") }

  func content(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(name)")))
  }

  func replace(_ name: String, with bytes: [UInt8]) throws {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
  }
}

extension JournalEntry {
  static func numbered(_ number: Int, body: [UInt8]? = nil) -> JournalEntry {
    JournalEntry(
      receivedAt: Timestamp(seconds: Int64(number)), method: "POST", target: "/webhooks/twilio/incoming?n=\(number)",
      headers: [("content-type", "application/x-www-form-urlencoded"), ("x-twilio-signature", "s\(number)")],
      body: body ?? Array("MessageSid=SM\(number)".utf8))
  }

  var number: Int { Int(receivedAt.microseconds / 1_000_000) }
}

extension Journal {
  func append(_ numbers: some Sequence<Int>) async throws {
    for number in numbers { try await append(.numbered(number)) }
  }

  /// Drains to the end.
  func drained() async throws -> [Int] {
    var numbers: [Int] = []
    try await drain { numbers.append($0.number) }
    return numbers
  }
}

extension Logger {
  static var silent: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}

/// Holds whoever comes through until it is opened.
final class JournalGate: Sendable {
  private let isOpen = Mutex(false)
  private let opened = DispatchSemaphore(value: 0)
  let passages = Mutex(0)

  /// As `fsync`.
  func pass(_ descriptor: Int32) -> Int32 {
    passages.withLock { $0 += 1 }
    if !isOpen.withLock({ $0 }) {
      opened.wait()
      opened.signal()
    }
    return fsync(descriptor)
  }

  func open() {
    isOpen.withLock { $0 = true }
    opened.signal()
  }
}

/// What several tasks of a test write down.
final class JournalNote<Value: Sendable>: Sendable {
  let value: Mutex<Value>

  init(_ value: Value) { self.value = Mutex(value) }
}
