// A postmaster that is there already: left by a process that was killed, or shared with one that lives.

import Glibc

/// What `postmaster.pid` and `/proc` say about a data directory.
enum RunningPostmaster: Equatable {
  /// No server runs on the directory.
  case none
  /// The file names a process that lives but is another program: the number has been used again.
  case stale
  case running(Int32)

  static func find(in data: String) -> RunningPostmaster {
    guard let text = FileSystem.read(data + "/postmaster.pid", last: 4_096),
      let line = text.split(separator: "\n").first, let identifier = Int32(line), identifier > 1
    else { return .none }
    // EPERM: it lives, as somebody else.
    if kill(identifier, 0) != 0 && errno == ESRCH { return .none }
    // A postmaster's working directory is its data directory. A zombie has none.
    guard let directory = FileSystem.linkTarget("/proc/\(identifier)/cwd") else {
      // In a container root may lack the right to look: then it is taken for what the file says.
      return errno == EACCES || errno == EPERM ? .running(identifier) : .stale
    }
    return directory == ((try? FileSystem.absolute(data)) ?? data) ? .running(identifier) : .stale
  }

  /// The postmaster's process and those it has started.
  static func processes(of postmaster: Int32) -> [Int32] {
    let children = FileSystem.read("/proc/\(postmaster)/task/\(postmaster)/children") ?? ""
    return [postmaster] + children.split(separator: " ").compactMap { Int32($0) }
  }
}
