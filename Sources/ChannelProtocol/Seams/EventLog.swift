// The event log as its readers see it.

/// Reads committed events. Nothing ever appears at or below a number that was read.
public protocol EventLog: Sendable {
  /// Events after `seq`, oldest first, at most `limit`; empty when there is none yet.
  /// - Throws: ``EventsGone`` where events after `seq` are no longer kept.
  func events(after seq: Int64, limit: Int) async throws -> [Event]

  /// What is kept: the epoch, the number before the oldest event kept, and the newest number (equal: none kept).
  func bounds() async throws -> EventLogBounds
}

public struct EventLogBounds: Sendable, Hashable {
  public var epoch: Identifier
  /// A reader whose position is below this has missed events.
  public var oldest: Int64
  public var newest: Int64

  public init(epoch: Identifier, oldest: Int64, newest: Int64) {
    self.epoch = epoch
    self.oldest = oldest
    self.newest = newest
  }
}

/// The events asked for were dropped by retention.
public struct EventsGone: Error, Sendable, Hashable {
  public var oldest: Int64
  public init(oldest: Int64) { self.oldest = oldest }
}
