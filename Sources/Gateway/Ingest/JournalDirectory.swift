// The journal's directory: its lock, its files, and the position up to which it is drained.

import Glibc

/// A place in the journal; everything before it is drained.
struct JournalPosition: Hashable, Sendable {
  var segment: Int
  var offset: Int
}

/// One directory, locked for this journal alone until ``close()``. Every call blocks.
struct JournalDirectory {
  let path: String
  private let lock: Int32

  /// Makes the directory where it is missing, for its owner only, and takes its lock.
  init(path: String) throws(JournalFailure) {
    self.path = path
    try Self.make(path)
    lock = try check("open", "\(path)/lock") { open($0, O_RDWR | O_CREAT | O_CLOEXEC, 0o600) }
    guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      _ = Glibc.close(lock)
      if code == EWOULDBLOCK { throw .locked(directory: path) }
      throw .failed("lock", path, code: code)
    }
  }

  func close() { _ = Glibc.close(lock) }

  /// With all directories above it.
  private static func make(_ path: String) throws(JournalFailure) {
    guard mkdir(path, 0o700) != 0, errno != EEXIST else { return }
    let code = errno
    guard code == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else {
      throw .failed("make", path, code: code)
    }
    try make(String(path[..<slash]))
    guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .failed("make", path, code: errno) }
  }

  // MARK: Segments

  func path(ofSegment number: Int) -> String {
    let digits = String(number)
    return "\(path)/\(String(repeating: "0", count: max(0, 8 - digits.utf8.count)))\(digits).journal"
  }

  /// The numbers of all segments, rising.
  func segments() throws(JournalFailure) -> [Int] {
    guard let directory = opendir(path) else { throw .failed("list", path, code: errno) }
    defer { closedir(directory) }
    var numbers: [Int] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      if name.hasSuffix(".journal"), let number = Int(name.dropLast(".journal".count)) { numbers.append(number) }
    }
    return numbers.sorted()
  }

  /// Makes a new segment whose name outlives a crash.
  ///
  /// - Returns: the caller's descriptor, for appending.
  func create(segment number: Int) throws(JournalFailure) -> Int32 {
    let descriptor = try check("make", path(ofSegment: number)) {
      open($0, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    }
    do throws(JournalFailure) {
      try synchronize()
    } catch {
      _ = Glibc.close(descriptor)
      unlink(path(ofSegment: number))
      throw error
    }
    return descriptor
  }

  func remove(segment number: Int) throws(JournalFailure) {
    _ = try check("remove", path(ofSegment: number)) { unlink($0) }
  }

  /// Gives a segment a second name, `….journal.corrupt`, under which it stays when it is removed.
  func keepAside(segment number: Int) {
    _ = link(path(ofSegment: number), path(ofSegment: number) + ".corrupt")
  }

  /// Cuts a segment off and brings that to the disk.
  func cut(segment number: Int, to length: Int) throws(JournalFailure) {
    let path = path(ofSegment: number)
    let descriptor = try check("open", path) { open($0, O_WRONLY | O_CLOEXEC) }
    defer { _ = Glibc.close(descriptor) }
    _ = try check("cut", path) { _ in ftruncate(descriptor, off_t(length)) }
    _ = try check("synchronize", path) { _ in fsync(descriptor) }
  }

  /// Up to `count` bytes of a segment from a place on; fewer where it ends before.
  func read(segment number: Int, from offset: Int, count: Int = .max) throws(JournalFailure) -> [UInt8] {
    let path = path(ofSegment: number)
    let descriptor = try check("open", path) { open($0, O_RDONLY | O_CLOEXEC) }
    defer { _ = Glibc.close(descriptor) }
    let size = Int(try check("read", path) { _ in lseek(descriptor, 0, SEEK_END) })
    let wanted = max(0, min(count, size - offset))
    var bytes = [UInt8](repeating: 0, count: wanted)
    var filled = 0
    while filled < wanted {
      let part = bytes[filled...].withUnsafeMutableBytes {
        pread(descriptor, $0.baseAddress, $0.count, off_t(offset + filled))
      }
      if part < 0, errno == EINTR { continue }
      guard part >= 0 else { throw .failed("read", path, code: errno) }
      if part == 0 { break }
      filled += part
    }
    return Array(bytes.prefix(filled))
  }

  private func synchronize() throws(JournalFailure) {
    let descriptor = try check("open", path) { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    defer { _ = Glibc.close(descriptor) }
    _ = try check("synchronize", path) { _ in fsync(descriptor) }
  }

  // MARK: Position

  /// The position last kept; nil where there is none, or where it cannot be read: then everything is drained again.
  func position() -> JournalPosition? {
    let descriptor = open("\(path)/position", O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { _ = Glibc.close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 128)
    let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
    let words = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: " ")
    guard words.count == 3, let segment = Int(words[0]), let offset = Int(words[1]), segment >= 0, offset >= 0,
      words[2] == Self.sum(of: "\(segment) \(offset)") + "\n"
    else { return nil }
    return JournalPosition(segment: segment, offset: offset)
  }

  /// Replaces the kept position in one step.
  func keep(_ position: JournalPosition) throws(JournalFailure) {
    let text = "\(position.segment) \(position.offset)"
    let bytes = Array("\(text) \(Self.sum(of: text))\n".utf8)
    let temporary = "\(path)/position.new"
    let descriptor = try check("open", temporary) { open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600) }
    defer { _ = Glibc.close(descriptor) }
    let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
    guard written == bytes.count else { throw .failed("write", temporary, code: written < 0 ? errno : ENOSPC) }
    _ = try check("synchronize", temporary) { _ in fsync(descriptor) }
    _ = try check("replace", "\(path)/position") { rename(temporary, $0) }
  }

  /// A position that skips what it should not loses messages: it counts only with its own sum.
  private static func sum(of text: String) -> String {
    var sum = CRC32()
    sum.add(ArraySlice(text.utf8))
    return String(sum.value, radix: 16)
  }
}

extension JournalFailure {
  /// A disk without room is a full journal.
  static func failed(_ operation: String, _ path: String, code: Int32) -> Self {
    code == ENOSPC || code == EDQUOT
      ? .full : .system(operation: operation, path: path, code: code, reason: String(cString: strerror(code)))
  }
}

/// Calls the operating system, again where a signal came in between.
private func check<Result: SignedInteger>(
  _ operation: String, _ path: String, _ call: (String) -> Result
) throws(JournalFailure) -> Result {
  while true {
    let result = call(path)
    if result >= 0 { return result }
    if errno != EINTR { throw .failed(operation, path, code: errno) }
  }
}
