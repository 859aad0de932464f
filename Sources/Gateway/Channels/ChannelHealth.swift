// How a channel fares, judged by what its provider said to the last calls.

import ChannelProtocol
import Storage
import Synchronization

/// What the last calls of a channel say, as a value.
struct HealthRecord: Sendable, Hashable {
  enum Status: String, Sendable, Hashable { case ok, degraded, down }

  struct Verdict: Sendable, Hashable {
    var status: Status
    /// For a person; nil where there is nothing to say.
    var detail: String?
  }

  /// What is older says nothing of now.
  static let memory = Duration.seconds(900)
  private static let length = 20
  private(set) var report: ChannelReport

  init(channel: String = "") { report = ChannelReport(channel: channel) }

  /// What several nodes say of one channel.
  init(channel: String, of reports: [ChannelReport]) {
    report = ChannelReport(channel: channel)
    report.calls = reports.flatMap(\.calls).sorted { $0.at < $1.at }.suffix(Self.length)
    report.lastSuccessAt = reports.compactMap(\.lastSuccessAt).max()
    report.lastError = reports.compactMap(\.lastError).max { $0.at < $1.at }
  }

  /// - Parameter failure: nil: the provider took the message.
  mutating func note(_ failure: SendFailure?, at now: Timestamp) {
    let sign: ChannelReport.Sign =
      switch failure?.kind {
      // A refusal of this message or for this person: the channel is well.
      case nil, .rejected, .optedOut: .good
      case .misconfigured: .misconfigured
      case .throttled: .throttled
      case .transient, .unknownOutcome: .failed
      }
    let call = ChannelReport.Call(sign: sign, code: failure?.code ?? "", at: now)
    report.calls.append(call)
    if report.calls.count > Self.length { report.calls.removeFirst() }
    if sign == .good { report.lastSuccessAt = now } else { report.lastError = call }
  }

  func verdict(at now: Timestamp) -> Verdict {
    let recent = report.calls.filter { $0.at > now - Self.memory }
    guard let last = recent.last else { return Verdict(status: .ok) }
    if last.sign == .misconfigured {
      return Verdict(status: .down, detail: "The provider refuses our calls (\(last.code)): see to the configuration.")
    }
    let failures = recent.filter { $0.sign == .failed }
    if recent.count >= 3, failures.count == recent.count || recent.suffix(5).allSatisfy({ $0.sign == .failed }) {
      return Verdict(status: .down, detail: "The last calls to the provider failed (\(failures.last?.code ?? "")).")
    }
    if last.sign == .failed || failures.count * 4 >= recent.count, let code = failures.last?.code {
      return Verdict(
        status: .degraded,
        detail: "\(failures.count) of the last \(recent.count) calls to the provider failed (\(code)).")
    }
    if last.sign == .throttled { return Verdict(status: .degraded, detail: "The provider asks us to go slower.") }
    return Verdict(status: .ok)
  }
}

/// The records of this node's channels, and what changed in them since the other nodes were told.
final class ChannelHealth: Sendable {
  private struct State {
    var records: [String: HealthRecord] = [:]
    var untold: Set<String> = []
  }

  private let state = Mutex(State())

  func note(_ channel: String, _ failure: SendFailure?, at now: Timestamp) {
    state.withLock { state in
      state.records[channel, default: HealthRecord(channel: channel)].note(failure, at: now)
      state.untold.insert(channel)
    }
  }

  /// What this node has seen and, by `others`, what the others have.
  func record(_ channel: String, others: [ChannelReport]) -> HealthRecord {
    let own = state.withLock { $0.records[channel] }
    return HealthRecord(
      channel: channel, of: others.filter { $0.channel == channel } + [own?.report].compactMap { $0 })
  }

  func takeUntold() -> [ChannelReport] {
    state.withLock { state in
      defer { state.untold = [] }
      return state.untold.compactMap { state.records[$0]?.report }
    }
  }

  /// They were not told after all.
  func putBack(_ reports: [ChannelReport]) { state.withLock { $0.untold.formUnion(reports.map(\.channel)) } }
}
