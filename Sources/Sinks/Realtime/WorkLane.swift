// Where realtime connections leave work that must not run on an event loop: a bounded queue and a bounded width.

/// Runs jobs, oldest first, at most `width` at a time. One task owns them all: whoever runs the lane.
final class WorkLane: Sendable {
  typealias Job = @Sendable () async -> Void

  private let width: Int
  private let jobs: AsyncStream<Job>
  private let continuation: AsyncStream<Job>.Continuation

  /// - Parameters:
  ///   - width: how many jobs run at once.
  ///   - capacity: how many may wait; further ones are refused.
  init(width: Int, capacity: Int) {
    self.width = max(1, width)
    (jobs, continuation) = AsyncStream.makeStream(of: Job.self, bufferingPolicy: .bufferingOldest(max(1, capacity)))
  }

  /// - Returns: false where the lane is full or has ended: the job will not run.
  func submit(_ job: @escaping Job) -> Bool {
    if case .enqueued = continuation.yield(job) { true } else { false }
  }

  /// Runs until the task is cancelled; then it takes no further jobs, and drops those that wait.
  func run() async {
    await withTaskGroup(of: Void.self) { group in
      var running = 0
      for await job in jobs {
        if running == width {
          await group.next()
          running -= 1
        }
        group.addTask { await job() }
        running += 1
      }
    }
    continuation.finish()
  }
}
