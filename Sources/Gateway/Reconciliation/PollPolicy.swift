// Which messages the provider is asked about, and when again: a table, without I/O.

import ChannelProtocol
import Storage

/// The times and numbers of asking again.
struct PollPolicy: Sendable {
  /// How long after it left a message's end is waited for before the provider is asked.
  var after: Duration = .seconds(120)
  /// The longest pause between two questions; the first is `after`, each further one twice as long.
  var maximumPause: Duration = .seconds(4 * 3_600)
  /// How long after it left a message is let be: `sent` is the last word of many carriers.
  var giveUpAfter: Duration = .seconds(36 * 3_600)
  /// Questions of one node to all providers.
  var perSecond = 10
  /// How often it is looked whether there is something to ask.
  var interval: Duration = .seconds(5)
  /// How far back a database is looked through that never was.
  var lookBack: Duration = .seconds(48 * 3_600)

  /// How long after a message left it is asked what it cost, while that is not known: a price may come hours late.
  var pricesAfter: [Duration] = [.seconds(3_600), .seconds(6 * 3_600), .seconds(24 * 3_600)]
  /// The pause after a provider could not be asked to give back what it keeps.
  var recallAgain: Duration = .seconds(15)

  init() {}

  enum Step: Sendable, Hashable {
    case drop
    case ask
    case wait(until: Timestamp)
  }

  /// - Parameter tellsPrices: Whether the provider would say what the message cost.
  func step(
    for subject: ClaimedPoll.Subject?, attempts: Int, tellsPrices: Bool, now: Timestamp, jitter: Double
  ) -> Step {
    guard let subject else { return .drop }
    if subject.status.isFinal, !subject.isContradicted {
      guard tellsPrices, subject.isUnpriced, let first = pricesAfter.first, now - subject.leavesAt < giveUpAfter else {
        return .drop
      }
      return now - subject.leavesAt >= first ? .ask : .wait(until: subject.leavesAt + first)
    }
    if subject.leavesAt > now { return .wait(until: subject.leavesAt + after) }
    guard now - subject.leavesAt < giveUpAfter else { return .drop }
    // It waits with us, or is about to get its id.
    guard subject.providerSID != nil else { return .wait(until: now + pause(attempts, jitter)) }
    return .ask
  }

  /// When a message that has ended is asked about for its price; nil: no more.
  func nextForPrice(leftAt: Timestamp, now: Timestamp) -> Timestamp? {
    pricesAfter.map { leftAt + $0 }.first { $0 > now }
  }

  /// After an answer that did not end the matter, or none.
  func next(attempts: Int, retryAfter: Duration? = nil, now: Timestamp, jitter: Double) -> Timestamp {
    now + max(retryAfter ?? .zero, pause(attempts, jitter))
  }

  private func pause(_ attempts: Int, _ jitter: Double) -> Duration {
    var pause = after
    for _ in 1..<max(attempts, 1) where pause < maximumPause { pause = pause * 2 }
    return min(pause, maximumPause) * (0.8 + 0.4 * jitter)
  }
}

extension ClaimedPoll.Subject {
  /// The provider has charged for it, and nobody knows how much.
  fileprivate var isUnpriced: Bool { !hasPrice && status != .canceled && providerSID != nil }

  /// The provider keeps it until its time.
  func isKept(at now: Timestamp) -> Bool { status == .accepted && providerSID != nil && leavesAt > now }
}
