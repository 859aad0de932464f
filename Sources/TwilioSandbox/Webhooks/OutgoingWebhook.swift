// A webhook on its way out, and what became of it.

/// A request to the user's server that has not been made yet.
struct OutgoingWebhook: Sendable, Equatable {
  var kind: WebhookDelivery.Kind
  /// Requests of one message go one after the other.
  var messageSID: String
  var status: SandboxMessage.Status
  var url: String
  var authToken: String
  var form: FormFields
}

/// A webhook that was delivered, or was not.
public struct WebhookDelivery: Sendable, Equatable {
  /// Which of the two.
  public enum Kind: String, Sendable {
    case inbound, status
  }

  public var kind: Kind
  public var messageSID: String
  /// The status that a callback told; `received` for inbound messages.
  public var status: SandboxMessage.Status
  /// With fragment, as configured.
  public var url: String
  public var form: FormFields
  /// Requests made; 0 when it was dropped by chaos, by a full queue or at the end.
  public var attempts = 0
  /// The last answer's HTTP status.
  public var httpStatus: Int?
  /// Why there is no answer, in words.
  public var error: String?
  public var milliseconds = 0
  /// At most 4 KB of the answer.
  public var responseBody = ""
  /// When it ended.
  public var finished = UTCTime(microseconds: 0)

  init(_ webhook: OutgoingWebhook) {
    kind = webhook.kind
    messageSID = webhook.messageSID
    status = webhook.status
    url = webhook.url
    form = webhook.form
  }

  var json: JSONValue {
    .object([
      "kind": .string(kind.rawValue), "sid": .string(messageSID), "messageStatus": .string(status.rawValue),
      "url": .string(url), "status": httpStatus.map(JSONValue.integer) ?? .null, "error": .optional(error),
      "attempts": .integer(attempts), "latencyMs": .integer(milliseconds), "body": .string(responseBody),
      "finished": .string(finished.rfc2822),
      "form": .object(form.fields.map { JSONValue.Member(name: $0.name, value: .string($0.value)) }),
    ])
  }
}
