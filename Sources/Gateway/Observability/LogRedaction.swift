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
    let key = String(decoding: key.utf8.compactMap(Self.normalized), as: UTF8.self)
    if Self.secretWords.contains(where: key.hasSuffix) {
      self = .secret
    } else if Self.personalKeys.contains(key) || Self.personalWords.contains(where: key.hasSuffix) {
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
  ]
  private static let personalKeys: Set<String> = ["from", "to", "text"]
  private static let personalWords = ["body", "phone", "phonenumber"]

  private static func normalized(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: " "): nil
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte + 0x20
    default: byte
    }
  }
}
