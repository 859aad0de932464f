// Records as the engine makes them.

import ChannelProtocol
import GatewayTesting

@testable import Storage

enum Sample {
  static let account = "AC00000000000000000000000000000001"
  static let line = "+15005550006"
  static let contact = "+14155550100"
  static let sender = "sms/+15005550006"
}

extension StoreFixture {
  /// A message from a contact.
  func inbound(
    _ sid: String, from: String = Sample.contact, to: String = Sample.line, line: String? = nil,
    type: ChannelType = .sms, channel: String? = "sms", body: String? = "hello", content: Content? = nil,
    media: [InboundMedia] = [], profileName: String? = nil, replyTo: String? = nil
  ) -> InboundRecord {
    InboundRecord(
      id: clock.makeIdentifier(),
      message: InboundMessage(
        accountSID: Sample.account, providerSID: sid, channelType: type, from: from, to: to, body: body,
        content: content ?? Content(.text(body ?? "")), media: media, profileName: profileName,
        replyToProviderSID: replyTo, receivedAt: clock.now(),
        raw: RawPayload(json: Array("{\"MessageSid\":\"\(sid)\"}".utf8))),
      channel: channel, line: line ?? to)
  }

  @discardableResult
  func receive(_ record: InboundRecord, on node: Int = 0) async throws -> InboundOutcome {
    try await stores[node].receive(record, deadline: Self.deadline)
  }

  /// A message to a contact.
  func outbound(
    to: String = Sample.contact, type: ChannelType = .sms, channel: String = "sms", body: String = "hello",
    sender key: String = Sample.sender, priority: Int = 10, scheduledAt: Timestamp? = nil, validFor: Int? = nil,
    media: [String] = [], template: TemplateReference? = nil, metadata: [String: String] = [:]
  ) -> OutboundRecord {
    OutboundRecord(
      id: clock.makeIdentifier(), to: Address(type: type, value: to), channel: channel, channelType: type,
      line: Sample.line, sender: Sample.line, senderKey: key, accountSID: Sample.account, body: body,
      content: Content(.text(body)), media: media, template: template,
      segments: Segments(count: 1, encoding: .gsm7), priority: priority, scheduledAt: scheduledAt, validFor: validFor,
      metadata: metadata, createdAt: clock.now())
  }

  @discardableResult
  func queue(_ record: OutboundRecord, on node: Int = 0) async throws -> Message {
    try await stores[node].queue(record, deadline: Self.deadline)
  }

  func claim(
    _ work: SendClaim.Work = .waiting, sender key: String = Sample.sender, limit: Int = 64, on node: Int = 0,
    lease: Duration = .seconds(60)
  ) async throws -> [ClaimedSend] {
    try await stores[node].claim(
      SendClaim(
        senderKey: key, work: work, limit: limit, lease: clock.makeIdentifier(), leaseUntil: clock.now() + lease),
      deadline: Self.deadline)
  }

  func record(
    _ result: SendRecord.Result, of claimed: ClaimedSend, lease: Identifier? = nil, on node: Int = 0
  ) async throws {
    try await stores[node].record(
      SendRecord(
        messageID: claimed.message.id, lease: lease ?? claimed.lease, accountSID: Sample.account, result: result,
        at: clock.now()),
      deadline: Self.deadline)
  }

  /// Queues, claims and records one message as taken by the provider.
  @discardableResult
  func send(_ sid: String, _ record: OutboundRecord? = nil) async throws -> Identifier {
    let queued = try await queue(record ?? outbound())
    for claimed in try await claim() where claimed.message.id == queued.id {
      try await self.record(.accepted(.sample(sid)), of: claimed)
    }
    return queued.id
  }

  @discardableResult
  func apply(_ update: StatusUpdate, on node: Int = 0) async throws -> StatusOutcome {
    try await stores[node].apply(update, deadline: Self.deadline)
  }
}

extension SendReceipt {
  static func sample(_ sid: String, from: String? = nil, segmentCount: Int? = nil) -> SendReceipt {
    SendReceipt(
      providerSID: sid, status: .accepted, providerStatus: "queued", segmentCount: segmentCount, from: from,
      raw: RawPayload(json: Array("{\"sid\":\"\(sid)\"}".utf8)))
  }
}

extension StatusUpdate {
  /// A callback in the provider's words.
  static func callback(
    _ word: String, sid: String, message: Identifier? = nil, error: String? = nil, at: Timestamp,
    source: StatusReport.Source = .callback
  ) -> StatusUpdate {
    StatusUpdate(
      accountSID: Sample.account, providerSID: sid, messageID: message,
      report: StatusReport(
        status: DeliveryStatus(providerWord: word), providerStatus: word, at: at, source: source, errorCode: error),
      raw: RawPayload(json: Array("{\"MessageStatus\":\"\(word)\"}".utf8)))
  }
}

extension DeliveryStatus {
  /// As `API.md` maps the provider's words; nil for one that it does not list.
  init?(providerWord word: String) {
    switch word {
    case "accepted", "queued", "sending", "scheduled": self = .accepted
    case "sent": self = .sent
    case "delivered": self = .delivered
    case "undelivered": self = .undelivered
    case "failed": self = .failed
    case "canceled": self = .canceled
    case "read": self = .read
    default: return nil
    }
  }
}
