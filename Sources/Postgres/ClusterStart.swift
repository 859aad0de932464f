// Bringing a private cluster up: initdb, adopt or start, wait until it answers.

import Glibc
import Synchronization

/// One start of an `EmbeddedCluster`, blocking, on a thread of its own.
struct ClusterStart: Sendable {
  let directory: String
  let settings: [String: String]
  let timeout: Duration
  let isThrowaway: Bool

  func run() throws(PostgresError) -> EmbeddedCluster {
    try FileSystem.makeDirectories(directory.hasPrefix("/") ? directory : workingDirectory + "/" + directory)
    let binaries = try ClusterBinaries.find()
    let account = try AccountIdentity.forPostgres()
    let files = try placed(try FileSystem.absolute(directory), account)
    let deadline = ContinuousClock.now + timeout
    // A process that was killed a moment ago may still hold it, and so may a child between fork and exec.
    var lock = takeLock(files)
    let patience = ContinuousClock.now + .milliseconds(200)
    while lock == nil && !patience.hasPassed {
      ClusterPause.brief()
      lock = takeLock(files)
    }
    while lock == nil {
      if let shared = try share(files, until: deadline) { return shared }
      ClusterPause.brief()
      lock = takeLock(files)
    }
    guard let lock else { throw PostgresError(.unavailable, "the lock on \(files.directory) cannot be had") }
    do throws(PostgresError) {
      try FileSystem.makePrivateDirectory(files.socketDirectory, owner: account)
      if !FileSystem.exists(files.data + "/PG_VERSION") { try initialise(files, binaries, account) }
      trimLog(files)
      let started = ContinuousClock.now + timeout
      if let adopted = try adopt(files, lock, until: started) { return adopted }
      return try launch(files, binaries, account, lock, until: started)
    } catch {
      flock(lock, LOCK_UN)
      close(lock)
      throw error
    }
  }

  /// Where the cluster is: in `directory`, or, where the account that PostgreSQL runs as cannot get there (below a
  /// `/root` that is closed to others), under `/var/lib/fractal`. The same directory always has the same place.
  private func placed(_ directory: String, _ account: AccountIdentity?) throws(PostgresError) -> ClusterFiles {
    let files = ClusterFiles(directory: directory)
    guard let account, !FileSystem.exists(files.data + "/PG_VERSION") else { return files }
    let elsewhere = ClusterFiles(directory: "/var/lib/fractal/\(ClusterFiles.hash(of: directory))")
    // Where it once was it stays, whatever the directory's rights are now.
    if FileSystem.exists(elsewhere.data + "/PG_VERSION") { return elsewhere }
    if FileSystem.canReach(directory, account) { return files }
    try FileSystem.makeDirectories(elsewhere.directory)
    for path in ["/var/lib/fractal", elsewhere.directory] { chmod(path, 0o755) }
    return elsewhere
  }

  private var workingDirectory: String {
    guard let path = getcwd(nil, 0) else { return "" }
    defer { free(path) }
    return String(cString: path)
  }

  /// The directory's owner holds this lock for as long as its process lives; nil: another process does.
  private func takeLock(_ files: ClusterFiles) -> Int32? {
    let descriptor = open(files.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    if descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return descriptor }
    if descriptor >= 0 { close(descriptor) }
    return nil
  }

  // MARK: initdb

  /// Into a directory beside, then renamed: a half-made cluster is never taken for a whole one.
  private func initialise(
    _ files: ClusterFiles, _ binaries: ClusterBinaries, _ account: AccountIdentity?
  ) throws(PostgresError) {
    let fresh = files.data + ".new"
    FileSystem.removeAll(fresh)
    try FileSystem.makePrivateDirectory(fresh, owner: account)
    var arguments = [
      "-D", fresh, "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=reject",
      "--no-instructions",
    ]
    if isThrowaway { arguments.append("--no-sync") }
    let process = try ChildProcess.start(binaries.initdb, arguments, account: account, output: files.log)
    let status = process.wait(until: .now + timeout)
    guard status == 0, rename(fresh, files.data) == 0 else {
      let hint = account == nil ? "" : " (the user postgres must be able to reach the directory)"
      throw PostgresError(.unavailable, "initdb failed with \(status)\(hint): \(logTail(files))")
    }
  }

  // MARK: A server that is there

