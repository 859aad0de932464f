// The message store on PostgreSQL: one write lane for what makes events, a pool of sessions for the rest.

public import ChannelProtocol
public import Logging
public import Metrics
public import Postgres

/// Opens and closes the connections; each aggregate's statements are in a file of its own.
public final class PostgresMessageStore: MessageStore {
  /// Sizes and limits. Every queue has a bound: beyond it a write fails at once as unavailable.
  public struct Options: Sendable {
    public var sessions = 4
    public var maximumBatch = 512
    public var queueLimit = 16_384
    public var sessionQueueLimit = 1_024
    /// The default deadline of a read.
    public var deadline: Duration = .seconds(10)
    public init() {}
  }

  let lane: WriteLane
  let sessions: SessionPool
  let context: ResourceContext
  let clock: any WallClock
  let writing: WriteContext
  public let commits = CommitFeed()
  let options: Options
  /// Opens an endpoint secret kept under encryption; nil where it cannot.
  let openSecret: @Sendable ([UInt8]) -> [UInt8]?
  private let inbound: LaneQueue<ReceiveInbound>
  private let outbound: LaneQueue<QueueOutbound>
  private let statuses: LaneQueue<ApplyStatuses>
  private let claims: LaneQueue<ClaimSends>
  private let records: LaneQueue<RecordSends>
  let reads: LaneQueue<ReadConversations>
  private let cancels: LaneQueue<CancelSends>
  let expiries: LaneQueue<ExpireSends>

  public init(
    configuration: PostgresConfiguration, context: ResourceContext, options: Options = Options(),
    clock: any WallClock = SystemClock(), openSecret: @escaping @Sendable ([UInt8]) -> [UInt8]? = { $0 },
    logger: Logger, metrics: (any MetricsFactory)? = nil
  ) {
    self.context = context
    self.clock = clock
    self.options = options
    self.openSecret = openSecret
    let writing = WriteContext(resources: context, clock: clock, commits: commits)
    self.writing = writing
    let batch = options.maximumBatch
    let limit = options.queueLimit
    let configuration = Self.prepared(configuration)
    lane = WriteLane(configuration: configuration, logger: logger, metrics: metrics, onError: LaneMending.mend)
    sessions = SessionPool(
      configuration: configuration, size: options.sessions, queueLimit: options.sessionQueueLimit, logger: logger)
    inbound = lane.register(
      ReceiveInbound(maximumBatch: batch, context: writing), queueLimit: limit)
    outbound = lane.register(QueueOutbound(maximumBatch: batch, context: writing), queueLimit: limit)
    records = lane.register(RecordSends(maximumBatch: batch, context: writing), queueLimit: limit)
    statuses = lane.register(ApplyStatuses(maximumBatch: batch, context: writing), queueLimit: limit)
    claims = lane.register(ClaimSends(maximumBatch: 64, context: writing), queueLimit: 1_024)
    cancels = lane.register(CancelSends(context: writing), queueLimit: limit)
    expiries = lane.register(ExpireSends(context: writing), queueLimit: 64)
    reads = lane.register(ReadConversations(context: writing), queueLimit: limit)
  }

  /// Every statement is written for a lookup in an index, row by row. A plan that is made while the tables are empty
  /// sees nothing wrong with reading all of them, and is kept when they have grown: that choice is taken away.
  private static func prepared(_ configuration: PostgresConfiguration) -> PostgresConfiguration {
    var configuration = configuration
    configuration.sessionSettings.merge([
      "plan_cache_mode": "force_generic_plan", "jit": "off", "enable_seqscan": "off", "enable_hashjoin": "off",
      "enable_mergejoin": "off",
      // What an index finds for a frequent word is kept by the row, not by the page, which would have to be read again.
      "work_mem": "16MB",
      // To start a helper takes longer than most of what it could help with.
      "max_parallel_workers_per_gather": "0",
    ]) { given, _ in given }
    return configuration
  }

  /// Starts the threads. Connections are made as they are needed.
  public func start() throws(PostgresError) {
    try lane.start()
    try sessions.start()
  }

  public func receive(_ record: InboundRecord, deadline: Duration) async throws -> InboundOutcome {
    try await inbound.submit(record, deadline: deadline)
  }

  public func receive(
    _ record: InboundRecord, deadline: Duration,
    completion: @escaping @Sendable (Result<InboundOutcome, any Error>) -> Void
  ) {
    inbound.submit(record, deadline: deadline, completion: completion)
  }

  public func queue(_ record: OutboundRecord, deadline: Duration) async throws -> Message {
    try await outbound.submit(record, deadline: deadline)
  }

  public func apply(_ update: StatusUpdate, deadline: Duration) async throws -> StatusOutcome {
    try await statuses.submit(update, deadline: deadline)
  }

  public func apply(
    _ update: StatusUpdate, deadline: Duration,
    completion: @escaping @Sendable (Result<StatusOutcome, any Error>) -> Void
  ) {
    statuses.submit(update, deadline: deadline, completion: completion)
  }

  public func claim(_ claim: SendClaim, deadline: Duration) async throws -> [ClaimedSend] {
    try await claims.submit(claim, deadline: deadline)
  }

  public func cancel(
    _ id: Identifier, ifStill expected: MessageDetail?, deadline: Duration
  ) async throws -> CancelOutcome {
    try await cancels.submit(CancelWish(id: id, expected: expected), deadline: deadline)
  }

  public func record(_ record: SendRecord, deadline: Duration) async throws {
    try await records.submit(record, deadline: deadline)
  }

  public func close() async {
    await lane.close()
    await sessions.close()
  }

  /// Runs reads, or a write that makes no event, on a session of the pool.
  func run<T: Sendable>(_ body: @Sendable @escaping (Connection) throws -> T) async throws -> T {
    try await sessions.run(deadline: options.deadline, body)
  }
}
