// The filters of Twilio's message list: To, From, DateSent, `DateSent<`, `DateSent>`.

/// What a list request asks for.
struct MessageFilter: Sendable {
  private var accountSID: String
  private var to: String?
  private var from: String?
  private var earliest: UTCTime?
  /// Exclusive.
  private var end: UTCTime?

  /// - Throws: 20001 for a date that cannot be read.
  init(accountSID: String, query: FormFields) throws(TwilioError) {
    self.accountSID = accountSID
    to = query["To"].flatMap { $0.isEmpty ? nil : $0 }
    from = query["From"].flatMap { $0.isEmpty ? nil : $0 }
    if let on = try Self.range("DateSent", query) {
      earliest = on.lowerBound
      end = on.upperBound
    }
    if let since = try Self.range("DateSent>", query) { earliest = since.lowerBound }
    if let until = try Self.range("DateSent<", query) { end = until.upperBound }
  }

  /// Messages that have not gone yet are dated by their creation: whoever looks for a send whose outcome he does not
  /// know must find it while it waits.
  func matches(_ message: SandboxMessage) -> Bool {
    let date = message.sent ?? message.created
    return message.accountSID == accountSID
      && (to.map { $0.utf8.elementsEqual(message.to.utf8) } ?? true)
      && (from.map { $0.utf8.elementsEqual((message.from ?? "").utf8) } ?? true)
      && (earliest.map { date >= $0 } ?? true) && (end.map { date < $0 } ?? true)
  }

  /// The day or the second that a date names.
  private static func range(_ name: String, _ query: FormFields) throws(TwilioError) -> Range<UTCTime>? {
    guard let text = query[name], !text.isEmpty else { return nil }
    guard let date = UTCTime.parse(text) else { throw .invalidParameter("\(name) is not a date: \(text)") }
    return date.time..<(date.time + .seconds(date.isDay ? 86400 : 1))
  }
}