  /// The server of a process that lives and owns the directory; nil: not yet, or no longer.
  private func share(
    _ files: ClusterFiles, until deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> EmbeddedCluster? {
    var last = "another process holds its lock and has not started it"
    if case .running(let postmaster) = RunningPostmaster.find(in: files.data) {
      do throws(PostgresError) {
        try answers(files)
        return EmbeddedCluster(files: files, postmaster: postmaster, lock: nil, isThrowaway: isThrowaway, start: self)
      } catch { last = error.message }
    }
    if deadline.hasPassed { throw unusable(files, last) }
    return nil
  }

  /// Waits out a server that is stopping, and takes over one that answers; nil: there is none.
  private func adopt(
    _ files: ClusterFiles, _ lock: Int32, until deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> EmbeddedCluster? {
    while true {
      switch RunningPostmaster.find(in: files.data) {
      case .none: return nil
      case .stale:
        // PostgreSQL itself would take the living process for a postmaster.
        unlink(files.data + "/postmaster.pid")
        return nil
      case .running(let postmaster):
        do throws(PostgresError) {
          try answers(files)
          return EmbeddedCluster(
            files: files, postmaster: postmaster, lock: lock, isThrowaway: isThrowaway, start: self)
        } catch {
          if deadline.hasPassed { throw unusable(files, error.message) }
        }
      }
      ClusterPause.brief()
    }
  }

  private func unusable(_ files: ClusterFiles, _ why: String) -> PostgresError {
    PostgresError(.unavailable, "the PostgreSQL that runs on \(files.data) cannot be used: \(why)")
  }

  // MARK: A server of our own

  private enum Launch: Sendable {
    case started(Int32)
    case failed(PostgresError)
  }

  private func launch(
    _ files: ClusterFiles, _ binaries: ClusterBinaries, _ account: AccountIdentity?, _ lock: Int32,
    until deadline: ContinuousClock.Instant
  ) throws(PostgresError) -> EmbeddedCluster {
    let cluster = Monitor<EmbeddedCluster?>(nil)
    let hasEnded = Monitor(false)
    let postmaster = try startServer(files, binaries, account, until: deadline) {
      hasEnded.withLock { $0 = true }
      cluster.withLock { $0 }?.ended()
    }
    let made = EmbeddedCluster(
      files: files, postmaster: postmaster, lock: lock, isThrowaway: isThrowaway, start: self, isOurChild: true)
    cluster.withLock { $0 = made }
    if hasEnded.withLock(\.self) { made.ended() }
    return made
  }

  /// A server in the place of one that has ended, on the same files.
  /// - Parameter isUnwanted: asked while it gets ready; true: it is stopped, and this throws.
  /// - Returns: its process.
  func relaunch(
    _ files: ClusterFiles, isUnwanted: () -> Bool, ended: @escaping @Sendable () -> Void
  ) throws(PostgresError) -> Int32 {
    if case .stale = RunningPostmaster.find(in: files.data) { unlink(files.data + "/postmaster.pid") }
    return try startServer(
      files, try ClusterBinaries.find(), try AccountIdentity.forPostgres(), until: .now + timeout,
      isUnwanted: isUnwanted, ended: ended)
  }

  /// - Parameter ended: called when the server's process has ended, on a thread of its own.
  private func startServer(
    _ files: ClusterFiles, _ binaries: ClusterBinaries, _ account: AccountIdentity?,
    until deadline: ContinuousClock.Instant, isUnwanted: () -> Bool = { false }, ended: @escaping @Sendable () -> Void
  ) throws(PostgresError) -> Int32 {
    let outcome = Monitor<Launch?>(nil)
    let changed = Condition()
    let hasEnded = Monitor(false)
    let arguments = serverArguments(files)
    // The signal that ends the server with us follows the thread that starts it: this one waits for the server's end.
    let started = DedicatedThread.start(name: "pg-postmaster") {
      do throws(PostgresError) {
        let process = try ChildProcess.start(
          binaries.postgres, arguments, account: account, output: files.log, endsWithParent: true)
        outcome.withLock { $0 = .started(process.identifier) }
        changed.broadcast()
        _ = process.wait()
        hasEnded.withLock { $0 = true }
        ended()
      } catch {
        outcome.withLock { $0 = .failed(error) }
        changed.broadcast()
      }
    }
    guard started, let result = outcome.wait(on: changed, until: { _ in deadline }, { $0 }) else {
      throw PostgresError(.unavailable, "the PostgreSQL server could not be started in time")
    }
    switch result {
    case .failed(let error): throw error
    case .started(let postmaster):
      try waitUntilReady(
        files, postmaster, until: deadline, isUnwanted: isUnwanted, hasEnded: { hasEnded.withLock(\.self) })
      return postmaster
    }
  }

  private func serverArguments(_ files: ClusterFiles) -> [String] {
    var all = [
      "listen_addresses": "", "unix_socket_directories": files.socketDirectory, "unix_socket_permissions": "0700",
      "port": "\(files.port)", "logging_collector": "off", "log_min_messages": "warning",
    ]
    all.merge(settings) { $1 }
    return ["-D", files.data] + all.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
  }

  private func waitUntilReady(
    _ files: ClusterFiles, _ postmaster: Int32, until deadline: ContinuousClock.Instant, isUnwanted: () -> Bool,
    hasEnded: () -> Bool
  ) throws(PostgresError) {
    while true {
      // First: another server, on the same files, might answer in its place.
      if hasEnded() { throw PostgresError(.unavailable, "the PostgreSQL server ended: \(logTail(files))") }
      let answer: PostgresError
      do throws(PostgresError) { return try answers(files) } catch { answer = error }
      if isUnwanted() {
        kill(postmaster, SIGINT)
        throw PostgresError(.unavailable, "the PostgreSQL server is no longer wanted")
      }
      if deadline.hasPassed {
        kill(postmaster, SIGQUIT)
        throw PostgresError(.unavailable, "the PostgreSQL server does not get ready: \(answer.message)")
      }
      ClusterPause.brief()
    }
  }

  /// A session can be had, and it is with the server of this very directory.
  private func answers(_ files: ClusterFiles) throws(PostgresError) {
    var configuration = PostgresConfiguration(url: files.connectionString(database: "postgres"))
    configuration.connectTimeout = .milliseconds(500)
    let connection = Connection(configuration)
    connection.deadline = .now + .seconds(1)
    try connection.open()
    let data = try connection.execute(Statement("data_directory", "SHOW data_directory")).single().text(0)
    if data != files.data { throw PostgresError(.unavailable, "its data is in \(data)") }
  }

  // MARK: The log

  private func logTail(_ files: ClusterFiles) -> String {
    (FileSystem.read(files.log, last: 600) ?? "").trimmed
  }

  /// Kept to the last start once it has grown.
  private func trimLog(_ files: ClusterFiles) {
    var information = stat()
    if stat(files.log, &information) == 0 && information.st_size > 10_000_000 { truncate(files.log, 0) }
  }
}
