// Takes a message back: from our own queue, or from a provider that keeps it until its time.

import ChannelProtocol
import HTTPTypes
import Storage

struct MessageCancellation: Sendable {
  let store: any MessageStore
  let directory: ChannelDirectory
  let clock: any WallClock
  var deadline: Duration = .seconds(10)
  /// Calls to the provider, where it is not known what became of the one before.
  var maximumCalls = 3
  /// How long a message is waited for that is being handed over at the moment.
  var handOverLimit: Duration = .seconds(3)
  var pause: Duration = .milliseconds(100)

  /// - Parameter expected: compared under the message's lock, before anybody is called; nil: whatever it is.
  /// - Returns: the canceled message.
  /// - Throws: ``Problem``: 404, 409 with its state where it is too late, 503 where the provider could not be asked;
  ///   `ResourceChanged`.
  func cancel(_ id: Identifier, ifStill expected: MessageDetail? = nil) async throws -> Message {
    // What somebody has canceled before is not canceled by this request.
    if let known = try await store.message(id)?.message, known.status == .canceled,
      expected == nil || expected?.message == known
    {
      throw Self.tooLate(known)
    }
    let giveUpAt = ContinuousClock.now + handOverLimit
    while true {
      switch try await store.cancel(id, ifStill: expected, deadline: deadline) {
      case .canceled(let message): return message
      case .notFound: throw Problem.notFound("message")
      case .notCancelable(let message):
        guard message.direction == .outbound, let time = message.scheduledAt, time > clock.now() else {
          throw Self.tooLate(message)
        }
        // A node is calling the provider just now: in a moment it is known whether it has the message.
        if message.status == .sending, .now < giveUpAt {
          try await Task.sleep(for: pause)
          continue
        }
        guard message.status == .accepted, let sid = message.providerSID,
          let channel = message.channel.flatMap({ directory[$0] }),
          let scheduler = channel.adapter as? any MessageScheduling
        else { throw Self.tooLate(message) }
        return try await takeBack(message, sid: sid, from: scheduler)
      }
    }
  }

  private func takeBack(_ message: Message, sid: String, from scheduler: any MessageScheduling) async throws -> Message
  {
    var failure: SendFailure?
    for call in 0..<maximumCalls {
      if call > 0 { try await Task.sleep(for: pause * (1 << call)) }
      switch await Self.canceled(sid, by: scheduler) {
      case .success(let update): return try await adopt(update, of: message)
      case .failure(let error): failure = error
      }
      // Too late, or the answer was lost: what the provider says of the message now decides.
      if let update = try await asked(sid, of: scheduler) {
        if update.report.status != .accepted { return try await adopt(update, of: message) }
        if failure.map(Self.isRefusal) ?? false { throw Self.tooLate(message) }
      }
    }
    throw Problem(
      .serviceUnavailable, "provider_unavailable",
      "The provider did not say whether the message is canceled: \(failure?.message ?? "no answer"). Ask again.",
      headers: [.retryAfter: "5"])
  }

  private static func canceled(
    _ sid: String, by scheduler: any MessageScheduling
  ) async -> Result<StatusUpdate, SendFailure> {
    do throws(SendFailure) {
      return .success(try await scheduler.cancel(providerSID: sid))
    } catch {
      return .failure(error)
    }
  }

  /// Takes over what the provider says; it is canceled, or it is too late.
  private func adopt(_ update: StatusUpdate, of message: Message) async throws -> Message {
    var update = update
    update.messageID = message.id
    _ = try await store.apply(update, deadline: deadline)
    let now = try await store.message(message.id)?.message ?? message
    guard now.status == .canceled else { throw Self.tooLate(now) }
    return now
  }

  /// nil: it does not answer.
  private func asked(_ sid: String, of scheduler: any MessageScheduling) async throws -> StatusUpdate? {
    guard let lookup = scheduler as? any StatusLookup else { return nil }
    return try? await lookup.status(ofProviderSID: sid)
  }

  private static func isRefusal(_ failure: SendFailure) -> Bool {
    switch failure.kind {
    case .rejected, .optedOut, .misconfigured: true
    case .transient, .throttled, .unknownOutcome: false
    }
  }

  private static func tooLate(_ message: Message) -> Problem {
    Problem(
      .conflict, "not_cancelable",
      message.direction == .inbound
        ? "A message that came in cannot be canceled." : "The message is \(message.status.rawValue): it is too late.")
  }
}
