// Finds, in what Twilio lists, the message that a call without an answer may have made.

import ChannelProtocol

/// Twilio's list knows no reference of ours: a message is told by its addresses, time and body (FACTS section 3).
struct SentMessageSearch: Sendable {
  let request: MessageRequest
  let attemptedAt: Timestamp
  /// What Twilio may show as the text of a template, as far as it is known.
  let renderedTexts: [String]

  init(for request: MessageRequest, attemptedAt: Timestamp, renderedTexts: [String] = []) {
    self.request = request
    self.attemptedAt = attemptedAt
    self.renderedTexts = renderedTexts
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
  /// No call takes longer: what was made later was made by another.
  private var latest: Timestamp { attemptedAt + .seconds(60) }

  /// Pages are newest first: one that ends before the attempt is the last that counts.
  func mayGoOn(after page: [TwilioMessage]) -> Bool {
    guard let last = page.last?.dateCreated else { return !page.isEmpty }
    return last >= earliest
  }

  /// The listed messages that may be the one looked for; nil: the list was cut off by its number of pages before the
  /// time of the attempt, and nothing was found.
  func candidates(in listing: MessageListing) -> [TwilioMessage]? {
    let found = listing.messages.filter(matches)
    if found.isEmpty, !listing.isComplete, let last = listing.messages.last?.dateCreated, last >= earliest {
      return nil
    }
    return found
  }

  /// The likeliest first, of alike ones the oldest. None is left out: the likeliest may belong to another message.
  func ranked(_ messages: [TwilioMessage]) -> [TwilioMessage] {
    messages.sorted { left, right in
      let (leftRank, rightRank) = (likeness(of: left), likeness(of: right))
      if leftRank != rightRank { return leftRank < rightRank }
      let (leftTime, rightTime) = (left.dateCreated ?? attemptedAt, right.dateCreated ?? attemptedAt)
      return leftTime != rightTime ? leftTime < rightTime : left.sid < right.sid
    }
  }

  func matches(_ message: TwilioMessage) -> Bool {
    guard message.direction.hasPrefix("outbound"), message.to.utf8.elementsEqual(request.to.utf8)
    else { return false }
    if let from = request.from, let theirs = message.from, !theirs.utf8.elementsEqual(from.utf8) { return false }
    if let pool = request.messagingServiceSID, message.messagingServiceSID != pool { return false }
    if let created = message.dateCreated, created < earliest || created > latest { return false }
    guard request.contentSID == nil else { return likeness(of: message) != .other }
    return message.mediaCount == request.mediaURLs.count && hasSameBody(message)
  }

  /// Whether a listed message is the one looked for. A doubtful one shows another text than we expect, which proves
  /// little: Twilio makes a template's text, and how it shows it is not documented.
  enum Likeness: Comparable { case same, possible, doubtful, other }

  /// A template's text is shown once Twilio has made it: until then its message may be ours.
  func likeness(of message: TwilioMessage) -> Likeness {
    guard request.contentSID != nil else { return .same }
    if let listed = message.contentSID, listed != request.contentSID { return .other }
    let theirs = Self.words(message.body ?? "")
    // A gap that is still one is no text to go by.
    let ours = renderedTexts.map(Self.words).filter { !$0.isEmpty }
    guard !theirs.isEmpty, !theirs.contains("{{"), !ours.isEmpty else { return .possible }
    // A header or a footer, or a trial account's sentence, may stand around it.
    return ours.contains { theirs.contains($0) } ? .same : .doubtful
  }

  /// Whether it may as well be another message's. One that shows no text may be that of a call under way, until every
  /// call of its time has been written down.
  func isDoubtful(_ message: TwilioMessage, at now: Timestamp) -> Bool {
    switch likeness(of: message) {
    case .same: false
    case .possible: now - (message.dateCreated ?? attemptedAt) < .seconds(60)
    case .doubtful, .other: true
    }
  }

  /// Without regard to white space, and to characters that Twilio replaces by others that look alike.
  private static func words(_ text: String) -> String {
    SmartEncoding.replaced(text).split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// A trial account's messages begin with a sentence of Twilio's.
  private func hasSameBody(_ message: TwilioMessage) -> Bool {
    let ours = Array((request.body ?? "").utf8)
    let theirs = Array((message.body ?? "").utf8)
    if theirs == ours { return true }
    // Whether Twilio shows the text as given or as sent is not documented.
    if request.smartEncoded, theirs.elementsEqual(SmartEncoding.replaced(request.body ?? "").utf8) { return true }
    let note = Array("Sent from your Twilio trial account - ".utf8)
    return theirs.starts(with: note) && theirs.dropFirst(note.count).elementsEqual(ours)
  }
}
