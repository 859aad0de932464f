// What the engine asks of its database.

public import ChannelProtocol

/// Keeps contacts, conversations, messages, the event log and the work to do. Every write is durable when it returns,
/// is safe to make again with the same ids, and writes its events in the same transaction.
public protocol MessageStore: EventLog, DeliveryStore, WebhookStore, MediaStore, IdempotencyStore, KeyStore,
  DepositStore,
  ContactStore, ConversationStore, BulkStore, ChannelHealthStore
{
  /// What this node commits, as it does.
  var commits: CommitFeed { get }

  // MARK: Writes that make events: group commit

  func receive(_ record: InboundRecord, deadline: Duration) async throws -> InboundOutcome
  /// The same without a task: `completion` is called once, on a thread of the store's, and must not block.
  func receive(
    _ record: InboundRecord, deadline: Duration,
    completion: @escaping @Sendable (Result<InboundOutcome, any Error>) -> Void)
  func queue(_ record: OutboundRecord, deadline: Duration) async throws -> Message
  func apply(_ update: StatusUpdate, deadline: Duration) async throws -> StatusOutcome
  func apply(
    _ update: StatusUpdate, deadline: Duration,
    completion: @escaping @Sendable (Result<StatusOutcome, any Error>) -> Void)
  /// Takes a message back while it waits with us.
  /// - Parameter expected: compared under the message's lock; nil: whatever it is.
  /// - Throws: ``ResourceChanged`` where the message is another by now.
  func cancel(_ id: Identifier, ifStill expected: MessageDetail?, deadline: Duration) async throws -> CancelOutcome
  func claim(_ claim: SendClaim, deadline: Duration) async throws -> [ClaimedSend]
  func record(_ record: SendRecord, deadline: Duration) async throws
  /// Ends up to so many of the messages that have waited with us for too long.
  /// - Returns: how many.
  func expireSends(limit: Int, deadline: Duration) async throws -> Int
  /// When the next one ends of those that wait.
  func nextExpiry() async throws -> Timestamp?
  func markRead(conversation id: Identifier) async throws -> Conversation?

  // MARK: Messages, conversations, contacts

  func message(_ id: Identifier) async throws -> MessageDetail?
  func messages(_ query: MessageQuery, page: PageRequest) async throws -> Page<Message>
  func conversation(_ id: Identifier) async throws -> Conversation?
  func conversations(_ query: ConversationQuery, page: PageRequest) async throws -> Page<Conversation>
  func contact(_ id: Identifier) async throws -> Contact?
  func contacts(_ query: ContactQuery, page: PageRequest) async throws -> Page<Contact>
  /// The configured channel of the newest message with this address, of the types given.
  func lastChannel(of address: String, types: [ChannelType]) async throws -> String?

  /// How things stand between an address and a line of ours; nil: they have no conversation.
  func standing(of address: Address, on line: String) async throws -> ConversationStanding?

  /// What the attribute `timeZone` of an address's contact says.
  func timeZone(of address: Address) async throws -> String?

  // MARK: Asking the provider again

  /// Goes on through the messages by their id, up to those made `age` ago, and notes those that have not ended; one that
  /// has never looked begins `lookBack` ago.
  /// - Returns: how many messages were looked at; fewer than `limit`: there are no more.
  func scanForPolls(age: Duration, lookBack: Duration, limit: Int) async throws -> Int
  /// The same, for messages that have ended and whose price is not known.
  func scanForPrices(age: Duration, lookBack: Duration, limit: Int) async throws -> Int
  func claimPolls(limit: Int, lease: Duration) async throws -> [ClaimedPoll]
  /// - Parameter next: when to ask again; nil: never.
  func finishPoll(_ claimed: ClaimedPoll, next: Timestamp?) async throws
  /// What is known of a provider's ids; absent: nothing.
  func knownMessages(_ sids: [String], account: String) async throws -> [String: KnownMessage]
  /// Accounts that are new here begin now, whenever they come to be compared: what was before was not missed.
  func noteReconciledAccounts(_ accounts: [String], at now: Timestamp) async throws
  /// Takes the reconciliation of an account, and notes the attempt.
  /// - Parameter notTriedSince: nil: whenever the last attempt was.
  /// - Returns: nil where another node has it, or the last attempt was after `notTriedSince`.
  func beginReconciliation(
    account: String, notTriedSince: Timestamp?, at now: Timestamp, lease: Duration
  ) async throws -> ReconciliationLease?
  func finishReconciliation(_ lease: ReconciliationLease, reached: Timestamp, at now: Timestamp) async throws
  /// What was reached stays.
  func failReconciliation(_ lease: ReconciliationLease, error: String) async throws

  // MARK: Opt-outs

  /// The scopes for which an address is opted out.
  func optedOutScopes(of address: Address) async throws -> Set<OptOutScope>
  func optOuts(_ query: OptOutQuery, page: PageRequest) async throws -> Page<OptOutEntry>
  @discardableResult
  func setOptOut(_ address: Address, optedOut: Bool) async throws -> Set<OptOutScope>

  // MARK: Templates

  func templates(_ query: TemplateQuery, page: PageRequest) async throws -> Page<Template>
  /// - Parameter account: nil: any.
  func template(sid: String, account: String?) async throws -> Template?
  func templateSyncs() async throws -> [TemplateSyncState]
  /// Takes the sync of an account's templates, and notes the attempt.
  /// - Parameter notTriedSince: nil: whenever the last attempt was.
  /// - Returns: nil where another node has it, or the last attempt was after `notTriedSince`.
  func beginTemplateSync(
    account: String, notTriedSince: Timestamp?, at now: Timestamp, lease: Duration
  ) async throws -> TemplateSyncLease?
  /// Puts what the provider has in the place of what was kept.
  /// - Returns: nil where the lease was lost: nothing is changed then.
  func finishTemplateSync(
    _ lease: TemplateSyncLease, with records: [TemplateRecord], at now: Timestamp
  ) async throws -> TemplateSyncCounts?
  /// What was kept stays, and the last success with it.
  func failTemplateSync(_ lease: TemplateSyncLease, error: String) async throws
  /// Removes the templates of every account but these.
  func forgetTemplates(exceptOf accounts: [String]) async throws

  // MARK: Work that nodes share

  /// Takes, or keeps, the lead over senders. Returns those that this node now leads.
  func leaseSenders(_ keys: [String], node: Identifier, until: Duration) async throws -> Set<String>
  func releaseSenders(node: Identifier) async throws
  /// Ends every lease, as if its time were over. Only where no other node can be alive.
  func releaseAllLeases() async throws
  /// When the next message of each sender falls due to be sent, or to be found out about; a sender with nothing to do is
  /// absent.
  func nextSends(_ keys: [String], _ work: SendClaim.Work) async throws -> [String: Timestamp]
  /// How many messages wait, by sender.
  func backlog() async throws -> [String: Int]
  /// Those of a provider's ids that messages of ours hold.
  func knownProviderSIDs(_ sids: [String], account: String) async throws -> Set<String>
  /// Reports whose message came to be known while they were parked.
  func parkedReports(limit: Int) async throws -> [StatusUpdate]
  func dropParked(_ update: StatusUpdate) async throws
  /// Removes reports whose message has not come to be known for a month.
  func expireParkedReports() async throws
  /// Makes room in the log ahead of its end.
  func maintainEventLog() async throws
  /// Sorts in what the search indexes have only taken note of, where this node has written enough since the last time.
  func sortSearchIndexes() async throws
  /// Removes events that are older, but none that an endpoint of webhooks has still to get, and never the newest.
  @discardableResult
  func expireEvents(olderThan age: Duration) async throws -> EventExpiry
  /// What the log holds, after a look whether it is still the one it was: where its database was restored, it gets a new
  /// epoch here.
  /// - Parameters:
  ///   - place: one that was read before this call; a log that ends below it was set back. Nil: none was.
  ///   - comparesOrigin: whether the database is asked which log it is. Not every one can tell.
  func examineLog(since place: LogPosition?, comparesOrigin: Bool) async throws -> EventLogBounds

  /// Whether the database answers and its schema is this program's.
  func check() async throws
  func close() async
}

