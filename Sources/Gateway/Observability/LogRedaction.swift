// What of a log record's metadata is not for everybody's eyes.

import Logging

/// How a metadata value is guarded, by its key. A guard, not a licence: what need not be logged is not passed at all.
enum LogRedaction: Hashable, Sendable {
  /// Written as it is.
  case open
  /// Addresses and texts of people: written in records of the levels debug and trace only.
  case personal
  /// Never written.
  case secret

  static let replacement = "[redacted]"

  /// Upper case, `_`, `-`, `.` and blanks make no difference; a key that ends in a guarded word is guarded like it.
  init(key: String) {
    let key = key.utf8.compactMap(Self.normalized)
    func ends(in words: [[UInt8]]) -> Bool {
      words.contains { key.count >= $0.count && key[(key.count - $0.count)...].elementsEqual($0) }
    }
    if ends(in: Self.secretWords) {
      self = .secret
    } else if Self.personalKeys.contains(key) || ends(in: Self.personalWords) {
      self = .personal
    } else {
      self = .open
    }
  }

  func hides(at level: Logger.Level) -> Bool {
    switch self {
    case .open: false
    case .personal: level > .debug
    case .secret: true
    }
  }

  private static let secretWords = [
    "token", "tokens", "secret", "secrets", "authorization", "password", "apikey", "cookie", "credentials",
  ].map { Array($0.utf8) }
  private static let personalKeys = ["from", "to", "text"].map { Array($0.utf8) }
  private static let personalWords = ["body", "phone", "phonenumber"].map { Array($0.utf8) }

  private static func normalized(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: " "): nil
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte + 0x20
    default: byte
    }
  }
}
