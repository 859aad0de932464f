// A request's query, decoded as a form: what URLSearchParams, Python's requests and HTML forms write.

import ChannelProtocol
import Foundation

/// One pair of a query.
struct FormQuery {
  let name: String
  let value: String
  private let rawValue: Substring

  /// The pairs in order (WHATWG URL, section 5.1).
  static func pairs(_ query: String) -> [FormQuery] {
    query.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return FormQuery(parts[0], parts.count > 1 ? parts[1] : "")
    }
  }

  private init(_ name: Substring, _ value: Substring) {
    self.name = String(decoding: Self.bytes(name), as: UTF8.self)
    self.value = String(decoding: Self.bytes(value), as: UTF8.self)
    rawValue = value
  }

  /// `+` is a blank. A `%` that no two hexadecimal digits follow stands for itself.
  private static func bytes(_ text: Substring) -> [UInt8] {
    let raw = Array(text.utf8)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(raw.count)
    var index = 0
    while index < raw.count {
      if raw[index] == UInt8(ascii: "%"), index + 2 < raw.count, let high = digit(raw[index + 1]),
        let low = digit(raw[index + 2])
      {
        bytes.append(high << 4 | low)
        index += 3
      } else {
        bytes.append(raw[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : raw[index])
        index += 1
      }
    }
    return bytes
  }

  private static func digit(_ byte: UInt8) -> UInt8? { Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) } }

  // MARK: A number that was typed by hand

  /// The value, with a plus where a number's was written as it is (`?search=+14155550123`, `?address=whatsapp:+1415…`):
  /// nobody looks for a blank in front of so many digits, and whoever means one writes `%20`.
  var withTypedPlus: String {
    guard let plus = rawValue.firstIndex(of: "+"), Self.mayPrecedeNumber(rawValue[..<plus]) else { return value }
    let number = rawValue[rawValue.index(after: plus)...]
    let digits = number.prefix { $0.isASCII && $0.isNumber }
    guard digits.count >= Self.shortestNumber, Self.isEnd(number[digits.endIndex...]) else { return value }
    // What stands in front has no plus of its own that is a blank.
    guard let blank = value.firstIndex(of: " ") else { return value }
    return value.replacingCharacters(in: blank...blank, with: "+")
  }

  /// Digits of a number that can be dialled, at least.
  private static let shortestNumber = 7

  private static let prefixes: Set<String> = Set(
    [ChannelType.sms, .mms, .whatsapp, .rcs, .messenger].map { $0.rawValue + ":" })

  private static func mayPrecedeNumber(_ text: Substring) -> Bool {
    text.isEmpty || prefixes.contains(String(decoding: bytes(text), as: UTF8.self))
  }

  /// Whether a word ends here.
  private static func isEnd(_ rest: Substring) -> Bool {
    guard let next = String(decoding: bytes(rest), as: UTF8.self).first else { return true }
    return next.isWhitespace || next == "," || next == ";"
  }
}

extension String {
  /// A time as it was meant: the blank in front of its offset is a plus.
  var withTypedOffset: String {
    guard let sign = index(endIndex, offsetBy: -6, limitedBy: startIndex), self[sign] == " " else { return self }
    return replacingCharacters(in: sign...sign, with: "+")
  }
}
