// What Twilio lists of an account, for what its webhooks did not bring.

public import ChannelProtocol

extension TwilioChannel {
  public func history(since start: Timestamp, page: String?) async throws(SendFailure) -> HistoryPage {
    let listed: MessagePage
    do {
      listed = try await line.client.messagePage(MessageFilter(sentSince: start, pageSize: 200), path: page)
    } catch {
      throw SendFailure(error)
    }
    let now = line.clock.now()
    let recent = listed.messages.filter { message in message.time.map { $0 >= start } ?? true }
    // The filter knows days only. Newest first: a page that ends before the start is the last that counts.
    let isPast = listed.messages.last?.time.map { $0 < start } ?? false
    return HistoryPage(
      messages: recent.compactMap { message in
        guard message.direction == "inbound" else { return .outbound(StatusUpdate(message, now: now)) }
        guard message.status == "received" else { return nil }
        return .inbound(InboundMessage(message, keywords: line.keywords, now: now), hasFiles: message.mediaCount > 0)
      }, next: isPast ? nil : listed.next)
  }

  public func addingFiles(to message: InboundMessage) async throws(SendFailure) -> InboundMessage {
    do {
      var message = message
      message.media = try await line.client.mediaList(messageSID: message.providerSID).map { file in
        InboundMedia(
          url: line.client.mediaURL(messageSID: message.providerSID, mediaSID: file.sid),
          contentType: file.contentType)
      }
      message.content = Content(
        reading: FormFields(pairs: [("Body", message.body ?? "")]), media: message.media, type: message.channelType)
      return message
    } catch {
      throw SendFailure(error)
    }
  }
}

extension TwilioMessage {
  fileprivate var time: Timestamp? { dateSent ?? dateCreated }
}

extension InboundMessage {
  /// A listed message, without its files. What only the webhook says (profile name, buttons, places) is lost.
  init(_ message: TwilioMessage, keywords: OptOutKeywords, now: Timestamp) {
    let fields = FormFields(pairs: [
      ("MessageSid", message.sid), ("NumMedia", String(message.mediaCount)), ("Body", message.body ?? ""),
    ])
    let type = ChannelDetection.type(of: fields, ours: message.to, theirs: message.from)
    self.init(
      accountSID: message.accountSID, providerSID: message.sid, channelType: type,
      from: ChannelDetection.bareAddress(message.from ?? "", of: type),
      to: ChannelDetection.bareAddress(message.to, of: type), body: message.body,
      content: Content(reading: fields, media: [], type: type),
      optOut: message.body.flatMap { keywords.signal(of: $0) }, pool: message.messagingServiceSID,
      segmentCount: message.segmentCount, receivedAt: message.dateSent ?? message.dateCreated ?? now, recovered: true,
      raw: message.raw)
  }
}
