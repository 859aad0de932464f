// A request's query, decoded as a form: what URLSearchParams, Python's requests and HTML forms write.

import Foundation

enum FormQuery {
  /// The pairs in order (WHATWG URL, section 5.1): `+` is a blank. What is no percent-encoded UTF-8 stands for itself.
  static func pairs(_ query: String) -> [(name: String, value: String)] {
    query.split(separator: "&").map { pair in
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      return (decoded(parts[0]), parts.count > 1 ? decoded(parts[1]) : "")
    }
  }

  private static func decoded(_ text: Substring) -> String {
    let blanks = String(text).replacing("+", with: " ")
    return blanks.removingPercentEncoding ?? blanks
  }
}

extension String {
  /// An address as it was meant. Whoever types `?search=+1415…` by hand, or `?address=whatsapp:+1415…`, writes a blank in
  /// front of a number, which no address and no search has; it is a plus.
  var withTypedPlus: String {
    guard let blank = firstIndex(of: " "), blank == startIndex || self[index(before: blank)] == ":",
      let digit = self[index(after: blank)...].first, digit.isASCII, digit.isNumber
    else { return self }
    return replacingCharacters(in: blank...blank, with: "+")
  }

  /// A time as it was meant: the blank in front of its offset is a plus.
  var withTypedOffset: String {
    guard let sign = index(endIndex, offsetBy: -6, limitedBy: startIndex), self[sign] == " " else { return self }
    return replacingCharacters(in: sign...sign, with: "+")
  }
}
