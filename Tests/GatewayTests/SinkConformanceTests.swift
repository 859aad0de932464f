// The suite for sinks, held against sinks that are broken on purpose, each in one way.

import ChannelProtocol
import Foundation
import GatewayTesting
import Sinks
import Synchronization
import Testing

/// What a sink has let out, over all of its lives.
private final class FarEnd: Sendable {
  private let numbers = Mutex<(all: [Int64], epoch: Identifier?)>(([], nil))
  var all: [Int64] { numbers.withLock(\.all) }

  func take(_ new: [Int64], of epoch: Identifier) {
    numbers.withLock { state in
      state.all += new
      state.epoch = epoch
    }
  }

  /// Where the next sink goes on.
  func place(in epoch: Identifier) -> Int64 { numbers.withLock { $0.epoch == epoch ? $0.all.last ?? 0 : 0 } }
}

private enum Flaw: String, Sendable, CaseIterable {
  case none, reorders, loses, repeats, neverEnds, losesBursts, forgets, fails, mute, givesUp, goesOn
}

/// Copies numbers to a far end, and keeps its place there: at least once, unless it is broken.
private struct CopyingSink: Sink {
  struct Configuration: ChannelConfiguration {
    static let keys: [ConfigurationKey] = []
    var flaw = Flaw.none
    var end = FarEnd()
    init(_ flaw: Flaw) { self.flaw = flaw }
    init(from decoder: any Decoder) throws {}
  }

  static let type = "copying"
  static let guarantee = DeliveryGuarantee.resumable

  let configuration: Configuration
  let context: SinkContext

  init(configuration: Configuration, context: SinkContext) throws {
    self.configuration = configuration
    self.context = context
  }

  struct Broken: Error {}

  func run() async throws {
    let (end, flaw) = (configuration.end, configuration.flaw)
    var epoch = context.ring.position.epoch
    var place = flaw == .forgets ? context.ring.position.seq : end.place(in: epoch)
    for await _ in context.ring.signals() where flaw != .mute {
      if context.ring.position.epoch != epoch, flaw != .goesOn {
        epoch = context.ring.position.epoch
        place = 0
      }
      while let numbers = try await next(after: place), let last = numbers.last {
        place = last
        end.take(broken(numbers), of: epoch)
      }
    }
    if flaw == .fails { throw Broken() }
    // A task that does not heed its cancellation, but not for ever: the tests' process is to end.
    if flaw == .neverEnds { await Task.detached { try? await Task.sleep(for: .seconds(10)) }.value }
  }

  private func next(after place: Int64) async throws -> [Int64]? {
    switch context.ring.read(after: place, limit: 100) {
    case .caughtUp: return nil
    case .events(let events): return events.map(\.seq)
    case .behind(let oldest):
      if configuration.flaw == .losesBursts { return [oldest] }
      do {
        return try await context.log.events(after: place, limit: 500).map(\.seq)
      } catch  where configuration.flaw == .givesUp {
        return [oldest]
      }
    }
  }

  private func broken(_ numbers: [Int64]) -> [Int64] {
    switch configuration.flaw {
    case .reorders: numbers.reversed()
    case .loses: numbers.filter { $0 % 7 != 0 }
    case .repeats: numbers + numbers.suffix(1)
    default: numbers
    }
  }
}

@Suite("the suite for sinks") struct SinkConformanceTests {
  @Test(
    "a sink that keeps its promises passes, and each broken one is found out by the rule that it breaks",
    arguments: [
      (Flaw.none, [String]()), (.reorders, ["order"]), (.loses, ["loss"]), (.repeats, ["repetition"]),
      (.neverEnds, ["shutdown"]), (.losesBursts, ["back pressure"]), (.forgets, ["resume"]), (.fails, ["shutdown"]),
      (.mute, ["loss"]), (.givesUp, ["recovery"]), (.goesOn, ["restore"]),
    ])
  private func flaws(flaw: Flaw, rules: [String]) async throws {
    let configuration = CopyingSink.Configuration(flaw)
    var fixtures = SinkFixtures(CopyingSink.self, configuration: configuration) { [end = configuration.end] in end.all }
    fixtures.patience = flaw == .none ? .seconds(20) : .seconds(2)
    fixtures.burst = 3_000
    let violations = try await SinkConformance(fixtures).violations()
    let found = Set(violations.map { String($0.prefix { $0 != ":" }) })
    #expect(found.isSuperset(of: rules), "\(violations)")
    #expect(!found.isEmpty || flaw == .none, "\(violations)")
    if flaw == .none { #expect(violations == []) }
  }

  @Test("the log sink conforms")
  func logSink() async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "conformance-\(UUID().uuidString).log").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    var configuration = LogSinkConfiguration()
    configuration.path = path
    let fixtures = SinkFixtures(LogSink.self, configuration: configuration) {
      let text = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
      return text.split(separator: "\n").compactMap { line in
        // {"seq":N,…
        line.split(separator: ":", maxSplits: 1).last.flatMap { Int64($0.prefix { $0.isNumber }) }
      }
    }
    #expect(try await SinkConformance(fixtures).violations() == [])
  }
}
