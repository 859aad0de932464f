// When a message leaves, who keeps it until then, and when it is too late: a table, without I/O.

import ChannelProtocol
import Storage

/// What is decided when a message is taken.
struct Departure: Sendable, Hashable {
  /// When it leaves; nil: as soon as its turn comes.
  var scheduledAt: Timestamp?
  /// When its sender looks at it: at once also where the provider keeps it until its time.
  var runAt: Timestamp?
  /// When it ends if it still waits with us.
  var expiresAt: Timestamp?
  /// The time zone whose quiet hours it keeps.
  var quietZone: String?
}

/// What the decision knows.
struct DepartureCase: Sendable {
  var now: Timestamp
  /// `scheduledAt` of the request.
  var requestedAt: Timestamp?
  /// Seconds.
  var validFor: Int?
  /// How long it waits for its contact to write; nil: it does not.
  var holdFor: Duration?
  var lastInboundAt: Timestamp?
  /// A code that somebody waits for.
  var isAuthentication = false
  var quietHours: QuietHours?
  /// Whose hours they are.
  var zone = "UTC"
  /// Whether the provider would keep it until this time.
  var canSchedule: @Sendable (Timestamp) -> Bool = { _ in false }

  func decided() -> Departure {
    let wanted = requestedAt ?? now
    var departure = Departure(scheduledAt: requestedAt)
    if let quietHours, keeps(quietHours, leaving: wanted) {
      departure.quietZone = zone
      // What is held leaves at a time that nobody knows: its sender looks at the hours then.
      if holdFor == nil, let end = quietHours.end(at: wanted, in: zone) { departure.scheduledAt = end }
    }
    if let holdFor {
      departure.expiresAt = wanted + holdFor
    } else if let leaves = departure.scheduledAt, canSchedule(leaves) {
      departure.runAt = now
    }
    // Counted from the time that was asked for: a night is a part of it.
    if let validFor {
      let end = wanted + .seconds(validFor)
      departure.expiresAt = departure.expiresAt.map { min($0, end) } ?? end
    }
    return departure
  }

  private func keeps(_ hours: QuietHours, leaving: Timestamp) -> Bool {
    if isAuthentication { return false }
    guard hours.repliesPass else { return true }
    // It is held until the contact writes, and leaves as the answer to that.
    if holdFor != nil, requestedAt == nil { return false }
    return lastInboundAt.map { $0 + hours.repliesWithin <= leaving } ?? true
  }
}

extension OutboundRecord {
  func leaving(_ departure: Departure) -> OutboundRecord {
    var record = self
    record.scheduledAt = departure.scheduledAt
    record.runAt = departure.runAt
    record.expiresAt = departure.expiresAt
    record.quietZone = departure.quietZone
    return record
  }
}
