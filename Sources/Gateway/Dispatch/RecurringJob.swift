// What is done again and again, whatever became of it the last time.

import Logging

struct RecurringJob: Sendable {
  let name: String
  let interval: Duration
  /// How long after a failure it is tried again, where that is sooner.
  var patience: Duration = .seconds(300)
  let work: @Sendable () async throws -> Void

  /// Until it is cancelled.
  func run(_ logger: Logger) async {
    while !Task.isCancelled {
      var pause = interval
      do {
        try await work()
      } catch {
        if Task.isCancelled { return }
        logger.warning(
          "maintenance failed, and is tried again", metadata: ["work": "\(name)", "error": "\(error)"])
        pause = min(interval, patience)
      }
      try? await Task.sleep(for: pause * Double.random(in: 0.8..<1.2))
    }
  }
}
