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

  init() {}

  enum Step: Sendable, Hashable {
    case drop
    case ask
    case wait(until: Timestamp)
  }

  func step(for subject: ClaimedPoll.Subject?, attempts: Int, now: Timestamp, jitter: Double) -> Step {
    guard let subject else { return .drop }
    guard subject.isContradicted || !subject.status.isFinal else { return .drop }
    if subject.leavesAt > now { return .wait(until: subject.leavesAt + after) }
    guard now - subject.leavesAt < giveUpAfter else { return .drop }
    // It waits with us, or is about to get its id.
    guard subject.providerSID != nil else { return .wait(until: now + pause(attempts, jitter)) }
    return .ask
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
