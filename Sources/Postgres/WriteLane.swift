// Group commit: what arrived during the last commit is the next batch.

public import Logging
public import Metrics
import Synchronization

/// One thread and one connection that write the batches of several operations, in turn, without a timer.
///
/// A second thread answers callers whose deadline passes while the first is blocked by a stopped server. When a batch
/// fails, `BatchRecovery` decides: an error of data splits it until only the faulty items fail, a lost connection or
/// a lost race runs it again for as long as somebody waits.
public final class WriteLane: Sendable {
  public struct Options: Sendable {
    /// Stands in metrics, logs and the thread's name.
    public var name: String
    /// Bounds one attempt at a batch; items' own deadlines may be shorter.
    public var batchTimeout: Duration
    /// Metrics are `<prefix>_batch_items`, `_batch_duration`, `_queue_depth`, `_retries`, `_splits`,
    /// `_expired_items`, `_refused_items`, with the dimensions `lane` and `operation`.
    public var metricsPrefix: String

    public init(
      name: String = "ingest", batchTimeout: Duration = .seconds(5), metricsPrefix: String = "fractal_lane"
    ) {
      self.name = name
      self.batchTimeout = batchTimeout
      self.metricsPrefix = metricsPrefix
    }
  }

  private let configuration: PostgresConfiguration
  private let options: Options
  private let logger: Logger
  private let metrics: any MetricsFactory
  private let onError: (@Sendable (PostgresError, Connection) -> Bool)?
  private let signal = LaneSignal()
  private let queues = Mutex<[any LaneWork]>([])
  private let interrupt = Interrupt()
  private let connected = Atomic<Bool>(false)
  private let started = Atomic<Bool>(false)

  /// - Parameter onError: called on the lane's thread after a server's error, when the transaction is rolled back. It
  ///   may mend what is in the way (a missing partition, a stuck holder of a lock) with the connection, and returns
  ///   whether the batch is worth another attempt at once; at most three times in a row.
  public init(
    configuration: PostgresConfiguration, options: Options = Options(), logger: Logger,
    metrics: (any MetricsFactory)? = nil, onError: (@Sendable (PostgresError, Connection) -> Bool)? = nil
  ) {
    self.configuration = configuration
    self.options = options
    self.logger = logger
    self.metrics = metrics ?? MetricsSystem.factory
    self.onError = onError
  }

  /// Adds an operation. Queues are served in the order of their registration.
  ///
  /// - Parameter queueLimit: items that may wait; beyond it `submit` fails at once.
  public func register<Operation: BatchOperation>(
    _ operation: Operation, queueLimit: Int
  ) -> LaneQueue<Operation> {
    let queue = LaneQueue(
      operation, queueLimit: queueLimit, signal: signal,
      metrics: LaneMetrics(
        prefix: options.metricsPrefix, lane: options.name, operation: operation.name, factory: metrics))
    queues.withLock { $0.append(queue) }
    return queue
  }

  /// Whether the last that was heard of the connection was good. For health checks.
  public var isConnected: Bool { connected.load(ordering: .relaxed) }

  /// Starts the threads, once. Items may be submitted before.
  public func start() throws(PostgresError) {
    guard !started.exchange(true, ordering: .relaxed) else { return }
    let name = options.name
    guard DedicatedThread.start(name: "pg-lane-\(name)", { self.write() }),
      DedicatedThread.start(name: "pg-timer-\(name)", { self.watchDeadlines() })
    else {
      signal.beginClosing(deadline: .now)
      throw PostgresError(.unavailable, "the system has no thread left")
    }
  }

  /// Refuses new items, writes what is queued within `deadline`, and closes the connection. What is left fails with
  /// `.closed`.
  public func close(deadline: Duration = .seconds(5)) async {
    for queue in queues.withLock(\.self) { queue.refuseFurther() }
    signal.beginClosing(deadline: .now + deadline)
    if started.load(ordering: .relaxed) {
      // Fails only when no thread can be made; the lane then ends unwatched.
      try? await DedicatedThread.run(name: "pg-lane-close") { [signal] in
        _ = signal.waitForEnd(until: .now + deadline + Connection.cancelGrace * 2)
      }
    }
    failAll()
  }

  // MARK: The lane's thread

  private func write() {
    let connection = Connection(configuration, interrupt: interrupt)
    let session = LaneSession(
      connection: connection, signal: signal, batchTimeout: options.batchTimeout, logger: logger, onError: onError,
      connected: { self.connected.store($0, ordering: .relaxed) })
    // So that the first batch finds a session; it tries again if this fails.
    try? session.prepare(until: .now + configuration.connectTimeout)
    while signal.waitForWork() { drain(on: session) }
    drain(on: session)
    connection.close()
    connected.store(false, ordering: .relaxed)
    failAll()
    signal.writerEnded()
  }

  /// Serves the queues in turn until all are empty.
  private func drain(on session: LaneSession) {
    var foundWork = true
    while foundWork && !signal.isPastClosing {
      foundWork = false
      for queue in queues.withLock(\.self) where queue.runBatch(on: session) { foundWork = true }
    }
    // The last batch's answers: there is none after it to be sent first.
    session.connection.runErrands()
  }

  private func failAll() {
    for queue in queues.withLock(\.self) {
      queue.refuseFurther()
      queue.failAll(PostgresError(.closed, "the lane closed before it was written"))
    }
  }

  // MARK: The timer's thread

  private func watchDeadlines() {
    while signal.waitForDeadline() {
      if signal.isPastClosing {
        interrupt.raise()
        failAll()
      }
      for queue in queues.withLock(\.self) {
        if let next = queue.sweep(now: .now) { signal.watch(next) }
      }
    }
  }
}
