// The contract of a sink, as checks that any test framework can run.

public import ChannelProtocol
public import Sinks

/// What a sink is checked by.
public struct SinkFixtures<Checked: Sink>: Sendable {
  public var configuration: Checked.Configuration
  /// The log that the sink follows; one in memory, unless the sink's place is in the database.
  public var log: any WrittenLog = MemoryEventLog()
  /// What the sink's deliveries are kept in; nothing, unless it says otherwise.
  public var deliveries: any DeliveryStore = NoRealtimeGateway()
  public var clock: any WallClock = ManualClock()
  /// The numbers of the events that have come out at the far end, in the order in which they came, over the lives of all
  /// sinks that were made.
  public var delivered: @Sendable () async throws -> [Int64]
  /// How many events are published at once, where the sink is to be overrun.
  public var burst = 20_000
  /// How long anything may take.
  public var patience = Duration.seconds(20)

  public init(
    _ type: Checked.Type = Checked.self, configuration: Checked.Configuration,
    delivered: @escaping @Sendable () async throws -> [Int64]
  ) {
    self.configuration = configuration
    self.delivered = delivered
  }
}

/// Holds a sink to its delivery guarantee. One line makes a test of it, in any framework:
///
/// ```swift
/// #expect(try await SinkConformance(fixtures).violations() == [])
/// ```
///
/// What is checked, by the words that a violation begins with:
/// - `order`: what comes out is in the order of the log. (At least once: what comes for the first time is.)
/// - `loss`: everything comes out while the sink keeps up.
/// - `repetition`: nothing comes out twice, unless the guarantee is at least once.
/// - `shutdown`: it ends when its task is cancelled, and what it had taken has come out.
/// - `back pressure`: a burst that the ring cannot hold does not break the order, and loses nothing, unless the guarantee
///   is best effort.
/// - `resume`: what happened while it did not run comes out when it runs again, unless the guarantee is best effort.
/// - `recovery`: a log that cannot be read for a moment loses nothing, unless the guarantee is best effort. (The sink may
///   throw then: it is run again, as the gateway does.)
/// - `restore`: what is new in a log that was restored, and has its numbers a second time, comes out, whether the sink
///   ran while that happened or not (unless the guarantee is best effort: then, if it ran).
public struct SinkConformance<Checked: Sink>: Sendable {
  private let fixtures: SinkFixtures<Checked>

  public init(_ fixtures: SinkFixtures<Checked>) { self.fixtures = fixtures }

  /// What the sink does not hold to: sentences that begin with the rule; empty: it conforms.
  ///
  /// - Throws: what the sink's initialiser throws, or the far end.
  public func violations() async throws -> [String] {
    let stage = SinkStage<Checked>(fixtures)
    var found: [String] = []
    try await stage.start()
    found += try await stage.settle()
    guard found.isEmpty else { return await stage.abandon(found) }
    found += try await keepsUp(stage)
    found += try await burst(stage)
    found += await stage.stop()
    guard found.isEmpty else { return found }
    found += try await resumes(stage)
    guard found.isEmpty else { return found }
    found += try await recovers(stage)
    guard found.isEmpty else { return found }
    return try await survivesRestores(stage)
  }

  private func keepsUp(_ stage: SinkStage<Checked>) async throws -> [String] {
    let first = stage.newest + 1
    for _ in 0..<20 {
      try await stage.publish(25)
      await Task.yield()
    }
    return try await stage.check(first...stage.newest, rule: "loss", mayLose: false)
  }

  private func burst(_ stage: SinkStage<Checked>) async throws -> [String] {
    let first = stage.newest + 1
    try await stage.publish(fixtures.burst)
    return try await stage.check(
      first...stage.newest, rule: "back pressure", mayLose: Checked.guarantee == .bestEffort)
  }

  private func resumes(_ stage: SinkStage<Checked>) async throws -> [String] {
    guard Checked.guarantee != .bestEffort else { return [] }
    let first = stage.newest + 1
    try await stage.publish(300)
    try await stage.start()
    try await stage.publish(300)
    let found = try await stage.check(first...stage.newest, rule: "resume", mayLose: false)
    return found + (await stage.stop())
  }

  /// More than the ring holds, so that the log is asked.
  private func recovers(_ stage: SinkStage<Checked>) async throws -> [String] {
    guard Checked.guarantee != .bestEffort else { return [] }
    let first = stage.newest + 1
    try await stage.publish(1_200)
    stage.failLog()
    try await stage.start()
    let found = try await stage.check(first...stage.newest, rule: "recovery", mayLose: false)
    return found + (await stage.stop())
  }

  /// Fewer events than the ring holds: who does not notice finds nothing amiss.
  private func survivesRestores(_ stage: SinkStage<Checked>) async throws -> [String] {
    try await stage.start()
    var found = try await stage.settleAgain()
    guard found.isEmpty else { return await stage.abandon(found) }
    found += try await stage.checkAfterRestore(keeping: 40) { try await stage.publish(60) }
    found += await stage.stop()
    guard found.isEmpty, Checked.guarantee != .bestEffort else { return found }
    found += try await stage.checkAfterRestore(keeping: 20) {
      try await stage.publish(60)
      try await stage.start()
    }
    return found + (await stage.stop())
  }
}
