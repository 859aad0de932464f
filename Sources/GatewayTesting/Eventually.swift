// Waiting for something to come true, with a deadline.

/// Asks again and again, soon at first and then every twentieth of a second, until the condition holds.
///
/// - Parameters:
///   - limit: how long it may take; on a busy machine much of a second can pass for no reason of the code's.
///   - condition: must be cheap.
/// - Returns: whether it came true in time, so that a test can expect it: `#expect(await eventually { … })`.
public func eventually(
  within limit: Duration = .seconds(10), _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let end = ContinuousClock.now + limit
  var pause = Duration.milliseconds(1)
  while ContinuousClock.now < end {
    if try await condition() { return true }
    // A test that is cancelled asks once more and gives up.
    guard (try? await Task.sleep(for: pause)) != nil else { break }
    pause = min(pause * 2, .milliseconds(50))
  }
  return try await condition()
}
