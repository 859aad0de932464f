// What the engine asks of its database about bulks: one message to thousands.

public import ChannelProtocol

/// Keeps bulks and what becomes of each recipient. A recipient's parameters, and the id of its message, are fixed when
/// the bulk is accepted, so a node that takes one over sends nothing twice.
public protocol BulkStore: Sendable {
  func createBulk(_ bulk: NewBulk) async throws
  func bulk(_ id: Identifier) async throws -> Bulk?
  /// Stops it, or lets it go on; what waits in the outbox waits with it.
  func setBulkState(_ state: BulkState, of id: Identifier) async throws -> BulkChange
  /// Has each failed message sent again, as a new one.
  func retryFailed(inBulk id: Identifier) async throws -> BulkChange

  /// How an address stands on a line, for many at once and in their order.
  func standings(of addresses: [Address], on line: String) async throws -> [RecipientStanding]

  // MARK: Work that nodes share

  /// Takes bulks that have something left to do, or keeps them.
  func takeBulks(node: Identifier, lease: Duration, limit: Int) async throws -> [BulkWork]
  func releaseBulks(node: Identifier) async throws
  /// How many messages of a priority wait for senders, `limit` at most.
  func waitingSends(_ keys: [String], priority: Int, limit: Int) async throws -> Int
  func waitingRecipients(ofBulk id: Identifier, limit: Int) async throws -> [BulkRecipient]
  /// Writes down which recipients have their message now, and which were refused.
  func noteRecipients(ofBulk id: Identifier, queued: [Int], refused: [BulkRefusal]) async throws
  /// Nothing is left to do, unless somebody has changed the bulk since it was taken.
  func settleBulk(_ work: BulkWork) async throws
  /// Makes what waits in the outbox stand still.
  func freezeBulk(_ id: Identifier) async throws
  /// Its messages that wait in the outbox.
  func unsentMessages(ofBulk id: Identifier) async throws -> [Identifier]
}

public enum BulkState: Int16, Sendable, Hashable {
  case running = 0
  case paused = 1
  case canceled = 2
}

/// A bulk to be made.
public struct NewBulk: Sendable {
  public var id: Identifier
  /// The configured channel's id.
  public var channel: String
  public var templateSID: String?
  public var recipients: [BulkRecipient]
  public var refused: [BulkRefusal]
  public var createdAt: Timestamp

  public init(
    id: Identifier, channel: String, templateSID: String?, recipients: [BulkRecipient], refused: [BulkRefusal],
    createdAt: Timestamp
  ) {
    self.id = id
    self.channel = channel
    self.templateSID = templateSID
    self.recipients = recipients
    self.refused = refused
    self.createdAt = createdAt
  }
}

/// One recipient, with everything its message is made of.
public struct BulkRecipient: Sendable, Hashable {
  /// Its place in the request.
  public var index: Int
  public var address: String
  /// With its variables filled in.
  public var body: String?
  /// Those of a template.
  public var variables: [String: String]
  public var metadata: [String: String]
  /// Parts it takes of the sender's rate.
  public var units: Int
  public var messageID: Identifier
  /// The failed message that this one is sent for.
  public var resendOf: Identifier?

  public init(
    index: Int, address: String, body: String?, variables: [String: String], metadata: [String: String], units: Int,
    messageID: Identifier, resendOf: Identifier? = nil
  ) {
    self.index = index
    self.address = address
    self.body = body
    self.variables = variables
    self.metadata = metadata
    self.units = units
    self.messageID = messageID
    self.resendOf = resendOf
  }
}

/// A recipient that gets no message, and why.
public struct BulkRefusal: Sendable, Hashable {
  public var index: Int
  public var code: String
  public var message: String

  public init(index: Int, code: String, message: String) {
    self.index = index
    self.code = code
    self.message = message
  }
}

/// A bulk as it is now.
public struct Bulk: Sendable, Hashable {
  public var id: Identifier
  public var channel: String
  public var state: BulkState
  public var total: Int
  /// Recipients whose message is not made yet.
  public var waiting: Int
  /// Messages by status.
  public var counts: [DeliveryStatus: Int]
  /// What is not handed to the provider yet, in parts of the sender's rate.
  public var unitsLeft: Int
  public var refused: [BulkRefusal]
  public var createdAt: Timestamp
}

public enum BulkChange: Sendable, Hashable {
  case done
  case notFound
  /// It is past that.
  case refused(BulkState)
}

/// A bulk that this node may work on until its lease ends.
public struct BulkWork: Sendable, Hashable {
  public var id: Identifier
  public var channel: String
  public var templateSID: String?
  public var state: BulkState
  /// Counts the changes made from outside.
  public var revision: Int
}

/// What a recipient is judged by.
public struct RecipientStanding: Sendable, Hashable {
  public var optedOut: Set<OptOutScope>
  public var lastInboundAt: Timestamp?
}
