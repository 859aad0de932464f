// Finds, in what Twilio lists, the message that a call without an answer may have made.

import ChannelProtocol

/// Twilio's list knows no reference of ours: a message is told by its addresses, time and body (FACTS section 3).
struct SentMessageSearch: Sendable {
  enum Verdict: Sendable, Hashable {
    case found(TwilioMessage)
    case absent
    /// Words for the log.
    case undecided(String)
  }

  let request: MessageRequest
  let attemptedAt: Timestamp
  let adopted: Set<String>

  init(for request: MessageRequest, attemptedAt: Timestamp, excluding adopted: Set<String> = []) {
    self.request = request
    self.attemptedAt = attemptedAt
    self.adopted = adopted
  }

  /// By the day it was sent first; then, since a message that still waits was sent on no day, the newest ones.
  var filters: [MessageFilter] {
    [
      MessageFilter(to: request.to, from: request.from, sentSince: attemptedAt - .seconds(3_600), pageSize: 100),
      MessageFilter(to: request.to, from: request.from, pageSize: 100),
    ]
  }

  /// Two clocks, and Twilio's shows whole seconds.
  private var earliest: Timestamp { attemptedAt - .seconds(60) }
  /// No call takes longer.
  private var latest: Timestamp { attemptedAt + .seconds(600) }

  /// Pages are newest first: one that ends before the attempt is the last that counts.
  func mayGoOn(after page: [TwilioMessage]) -> Bool {
    guard let last = page.last?.dateCreated else { return !page.isEmpty }
    return last >= earliest
  }

  func judge(_ listing: MessageListing) -> Verdict {
    var found: [TwilioMessage] = []
    for message in listing.messages where matches(message) && !found.contains(where: { $0.sid == message.sid }) {
      found.append(message)
    }
    switch found.count {
    case 0:
      // Cut off by the number of pages, not by time.
      if !listing.isComplete, let last = listing.messages.last?.dateCreated, last >= earliest {
        return .undecided("Twilio lists more messages than were read")
      }
      return .absent
    case 1: return .found(found[0])
    default: return .undecided("Twilio has \(found.count) messages that look like this one")
    }
  }

  func matches(_ message: TwilioMessage) -> Bool {
    guard message.direction.hasPrefix("outbound"), !adopted.contains(message.sid),
      message.to.utf8.elementsEqual(request.to.utf8)
    else { return false }
    if let from = request.from, let theirs = message.from, !theirs.utf8.elementsEqual(from.utf8) { return false }
    if let pool = request.messagingServiceSID, message.messagingServiceSID != pool { return false }
    if let created = message.dateCreated, created < earliest || created > latest { return false }
    // A template's text is made by Twilio.
    guard request.contentSID == nil else { return true }
    return message.mediaCount == request.mediaURLs.count && hasSameBody(message)
  }

  /// A trial account's messages begin with a sentence of Twilio's.
  private func hasSameBody(_ message: TwilioMessage) -> Bool {
    let ours = Array((request.body ?? "").utf8)
    let theirs = Array((message.body ?? "").utf8)
    if theirs == ours { return true }
    let note = Array("Sent from your Twilio trial account - ".utf8)
    return theirs.starts(with: note) && theirs.dropFirst(note.count).elementsEqual(ours)
  }
}
