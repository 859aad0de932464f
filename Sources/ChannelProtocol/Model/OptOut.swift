// Who wants nothing more of us, from whom of us, and how we know.

/// For which of our senders an opt-out holds: `sender:+1500…`, `service:MG…` or `account`.
public struct OptOutScope: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: String
  public init(rawValue: String) { self.rawValue = rawValue }

  /// All senders of ours.
  public static let account = Self(rawValue: "account")
  /// One number, short code or agent.
  public static func sender(_ address: String) -> Self { Self(rawValue: "sender:\(address)") }
  /// All senders of one pool.
  public static func service(_ pool: String) -> Self { Self(rawValue: "service:\(pool)") }

  /// The scope that an address or pool of ours stands for.
  public static func line(_ line: String) -> Self { line.hasPrefix("MG") ? service(line) : sender(line) }

  public var description: String { rawValue }
}

/// How an opt-out, or its end, came to be known.
public enum OptOutSource: String, Sendable, Hashable, CaseIterable {
  /// The provider said so with a message (`OptOutType`).
  case provider
  /// A word of our own lists.
  case keyword
  /// The provider refused a message for it.
  case refusal
  /// Somebody of ours.
  case api
}

/// One entry of the ledger: the newest of an address and scope stands.
public struct OptOutEntry: Sendable, Hashable {
  public var id: Identifier
  public var channelType: ChannelType
  /// Bare.
  public var address: String
  public var scope: OptOutScope
  public var optedOut: Bool
  public var source: OptOutSource
  public var messageID: Identifier?
  public var at: Timestamp

  public init(
    id: Identifier, channelType: ChannelType, address: String, scope: OptOutScope, optedOut: Bool,
    source: OptOutSource, messageID: Identifier?, at: Timestamp
  ) {
    self.id = id
    self.channelType = channelType
    self.address = address
    self.scope = scope
    self.optedOut = optedOut
    self.source = source
    self.messageID = messageID
    self.at = at
  }

  public func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("id", id)
      writer.member("channelType", channelType.rawValue)
      writer.member("address", address)
      writer.member("scope", scope.rawValue)
      writer.member("optedOut", optedOut)
      writer.member("source", source.rawValue)
      writer.member("messageId", messageID)
      writer.member("at", at)
    }
  }
}
