// How a channel fares, judged by what its provider said to the last calls.

import ChannelProtocol
import Synchronization

/// What the last calls of a channel say, as a value.
struct HealthRecord: Sendable, Hashable {
  enum Status: String, Sendable, Hashable { case ok, degraded, down }

  struct Verdict: Sendable, Hashable {
    var status: Status
    /// For a person; nil where there is nothing to say.
    var detail: String?
  }

  /// What a call says of the channel, in the place of the message.
  private enum Sign: Hashable {
    case good
    /// Something of ours must be mended: no call will succeed until then.
    case misconfigured(String)
    case throttled
    case failed(String)
  }

  private struct Call: Hashable {
    var sign: Sign
    var at: Timestamp
  }

  /// What is older says nothing of now.
  static let memory = Duration.seconds(900)
  private static let length = 20
  private var calls: [Call] = []

  /// - Parameter failure: nil: the provider took the message.
  mutating func note(_ failure: SendFailure?, at now: Timestamp) {
    let sign: Sign =
      switch failure?.kind {
      // A refusal of this message or for this person: the channel is well.
      case nil, .rejected, .optedOut: .good
      case .misconfigured: .misconfigured(failure?.code ?? "")
      case .throttled: .throttled
      case .transient, .unknownOutcome: .failed(failure?.code ?? "")
      }
    calls.append(Call(sign: sign, at: now))
    if calls.count > Self.length { calls.removeFirst() }
  }

  func verdict(at now: Timestamp) -> Verdict {
    let recent = calls.filter { $0.at > now - Self.memory }.map(\.sign)
    guard let last = recent.last else { return Verdict(status: .ok) }
    if case .misconfigured(let code) = last {
      return Verdict(status: .down, detail: "The provider refuses our calls (\(code)): see to the configuration.")
    }
    let failures = recent.compactMap { if case .failed(let code) = $0 { code } else { nil } }
    if recent.count >= 3, failures.count == recent.count || recent.suffix(5).allSatisfy(Self.isFailure) {
      return Verdict(status: .down, detail: "The last calls to the provider failed (\(failures.last ?? "")).")
    }
    if Self.isFailure(last) || failures.count * 4 >= recent.count, let code = failures.last {
      return Verdict(
        status: .degraded,
        detail: "\(failures.count) of the last \(recent.count) calls to the provider failed (\(code)).")
    }
    if last == .throttled { return Verdict(status: .degraded, detail: "The provider asks us to go slower.") }
    return Verdict(status: .ok)
  }

  private static func isFailure(_ sign: Sign) -> Bool { if case .failed = sign { true } else { false } }
}

/// The records of this node's channels. Another node may see more: each judges by its own calls.
final class ChannelHealth: Sendable {
  private let records = Mutex<[String: HealthRecord]>([:])

  func note(_ channel: String, _ failure: SendFailure?, at now: Timestamp) {
    records.withLock { $0[channel, default: HealthRecord()].note(failure, at: now) }
  }

  func verdict(_ channel: String, at now: Timestamp) -> HealthRecord.Verdict {
    records.withLock { $0[channel] ?? HealthRecord() }.verdict(at: now)
  }
}
