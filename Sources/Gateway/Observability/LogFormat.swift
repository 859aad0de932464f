// How a log record becomes a line.

import ChannelProtocol
import Logging

/// The two forms of a line.
enum LogFormat: String, Hashable, Sendable {
  case json, text

  /// The record with its line feed, which is the only one in it.
  func line(_ record: LogRecord) -> [UInt8] {
    switch self {
    case .json: Self.jsonLine(record)
    case .text: Self.textLine(record)
    }
  }

  // MARK: JSON

  private static let reserved: Set<String> = ["time", "level", "label", "message", "error", "errorType"]

  private static func jsonLine(_ record: LogRecord) -> [UInt8] {
    var writer = JSONWriter(capacity: 256)
    writer.object { writer in
      writer.member("time", record.time)
      writer.member("level", record.level.rawValue)
      writer.member("label", record.label)
      writer.member("message", record.message)
      if let error = record.error {
        writer.member("error", String(describing: error))
        writer.member("errorType", String(reflecting: type(of: error)))
      }
      for (key, value) in record.metadata.sorted(by: { $0.key < $1.key }) {
        // `error` is free where the record has no error of its own: most call sites pass one as metadata.
        let isTaken = reserved.contains(key) && (record.error != nil || !key.hasPrefix("error"))
        writer.key(isTaken ? "_" + key : key)
        write(value, key: key, level: record.level, to: &writer)
      }
    }
    return writer.bytes + [UInt8(ascii: "\n")]
  }

  private static func write(
    _ value: Logger.MetadataValue, key: String, level: Logger.Level, to writer: inout JSONWriter
  ) {
    guard !LogRedaction(key: key).hides(at: level) else { return writer.value(LogRedaction.replacement) }
    switch value {
    case .string(let text): writer.value(text)
    case .stringConvertible(let value):
      switch value {
      case let value as Bool: writer.value(value)
      case let value as Int: writer.value(value)
      case let value as Double: writer.value(value)
      default: writer.value(value.description)
      }
    case .array(let elements):
      writer.array { writer in
        for element in elements { write(element, key: key, level: level, to: &writer) }
      }
    case .dictionary(let members):
      writer.object { writer in
        for (key, value) in members.sorted(by: { $0.key < $1.key }) {
          writer.key(key)
          write(value, key: key, level: level, to: &writer)
        }
      }
    }
  }

  // MARK: Text

  private static func textLine(_ record: LogRecord) -> [UInt8] {
    var line: [UInt8] = []
    line.reserveCapacity(160)
    record.time.append(to: &line)
    let level = record.level.rawValue.uppercased()
    line += " \(level)\(String(repeating: " ", count: max(0, 8 - level.utf8.count))) \(record.label): ".utf8
    printable(record.message, into: &line)
    if let error = record.error {
      line += " error=".utf8
      appendText(.string(String(describing: error)), key: "error", level: record.level, into: &line)
    }
    for (key, value) in record.metadata.sorted(by: { $0.key < $1.key }) {
      line.append(UInt8(ascii: " "))
      printable(key, into: &line)
      line.append(UInt8(ascii: "="))
      appendText(value, key: key, level: record.level, into: &line)
    }
    line.append(UInt8(ascii: "\n"))
    return line
  }

  private static func appendText(
    _ value: Logger.MetadataValue, key: String, level: Logger.Level, into line: inout [UInt8]
  ) {
    if LogRedaction(key: key).hides(at: level) {
      line += LogRedaction.replacement.utf8
      return
    }
    let text: String
    switch value {
    case .string(let string): text = string
    case .stringConvertible(let value): text = value.description
    case .array, .dictionary:
      var writer = JSONWriter(capacity: 64)
      write(value, key: key, level: level, to: &writer)
      return printable(writer.string, into: &line)
    }
    let needsQuotes = text.isEmpty || text.utf8.contains { $0 <= 0x20 || $0 == UInt8(ascii: "\"") }
    if needsQuotes { line.append(UInt8(ascii: "\"")) }
    printable(
      needsQuotes ? text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"") : text,
      into: &line)
    if needsQuotes { line.append(UInt8(ascii: "\"")) }
  }

  /// Control characters (C0, delete and C1) as escapes: a stranger's text neither breaks a line nor steers a terminal.
  private static func printable(_ text: String, into line: inout [UInt8]) {
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x0A: line += "\\n".utf8
      case 0x0D: line += "\\r".utf8
      case 0x09: line += "\\t".utf8
      case 0..<0x20, 0x7F...0x9F: line += "\\u{\(String(scalar.value, radix: 16))}".utf8
      default: line += UTF8.encode(scalar).map(Array.init) ?? []
      }
    }
  }
}
