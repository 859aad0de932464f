// A status callback as a report on a message of ours.

public import ChannelProtocol

extension DeliveryStatus {
  /// Twilio's word for a message's state, ours for where it is; nil for a word we do not know, and for an inbound one.
  public init?(twilioStatus word: String) {
    switch word {
    case "accepted", "scheduled", "queued", "sending": self = .accepted
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

extension StatusUpdate {
  /// Reads a webhook whose kind is `status`.
  /// - Parameter query: the query of the request's target, which may carry our id as `message`.
  init(_ webhook: TwilioWebhook, query: Substring?, receivedAt: Timestamp) {
    let fields = webhook.fields
    let word = fields.nonEmpty("MessageStatus") ?? fields.nonEmpty("SmsStatus") ?? ""
    let errorCode = fields.nonEmpty("ErrorCode").flatMap { $0 == "0" ? nil : $0 }
    let parameters = FormFields(urlEncoded: Array((query ?? "").utf8))
    self.init(
      accountSID: webhook.accountSID ?? "",
      providerSID: fields.nonEmpty("MessageSid") ?? fields.nonEmpty("SmsSid") ?? fields["SmsMessageSid"] ?? "",
      messageID: parameters["message"].flatMap { Identifier($0) },
      report: StatusReport(
        status: DeliveryStatus(twilioStatus: word), providerStatus: word, at: receivedAt, source: .callback,
        errorCode: errorCode,
        errorMessage: fields.nonEmpty("ErrorMessage") ?? fields.nonEmpty("ChannelStatusMessage")
          ?? errorCode.flatMap { TwilioErrorCode($0)?.name }),
      from: webhook.ourAddress,
      segmentCount: fields.nonEmpty("NumSegments").flatMap { Int($0) },
      raw: RawPayload(fields))
  }
}
