// What nodes tell each other of how their channels fare.

public import ChannelProtocol

public protocol ChannelHealthStore: Sendable {
  /// Puts what a node says of channels in the place of what it said before.
  func reportChannels(_ reports: [ChannelReport], node: Identifier) async throws
  /// What the other nodes have said of late, gone ones too.
  func channelReports(exceptOf node: Identifier) async throws -> [ChannelReport]
}

/// One node's calls over one channel.
public struct ChannelReport: Sendable, Hashable {
  /// What a call says of the channel, whatever became of the message.
  public enum Sign: String, Sendable, Hashable {
    case good
    /// Something of ours must be mended: no call will succeed until then.
    case misconfigured
    case throttled
    case failed
  }

  public struct Call: Sendable, Hashable {
    public var sign: Sign
    /// The provider's number, or ours.
    public var code: String
    public var at: Timestamp

    public init(sign: Sign, code: String, at: Timestamp) {
      self.sign = sign
      self.code = code
      self.at = at
    }
  }

  public var channel: String
  /// The last ones, the oldest first.
  public var calls: [Call] = []
  public var lastSuccessAt: Timestamp?
  public var lastError: Call?

  public init(channel: String) { self.channel = channel }
}
