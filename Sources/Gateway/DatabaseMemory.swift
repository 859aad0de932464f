// How much memory the private PostgreSQL may keep its pages in.

import Glibc

/// A quarter of what there is, as PostgreSQL's own documentation has it, and a gigabyte at most: its own default of 128 MB
/// has every page of a long list copied from the kernel anew. It takes no more than the pages that were ever touched.
enum DatabaseMemory {
  /// What PostgreSQL itself has, where nobody says more.
  static let smallest = "128MB"

  /// The setting `shared_buffers`.
  static var sharedBuffers: String { "\(megabytes(of: available(machine: machine, reading: text(of:))))MB" }

  /// - Parameter available: bytes.
  static func megabytes(of available: UInt64) -> UInt64 { min(1_024, max(128, available / 4 / (1 << 20))) }

  /// What the machine has, or the least that any of this process's control groups, up to the outermost, may have of it.
  /// - Parameter read: gives the text of a file, nil where there is none.
  static func available(machine: UInt64, reading read: (String) -> String?) -> UInt64 {
    let lines = (read("/proc/self/cgroup") ?? "").split(separator: "\n")
    let limits = lines.flatMap { line -> [String] in
      // `0::/path`, or `4:memory:/path` of the older kind; a path may have colons.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return [] }
      if parts[0] == "0" && parts[1].isEmpty {
        return ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].flatMap { files("memory.max", of: parts[2], below: $0) }
      }
      guard parts[1].split(separator: ",").contains("memory") else { return [] }
      return files("memory.limit_in_bytes", of: parts[2], below: "/sys/fs/cgroup/memory")
    }
    return limits.compactMap { number(read($0)) }.reduce(machine) { min($0, $1) }
  }

  /// The file of a control group and of all that it is in. In a container the path may be one that only the host knows;
  /// what is mounted there is the container's own group then.
  private static func files(_ name: String, of path: Substring, below mount: String) -> [String] {
    let components = path.split(separator: "/")
    return (0...components.count).map { count in
      ([mount] + components.prefix(count).map(String.init) + [name]).joined(separator: "/")
    }
  }

  /// nil also where the file says `max`.
  private static func number(_ text: String?) -> UInt64? {
    text.flatMap { UInt64($0.prefix { $0.isASCII && $0.isNumber }) }
  }

  private static var machine: UInt64 {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    return pages > 0 ? UInt64(pages) * UInt64(sysconf(Int32(_SC_PAGESIZE))) : 0
  }

  private static func text(of path: String) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 16_384)
    return String(decoding: buffer.prefix(fread(&buffer, 1, buffer.count, file)), as: UTF8.self)
  }
}
