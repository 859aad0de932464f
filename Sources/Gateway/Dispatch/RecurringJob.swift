// What is done again and again, whatever became of it the last time.

import Logging

/// One step after the other: what one has to do takes as long as it takes, and none takes more than one session at a time.
struct RecurringJob: Sendable {
  struct Step: Sendable {
    let name: String
    let work: @Sendable () async throws -> Void
  }

  let interval: Duration
  /// How long after a failure it is tried again, where that is sooner.
  var patience: Duration = .seconds(300)
  let steps: [Step]

  /// Until it is cancelled. A step that fails keeps no other from its work.
  func run(_ logger: Logger) async {
    while !Task.isCancelled {
      var pause = interval
      for step in steps where !Task.isCancelled {
        do {
          try await step.work()
        } catch {
          if Task.isCancelled { return }
          logger.warning(
            "maintenance failed, and is tried again", metadata: ["work": "\(step.name)", "error": "\(error)"])
          pause = min(interval, patience)
        }
      }
      try? await Task.sleep(for: pause * Double.random(in: 0.8..<1.2))
    }
  }
}
