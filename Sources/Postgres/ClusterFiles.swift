// The directory of a private cluster: what lies where, and the system calls to read and make it.

import Glibc

/// Paths of a cluster. All absolute.
struct ClusterFiles: Sendable {
  let directory: String
  var data: String { directory + "/data" }
  var log: String { directory + "/postgres.log" }
  var lock: String { directory + "/lock" }
  /// Where the unix socket is.
  let socketDirectory: String
  let port = 5432

  /// `sun_path` holds 108 bytes with its NUL.
  static let maximumSocketPath = 107

  /// - Parameter directory: absolute.
  init(directory: String) {
    self.directory = directory
    let own = directory + "/run"
    if own.utf8.count + "/.s.PGSQL.5432".utf8.count <= Self.maximumSocketPath {
      socketDirectory = own
    } else {
      socketDirectory = "/tmp/fractal-pg-" + Self.hash(of: directory)
    }
  }

  /// FNV-1a: the same directory finds the same place after a restart.
  static func hash(of directory: String) -> String {
    String(directory.utf8.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, radix: 16)
  }

  /// What `PostgresConfiguration` takes.
  func connectionString(database: String) -> String {
    let host = socketDirectory.flatMap { $0 == "'" || $0 == "\\" ? ["\\", $0] : [$0] }
    return "host='\(String(host))' port=\(port) user=postgres dbname=\(database)"
  }
}

/// The few file operations that a cluster needs.
enum FileSystem {
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func words(_ code: Int32) -> String { String(cString: strerror(code)) }

  /// Whether an account may pass through a directory and all those above it.
  static func canReach(_ directory: String, _ account: AccountIdentity) -> Bool {
    var partial = "/"
    for part in [""] + directory.split(separator: "/").map(String.init) {
      partial = part.isEmpty ? "/" : (partial == "/" ? "/" + part : partial + "/" + part)
      var information = stat()
      guard stat(partial, &information) == 0 else { return false }
      let mask: UInt32 =
        information.st_uid == account.user ? 0o100 : information.st_gid == account.group ? 0o010 : 0o001
      if information.st_mode & mask == 0 { return false }
    }
    return true
  }

  /// Makes a directory and those above it.
  static func makeDirectories(_ path: String) throws(PostgresError) {
    var partial = ""
    for part in path.split(separator: "/") {
      partial += "/" + part
      if mkdir(partial, 0o755) != 0 && errno != EEXIST {
        throw PostgresError(.invalidConfiguration, "cannot make \(partial): \(words(errno))")
      }
    }
  }

  /// A directory for `owner` alone, also when somebody else could have made it first (under /tmp).
  static func makePrivateDirectory(_ path: String, owner: AccountIdentity?) throws(PostgresError) {
    if mkdir(path, 0o700) != 0 && errno != EEXIST {
      throw PostgresError(.invalidConfiguration, "cannot make \(path): \(words(errno))")
    }
    var information = stat()
    guard lstat(path, &information) == 0, information.st_mode & S_IFMT == S_IFDIR,
      information.st_uid == getuid() || information.st_uid == (owner?.user ?? getuid())
    else { throw PostgresError(.invalidConfiguration, "\(path) is not a directory of ours") }
    if let owner, chown(path, owner.user, owner.group) != 0 {
      throw PostgresError(.invalidConfiguration, "cannot give \(path) to its owner: \(words(errno))")
    }
    chmod(path, 0o700)
  }

  /// A directory with all that is in it; silent where it cannot.
  static func removeAll(_ path: String) {
    let removal = try? ChildProcess.start("/bin/rm", ["-rf", "--", path], account: nil, output: "/dev/null")
    _ = removal?.wait(until: .now + .seconds(10))
  }

  static func absolute(_ path: String) throws(PostgresError) -> String {
    guard let resolved = realpath(path, nil) else {
      throw PostgresError(.invalidConfiguration, "cannot resolve \(path): \(words(errno))")
    }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  /// The end of a small file; nil when it cannot be read.
  static func read(_ path: String, last maximum: Int = 65_536) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    let size = lseek(descriptor, 0, SEEK_END)
    _ = lseek(descriptor, max(0, size - maximum), SEEK_SET)
    var bytes = [UInt8](repeating: 0, count: maximum)
    var filled = 0
    while filled < maximum {
      let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + filled, maximum - filled) }
      if count <= 0 { break }
      filled += count
    }
    return String(decoding: bytes[..<filled], as: UTF8.self)
  }

  static func linkTarget(_ path: String) -> String? {
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = bytes.withUnsafeMutableBytes {
      readlink(path, $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
    }
    return count < 0 ? nil : String(decoding: bytes[..<count], as: UTF8.self)
  }
}

/// A user of this system.
struct AccountIdentity: Sendable {
  let user: UInt32
  let group: UInt32

  /// PostgreSQL refuses to run as root: then the `postgres` account takes its place.
  static func forPostgres() throws(PostgresError) -> AccountIdentity? {
    guard getuid() == 0 else { return nil }
    guard let entry = getpwnam("postgres") else {
      throw PostgresError(
        .invalidConfiguration, "PostgreSQL does not run as root, and there is no user \"postgres\" to run it as")
    }
    return AccountIdentity(user: entry.pointee.pw_uid, group: entry.pointee.pw_gid)
  }
}
