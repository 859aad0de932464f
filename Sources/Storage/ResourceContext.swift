// What is needed beside the rows to show a resource.

public import ChannelProtocol

/// The settings that go into resources: they come from the configuration and the adapters, not from the database.
public struct ResourceContext: Sendable {
  /// The gateway's public base URL, without a trailing slash.
  public var publicURL: String
  /// How long after a contact's last message free-form messages are allowed, by the conversation's channel type.
  public var windows: [ChannelType: Duration]
  /// The contact channel type of each configured channel, by its id.
  public var channelTypes: [String: ChannelType]
  /// The words for an error code.
  public var explain: @Sendable (_ errorCode: String) -> ErrorExplanation?

  public init(
    publicURL: String, windows: [ChannelType: Duration] = [:], channelTypes: [String: ChannelType] = [:],
    explain: @escaping @Sendable (_ errorCode: String) -> ErrorExplanation? = { _ in nil }
  ) {
    self.publicURL = publicURL
    self.windows = windows
    self.channelTypes = channelTypes
    self.explain = explain
  }

  func mediaURL(_ id: Identifier) -> String { "\(publicURL)/api/media/\(id)" }
}

/// What an error code means, for a person.
public struct ErrorExplanation: Sendable, Hashable {
  public var message: String
  public var explanation: String?
  public var isRetryable: Bool
  /// The recipient has opted out: it belongs into the ledger.
  public var isOptOut: Bool

  public init(message: String, explanation: String?, isRetryable: Bool, isOptOut: Bool = false) {
    self.message = message
    self.explanation = explanation
    self.isRetryable = isRetryable
    self.isOptOut = isOptOut
  }
}
