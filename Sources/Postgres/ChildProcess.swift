// Starting PostgreSQL's programs, as its own user where we are root.

import Glibc

/// A process started with `posix_spawn`, to be waited for by the thread that started it.
struct ChildProcess: Sendable {
  let identifier: Int32

  /// - Parameters:
  ///   - account: whom to become first (through `setpriv`, which keeps the process id).
  ///   - output: the file that takes its output.
  ///   - endsWithParent: SIGINT to the process when the thread that starts it ends, also by `kill -9`.
  static func start(
    _ executable: String, _ arguments: [String], account: AccountIdentity?, output: String,
    endsWithParent: Bool = false
  ) throws(PostgresError) -> ChildProcess {
    var command = [executable] + arguments
    if let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].first(where: FileSystem.exists) {
      var prefix = [setpriv]
      if let account { prefix += ["--reuid", "\(account.user)", "--regid", "\(account.group)", "--init-groups"] }
      if endsWithParent { prefix += ["--pdeathsig", "INT"] }
      if prefix.count > 1 { command = prefix + ["--"] + command }
    } else if account != nil {
      throw PostgresError(.invalidConfiguration, "PostgreSQL does not run as root, and setpriv is not installed")
    }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)

    // A group of its own: Ctrl-C in the terminal is for us, who stop it in order. Signals as nobody has touched them.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var all = sigset_t()
    sigfillset(&all)
    sigdelset(&all, SIGKILL)
    sigdelset(&all, SIGSTOP)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))

    var argv = cStrings(command)
    // Not ours: PG* variables would change what the programs do.
    let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/bin:/bin"
    var environment = cStrings(["PATH=\(path)", "LC_ALL=C.UTF-8"])
    defer { for pointer in argv + environment { free(pointer) } }
    var identifier = pid_t()
    let status = posix_spawn(&identifier, command[0], &actions, &attributes, &argv, &environment)
    if status != 0 {
      throw PostgresError(.invalidConfiguration, "cannot start \(command[0]): \(FileSystem.words(status))")
    }
    return ChildProcess(identifier: identifier)
  }

  /// A list as C takes it, to be freed by the caller.
  private static func cStrings(_ strings: [String]) -> [UnsafeMutablePointer<CChar>?] {
    strings.map { strdup($0) } + [nil]
  }

  /// Blocks until the process has ended. Returns its exit status; a signal is 128 and its number.
  func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(identifier, &status, 0) < 0 { if errno != EINTR { return -1 } }
    return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
  }

  /// Blocks like `wait`, and kills the process at the deadline.
  func wait(until deadline: ContinuousClock.Instant) -> Int32 {
    var status: Int32 = 0
    while waitpid(identifier, &status, WNOHANG) == 0 {
      if deadline.hasPassed { kill(identifier, SIGKILL) }
      ClusterPause.brief()
    }
    return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
  }
}

/// Between two looks at a process, on threads of our own only.
enum ClusterPause {
  static func brief() { _ = poll(nil, 0, 10) }
}
