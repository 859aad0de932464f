// What a Twilio channel inherits: an adapter that conforms to this says what it can carry and how it asks for it.

public import ChannelProtocol

/// A channel whose messages go through Twilio's Messages resource and its webhooks.
public protocol TwilioChannel: OutcomeLookup, StatusLookup, TemplateCatalog, MediaFetching, MessageScheduling,
  MessageHistory
{
  var line: TwilioLine { get }

  /// What to ask of Twilio for a message, beginning with ``TwilioLine/request(for:)``.
  /// - Throws: ``SendFailure`` for what the channel cannot carry.
  func request(for message: OutboundMessage) throws(SendFailure) -> MessageRequest
}

extension TwilioChannel {
  public var routes: [WebhookRoute] { TwilioLine.routes }

  public var senders: [Sender] { line.senders }

  public func claim(_ request: WebhookRequest) -> WebhookClaim { line.claim(request) }

  public func receive(_ request: WebhookRequest) throws(WebhookRejection) -> [InboundEvent] {
    try line.receive(request)
  }

  public func send(_ message: OutboundMessage) async throws(SendFailure) -> SendReceipt {
    // Whoever calls has asked the capabilities before; whoever has not finds them true.
    if let refusal = capabilities.refusal(of: message) { throw .unsupportedContent(refusal) }
    let request = try request(for: message)
    do {
      return SendReceipt(try await line.client.create(request))
    } catch {
      throw SendFailure(error)
    }
  }

  public func lookUp(
    _ message: OutboundMessage, attemptedAt: Timestamp
  ) async throws(SendFailure) -> [SendReceipt] {
    let search = SentMessageSearch(
      for: try request(for: message), attemptedAt: attemptedAt, renderedTexts: message.renderedTexts)
    var found: [TwilioMessage] = []
    for filter in search.filters {
      let listing: MessageListing
      do {
        listing = try await line.client.messages(filter) { page in search.mayGoOn(after: page) }
      } catch {
        throw SendFailure(error)
      }
      guard let candidates = search.candidates(in: listing) else {
        throw SendFailure(
          .unknownOutcome, code: "unknown_outcome", message: "Twilio lists more messages than were read",
          explanation: "Whether Twilio has the message cannot be told yet; its status callback can settle it.")
      }
      for candidate in candidates where !found.contains(where: { $0.sid == candidate.sid }) { found.append(candidate) }
    }
    let now = line.clock.now()
    return search.ranked(found).map { candidate in
      var receipt = SendReceipt(candidate)
      receipt.isDoubtful = search.isDoubtful(candidate, at: now)
      return receipt
    }
  }

  /// Messenger is free.
  public var tellsPrices: Bool { line.type != .messenger }

  public func status(ofProviderSID sid: String) async throws(SendFailure) -> StatusUpdate {
    do {
      return StatusUpdate(try await line.client.message(sid: sid), now: line.clock.now())
    } catch {
      throw SendFailure(error)
    }
  }
}

extension SendReceipt {
  init(_ message: TwilioMessage) {
    self.init(
      providerSID: message.sid, status: DeliveryStatus(twilioStatus: message.status) ?? .accepted,
      providerStatus: message.status, segmentCount: message.segmentCount,
      from: message.from.map { Address.split($0).value }, raw: message.raw)
  }
}

extension StatusUpdate {
  /// A fetched message as a report; its time is that of Twilio's last change.
  init(_ message: TwilioMessage, now: Timestamp) {
    let code = message.errorCode.flatMap { $0 == 0 ? nil : String($0) }
    self.init(
      accountSID: message.accountSID, providerSID: message.sid, messageID: nil,
      report: StatusReport(
        status: DeliveryStatus(twilioStatus: message.status), providerStatus: message.status,
        at: message.dateUpdated ?? now, source: .poll, errorCode: code,
        errorMessage: message.errorMessage ?? code.flatMap { TwilioErrorCode($0)?.name }),
      from: message.from.map { Address.split($0).value }, segmentCount: message.segmentCount,
      price: message.price.map { Price(amount: $0, currency: message.priceUnit ?? "") }, raw: message.raw)
  }
}
