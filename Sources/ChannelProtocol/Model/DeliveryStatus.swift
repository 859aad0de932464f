// Where a message is on its way, and how reports that come twice, late or in any order make one state.

/// A message's status. `rank` never goes down.
public enum DeliveryStatus: String, Sendable, Hashable, CaseIterable {
  case queued, scheduled
  /// We are calling the provider.
  case sending
  /// The provider has it.
  case accepted
  case sent
  case delivered, undelivered, failed, canceled
  case read
  /// Inbound.
  case received

  public var rank: Int {
    switch self {
    case .queued, .scheduled, .received: 0
    case .sending: 1
    case .accepted: 2
    case .sent: 3
    case .delivered, .undelivered, .failed, .canceled: 4
    case .read: 5
    }
  }

  /// Whether the message's way ended here; `sent` may also be the last word (many carriers give no receipt).
  public var isFinal: Bool { rank >= 4 || self == .received }

  /// Among contradicting finals the stronger stands until the provider is asked.
  fileprivate var finality: Int {
    switch self {
    case .delivered: 3
    case .undelivered: 2
    case .failed: 1
    default: 0
    }
  }
}

/// One report of a message's status, from whoever made it.
public struct StatusReport: Sendable, Hashable {
  public enum Source: String, Sendable, Hashable, CaseIterable { case api, provider, callback, poll }

  /// nil: a word we do not know; it goes into the history and moves nothing.
  public var status: DeliveryStatus?
  /// The provider's own word, as it came.
  public var providerStatus: String
  public var at: Timestamp
  public var source: Source
  public var errorCode: String?
  public var errorMessage: String?

  public init(
    status: DeliveryStatus?, providerStatus: String, at: Timestamp, source: Source, errorCode: String? = nil,
    errorMessage: String? = nil
  ) {
    self.status = status
    self.providerStatus = providerStatus
    self.at = at
    self.source = source
    self.errorCode = errorCode
    self.errorMessage = errorMessage
  }
}

/// The projection of an append-only history of reports onto one state. Reports from callbacks commute: any
/// permutation of the same reports, repeated or not, ends in the same state. A `poll` is the provider's answer to a
/// question of ours and settles a contradiction between finals.
public struct StatusProjection: Sendable, Hashable {
  public var status: DeliveryStatus
  /// The provider was asked and decided between finals.
  public var isSettled: Bool
  /// Contradicting finals were reported: the provider should be asked.
  public var isContradicted: Bool
  public var errorCode: String?
  public var errorMessage: String?
  public var sentAt: Timestamp?
  public var deliveredAt: Timestamp?
  public var readAt: Timestamp?

  public init(
    status: DeliveryStatus, isSettled: Bool = false, isContradicted: Bool = false, errorCode: String? = nil,
    errorMessage: String? = nil, sentAt: Timestamp? = nil, deliveredAt: Timestamp? = nil, readAt: Timestamp? = nil
  ) {
    self.status = status
    self.isSettled = isSettled
    self.isContradicted = isContradicted
    self.errorCode = errorCode
    self.errorMessage = errorMessage
    self.sentAt = sentAt
    self.deliveredAt = deliveredAt
    self.readAt = readAt
  }

  /// Takes one report in. Returns whether the status moved.
  @discardableResult
  public mutating func apply(_ report: StatusReport) -> Bool {
    guard let reported = report.status, status != .received, reported != .received else { return false }
    noteTimes(reported, report.at)
    let before = status
    if reported.rank > status.rank {
      status = reported
    } else if reported.rank == status.rank, reported.rank == 4, reported != status {
      if report.source == .poll {
        status = reported
        isSettled = true
      } else if !isSettled {
        isContradicted = true
        if reported.finality > status.finality { status = reported }
      }
    } else if reported == status, report.source == .poll, isContradicted {
      isSettled = true
    }
    // An error belongs to the status it came with.
    if status != before {
      errorCode = nil
      errorMessage = nil
      // Who has read it has it: nothing is left to ask.
      if status == .read { isContradicted = false }
    }
    if reported == status, status == .failed || status == .undelivered { noteError(report) }
    return status != before
  }

  private mutating func noteTimes(_ reported: DeliveryStatus, _ at: Timestamp) {
    if [.sent, .delivered, .undelivered, .read].contains(reported) { sentAt = min(sentAt ?? at, at) }
    if reported == .delivered || reported == .read { deliveredAt = min(deliveredAt ?? at, at) }
    if reported == .read { readAt = min(readAt ?? at, at) }
  }

  /// Of several errors for one status the smallest code stands, of its words the first in order: so that the order of
  /// arrival does not matter.
  private mutating func noteError(_ report: StatusReport) {
    guard let code = report.errorCode, !code.isEmpty else { return }
    if let errorCode, !Self.precedes(code, errorCode) {
      guard code == errorCode, let message = report.errorMessage else { return }
      errorMessage = min(errorMessage ?? message, message)
      return
    }
    errorCode = code
    errorMessage = report.errorMessage
  }

  private static func precedes(_ left: String, _ right: String) -> Bool {
    left.utf8.count != right.utf8.count ? left.utf8.count < right.utf8.count : left < right
  }
}
