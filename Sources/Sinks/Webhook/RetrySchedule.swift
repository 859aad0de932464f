// When a failed delivery is tried again, and when it is given up.

public import ChannelProtocol

/// The pauses after the first attempt, the second and so on; after the last the delivery is dead.
public struct RetrySchedule: Sendable, Hashable {
  public var pauses: [Duration]

  /// Svix's schedule: 27 hours and a half.
  public static let standard = RetrySchedule(pauses: [
    .seconds(5), .seconds(300), .seconds(1_800), .seconds(7_200), .seconds(18_000), .seconds(36_000), .seconds(36_000),
  ])

  /// An endpoint may ask for more; it is asked again before.
  static let longestRetryAfter = Duration.seconds(3_600)

  public init(pauses: [Duration]) { self.pauses = pauses }

  /// What follows a failed attempt.
  /// - Parameters:
  ///   - attempts: attempts made before the one that failed.
  ///   - now: when it failed.
  ///   - retryAfter: what the endpoint asked for; honoured from the pause to an hour, or to twice the pause.
  ///   - jitter: 0 to 1, uniformly random. Spreads the pause by a fifth, upwards only, so that the schedule never
  ///     becomes shorter than it says.
  public func disposition(
    attempts: Int, now: Timestamp, retryAfter: Duration?, jitter: Double
  ) -> DeliveryOutcome.Disposition {
    guard pauses.indices.contains(attempts) else { return .dead }
    let base = pauses[attempts]
    let spread = base * (1 + 0.2 * min(max(jitter, 0), 1))
    guard let retryAfter else { return .retry(at: now + spread) }
    return .retry(at: now + max(spread, min(retryAfter, max(base * 2, Self.longestRetryAfter))))
  }
}

/// `Retry-After` of an answer (RFC 9110 section 10.2.3).
enum RetryAfter {
  /// Reads seconds or an HTTP date; nil for anything else. A date that has passed is no wait.
  static func parse(_ text: String, now: Timestamp) -> Duration? {
    let text = text.drop { $0 == " " }
    if let first = text.utf8.first, first >= UInt8(ascii: "0"), first <= UInt8(ascii: "9") {
      guard text.utf8.count <= 9, let seconds = Int64(text) else { return nil }
      return .seconds(seconds)
    }
    guard let date = httpDate(text) else { return nil }
    return max(date - now, .zero)
  }

  private static let months = [
    "Jan": "01", "Feb": "02", "Mar": "03", "Apr": "04", "May": "05", "Jun": "06", "Jul": "07", "Aug": "08",
    "Sep": "09", "Oct": "10", "Nov": "11", "Dec": "12",
  ]

  /// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that is still made.
  private static func httpDate(_ text: Substring) -> Timestamp? {
    let parts = text.split(separator: " ")
    guard parts.count == 6, parts[5] == "GMT", let month = months[String(parts[2])] else { return nil }
    return Timestamp(rfc3339: "\(parts[3])-\(month)-\(parts[1])T\(parts[4])Z")
  }
}
