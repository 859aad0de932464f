// Events as lines of JSON on standard output or in a file, live and best effort.

import ChannelProtocol
import Logging
import Metrics

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The sink `log`. Follows the ring from now on; what it cannot keep up with is dropped and counted.
public final class LogSink: Sink {
  public typealias Configuration = LogSinkConfiguration

  public static let type = "log"
  public static let guarantee = DeliveryGuarantee.bestEffort

  private let ring: EventRing
  private let fields: LogSinkConfiguration.Fields
  private let kept: LogFields
  private let writer: LineWriter
  private let logger: Logger
  private let dropped = Counter(label: "fractal_log_sink_dropped_total")
  /// From an event's commit to its line.
  private let lag = Timer(label: "fractal_log_sink_lag_seconds")
  private let clock: any WallClock

  private static let readLimit = 500

  public convenience init(configuration: LogSinkConfiguration, context: SinkContext) throws {
    var descriptor = STDOUT_FILENO
    if let path = configuration.path {
      descriptor = LineOutput.open(path)
      guard descriptor >= 0 else {
        throw ConfigurationProblem(path: ["path"], "The file cannot be opened: \(String(cString: strerror(errno))).")
      }
    }
    self.init(
      fields: configuration.fields, kept: LogFields(selected: configuration.select, redacted: configuration.redact),
      context: context,
      writer: LineWriter(descriptor: descriptor, closesDescriptor: configuration.path != nil, path: configuration.path))
  }

  init(
    fields: LogSinkConfiguration.Fields, kept: LogFields = LogFields(), context: SinkContext, writer: LineWriter
  ) {
    self.kept = kept
    ring = context.ring
    logger = context.logger
    clock = context.clock
    self.fields = fields
    self.writer = writer
  }

  public func run() async throws {
    writer.start()
    var position = ring.position
    var counted = 0
    for await _ in ring.signals() {
      position = follow(from: position)
      let total = writer.dropped
      if total > counted {
        if counted == 0 { logger.warning("the log sink cannot keep up: lines are dropped") }
        dropped.increment(by: total - counted)
        counted = total
      }
    }
    await writer.stop(grace: .seconds(2))
  }

  /// Writes what is newer than `position`.
  /// - Returns: the position after it.
  private func follow(from position: LogPosition) -> LogPosition {
    let newest = ring.position
    var position = position
    // Another epoch: the log was set to another place, there is no "since" to catch up from.
    if newest.epoch != position.epoch { position = LogPosition(epoch: newest.epoch, seq: ring.bounds.oldest) }
    while true {
      switch ring.read(after: position.seq, limit: Self.readLimit) {
      case .caughtUp: return position
      case .behind(let oldest):
        // Numbers may be skipped: this counts at most what was missed.
        dropped.increment(by: oldest - position.seq)
        position.seq = oldest
      case .events(let events):
        writer.add(LogLine.encode(events, fields: fields, kept: kept))
        if let last = events.last {
          position.seq = last.seq
          lag.recordMicroseconds((clock.now() - last.event.at).wholeMicroseconds)
        }
      }
    }
  }
}
