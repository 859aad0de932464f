// What a sink stands on while it is checked: a log, a ring that holds little of it, and a task that runs the sink.

import ChannelProtocol
import Logging
import Sinks
import Synchronization

/// One log, and one sink at a time on it.
final class SinkStage<Checked: Sink>: Sendable {
  private struct Running {
    var task: Task<Void, any Error>
    let hasEnded: Flag
  }

  private final class Flag: Sendable {
    private let state = Mutex(false)
    var isSet: Bool { state.withLock { $0 } }
    func set() { state.withLock { $0 = true } }
  }

  private let fixtures: SinkFixtures<Checked>
  /// Small, so that who does not keep up has to read the log.
  private let ring = EventRing(capacity: 500)
  private let running = Mutex<Running?>(nil)

  init(_ fixtures: SinkFixtures<Checked>) { self.fixtures = fixtures }

  var newest: Int64 { ring.position.seq }

  /// The log cannot be read for a moment.
  func failLog() { fixtures.log.fail(times: 3) }

  /// As the gateway's tail reader does.
  func publish(_ count: Int) async throws { ring.append(try await fixtures.log.append(count)) }

  /// The log ends at `seq`, is another one from now on, and the gateway's tail reader has noticed.
  private func restore(keeping seq: Int64) async throws {
    try await fixtures.log.setBack(to: seq)
    try await lookAtLog()
  }

  private func lookAtLog() async throws {
    let bounds = try await fixtures.log.bounds()
    ring.reset(position: LogPosition(epoch: bounds.epoch, seq: bounds.newest))
  }

  func start() async throws {
    if ring.position.seq == 0 { try await lookAtLog() }
    let sink = try Checked(
      configuration: fixtures.configuration,
      context: SinkContext(
        ring: ring, log: fixtures.log, deliveries: fixtures.deliveries, gateway: NoRealtimeGateway(),
        clock: fixtures.clock,
        logger: Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() }))
    let flag = Flag()
    // As the gateway does, but without its patience.
    let supervisor = SinkSupervisor(
      sink, logger: Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() },
      pauses: .milliseconds(1) ... .milliseconds(20))
    let task = Task {
      defer { flag.set() }
      try await supervisor.run()
    }
    running.withLock { $0 = Running(task: task, hasEnded: flag) }
  }

  /// Publishes until something comes out: a best-effort sink begins with what comes after it began to look.
  func settle() async throws -> [String] {
    let hasBegun = try await eventually(within: fixtures.patience) {
      try await publish(1)
      return try await !fixtures.delivered().isEmpty
    }
    guard hasBegun else { return ["loss: nothing comes out"] }
    let last = newest
    let isThere = try await eventually(within: fixtures.patience) { try await fixtures.delivered().contains(last) }
    return isThere ? [] : ["loss: event \(last) does not come out"]
  }

  /// The same of a sink that was started again.
  func settleAgain() async throws -> [String] {
    let before = try await fixtures.delivered().count
    let hasBegun = try await eventually(within: fixtures.patience) {
      try await publish(1)
      return try await fixtures.delivered().count > before
    }
    guard hasBegun else { return ["restore: nothing comes out"] }
    let last = newest
    let isThere = try await eventually(within: fixtures.patience) { try await fixtures.delivered().contains(last) }
    return isThere ? [] : ["restore: event \(last) does not come out"]
  }

  /// What is published after the log was set back is looked for behind all that came out before.
  func checkAfterRestore(keeping seq: Int64, _ body: () async throws -> Void) async throws -> [String] {
    let before = try await fixtures.delivered().count
    try await restore(keeping: seq)
    try await body()
    let wanted = Set(seq + 1...newest)
    let isThere = try await eventually(within: fixtures.patience) {
      try await wanted.isSubset(of: fixtures.delivered().dropFirst(before))
    }
    guard !isThere else { return [] }
    let missing = wanted.subtracting(try await fixtures.delivered().dropFirst(before))
    return ["restore: \(missing.count) of \(wanted.count) new events do not come out"]
  }

  /// - Parameter rule: the word for what is missing.
  func check(_ range: ClosedRange<Int64>, rule: String, mayLose: Bool) async throws -> [String] {
    if mayLose { try await publish(1) }
    let last = mayLose ? newest : range.upperBound
    let isThere = try await eventually(within: fixtures.patience) { try await fixtures.delivered().contains(last) }
    let all = try await fixtures.delivered()
    var found = orderViolations(all)
    let missing = Set(range).subtracting(all)
    if !missing.isEmpty, !mayLose, let example = missing.min() {
      found.append("\(rule): \(missing.count) of \(range.count) events do not come out, event \(example) among them")
    } else if !isThere, found.isEmpty {
      found.append("\(rule): event \(last) does not come out")
    }
    return found
  }

  private func orderViolations(_ all: [Int64]) -> [String] {
    var found: [String] = []
    var seen: Set<Int64> = []
    var firsts: [Int64] = []
    for seq in all where seen.insert(seq).inserted { firsts.append(seq) }
    if let index = firsts.indices.dropFirst().first(where: { firsts[$0] < firsts[$0 - 1] }) {
      found.append("order: event \(firsts[index]) comes after event \(firsts[index - 1])")
    }
    if Checked.guarantee != .atLeastOnce, firsts.count < all.count {
      found.append("repetition: \(all.count - firsts.count) events come out twice")
    }
    return found
  }

  /// Cancels the sink's task and waits for its end.
  func stop() async -> [String] {
    guard let current = running.withLock({ $0.take() }) else { return [] }
    current.task.cancel()
    guard await eventually(within: fixtures.patience, { current.hasEnded.isSet }) else {
      return ["shutdown: it goes on after its task was cancelled"]
    }
    do {
      try await current.task.value
    } catch is CancellationError {
      // That is an end as well.
    } catch {
      return ["shutdown: it fails with \(error)"]
    }
    return []
  }

  func abandon(_ found: [String]) async -> [String] {
    _ = await stop()
    return found
  }
}
