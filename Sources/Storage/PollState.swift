// Messages whose fate the provider is asked about, and how an account's reconciliation stands.

public import ChannelProtocol

/// A message that this node may ask the provider about, until its lease ends.
public struct ClaimedPoll: Sendable, Hashable {
  public var messageID: Identifier
  public var lease: Identifier
  /// Times it was asked about, this one included.
  public var attempts: Int
  /// nil: the message is gone.
  public var subject: Subject?

  /// The message, as it stands.
  public struct Subject: Sendable, Hashable {
    public var channel: String?
    public var accountSID: String?
    public var providerSID: String?
    public var status: DeliveryStatus
    /// Two ends were told, and nobody has asked which it is.
    public var isContradicted: Bool
    /// When it left, or is to leave.
    public var leavesAt: Timestamp
    /// The contact's.
    public var address: Address
    public var hasPrice: Bool

    public init(
      channel: String?, accountSID: String?, providerSID: String?, status: DeliveryStatus, isContradicted: Bool,
      leavesAt: Timestamp, address: Address, hasPrice: Bool
    ) {
      self.address = address
      self.hasPrice = hasPrice
      self.channel = channel
      self.accountSID = accountSID
      self.providerSID = providerSID
      self.status = status
      self.isContradicted = isContradicted
      self.leavesAt = leavesAt
    }
  }

  public init(messageID: Identifier, lease: Identifier, attempts: Int, subject: Subject?) {
    self.messageID = messageID
    self.lease = lease
    self.attempts = attempts
    self.subject = subject
  }
}

/// The right to reconcile an account, for a time.
public struct ReconciliationLease: Sendable, Hashable {
  public var accountSID: String
  public var id: Identifier
  /// When the account came to be ours: what was before it was not missed.
  public var began: Timestamp
  /// Everything before this is here.
  public var reached: Timestamp
}

/// What is known here of a message that a provider lists.
public struct KnownMessage: Sendable, Hashable {
  public var status: DeliveryStatus
  public var isContradicted: Bool
  public var price: Price?

  public init(status: DeliveryStatus, isContradicted: Bool, price: Price?) {
    self.status = status
    self.isContradicted = isContradicted
    self.price = price
  }
}
