// How long a client may take over what it sends, and over taking what it is sent: the decision as a value, the clock
// passed in.

import NIOCore

/// Where a connection stands. Answers are not hurried: only waiting for the client has an end, be it for its bytes or
/// for room for ours.
struct ConnectionDeadlines: Sendable {
  struct Limits: Sendable {
    /// From a request's first byte to the end of its headers.
    var head = TimeAmount.seconds(15)
    /// From there to the end of its body, and longer by what has come of it at `bodyRate`.
    var body = TimeAmount.seconds(30)
    /// Bytes a second, at least, once that time is over.
    var bodyRate = 16 << 10
    /// While an answer finds no room, until the client takes some more of it.
    var write = TimeAmount.seconds(60)
    /// Between two requests, and before the first.
    var idle = TimeAmount.seconds(75)
  }

  private enum Waiting { case forFirstByte, forHead, forBody, forNobody }

  private let limits: Limits
  private var waiting = Waiting.forFirstByte
  private var since: NIODeadline
  /// Of the body that is waited for, so far.
  private var bodyBytes = 0
  /// Since when an answer has found no room.
  private var stalledSince: NIODeadline?
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
    let stalled = stalledSince.map { $0 + limits.write }
    return [arrival, stalled].compactMap(\.self).min()
  }

  /// When what is waited for must have come.
  private var arrival: NIODeadline? {
    switch waiting {
    case .forFirstByte: unanswered > 0 ? nil : since + limits.idle
    case .forHead: unanswered > 0 ? nil : since + limits.head
    case .forBody: since + limits.body + .nanoseconds(Int64(bodyBytes) * 1_000_000_000 / Int64(limits.bodyRate))
    case .forNobody: nil
    }
  }

  mutating func bytesCame(at now: NIODeadline) {
    if waiting == .forFirstByte { wait(.forHead, from: now) }
  }

  mutating func headCame(at now: NIODeadline) {
    unanswered += 1
    bodyBytes = 0
    wait(.forBody, from: now)
  }

  mutating func bodyCame(_ bytes: Int) { bodyBytes += bytes }

  mutating func requestEnded(at now: NIODeadline) { wait(.forFirstByte, from: now) }

  mutating func answerEnded(at now: NIODeadline) {
    unanswered = max(0, unanswered - 1)
    // What came meanwhile was waiting for us, not we for it.
    if unanswered == 0, waiting == .forFirstByte || waiting == .forHead { since = now }
  }

  /// There is no more room for what is written, or there is again.
  mutating func roomChanged(isThere: Bool, at now: NIODeadline) { stalledSince = isThere ? nil : stalledSince ?? now }

  /// The client has taken a piece of an answer.
  mutating func pieceWent(at now: NIODeadline) { if stalledSince != nil { stalledSince = now } }

  mutating func upgraded() { isUpgraded = true }

  /// A request is being answered, or will be.
  var isAnswering: Bool { unanswered > 0 }

  private mutating func wait(_ what: Waiting, from now: NIODeadline) {
    waiting = what
    since = now
  }
}
