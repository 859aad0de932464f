// Waiting for a condition, with a deadline.

import Testing

/// Waits for a condition, at most five seconds.
func until(_ description: String, _ condition: () -> Bool) async throws {
  let deadline = ContinuousClock.now + .seconds(5)
  while !condition() {
    try #require(ContinuousClock.now < deadline, "in time: \(description)")
    try await Task.sleep(for: .milliseconds(2))
  }
}
