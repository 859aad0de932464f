// How much memory the private PostgreSQL may keep its pages in.

import Glibc

/// A quarter of what there is, as PostgreSQL's own documentation has it, and a gigabyte at most: its own default of 128 MB
/// has every page of a long list copied from the kernel anew. It takes no more than the pages that were ever touched.
enum DatabaseMemory {
  /// The setting `shared_buffers`.
  static var sharedBuffers: String { "\(megabytes(of: available))MB" }

  /// - Parameter available: bytes.
  static func megabytes(of available: UInt64) -> UInt64 { min(1_024, max(128, available / 4 / (1 << 20))) }

  /// What the machine has, or what this process's control group may have of it.
  private static var available: UInt64 {
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let machine = pages > 0 ? UInt64(pages) * UInt64(sysconf(Int32(_SC_PAGESIZE))) : 0
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].compactMap(number(in:))
    return limits.reduce(machine) { min($0, $1) }
  }

  /// nil also where the file says `max`.
  private static func number(in path: String) -> UInt64? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 64)
    guard fgets(&buffer, Int32(buffer.count), file) != nil else { return nil }
    let digits = buffer.prefix { $0 >= 48 && $0 <= 57 }.map { UInt8(bitPattern: $0) }
    return UInt64(String(decoding: digits, as: UTF8.self))
  }
}
