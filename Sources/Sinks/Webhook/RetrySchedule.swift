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
  static let longestRetryAfter = Duration.seconds(86_400)

  public init(pauses: [Duration]) { self.pauses = pauses }

  /// What follows a failed attempt.
  /// - Parameters:
  ///   - attempts: attempts made before the one that failed.
  ///   - now: when it failed.
  ///   - retryAfter: what the endpoint asked for; honoured from the pause to a day, or to twice the pause.
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