extension MessageStore {
  public func examineLog(since place: LogPosition?) async throws -> EventLogBounds {
    try await examineLog(since: place, comparesOrigin: true)
  }
}

extension MessageStore {
  /// Takes a message back while it waits with us, whatever it is by now.
  public func cancel(_ id: Identifier, deadline: Duration) async throws -> CancelOutcome {
    try await cancel(id, ifStill: nil, deadline: deadline)
  }
}

/// What a message to send is judged by.
public struct ConversationStanding: Sendable, Hashable {
  public var lastInboundAt: Timestamp?
  /// The address of ours in the conversation's last message.
  public var ourAddress: String?

  public init(lastInboundAt: Timestamp?, ourAddress: String?) {
    self.lastInboundAt = lastInboundAt
    self.ourAddress = ourAddress
  }
}

/// Where a list goes on, and how long a page is.
public struct PageRequest: Sendable, Hashable {
  public var limit: Int
  public var cursor: PageCursor?

  public init(limit: Int = 50, cursor: PageCursor? = nil) {
    self.limit = limit
    self.cursor = cursor
  }
}

public struct Page<Item: Sendable>: Sendable {
  public var items: [Item]
  public var next: PageCursor?

  public init(items: [Item], next: PageCursor?) {
    self.items = items
    self.next = next
  }
}

