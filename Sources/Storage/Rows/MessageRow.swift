// A row of `messages` as the model's message, and the columns it is read from.

import ChannelProtocol
import Foundation
import Postgres

/// A message with what the store keeps beside the resource.
struct StoredMessage: Sendable {
  var message: Message
  var accountSID: String?
  var isSettled: Bool
  var isContradicted: Bool
  var hasMedia: Bool
  var validFor: Int?
  var factRanks: Int

  /// The columns that ``init(_:context:)`` reads, of the table or alias `m`.
  static let columns = """
    m.id, m.conversation_id, m.contact_id, m.channel, m.channel_type, m.inbound, m.sender, m.recipient, m.body, \
    m.content, m.status, m.status_settled, m.status_contradicted, m.error_code, m.error_message, m.account_sid, \
    m.provider_sid, m.segment_count, m.segment_encoding, m.template, m.valid_for, m.scheduled_at, m.reply_to, \
    m.resend_of, m.recovered, m.has_media, m.metadata, m.created_at, m.sent_at, m.delivered_at, m.read_at, \
    m.price_amount, m.price_currency, m.fact_ranks
    """
  static let columnCount = 34

  init(_ reader: inout ColumnReader, context: ResourceContext) throws {
    let id = try reader.identifier()
    let conversationID = try reader.identifier()
    let contactID = try reader.identifier()
    let channel = try reader.textOrNil()
    let channelType = ChannelType(try reader.text())
    let isInbound = try reader.bool()
    let from = try reader.text()
    let to = try reader.text()
    let body = try reader.textOrNil()
    let content = try reader.textOrNil()
    let status = try reader.int2()
    isSettled = try reader.bool()
    isContradicted = try reader.bool()
    let errorCode = try reader.textOrNil()
    let errorMessage = try reader.textOrNil()
    accountSID = try reader.textOrNil()
    let providerSID = try reader.textOrNil()
    let segmentCount = try reader.int2OrNil()
    let segmentEncoding = try reader.textOrNil()
    let template = try reader.textOrNil()
    validFor = try reader.int4OrNil()
    let scheduledAt = try reader.timestampOrNil()
    let replyTo = try reader.identifierOrNil()
    let resendOf = try reader.identifierOrNil()
    let recovered = try reader.bool()
    hasMedia = try reader.bool()
    let metadata = try reader.textOrNil()
    let createdAt = try reader.timestamp()
    let sentAt = try reader.timestampOrNil()
    let deliveredAt = try reader.timestampOrNil()
    let readAt = try reader.timestampOrNil()
    let priceAmount = try reader.textOrNil()
    let priceCurrency = try reader.textOrNil()
    factRanks = try reader.int2()
    message = Message(
      id: id, conversationID: conversationID, contactID: contactID, channel: channel, channelType: channelType,
      direction: isInbound ? .inbound : .outbound, from: from, to: to, body: body,
      content: try content.flatMap { Content(try StoredJSON.value($0)) } ?? Content(.text(body ?? "")),
      status: DeliveryStatus(code: status) ?? .queued,
      error: errorCode.map { context.error(code: $0, message: errorMessage) }, providerSID: providerSID,
      segments: segmentCount.map {
        Segments(count: $0, encoding: segmentEncoding.flatMap { Segments.Encoding(rawValue: $0) } ?? .gsm7)
      },
      price: priceAmount.map { Price(amount: $0, currency: priceCurrency ?? "") },
      template: try template.flatMap { TemplateReference(try StoredJSON.value($0)) }, scheduledAt: scheduledAt,
      replyTo: replyTo, resendOf: resendOf, recovered: recovered,
      metadata: try metadata.map { try StoredJSON.strings($0) } ?? [:], createdAt: createdAt, sentAt: sentAt,
      deliveredAt: deliveredAt, readAt: readAt)
  }

  /// The state that status reports are projected onto.
  var projection: StatusProjection {
    get {
      StatusProjection(
        status: message.status, isSettled: isSettled, isContradicted: isContradicted, errorCode: message.error?.code,
        errorMessage: message.error?.message, sentAt: message.sentAt, deliveredAt: message.deliveredAt,
        readAt: message.readAt)
    }
  }

  /// Who sent it, in how many parts and for how much, as reported so far.
  var facts: ReportedFacts { FactRanks.facts(of: message, code: factRanks) }

  mutating func take(_ facts: ReportedFacts) {
    message.from = facts.sender.value ?? message.from
    if let count = facts.segmentCount.value, count != message.segments?.count {
      message.segments = Segments(count: count, encoding: message.segments?.encoding ?? .gsm7)
    }
    message.price = facts.price.value
    factRanks = Int(FactRanks.code(facts))
  }

  mutating func take(_ projection: StatusProjection, context: ResourceContext) {
    message.status = projection.status
    isSettled = projection.isSettled
    isContradicted = projection.isContradicted
    message.error = projection.errorCode.map { context.error(code: $0, message: projection.errorMessage) }
    message.sentAt = projection.sentAt
    message.deliveredAt = projection.deliveredAt
    message.readAt = projection.readAt
  }
}

extension ResourceContext {
  /// The error of a message: the provider's words where it gave some, else those of the table.
  func error(code: String, message: String?) -> MessageError {
    let known = explain(code)
    return MessageError(
      code: code, message: message ?? known?.message ?? "Error \(code)", explanation: known?.explanation,
      isRetryable: known?.isRetryable ?? false)
  }
}

/// JSON texts that we wrote ourselves.
enum StoredJSON {
  static func value(_ text: String) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
  }

  static func value(_ bytes: [UInt8]) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data(bytes))
  }

  static func strings(_ text: String) throws -> [String: String] {
    (try value(text).objectValue ?? [:]).compactMapValues { $0.stringValue }
  }

  static func text(_ strings: [String: String]) -> String? {
    guard !strings.isEmpty else { return nil }
    return text(.object(strings.mapValues { .string($0) }))
  }

  static func text(_ value: JSONValue) -> String {
    var writer = JSONWriter(capacity: 256)
    writer.value(value)
    return writer.string
  }
}

extension TemplateReference {
  fileprivate init?(_ json: JSONValue) {
    guard let sid = json["sid"]?.stringValue else { return nil }
    self.init(sid: sid, variables: (json["variables"]?.objectValue ?? [:]).compactMapValues { $0.stringValue })
  }

  var stored: String {
    StoredJSON.text(["sid": .string(sid), "variables": .object(variables.mapValues { .string($0) })])
  }
}

extension Content {
  /// The text kept in `messages.content`; nil where the body says it all.
  func stored(body: String?) -> String? {
    if case .text(let text) = kind, referral == nil, forwarded == nil, frequentlyForwarded == nil,
      text.utf8.elementsEqual((body ?? "").utf8)
    {
      return nil
    }
    var writer = JSONWriter(capacity: 256)
    write(to: &writer)
    return writer.string
  }
}
