// From a bulk's request to a bulk: each recipient is checked by itself, all of them with one question to the database.

import ChannelProtocol
import HTTPTypes
import Storage

struct BulkIntake: Sendable {
  let store: any MessageStore
  let directory: ChannelDirectory
  let clock: any WallClock

  /// - Returns: the bulk, durable, with nothing sent yet.
  /// - Throws: ``Problem`` where the bulk as a whole is refused; a storage failure otherwise.
  func accept(_ request: BulkRequest, id: Identifier) async throws -> NewBulk {
    let channel = try channel(named: request.channel)
    if request.templateSID != nil, !channel.capabilities.templates {
      throw Problem(.unprocessableContent, "unsupported_content", "The channel has no templates.")
    }
    var variables: TemplateVariables?
    if let sid = request.templateSID {
      variables = try await store.template(sid: sid, account: channel.account.accountSID)
        .map { TemplateVariables(of: $0.record) }
    }
    let addresses = request.recipients.map { Address(type: channel.type, value: $0.to) }
    let standings = try await store.standings(of: addresses, on: channel.line)
    let check = RecipientCheck(
      channel: channel, text: request.body.map { BulkText($0) }, variables: variables, now: clock.now())
    var bulk = NewBulk(
      id: id, channel: channel.id, templateSID: request.templateSID, recipients: [], refused: request.refused,
      createdAt: clock.now())
    for (recipient, standing) in zip(request.recipients, standings) {
      do throws(BulkRefusal) {
        bulk.recipients.append(try check.accept(recipient, standing, messageID: clock.makeIdentifier()))
      } catch {
        bulk.refused.append(error)
      }
    }
    bulk.refused.sort { $0.index < $1.index }
    try await store.createBulk(bulk)
    return bulk
  }

  private func channel(named word: String) throws(Problem) -> ConfiguredChannel {
    if let channel = directory[word] { return channel }
    let candidates = directory.channels(of: ChannelType(word))
    guard let only = candidates.first else {
      throw Problem(
        .unprocessableContent, "unknown_channel", "No channel has the id or type \(word).",
        errors: [.init(field: "channel", message: "is neither a channel's id nor a type")])
    }
    guard candidates.count == 1 else {
      throw Problem(
        .unprocessableContent, "ambiguous_channel", "Several channels are of this type: name one.",
        errors: [.init(field: "channel", message: "is needed by its id here")],
        members: ["candidates": .array(candidates.map { .string($0.id) })])
    }
    return only
  }
}

extension BulkRefusal: Error {}

/// What is checked of a recipient when a bulk is accepted. Pure: the opt-out, the window and the template are looked at
/// again when its message is made, which may be hours later.
struct RecipientCheck: Sendable {
  let channel: ConfiguredChannel
  /// nil: the bulk is a template's.
  let text: BulkText?
  /// nil: no template, or one that the catalog does not know.
  let variables: TemplateVariables?
  let now: Timestamp

  func accept(
    _ recipient: BulkRequest.Recipient, _ standing: RecipientStanding, messageID: Identifier
  ) throws(BulkRefusal) -> BulkRecipient {
    func refuse(_ code: String, _ message: String) -> BulkRefusal {
      BulkRefusal(index: recipient.index, code: code, message: message)
    }
    if let type = recipient.impliedType, type.contactType != channel.type.contactType {
      throw refuse("invalid_address", "to has the prefix of another channel type")
    }
    if let problem = AddressCheck.problem(recipient.to, channel.capabilities) {
      throw refuse("invalid_address", "to \(problem)")
    }
    if channel.senders.contains(where: { $0.address == recipient.to }) {
      throw refuse("invalid_address", "to is our own address on this channel")
    }
    if channel.policies.refusesOptedOut, !standing.optedOut.isDisjoint(with: channel.optOutScopes) {
      throw refuse("recipient_opted_out", "The recipient has opted out of messages from this sender.")
    }
    guard let text else { return try template(recipient, messageID) }
    let names = text.names.subtracting(recipient.variables.keys)
    guard let body = text.filled(with: recipient.variables) else {
      throw refuse("missing_variable", "variables lacks \(names.sorted().joined(separator: ", "))")
    }
    let limit = min(SendRequest.maximumBody, channel.capabilities.maximumBodyLength)
    guard !body.isEmpty, body.unicodeScalars.count <= limit else {
      throw refuse("unsupported_content", "The text must have 1 to \(limit) characters with its variables filled in.")
    }
    if isOutsideWindow(standing) {
      throw refuse("outside_window", "The contact has not written within the window: only a template can be sent.")
    }
    let measure = (channel.adapter as? any SegmentCounting)?.measure(body)
    return BulkRecipient(
      index: recipient.index, address: recipient.to, body: body, variables: [:], metadata: recipient.metadata,
      units: measure?.segments.count ?? 1, messageID: messageID)
  }

  private func isOutsideWindow(_ standing: RecipientStanding) -> Bool {
    guard let window = channel.capabilities.window, channel.policies.outsideWindow == .reject else { return false }
    return standing.lastInboundAt.map { $0 + window <= now } ?? true
  }

  private func template(
    _ recipient: BulkRequest.Recipient, _ messageID: Identifier
  ) throws(BulkRefusal) -> BulkRecipient {
    let problems =
      variables?.problems(recipient.variables, isWhatsApp: channel.type == .whatsapp)
      .map { "variables.\($0.variable) \($0.message)" } ?? []
    guard problems.isEmpty else {
      throw BulkRefusal(
        index: recipient.index, code: "invalid_request", message: problems.joined(separator: "; "))
    }
    return BulkRecipient(
      index: recipient.index, address: recipient.to, body: nil, variables: recipient.variables,
      metadata: recipient.metadata, units: 1, messageID: messageID)
  }
}
