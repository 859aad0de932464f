// A private PostgreSQL beside us: what `fractal` runs without a DATABASE_URL, and what tests throw away.

import Glibc
public import Logging
import Synchronization

/// A cluster of our own: `initdb` once, reachable over a unix socket only, stopped with us.
///
/// A process that was killed leaves its postmaster stopping or running; the next start waits for the first and adopts
/// the second. A second process on the same directory shares the server and does not stop it.
public final class EmbeddedCluster: Sendable {
  private struct State: Sendable {
    var postmaster: Int32
    var hasEnded = false
    /// A thread of ours waits for its end.
    var isOurChild: Bool
    var isStopped = false
  }

  let files: ClusterFiles
  private let state: Mutex<State>
  /// We hold the directory's lock, so stopping the server is ours.
  private let lock: Int32?
  private let isThrowaway: Bool
  private let start: ClusterStart

  /// Settings for a server whose data nobody will miss.
  public static let throwawaySettings = [
    "fsync": "off", "full_page_writes": "off", "shared_buffers": "32MB", "max_connections": "60",
    "autovacuum_naptime": "1h", "max_wal_size": "256MB",
  ]

  /// Makes the cluster if it is not there, and starts it.
  ///
  /// - Parameters:
  ///   - directory: made if missing. As root the data belongs to the user `postgres`, who must be able to reach it.
  ///   - settings: server settings, as `postgres -c` takes them.
  ///   - timeout: for `initdb` and for the server each.
  public static func start(
    directory: String, settings: [String: String] = [:], timeout: Duration = .seconds(60)
  ) async throws -> EmbeddedCluster {
    try await DedicatedThread.run(name: "pg-cluster") {
      try ClusterStart(directory: directory, settings: settings, timeout: timeout, isThrowaway: false).run()
    }
  }

  /// A cluster under /tmp that is removed when it stops. Not durable.
  public static func throwaway(settings: [String: String] = [:]) async throws -> EmbeddedCluster {
    try await DedicatedThread.run(name: "pg-cluster") {
      let template = "/tmp/fractal-pg-XXXXXX"
      var path = template.utf8CString
      let made = path.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) != nil }
      guard made else {
        throw PostgresError(.invalidConfiguration, "cannot make a directory under /tmp: \(FileSystem.words(errno))")
      }
      let directory = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      // The user `postgres` must be able to pass; what lies in it is closed to others.
      chmod(directory, 0o755)
      do {
        return try ClusterStart(
          directory: directory, settings: throwawaySettings.merging(settings) { $1 }, timeout: .seconds(60),
          isThrowaway: true
        ).run()
      } catch {
        FileSystem.removeAll(directory)
        throw error
      }
    }
  }

  init(
    files: ClusterFiles, postmaster: Int32, lock: Int32?, isThrowaway: Bool, start: ClusterStart,
    isOurChild: Bool = false
  ) {
    self.files = files
    self.state = Mutex(State(postmaster: postmaster, isOurChild: isOurChild))
    self.lock = lock
    self.isThrowaway = isThrowaway
    self.start = start
  }

  /// How to reach it.
  public var configuration: PostgresConfiguration { configuration(database: "postgres") }

  public func configuration(database: String) -> PostgresConfiguration {
    PostgresConfiguration(url: files.connectionString(database: database))
  }

  public var postmasterProcess: Int32 { state.withLock(\.postmaster) }

  /// False when the server has ended, whoever ended it.
  public var isRunning: Bool {
    if state.withLock(\.hasEnded) { return false }
    // Of a child of ours the waiting thread knows; what `/proc` shows of it depends on rights we may not have.
    if state.withLock(\.isOurChild) { return true }
    return RunningPostmaster.find(in: files.data) == .running(postmasterProcess)
  }

  /// Starts the server again whenever it has ended without our doing: killed, or out of memory. Returns when the task
  /// is cancelled. A process that only shares the server leaves this to its owner.
  public func keepRunning(logger: Logger) async {
    guard lock != nil else { return }
    var backoff = Backoff(base: .milliseconds(200), cap: .seconds(10))
    while !Task.isCancelled {
      try? await Task.sleep(for: .milliseconds(250))
      if Task.isCancelled || state.withLock(\.isStopped) { return }
      if isRunning {
        backoff.reset()
        continue
      }
      logger.error("the private PostgreSQL has ended and is started again")
      do {
        try await reviveUnlessCancelled()
        logger.notice("the private PostgreSQL runs again")
      } catch {
        if Task.isCancelled { return }
        logger.error("the private PostgreSQL does not start", metadata: ["error": "\(error)"])
        try? await Task.sleep(for: backoff.next())
      }
    }
  }

  /// A recovery may take a minute, which nobody who stops the gateway waits for.
  private func reviveUnlessCancelled() async throws {
    let isUnwanted = Atomic(false)
    try await withTaskCancellationHandler {
      try await DedicatedThread.run(name: "pg-cluster") { [self] in
        try revive { isUnwanted.load(ordering: .relaxed) }
      }
    } onCancel: {
      isUnwanted.store(true, ordering: .relaxed)
    }
  }

  private func revive(isUnwanted: () -> Bool) throws(PostgresError) {
    let postmaster = try start.relaunch(files, isUnwanted: isUnwanted) { [weak self] in self?.ended() }
    let isStopped = state.withLock { state in
      state.postmaster = postmaster
      state.hasEnded = false
      state.isOurChild = true
      return state.isStopped
    }
    // Stopped meanwhile: whoever did it has not seen this one.
    if isStopped { kill(postmaster, SIGINT) }
  }

  /// Called by the thread that waits for the server.
  func ended() { state.withLock { $0.hasEnded = true } }

  /// Stops the server: fast (sessions are ended, the data is written), after `timeout` harder.
  public func stop(timeout: Duration = .seconds(10)) async {
    // Fails only when no thread can be made; the server then ends with our process.
    try? await DedicatedThread.run(name: "pg-cluster-stop") { [self] in stopBlocking(timeout: timeout) }
  }

  /// The same, blocking, for exit handlers.
  public func stopBlocking(timeout: Duration) {
    let isFirst = state.withLock { state in
      defer { state.isStopped = true }
      return !state.isStopped
    }
    guard isFirst, let lock else { return }
    // A stopped process cannot stop.
    if isRunning { signalProcesses(SIGCONT) }
    for signal in [isThrowaway ? SIGQUIT : SIGINT, SIGQUIT, SIGKILL] where isRunning {
      kill(postmasterProcess, signal)
      let limit = ContinuousClock.now + timeout
      while isRunning && !limit.hasPassed { ClusterPause.brief() }
    }
    if isThrowaway { removeDirectory() }
    // Also for a child that has the descriptor until its exec.
    flock(lock, LOCK_UN)
    close(lock)
  }

  /// Sends a signal to the server and all its processes: SIGSTOP and SIGCONT make a server that hangs, for tests.
  public func signalProcesses(_ signal: Int32) {
    // The parent first: it must not start others meanwhile.
    for process in RunningPostmaster.processes(of: postmasterProcess) { kill(process, signal) }
  }

  private func removeDirectory() {
    FileSystem.removeAll(files.directory)
    if !files.socketDirectory.hasPrefix(files.directory) { rmdir(files.socketDirectory) }
  }
}
