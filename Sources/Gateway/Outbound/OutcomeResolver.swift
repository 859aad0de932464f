// Finds out what became of a sender's calls that gave no answer.

import ChannelProtocol
import Logging
import Metrics
import Storage

/// Works beside the sender's loop, a few messages at a time: however many outcomes an outage has left open, and however
/// long the provider takes to say what it has, new messages go on.
struct OutcomeResolver: Sendable {
  let lane: SenderLane
  let context: SendingContext
  private let counters: SendCounters

  /// Questions to the provider that are open at once.
  static let concurrency = 4
  /// Due, but somebody else's at the moment.
  private static let lookAgain: Duration = .milliseconds(200)

  init(_ lane: SenderLane, _ context: SendingContext) {
    self.lane = lane
    self.context = context
    counters = SendCounters(context.metrics)
  }

  /// Works until nothing is due.
  /// - Returns: when to look again; nil: there is nothing to find out.
  func work() async throws -> Timestamp? {
    while !Task.isCancelled {
      // A read first: looking must not cost the lane a transaction.
      guard let due = try await context.store.nextSends([lane.key], .unresolved)[lane.key] else { return nil }
      if due > context.clock.now() { return due }
      let claimed = try await context.claim(.unresolved, of: lane.key, limit: Self.concurrency)
      guard !claimed.isEmpty else { return context.clock.now() + Self.lookAgain }
      await withDiscardingTaskGroup { group in
        for entry in claimed { group.addTask { await resolve(entry) } }
      }
    }
    return nil
  }

  /// A call is never simply made again.
  private func resolve(_ entry: ClaimedSend) async {
    guard let channel = entry.message.channel.flatMap({ context.directory[$0] }),
      let adapter = channel.adapter as? any OutcomeLookup
    else {
      return await context.record(
        entry, .failed(code: "unknown_outcome", message: "The call gave no answer, and nobody can be asked."))
    }
    let decision = SendDecision(policy: context.policy)
    let attemptedAt = entry.attemptedAt ?? entry.message.createdAt
    do {
      var message = try await context.deposits.deposited(context.outbound(entry, on: channel), on: channel)
      message.renderedTexts = try await renderedTexts(of: message, on: channel)
      let candidates = try await adapter.lookUp(message, attemptedAt: attemptedAt)
      let known = try await context.store.knownProviderSIDs(
        candidates.map(\.providerSID), account: channel.account.accountSID)
      let now = context.clock.now()
      // Those that are left are nobody's: of alike ones one is as good as another.
      let left = candidates.filter { !known.contains($0.providerSID) }
      if let receipt = left.first(where: { !$0.isDoubtful }) {
        counters.adopted.increment()
        await context.record(entry, .accepted(receipt), channel: channel)
      } else if !left.isEmpty {
        await context.record(entry, decision.afterDoubt(attemptedAt: attemptedAt, now: now).result, channel: channel)
      } else {
        await context.record(
          entry,
          decision.afterAbsence(
            unknownOutcomes: entry.unknownOutcomes, attemptedAt: attemptedAt, now: now
          ).result,
          channel: channel)
      }
    } catch {
      context.logger.warning(
        "an unknown outcome could not be looked up",
        metadata: ["messageID": "\(entry.message.id)", "error": "\(error)"])
      await context.record(entry, decision.afterFailedLook(now: context.clock.now()).result, channel: channel)
    }
  }

  /// What a provider that makes a message's text itself would show of this one.
  private func renderedTexts(of message: OutboundMessage, on channel: ConfiguredChannel) async throws -> [String] {
    if case .interactive = message.content.kind { return message.body.map { [$0] } ?? [] }
    guard let reference = message.templateReference,
      let template = try await context.store.template(sid: reference.sid, account: channel.account.accountSID)
    else { return [] }
    return TemplateText.texts(of: template.record, with: reference.variables)
  }
}

extension OutboundMessage {
  /// The template that it is, by either way of naming one.
  var templateReference: TemplateReference? {
    if let template { return template }
    guard case .template(let sid, let variables) = content.kind else { return nil }
    return TemplateReference(sid: sid, variables: variables)
  }
}
