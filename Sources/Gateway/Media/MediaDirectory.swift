// Files in a directory: whole or not there, also after a crash.

import ChannelProtocol
import Glibc
import NIOPosix

/// Keeps each file under its id. The calls wait on a thread of their own, not on the caller's.
struct MediaDirectory: Sendable {
  let path: String

  /// Written under another name, on the disk before it gets its own.
  func write(_ bytes: [UInt8], id: Identifier) async throws {
    try await NIOThreadPool.singleton.runIfActive { try writeBlocking(bytes, id: id) }
  }

  /// A part of a file, shorter at its end.
  func read(_ id: Identifier, in range: Range<Int>) async throws -> [UInt8] {
    try await NIOThreadPool.singleton.runIfActive { try readBlocking(id, in: range) }
  }

  /// Removes files; one that is not there is no fault.
  func remove(_ ids: [Identifier]) async throws {
    try await NIOThreadPool.singleton.runIfActive {
      for id in ids {
        let name = file(id)
        guard unlink(name) != 0, errno != ENOENT else { continue }
        throw MediaDirectoryFailure(operation: "remove", path: name, code: errno)
      }
    }
  }

  /// Removes what crashes have left of files that were being written, unless it is younger than `age`: that may be
  /// another node's, at work.
  func removeUnfinished(olderThan age: Duration) async throws {
    try await NIOThreadPool.singleton.runIfActive {
      guard let directory = opendir(path) else { return }
      defer { closedir(directory) }
      let limit = time(nil) - Int(age.components.seconds)
      while let entry = readdir(directory) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { start in
          start.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        var status = stat()
        guard name.hasSuffix(".new"), stat("\(path)/\(name)", &status) == 0, status.st_mtim.tv_sec < limit
        else { continue }
        unlink("\(path)/\(name)")
      }
    }
  }

  private func file(_ id: Identifier) -> String { "\(path)/\(id)" }

  private func writeBlocking(_ bytes: [UInt8], id: Identifier) throws {
    try Self.make(path)
    // Two nodes on one directory may write the same file, one after its lease has ended: each its own.
    let temporary = "\(file(id)).\(UInt64.random(in: .min ... .max)).new"
    let descriptor = try check("make", temporary) { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    do {
      defer { _ = Glibc.close(descriptor) }
      try Self.write(bytes, to: descriptor, temporary)
      _ = try check("synchronize", temporary) { _ in fsync(descriptor) }
    } catch {
      unlink(temporary)
      throw error
    }
    _ = try check("rename", temporary) { rename($0, file(id)) }
    let directory = try check("open", path) { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { _ = Glibc.close(directory) }
    _ = try check("synchronize", path) { _ in fsync(directory) }
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ name: String) throws {
    var offset = 0
    while offset < bytes.count {
      let start = offset
      offset += try check("write", name) { _ in
        bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress.map { $0 + start }, $0.count - start) }
      }
    }
  }

  private func readBlocking(_ id: Identifier, in range: Range<Int>) throws -> [UInt8] {
    let name = file(id)
    let descriptor = try check("open", name) { open($0, O_RDONLY | O_CLOEXEC) }
    defer { _ = Glibc.close(descriptor) }
    var bytes: [UInt8] = []
    while bytes.count < range.count {
      let at = range.lowerBound + bytes.count
      let part = try [UInt8](unsafeUninitializedCapacity: range.count - bytes.count) { buffer, count in
        count = try check("read", name) { _ in pread(descriptor, buffer.baseAddress, buffer.count, at) }
      }
      if part.isEmpty { break }
      bytes += part
    }
    return bytes
  }

  /// With all directories above it.
  private static func make(_ path: String) throws {
    guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw MediaDirectoryFailure(operation: "make", path: path, code: errno)
    }
    try make(String(path[..<slash]))
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
      throw MediaDirectoryFailure(operation: "make", path: path, code: errno)
    }
  }
}

/// What the operating system refused.
struct MediaDirectoryFailure: Error, CustomStringConvertible {
  var operation: String
  var path: String
  var code: Int32

  var description: String { "cannot \(operation) \(path): \(String(cString: strerror(code)))" }
}

/// Calls again when a signal came between.
private func check<Result: SignedInteger>(
  _ operation: String, _ path: String, _ call: (String) -> Result
) throws -> Result {
  while true {
    let result = call(path)
    if result >= 0 { return result }
    if errno != EINTR { throw MediaDirectoryFailure(operation: operation, path: path, code: errno) }
  }
}
