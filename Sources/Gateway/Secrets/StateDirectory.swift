// `.fractal/`: what the gateway makes for itself on first use and keeps.

import Foundation

/// The gateway's own files below the working directory.
struct StateDirectory: Sendable {
  let path: String

  init(path: String = ".fractal") { self.path = path }

  var postgres: String { "\(path)/postgres" }
  var journal: String { "\(path)/journal" }

  /// Makes the directory; others may enter it (the private database runs as its own user) but not list it.
  func make() throws(StartupFailure) {
    do {
      try FileManager.default.createDirectory(
        atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o711])
    } catch {
      throw StartupFailure("cannot make the directory \(path): \(error.localizedDescription)")
    }
  }

  /// A secret that is made once: 32 random bytes, kept as hexadecimal in a file that only we may read.
  func secret(_ name: String) throws(StartupFailure) -> [UInt8] {
    try make()
    let file = "\(path)/\(name)"
    if let text = try? String(contentsOfFile: file, encoding: .utf8) {
      let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
      guard trimmed.utf8.count >= 32 else { throw StartupFailure("\(file) is not a secret of ours: it is too short") }
      return Array(trimmed.utf8)
    }
    var random = SystemRandomNumberGenerator()
    let text = (0..<32).map { _ in
      let byte = UInt8.random(in: .min ... .max, using: &random)
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
    let made = FileManager.default.createFile(
      atPath: file, contents: Data((text + "\n").utf8), attributes: [.posixPermissions: 0o600])
    guard made else { throw StartupFailure("cannot write \(file)") }
    return Array(text.utf8)
  }
}

/// Why the gateway does not start: one sentence for a person.
struct StartupFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
