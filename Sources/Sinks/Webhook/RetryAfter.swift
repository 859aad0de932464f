// `Retry-After` of an answer (RFC 9110 section 10.2.3).

import ChannelProtocol

enum RetryAfter {
  /// Reads seconds or an HTTP date; nil for anything else. A date that has passed is no wait.
  static func parse(_ text: String, now: Timestamp) -> Duration? {
    let text = text.drop { $0 == " " }
    if let first = text.utf8.first, first >= UInt8(ascii: "0"), first <= UInt8(ascii: "9") {
      guard text.utf8.count <= 9, let seconds = Int64(text) else { return nil }
      return .seconds(seconds)
    }
    guard let date = httpDate(text, now) else { return nil }
    return max(date - now, .zero)
  }

  private static let months = [
    "Jan": "01", "Feb": "02", "Mar": "03", "Apr": "04", "May": "05", "Jun": "06", "Jul": "07", "Aug": "08",
    "Sep": "09", "Oct": "10", "Nov": "11", "Dec": "12",
  ]

  /// The three forms of RFC 9110 section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and
  /// `Sun Nov  6 08:49:37 1994`.
  private static func httpDate(_ text: Substring, _ now: Timestamp) -> Timestamp? {
    let parts = text.split(separator: " ")
    switch parts.count {
    case 6 where parts[5] == "GMT": return date(parts[3], parts[2], parts[1], parts[4])
    case 5: return date(parts[4], parts[1], parts[2], parts[3])
    case 4 where parts[3] == "GMT":
      let day = parts[1].split(separator: "-")
      guard day.count == 3, day[2].count == 2, let short = Int(day[2]) else { return nil }
      return date("\(year(short, now))", day[1], day[0], parts[2])
    default: return nil
    }
  }

  private static func date(
    _ year: Substring, _ month: Substring, _ day: Substring, _ time: Substring
  ) -> Timestamp? {
    guard let month = months[String(month)] else { return nil }
    return Timestamp(rfc3339: "\(year)-\(month)-\(day.count == 1 ? "0" : "")\(day)T\(time)Z")
  }

  /// A year of two digits is no more than fifty years ahead.
  private static func year(_ short: Int, _ now: Timestamp) -> Int {
    let current = Int(now.description.prefix(4)) ?? 0
    let year = current / 100 * 100 + short
    return year > current + 50 ? year - 100 : year
  }
}