/// The last row of a page: rows inserted meanwhile do not move it.
public struct PageCursor: Sendable, Hashable, CustomStringConvertible {
  public var id: Identifier
  /// Set where the list is ordered by a time.
  public var time: Timestamp?
  /// Set where rows may move while the list is read: the newest event's number when the first page was.
  public var start: Int64?

  public init(id: Identifier, time: Timestamp? = nil, start: Int64? = nil) {
    self.id = id
    self.time = time
    self.start = start
  }

  /// Reads the text that `description` gives.
  public init?(_ text: String) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let numbers = parts.dropFirst().compactMap { Int64($0) }
    guard (1...3).contains(parts.count), numbers.count == parts.count - 1, let id = Identifier(parts[0]) else {
      return nil
    }
    self.init(
      id: id, time: numbers.first.map { Timestamp(microseconds: $0) }, start: numbers.count == 2 ? numbers[1] : nil)
  }

  public var description: String {
    guard let time else { return id.description }
    return "\(id).\(time.microseconds)" + (start.map { ".\($0)" } ?? "")
  }
}

/// A message with its history.
public struct MessageDetail: Sendable {
  public var message: Message
  public var history: [StatusReport]
  /// What the provider said beside each entry of the history, JSON objects; nil: nothing.
  public var reports: [[UInt8]?]
  /// Every field of a message that came in as the provider sent it, JSON; nil where there is none.
  public var raw: [UInt8]?
}

/// Filters of the message list; nil or empty: no filter.
public struct MessageQuery: Sendable, Hashable {
  public var conversation: Identifier?
  public var contact: Identifier?
  /// A configured channel's id, or a channel type.
  public var channel: String?
  public var direction: Direction?
  public var statuses: [DeliveryStatus] = []
  public var providerSID: String?
  /// Words that the body holds in any order, the last one whole or by its beginning.
  public var search: String?
  /// Inclusive.
  public var since: Timestamp?
  /// Exclusive.
  public var until: Timestamp?
  public init() {}
}

public struct ConversationQuery: Sendable, Hashable {
  public var status: Conversation.Status?
  public var channel: String?
  /// Only those with unread messages.
  public var unread: Bool?
  /// A part of the contact's name, of one of its addresses or of its attributes.
  public var search: String?
  public init() {}
}

public struct ContactQuery: Sendable, Hashable {
  /// A part of the name, of an address or of an attribute.
  public var search: String?
  /// A type of address they have.
  public var channel: String?
  public var label: String?
  public init() {}
}
