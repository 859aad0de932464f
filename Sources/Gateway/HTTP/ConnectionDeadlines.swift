// How long a client may take over what it sends: the decision as a value, the clock passed in.

import NIOCore

/// Where a connection stands. Answers are not hurried: only waiting for the client has an end.
struct ConnectionDeadlines: Sendable {
  struct Limits: Sendable {
    /// From a request's first byte to the end of its headers.
    var head = TimeAmount.seconds(15)
    /// From there to the end of its body.
    var body = TimeAmount.seconds(120)
    /// Between two requests, and before the first.
    var idle = TimeAmount.seconds(75)
  }

  private enum Waiting { case forFirstByte, forHead, forBody, forNobody }

  private let limits: Limits
  private var waiting = Waiting.forFirstByte
  private var since: NIODeadline
  /// Requests that came whole and are not answered.
  private var unanswered = 0
  /// The connection speaks something else by now, which keeps its own time.
  private var isUpgraded = false

  init(limits: Limits = Limits(), at now: NIODeadline) {
    self.limits = limits
    since = now
  }

  /// When the connection is to be closed, if nothing happens until then; nil: not at all.
  var deadline: NIODeadline? {
    guard !isUpgraded else { return nil }
    return switch waiting {
    case .forFirstByte: unanswered > 0 ? nil : since + limits.idle
    case .forHead: unanswered > 0 ? nil : since + limits.head
    case .forBody: since + limits.body
    case .forNobody: nil
    }
  }

  mutating func bytesCame(at now: NIODeadline) {
    if waiting == .forFirstByte { wait(.forHead, from: now) }
  }

  mutating func headCame(at now: NIODeadline) {
    unanswered += 1
    wait(.forBody, from: now)
  }

  mutating func requestEnded(at now: NIODeadline) { wait(.forFirstByte, from: now) }

  mutating func answerEnded(at now: NIODeadline) {
    unanswered = max(0, unanswered - 1)
    // What came meanwhile was waiting for us, not we for it.
    if unanswered == 0, waiting == .forFirstByte || waiting == .forHead { since = now }
  }

  mutating func upgraded() { isUpgraded = true }

  private mutating func wait(_ what: Waiting, from now: NIODeadline) {
    waiting = what
    since = now
  }
}
