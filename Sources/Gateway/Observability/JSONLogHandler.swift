// swift-log's records as lines, JSON for machines or text for a terminal.

import ChannelProtocol
import Logging

/// Hands each record as one line to a ``LogWriter``; the caller waits for nothing.
///
/// JSON: `{"time":RFC 3339,"level":…,"label":…,"message":…,…metadata…}`, an error as `error` and `errorType`. A
/// metadata key that is one of these gets a `_` in front.
struct JSONLogHandler: LogHandler {
  let label: String
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  private let format: LogFormat
  private let writer: LogWriter
  private let clock: any WallClock

  init(
    label: String, level: Logger.Level, format: LogFormat, writer: LogWriter, clock: any WallClock = SystemClock(),
    metadataProvider: Logger.MetadataProvider? = nil
  ) {
    self.label = label
    self.format = format
    self.writer = writer
    self.clock = clock
    self.metadataProvider = metadataProvider
    logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var all = metadata
    if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
    if let explicit = event.metadata { all.merge(explicit) { _, new in new } }
    let record = LogRecord(
      time: clock.now(), level: event.level, label: label, message: event.message.description, metadata: all,
      error: event.error)
    writer.write(format.line(record))
  }
}

/// One log statement, with everything that belongs to it.
struct LogRecord {
  var time: Timestamp
  var level: Logger.Level
  var label: String
  var message: String
  var metadata: Logger.Metadata = [:]
  var error: (any Error)?
}
