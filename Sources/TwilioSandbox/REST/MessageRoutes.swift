// /2010-04-01/Accounts/{AC}/Messages…: create, list, fetch, update, delete, feedback.

import NIOCore
import ServiceLifecycle

/// The Message resource.
struct MessageRoutes: Sendable {
  let sandbox: Sandbox

  func create(_ call: APICall) async throws(TwilioError) -> APIAnswer {
    let creation = try sandbox.change { state throws(TwilioError) in
      try state.create(call.form, account: call.account, now: .now)
    }
    switch creation.answer {
    case .answered:
      return .json(201, creation.message.json)
    case .failed(status: 503, accepted: _):
      return .html(503)
    case .failed(let status, accepted: _):
      throw TwilioError(
        status: status, code: TwilioError.internalError.code, message: TwilioError.internalError.message)
    case .hanging(let duration):
      try? await cancelWhenGracefulShutdown { try await Task.sleep(for: duration) }
      call.channel.close(promise: nil)
      return .abandoned
    }
  }

  func list(_ call: APICall) async throws(TwilioError) -> APIAnswer {
    let filter = try MessageFilter(accountSID: call.account.sid, query: call.query)
    let paging = Paging(call.query)
    let page = sandbox.read { $0.log.page(where: filter.matches, size: paging.size, token: paging.token) }
    let uris = paging.members(
      path: call.path, filters: ["To", "From", "DateSent", "DateSent<", "DateSent>"], query: call.query,
      count: page.messages.count, next: page.hasOlder ? page.messages.last.map { "PA" + $0.sid } : nil,
      previous: page.hasNewer ? page.messages.first.map { "PB" + $0.sid } : nil)
    return .json(200, .object(uris + [.init(name: "messages", value: .array(page.messages.map(\.json)))]))
  }

  func fetch(_ call: APICall) async throws(TwilioError) -> APIAnswer {
    .json(200, try message(call).json)
  }

  func update(_ call: APICall) async throws(TwilioError) -> APIAnswer {
    let (message, callbacks) = try sandbox.change { state throws(TwilioError) in
      try state.update(try Self.message(call, in: state), form: call.form, now: .now)
    }
    sandbox.send(callbacks)
    return .json(200, message.json)
  }

  func delete(_ call: APICall) async throws(TwilioError) -> APIAnswer {
    try sandbox.change { state throws(TwilioError) in
      try state.delete(try Self.message(call, in: state))
    }
    return .empty(204)
  }

  func feedback(_ call: APICall) async throws(TwilioError) -> APIAnswer {
    let message = try message(call)
    let outcome = call.form["Outcome"] ?? "confirmed"
    guard ["confirmed", "unconfirmed"].contains(outcome) else { throw .invalidParameter("Outcome is invalid") }
    let now = UTCTime.now.rfc2822
    return .json(
      200,
      .object([
        "account_sid": .string(message.accountSID), "message_sid": .string(message.sid), "outcome": .string(outcome),
        "date_created": .string(now), "date_updated": .string(now), "uri": .string(message.path + "/Feedback.json"),
      ]))
  }

  private func message(_ call: APICall) throws(TwilioError) -> SandboxMessage {
    try sandbox.read { state throws(TwilioError) in try Self.message(call, in: state) }
  }

  /// Another account's message is not found either.
  static func message(_ call: APICall, in state: SandboxState) throws(TwilioError) -> SandboxMessage {
    guard let message = state.log[call.messageSID], message.accountSID == call.account.sid else {
      throw .notFound(call.path)
    }
    return message
  }
}
