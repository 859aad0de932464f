// Create Message: the form's parameters, checked in Twilio's order.

/// A checked request to send.
struct MessageRequest: Sendable {
  var to: Address
  var from: Address?
  var service: String?
  var body: String
  var mediaURLs: [String]
  var contentSID: String?
  /// By the name of the variable.
  var contentVariables: [String: String]
  var statusCallback: String?
  var sendAt: UTCTime?
  var sendsAsMMS: Bool

  /// - Parameters:
  ///   - senders: the account's own addresses.
  ///   - shortestSchedule: how far ahead `SendAt` must be.
  /// - Throws: the first thing Twilio would complain about.
  init(
    form: FormFields, senders: [String], now: UTCTime, shortestSchedule: Duration
  ) throws(TwilioError) {
    guard let to = Self.text(form, "To") else { throw .toMissing }
    let from = Self.text(form, "From")
    let service = Self.text(form, "MessagingServiceSid")
    if from == nil && service == nil { throw .fromMissing }
    self.to = Address(to)
    self.from = from.map(Address.init)
    self.service = service
    let body = form["Body"] ?? ""
    mediaURLs = form.values("MediaUrl").filter { !$0.isEmpty }
    contentSID = Self.text(form, "ContentSid")
    contentVariables = [:]
    sendsAsMMS = form["SendAsMms"] == "true"
    statusCallback = Self.text(form, "StatusCallback")
    let sent = form["SmartEncoded"] == "true" ? SmartEncoding.replaced(body) : body
    self.body = form["ContentRetention"] == "discard" ? "" : sent

    try Self.checkContent(form, body: body, mediaURLs: mediaURLs)
    contentVariables = try Self.variables(form, isWhatsApp: self.to.channel == .whatsapp)
    if let statusCallback, WebhookTarget(statusCallback) == nil { throw .invalidStatusCallback(statusCallback) }
    if let period = Self.text(form, "ValidityPeriod") {
      guard let seconds = Int(period), (1...36000).contains(seconds) else { throw .invalidValidityPeriod }
    }
    if Self.text(form, "FallbackFrom") != nil {
      if from != nil { throw .fallbackWithFrom }
      if service == nil { throw .fallbackWithoutService }
    }
    if let service, !SandboxSID.isValid(service, prefix: "MG") { throw .invalidService }
    sendAt = try Self.schedule(form, hasService: service != nil, now: now, shortest: shortestSchedule)
    try checkAddresses(senders: senders)
  }

  private static func text(_ form: FormFields, _ name: String) -> String? {
    form[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  private static func checkContent(
    _ form: FormFields, body: String, mediaURLs: [String]
  ) throws(TwilioError) {
    let contentSID = text(form, "ContentSid")
    if let contentSID, !SandboxSID.isValid(contentSID, prefix: "HX") { throw .contentSIDInvalid }
    if let variables = text(form, "ContentVariables") {
      if contentSID == nil { throw .contentSIDMissing }
      guard (try? JSONValue(parsing: variables.utf8))?.members != nil else { throw .contentVariablesInvalid }
    }
    if body.isEmpty && mediaURLs.isEmpty && contentSID == nil { throw .bodyMissing }
    if body.unicodeScalars.count > 1600 { throw .bodyTooLong }
    if mediaURLs.count > 10 { throw .tooManyMedia }
    if let bad = mediaURLs.first(where: { WebhookTarget($0) == nil }) { throw .invalidMediaURL(bad) }
  }

  /// Texts by name; Meta refuses line breaks, tabs and long gaps in them.
  private static func variables(_ form: FormFields, isWhatsApp: Bool) throws(TwilioError) -> [String: String] {
    guard let text = text(form, "ContentVariables"), let json = try? JSONValue(parsing: text.utf8) else { return [:] }
    var variables: [String: String] = [:]
    for member in json.members ?? [] {
      guard let value = member.value.string else { throw .contentVariablesInvalid }
      let isRefused = value.contains { $0.isNewline || $0 == "\t" } || value.contains("     ")
      if isWhatsApp, isRefused { throw .contentVariablesInvalid }
      variables[member.name] = value
    }
    return variables
  }

  private static func schedule(
    _ form: FormFields, hasService: Bool, now: UTCTime, shortest: Duration
  ) throws(TwilioError) -> UTCTime? {
    guard text(form, "ScheduleType") != nil else { return nil }
    guard hasService else { throw .scheduleWithoutService }
    guard let text = text(form, "SendAt") else { throw .sendAtMissing }
    guard let (sendAt, isDay) = UTCTime.parse(text), !isDay else { throw .sendAtOutside }
    guard sendAt >= now + shortest, sendAt <= now + .seconds(35 * 86400) else { throw .sendAtOutside }
    return sendAt
  }

  private func checkAddresses(senders: [String]) throws(TwilioError) {
    guard to.isReachable else { throw .invalidTo(to.text) }
    if let error = MagicNumbers.error(to: to, from: from, isService: service != nil) { throw error }
    guard let from else { return }
    if from == to { throw to.channel == .sms ? .invalidTo(to.text) : .sameChannelAddress }
    if let error = MagicNumbers.error(from: from) { throw error }
    guard from.channel == .sms, to.channel == .sms else {
      guard from.channel == to.channel, senders.contains(from.text) else { throw .unknownChannelSender }
      return
    }
    if from.isE164 || from.isShortCode {
      guard senders.contains(from.text) else { throw .notOwned(from.text) }
    } else {
      guard from.isAlphanumeric else { throw .invalidFrom(from.text) }
      // The United States and Canada know no alphanumeric senders.
      if to.bare.hasPrefix("+1") { throw .noRoute(to: to.text, from: from.text) }
    }
  }
}
