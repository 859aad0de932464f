// A sink of one's own: every event at least once, as a line of JSON in a file (docs/adding-a-sink.md).

public import ChannelProtocol
public import Sinks
import Foundation
import Logging

/// Appends each event to a file, with the epoch of the log that its number is of. The file itself is where it keeps its
/// place: what it has written, it does not write again, and what happened while it did not run, it fetches from the log.
public final class FileSink: Sink {
  public struct Configuration: ChannelConfiguration {
    public static let keys: [ConfigurationKey] = [
      ConfigurationKey("path", .string, required: true, "The file that events are appended to.")
    ]
    public var path: String
    public init(path: String) { self.path = path }
  }

  public static let type = "file"
  public static let guarantee = DeliveryGuarantee.atLeastOnce

  private let path: String
  private let context: SinkContext

  public init(configuration: Configuration, context: SinkContext) throws {
    path = configuration.path
    self.context = context
    guard FileManager.default.fileExists(atPath: path) || FileManager.default.createFile(atPath: path, contents: nil)
    else { throw ConfigurationProblem(path: ["path"], "the file cannot be made") }
  }

  public func run() async throws {
    guard let file = FileHandle(forUpdatingAtPath: path) else {
      throw ConfigurationProblem(path: ["path"], "the file cannot be opened")
    }
    defer { try? file.close() }
    var place = try lastPlace(in: file)
    // A signal now, and after every change; several changes may come as one.
    for await _ in context.ring.signals() { try await follow(&place, into: file) }
  }

  /// Writes all that is newer than `place`: from the ring while that reaches back so far, else from the log.
  private func follow(_ place: inout LogPosition, into file: FileHandle) async throws {
    while !Task.isCancelled {
      let reading = context.ring.read(after: place.seq, limit: 500)
      // Looked at after the reading, so that it is what was read of.
      let epoch = context.ring.position.epoch
      guard epoch == place.epoch else {
        // The database was restored: the same numbers may be other events now. All of them are written.
        place = LogPosition(epoch: epoch, seq: 0)
        continue
      }
      switch reading {
      case .caughtUp: return
      case .events(let events): try write(events, &place, into: file)
      case .behind(let oldest):
        let events = try await fetch(after: place.seq)
        // Numbers may be skipped: between a last page and the ring lies nothing.
        if events.isEmpty { place.seq = oldest } else { try write(events.map(EncodedEvent.init), &place, into: file) }
      }
    }
  }

  private func fetch(after place: Int64) async throws -> [Event] {
    do {
      return try await context.log.events(after: place, limit: 500)
    } catch let gone as EventsGone {
      // Retention has taken what the file does not have.
      context.logger.warning("events before \(gone.oldest) are no longer kept: the file has a gap")
      return try await context.log.events(after: gone.oldest, limit: 500)
    }
  }

  /// The place moves when the lines are on the disk, and not before: at least once.
  private func write(_ events: [EncodedEvent], _ place: inout LogPosition, into file: FileHandle) throws {
    guard let last = events.last else { return }
    var lines = Data()
    for event in events {
      lines.append(contentsOf: #"{"epoch":"\#(place.epoch)","#.utf8)
      lines.append(contentsOf: event.json.dropFirst())
      lines.append(UInt8(ascii: "\n"))
    }
    try file.write(contentsOf: lines)
    try file.synchronize()
    place.seq = last.seq
  }

  /// What the last whole line says; without one, the log's beginning. What a crash has left of a line is cut off: its
  /// event is written again.
  private func lastPlace(in file: FileHandle) throws -> LogPosition {
    let text = try file.readToEnd() ?? Data()
    let end = text.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
    try file.truncate(atOffset: UInt64(end))
    try file.seek(toOffset: UInt64(end))
    guard let text = text[..<end].split(separator: UInt8(ascii: "\n")).last else {
      return LogPosition(epoch: context.ring.position.epoch, seq: 0)
    }
    let line = try JSONDecoder().decode(Line.self, from: Data(text))
    guard let name = line.epoch else {
      // Of which log its number is, an older version of this sink did not say: all of them are written.
      return LogPosition(epoch: context.ring.position.epoch, seq: 0)
    }
    guard let epoch = Identifier(name) else {
      throw ConfigurationProblem(path: ["path"], "the file's last line is none of this sink's")
    }
    return LogPosition(epoch: epoch, seq: line.seq)
  }

  private struct Line: Decodable {
    var epoch: String?
    var seq: Int64
  }
}
