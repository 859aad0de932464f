// Messages from phones: logged, turned into a webhook, and Twilio's own answers to STOP and START.

extension SandboxState {
  /// Logs an inbound message.
  ///
  /// - Parameter mediaBaseURL: scheme, host and port of the sandbox.
  /// - Returns: its SID, and its webhook unless no URL is set.
  /// - Throws: ``ControlError`` when the number is not ours or the message to deliver again is not there.
  mutating func receive(
    _ text: InboundText, mediaBaseURL: String, now: UTCTime
  ) throws(ControlError) -> (sid: String, webhook: OutgoingWebhook?) {
    if let sid = text.redeliver { return (sid, try redelivery(sid)) }
    let (account, to) = try receiver(text)
    let from = Address(text.from)
    let media = text.media.map {
      SandboxMedia(
        sid: SandboxSID.make("ME"), contentType: $0.contentType,
        source: $0.bytes == nil ? $0.url.map(SandboxMedia.Source.url) ?? .stored : .stored, created: now)
    }
    var message = SandboxMessage(
      sid: SandboxSID.make(media.isEmpty ? "SM" : "MM"), accountSID: account.sid,
      messagingServiceSID: text.messagingServiceSID ?? account.service(of: to.text), from: text.from, to: to.text,
      body: text.body, status: .received,
      direction: .inbound, segments: from.channel == .sms ? Segments.count(text.body) : 1, media: media,
      contentSID: nil, errorCode: nil, created: now, updated: now, sent: now)
    let request = OptOut.request(text.body)
    var extra = text.extra
    // Advanced Opt-Out is a Messaging Service's: it alone says what it understood.
    if text.messagingServiceSID != nil, let request, extra["OptOutType"] == nil {
      extra.append("OptOutType", request.word)
    }
    message.inboundForm = InboundForm.make(
      message, profileName: text.profileName, mediaBaseURL: mediaBaseURL, extra: extra)
    append(message)
    if let service = message.messagingServiceSID { pool.note(to.text, of: service, to: text.from) }
    for (resource, file) in zip(media, text.media) where resource.source == .stored {
      self.media.insert(
        resource.sid,
        .init(contentType: file.contentType, bytes: file.bytes ?? MediaType.sample(file.contentType)))
    }
    let pair = OptOut.Pair(accountSID: account.sid, ours: to.text, theirs: from.text)
    if from.channel == .whatsapp { noteInbound(pair, now: now) }
    if let request, from.channel == .sms || text.messagingServiceSID != nil {
      // A service is left with all of its numbers.
      let others = text.messagingServiceSID == nil ? [] : account.senders.filter { Address($0).channel == to.channel }
      answer(request, pair: pair, others: others, now: now)
    }
    return (message.sid, webhook(for: message, account: account))
  }

  /// The account and the address of ours that a text goes to.
  private func receiver(_ text: InboundText) throws(ControlError) -> (SandboxAccount, Address) {
    if let to = text.to {
      guard let account = accounts.first(where: { $0.senders.contains(to) }) else {
        let senders = accounts.flatMap(\.senders).joined(separator: ", ")
        throw ControlError("\(to) is not a number of this sandbox; there are \(senders)", status: 404)
      }
      return (account, Address(to))
    }
    let channel = Address(text.from).channel
    for account in accounts {
      if let sender = account.senders.first(where: { Address($0).channel == channel }) {
        return (account, Address(sender))
      }
    }
    throw ControlError("no sender for the channel of \(text.from)", status: 404)
  }

  private func redelivery(_ sid: String) throws(ControlError) -> OutgoingWebhook? {
    guard let message = log[sid], message.inboundForm != nil, let account = account(message.accountSID) else {
      throw ControlError("\(sid) is not an inbound message", status: 404)
    }
    return webhook(for: message, account: account)
  }

  private func webhook(for message: SandboxMessage, account: SandboxAccount) -> OutgoingWebhook? {
    guard let url = account.webhooks.incoming(to: message.to), let form = message.inboundForm else { return nil }
    return OutgoingWebhook(
      kind: .inbound, messageSID: message.sid, status: .received, url: url, authToken: account.authToken, form: form)
  }

  /// Bounded like the log: who wrote that long ago is forgotten with all others.
  private mutating func noteInbound(_ pair: OptOut.Pair, now: UTCTime) {
    if lastInbound.count >= configuration.messageLimit {
      lastInbound = lastInbound.filter { now < $0.value + .seconds(86400) }
      if lastInbound.count >= configuration.messageLimit { lastInbound = [:] }
    }
    lastInbound[pair] = now
  }

  /// Blocks or unblocks the pair, and the contact's with our other numbers, and logs Twilio's own reply.
  private mutating func answer(_ request: OptOut.Request, pair: OptOut.Pair, others: [String], now: UTCTime) {
    let pairs = Set(
      [pair] + others.map { OptOut.Pair(accountSID: pair.accountSID, ours: $0, theirs: pair.theirs) })
    switch request {
    case .stop: optOuts.formUnion(pairs)
    case .start:
      // YES and START say nothing to somebody who was never blocked.
      guard !optOuts.isDisjoint(with: pairs) else { return }
      optOuts.subtract(pairs)
    case .help: break
    }
    let reply = SandboxMessage(
      sid: SandboxSID.make("SM"), accountSID: pair.accountSID, messagingServiceSID: nil, from: pair.ours,
      to: pair.theirs, body: request.reply, status: .queued, direction: .outboundReply,
      segments: Segments.count(request.reply), media: [], contentSID: nil, errorCode: nil, created: now, updated: now,
      sent: nil)
    append(reply)
    scheduleStep(after: reply, now: now)
  }
}
