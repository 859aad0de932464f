// Which log a process gets: its environment decides.

import ChannelProtocol
import Logging
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#endif

/// What the environment says of logging.
struct LogSettings: Hashable, Sendable {
  var level = Logger.Level.info
  var format = LogFormat.json
  /// What was asked for and is not understood, for a person.
  var problems: [String] = []

  /// Reads `LOG_LEVEL` (a level of swift-log, or `warn`; `info` when left out) and `LOG_FORMAT` (`json` or `text`).
  ///
  /// - Parameter isTerminal: whether a person reads the log; then text is the default.
  init(environment: [String: String], isTerminal: Bool) {
    if let word = environment["LOG_LEVEL"], !word.isEmpty {
      let lowercase = word.lowercased()
      if let level = Logger.Level(rawValue: lowercase == "warn" ? "warning" : lowercase) {
        self.level = level
      } else {
        let words = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
        problems.append("LOG_LEVEL \(word) is no level; info is used. Levels: \(words).")
      }
    }
    format = isTerminal ? .text : .json
    if let word = environment["LOG_FORMAT"], !word.isEmpty {
      if let format = LogFormat(rawValue: word.lowercased()) {
        self.format = format
      } else {
        problems.append("LOG_FORMAT \(word) is no format; \(format.rawValue) is used. Formats: json, text.")
      }
    }
  }
}

/// The process's log on standard error.
enum LogBootstrap {
  private static let isDone = Mutex(false)

  /// Installs ``JSONLogHandler`` as the process's log handler, and has what is left written when the process ends by
  /// `exit`. swift-log takes one per process and traps at a second, so only the first call does anything.
  ///
  /// - Returns: whether this call was the first.
  @discardableResult
  static func bootstrapOnce(environment: [String: String]) -> Bool {
    isDone.withLock { isDone in
      guard !isDone else { return false }
      isDone = true
      let settings = LogSettings(environment: environment, isTerminal: isatty(STDERR_FILENO) == 1)
      LoggingSystem.bootstrap { label in
        JSONLogHandler(
          label: label, level: settings.level, format: settings.format, writer: .standardError,
          metadataProvider: RequestID.logged)
      }
      atexit { _ = LogWriter.standardError.flush(within: .seconds(2)) }
      let logger = Logger(label: "fractal.log")
      for problem in settings.problems { logger.warning("\(problem)") }
      return true
    }
  }
}

extension LogWriter {
  /// Exposes what was dropped as `fractal_log_dropped_total{stream=…}`.
  func measure(in registry: PrometheusRegistry, stream: String = "stderr") {
    registry.describe("fractal_log_dropped_total", as: "Log lines that were dropped, because nobody took them in time.")
    registry.counter("fractal_log_dropped_total", labels: [("stream", stream)]) { [self] in Double(dropped) }
  }
}
