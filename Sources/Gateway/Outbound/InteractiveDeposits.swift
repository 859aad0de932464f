// Where a message's interactive content is at its provider: remembered, or deposited now.

import ChannelProtocol
import Storage

/// Deposits content once for an account, whichever node is the first to send it, and names it by its id from then on.
struct InteractiveDeposits: Sendable {
  let store: any DepositStore

  /// The message as its adapter takes it: one whose content is deposited names it as its template.
  /// - Throws: ``SendFailure``, never an unknown outcome: a deposit sends nothing.
  func deposited(
    _ message: OutboundMessage, on channel: ConfiguredChannel
  ) async throws(SendFailure) -> OutboundMessage {
    guard let (content, adapter) = try Self.content(of: message, on: channel) else { return message }
    var message = message
    message.template = TemplateReference(
      sid: try await sid(of: content, by: adapter, account: channel.account.accountSID), variables: [:])
    return message
  }

  /// What a refusal means: of content that the provider has lost the message may go again, with a new deposit.
  func judged(
    _ failure: SendFailure, of message: OutboundMessage, on channel: ConfiguredChannel
  ) async -> SendFailure {
    guard let template = message.template, let (content, adapter) = try? Self.content(of: message, on: channel),
      adapter.isDepositGone(failure)
    else { return failure }
    do {
      try await store.forgetDeposit(template.sid, digest: content.digest, account: channel.account.accountSID)
    } catch {
      return failure
    }
    return SendFailure(
      .transient, code: failure.code, message: failure.message,
      explanation: "The provider no longer has the message's content; it is deposited anew.")
  }

  private static func content(
    of message: OutboundMessage, on channel: ConfiguredChannel
  ) throws(SendFailure) -> (InteractiveContent, any InteractiveSending)? {
    guard case .interactive(let type, let data) = message.content.kind,
      let adapter = channel.adapter as? any InteractiveSending
    else { return nil }
    do throws(InteractiveFaults) {
      return (try adapter.interactive(type: type, data: data), adapter)
    } catch {
      // It was checked when it was taken; the program or the channel may have changed since.
      throw .unsupportedContent(error.faults.map { "\($0.path) \($0.message)" }.joined(separator: "; "))
    }
  }

  private func sid(
    of content: InteractiveContent, by adapter: any InteractiveSending, account: String
  ) async throws(SendFailure) -> String {
    do {
      if let known = try await store.depositSID(digest: content.digest, account: account) { return known }
    } catch {
      throw SendFailure(.transient, code: "unavailable", message: "The database does not answer.")
    }
    let sid = try await Self.deposit(content, by: adapter)
    // What could not be remembered is deposited again by the next message.
    return (try? await store.rememberDeposit(sid, digest: content.digest, account: account)) ?? sid
  }

  private static func deposit(
    _ content: InteractiveContent, by adapter: any InteractiveSending
  ) async throws(SendFailure) -> String {
    do throws(SendFailure) {
      return try await adapter.deposit(content)
    } catch {
      var failure = error
      // No message was called for: nothing is sent twice by another attempt.
      if failure.kind == .unknownOutcome { failure.kind = .transient }
      throw failure
    }
  }
}

extension SendingContext {
  var deposits: InteractiveDeposits { InteractiveDeposits(store: store) }
}
