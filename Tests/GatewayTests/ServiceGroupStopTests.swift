// How parts end together.

import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import Gateway

@Suite("Parts that end together", .timeLimit(.minutes(1)))
struct ServiceGroupStopTests {
  private struct Failure: Error {}

  /// Ends when it is asked to, and tells how that was.
  private struct Patient: Service {
    let name: String
    let ends: Ends
    func run() async throws {
      ends.started.continuation.yield()
      try? await gracefulShutdown()
      ends.list.withLock { $0.append(name + (Task.isCancelled ? " cancelled" : "")) }
    }
  }

  private final class Ends: Sendable {
    let list = Mutex<[String]>([])
    let started = AsyncStream.makeStream(of: Void.self)

    func waitForStart(of count: Int) async {
      var starts = started.stream.makeAsyncIterator()
      for _ in 0..<count { await starts.next() }
    }
  }

  private func group(_ services: [any Service], within deadline: Duration = .seconds(15)) -> ServiceGroup {
    ServiceGroup(
      stopping: services, signals: [], within: deadline, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    )
  }

  @Test("who is cancelled stops its parts one after the other, the last one first, and cancels none")
  func cancelled() async throws {
    let ends = Ends()
    let group = group(["a", "b", "c"].map { Patient(name: $0, ends: ends) })
    let running = Task {
      try await group.runUntilCancelled { ends.list.withLock { $0.append("after" + (Task.isCancelled ? " c" : "")) } }
    }
    await ends.waitForStart(of: 3)
    running.cancel()
    try await running.value
    #expect(ends.list.withLock { $0 } == ["c", "b", "a", "after"])
  }

  @Test("who is cancelled already starts its parts and stops them")
  func cancelledBefore() async throws {
    let ends = Ends()
    let group = group([Patient(name: "a", ends: ends)])
    let running = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      try await group.runUntilCancelled()
    }
    try await running.value
    #expect(ends.list.withLock { $0 } == ["a"])
  }

  @Test("a part that fails ends the whole with its error; the others are stopped, not cancelled")
  func failing() async throws {
    let ends = Ends()
    let failing = Running("failing") {
      await ends.waitForStart(of: 2)
      throw Failure()
    }
    let group = group([Patient(name: "a", ends: ends), failing, Patient(name: "c", ends: ends)])
    await #expect(throws: Failure.self) {
      try await group.runUntilCancelled { ends.list.withLock { $0.append("after") } }
    }
    #expect(ends.list.withLock { $0 } == ["c", "a", "after"])
  }

  @Test("a part that ends unasked is a failure, too")
  func ending() async throws {
    let ends = Ends()
    let group = group([Patient(name: "a", ends: ends), Running("ending") { await ends.waitForStart(of: 1) }])
    await #expect { try await group.runUntilCancelled() } throws: { error in
      "\(error)".contains("ending") && (error as? ServiceGroupError) == .serviceFinishedUnexpectedly()
    }
    #expect(ends.list.withLock { $0 } == ["a"])
  }

  @Test("what does not end in time is cancelled")
  func late() async throws {
    let ends = Ends()
    struct Deaf: Service {
      let ends: Ends
      func run() async throws {
        ends.started.continuation.yield()
        let (forever, _) = AsyncStream.makeStream(of: Void.self)
        for await _ in forever {}
        ends.list.withLock { $0.append("deaf" + (Task.isCancelled ? " cancelled" : "")) }
      }
    }
    let group = group([Deaf(ends: ends)], within: .milliseconds(50))
    let running = Task { try await group.runUntilCancelled() }
    await ends.waitForStart(of: 1)
    running.cancel()
    try await running.value
    #expect(ends.list.withLock { $0 } == ["deaf cancelled"])
  }
}
