// The file that lines go to, by its path: rotation moves it away, and what comes later belongs into a new one.

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Lives on the writing thread.
struct LineOutput {
  private(set) var descriptor: Int32
  /// A file takes what it is given; a pipe may make the writer wait.
  private(set) var isFile: Bool
  /// Nil: the descriptor stays what it is.
  private let path: String?
  private var looked = ContinuousClock.now
  private static let interval = Duration.seconds(1)

  init(descriptor: Int32, path: String?) {
    self.descriptor = descriptor
    self.path = path
    isFile = Self.isFile(descriptor)
  }

  private static func isFile(_ descriptor: Int32) -> Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
  }

  /// - Returns: a descriptor less than 0 where it cannot be opened; `errno` says why.
  static func open(_ path: String) -> Int32 { systemOpen(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640) }

  /// Opens the path again when another file, or none, is found there; looked at once a second at most.
  mutating func follow() {
    guard let path, .now - looked >= Self.interval else { return }
    looked = .now
    var there = stat()
    var ours = stat()
    guard fstat(descriptor, &ours) == 0 else { return }
    if stat(path, &there) == 0, there.st_dev == ours.st_dev, there.st_ino == ours.st_ino { return }
    let new = Self.open(path)
    // Where it cannot be opened, better the old file than none.
    guard new >= 0 else { return }
    close()
    descriptor = new
    isFile = Self.isFile(new)
  }

  func close() { systemClose(descriptor) }
}

private func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
private func systemClose(_ descriptor: Int32) { _ = close(descriptor) }
