// What a gateway logs, for a test to look at.

import Logging
import Synchronization

@testable import Gateway

final class CollectedLog: Sendable {
  struct Line: Sendable {
    var level: Logger.Level
    var message: String
    var metadata: [String: String]
  }

  private let kept = Mutex<[Line]>([])

  var lines: [Line] { kept.withLock(\.self) }

  /// A logger as the process has it, with the lines kept here.
  func logger(_ level: Logger.Level = .info) -> Logger {
    Logger(label: "test") { _ in Handler(log: self, logLevel: level, metadataProvider: RequestID.logged) }
  }

  func lines(of request: String) -> [Line] { lines.filter { $0.metadata["request"] == request } }

  private struct Handler: LogHandler {
    let log: CollectedLog
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      var all = metadata
      all.merge(metadataProvider?.get() ?? [:]) { $1 }
      all.merge(event.metadata ?? [:]) { $1 }
      let line = Line(
        level: event.level, message: event.message.description, metadata: all.mapValues { "\($0)" })
      log.kept.withLock { $0.append(line) }
    }
  }
}
