// From a request to a queued message: which channel, which sender, whether it can be carried.

import ChannelProtocol
import HTTPTypes
import Storage

/// Checks what can be checked before any call, and queues.
struct MessageIntake: Sendable {
  let store: any MessageStore
  let directory: ChannelDirectory
  let clock: any WallClock
  var deadline: Duration = .seconds(10)

  /// - Parameter held: what a request that may be sent twice has claimed.
  /// - Returns: the message, durable and `queued` (or `scheduled`).
  /// - Throws: ``Problem`` for what is refused; a storage failure otherwise.
  func accept(_ request: SendRequest, as held: HeldRequest? = nil) async throws -> Message {
    if let held, held.isRepeated, let made = try await store.message(held.resourceID) { return made.message }
    let record = try await record(of: request, id: held?.resourceID ?? clock.makeIdentifier())
    return try await queue(record)
  }

  /// - Throws: ``Problem`` where an uploaded file has gone since it was looked for.
  func queue(_ record: OutboundRecord) async throws -> Message {
    do {
      return try await store.queue(record, deadline: deadline)
    } catch let error as UploadGone {
      let index = record.media.firstIndex(of: error.source) ?? 0
      throw Problem.invalid("media[\(index)]", "is not the id of an uploaded file")
    }
  }

  /// What is to be queued of a request that passes every check.
  /// - Throws: ``Problem`` for what is refused; a storage failure otherwise.
  func record(of request: SendRequest, id: Identifier) async throws -> OutboundRecord {
    let channel = try await channel(for: request)
    let now = clock.now()
    try check(request, channel: channel, now: now)
    var request = request
    request.content = try InteractiveRequest.checked(request.content, on: channel)
    try await checkOptOut(request, channel: channel)
    try await checkReply(request)
    let standing = try await store.standing(
      of: Address(type: channel.type, value: request.to), on: channel.line)
    guard let sender = StickySender.choose(from: channel.senders, for: request.to, lastUsed: standing?.ourAddress)
    else {
      throw Problem(.unprocessableContent, "unknown_channel", "The channel \(channel.id) has no sender.")
    }
    let plan = DeparturePlan(store: store, now: now)
    let last = standing?.lastInboundAt
    var departure = try await plan.departure(
      of: request, on: channel, from: sender, lastInboundAt: last, isHeld: false)
    // Quiet hours may move it to a time when the window is closed.
    let times = DepartureTimes(now: now, departure)
    let asked = request.template
    let heldOutside = try applyWindow(&request, channel: channel, lastInboundAt: last, times: times)
    if heldOutside != nil || request.template != asked {
      departure = try await plan.departure(
        of: request, on: channel, from: sender, lastInboundAt: last, isHeld: heldOutside != nil)
    }
    try await TemplateCheck(store: store).check(
      request, channel: channel, lastInboundAt: last, leavesAt: times.leavesAt)
    let content = content(of: request)
    let segments = request.body.flatMap { (channel.adapter as? any SegmentCounting)?.segments(of: $0) }
    return OutboundRecord(
      id: id, to: Address(type: channel.type, value: request.to), channel: channel.id,
      channelType: channel.type, line: channel.line, sender: sender.address, senderKey: channel.senderKey(sender),
      accountSID: channel.account.accountSID, body: body(of: request, content, on: channel), content: content,
      media: request.media, uploads: try await uploads(in: request), template: request.template, segments: segments,
      units: segments?.count ?? 1, priority: request.priority,
      scheduledAt: request.scheduledAt, validFor: request.validFor, replyTo: request.replyTo,
      resendOf: request.resendOf, metadata: request.metadata, heldOutside: heldOutside, createdAt: now
    ).leaving(departure)
  }

  // MARK: Which channel

  func channel(for request: SendRequest) async throws -> ConfiguredChannel {
    var candidates: [ConfiguredChannel]
    if let word = request.channel {
      if let channel = directory[word] {
        guard request.impliedType.map({ channel.type.contactType == $0.contactType }) ?? true else {
          throw Problem.invalid("to", "its prefix is of another type than the channel \(word)")
        }
        return channel
      }
      candidates = directory.channels(of: ChannelType(word))
      guard !candidates.isEmpty else {
        throw Problem(
          .unprocessableContent, "unknown_channel", "No channel has the id or type \(word).",
          errors: [.init(field: "channel", message: "is neither a channel's id nor a type")])
      }
    } else if let type = request.impliedType {
      candidates = directory.channels(of: type)
      guard !candidates.isEmpty else {
        throw Problem(.unprocessableContent, "unknown_channel", "No channel of the type \(type) is configured.")
      }
    } else {
      candidates = directory.channels
    }
    candidates = candidates.filter { fits(request, $0) }
    if candidates.count > 1, let last = try await lastUsed(request.to, among: candidates) { return last }
    guard candidates.count == 1, let only = candidates.first else {
      if candidates.isEmpty {
        throw Problem(
          .unprocessableContent, "unsupported_content", "No channel can carry this message to this address.")
      }
      throw Problem(
        .unprocessableContent, "ambiguous_channel", "Several channels fit: name one.",
        errors: [.init(field: "channel", message: "is needed here")],
        members: ["candidates": .array(candidates.map { .string($0.id) })])
    }
    return only
  }

  private func fits(_ request: SendRequest, _ channel: ConfiguredChannel) -> Bool {
    AddressCheck.problem(request.to, channel.capabilities) == nil
      && unsupported(request, channel.capabilities) == nil
  }

  private func lastUsed(_ address: String, among candidates: [ConfiguredChannel]) async throws -> ConfiguredChannel? {
    guard let id = try await store.lastChannel(of: address, types: candidates.map(\.type)) else { return nil }
    return candidates.first { $0.id == id }
  }

  // MARK: Whether they want it

  func checkOptOut(_ request: SendRequest, channel: ConfiguredChannel) async throws {
    guard channel.policies.refusesOptedOut else { return }
    let scopes = try await store.optedOutScopes(of: Address(type: channel.type, value: request.to))
    guard !scopes.isEmpty else { return }
    guard scopes.isDisjoint(with: channel.optOutScopes) else {
      throw Problem(
        .unprocessableContent, "recipient_opted_out", "The recipient has opted out of messages from this sender.",
        errors: [.init(field: "to", message: "has opted out")])
    }
  }

  /// What is sent again answers what it answered, even where that has gone since.
  func checkReply(_ request: SendRequest) async throws {
    guard let id = request.replyTo, request.resendOf == nil else { return }
    guard try await store.message(id) != nil else { throw Problem.invalid("replyTo", "is no message's id") }
  }

  /// Templates may go out at any time; everything else only within the channel's window.
  /// - Returns: the window, where the message is to be held outside of it.
  func applyWindow(
    _ request: inout SendRequest, channel: ConfiguredChannel, lastInboundAt last: Timestamp?, times: DepartureTimes
  ) throws(Problem) -> Duration? {
    guard let window = channel.capabilities.window, !request.isTemplate else { return nil }
    // What is scheduled, or waits for the morning, is judged by the time it leaves at.
    if let last, last + window > times.leavesAt { return nil }
    switch channel.policies.outsideWindow {
    case .hold:
      // What only quiet hours carry beyond the window is held by its sender in the morning, unless they write until then.
      if let last, last + window > request.scheduledAt ?? times.now { return nil }
      return window
    case .reject:
      throw Problem(
        .unprocessableContent, "outside_window",
        last == nil
          ? "The contact has not written on this channel yet: only a template can be sent."
          : "The contact's last message is too long ago: only a template can be sent.",
        errors: [.init(field: "contentSid", message: "is needed outside the window")])
    case .template(let sid):
      guard let text = request.body, request.media.isEmpty, request.content == nil else {
        throw Problem(
          .unprocessableContent, "outside_window", "Outside the window only text can go out, in a template.")
      }
      request.template = TemplateReference(sid: sid, variables: ["1": text])
      request.body = nil
      return nil
    }
  }

  // MARK: Whether it can be carried

  func check(_ request: SendRequest, channel: ConfiguredChannel, now: Timestamp) throws(Problem) {
    if let problem = AddressCheck.problem(request.to, channel.capabilities) { throw .invalid("to", problem) }
    if channel.senders.contains(where: { $0.address == request.to }) {
      throw .invalid("to", "is our own address on this channel")
    }
    if let problem = unsupported(request, channel.capabilities) {
      throw Problem(.unprocessableContent, "unsupported_content", problem)
    }
    if let scheduledAt = request.scheduledAt, scheduledAt <= now {
      throw .invalid("scheduledAt", "must be in the future")
    }
  }

  /// Why a channel cannot carry a message; nil: it can.
  private func unsupported(_ request: SendRequest, _ capabilities: ChannelCapabilities) -> String? {
    if (request.body?.unicodeScalars.count ?? 0) > capabilities.maximumBodyLength {
      return "The channel carries \(capabilities.maximumBodyLength) characters at most."
    }
    if request.media.count > capabilities.maximumMedia {
      return capabilities.maximumMedia == 0
        ? "The channel carries no media." : "The channel carries \(capabilities.maximumMedia) media at most."
    }
    if request.template != nil, !capabilities.templates { return "The channel has no templates." }
    switch request.content?.kind {
    case nil, .text: return nil
    case .location: return capabilities.location ? nil : "The channel carries no locations."
    case .template: return capabilities.templates ? nil : "The channel has no templates."
    // Which kinds of it, the channel says by field.
    case .interactive: return capabilities.interactive ? nil : "The channel carries no interactive content."
    case .media, .contacts, .buttonReply, .listReply, .reaction, .sticker, .unknown:
      return "Content of this kind cannot be sent on the channel; use body, media or contentSid."
    }
  }

  private func content(of request: SendRequest) -> Content {
    if let content = request.content { return content }
    if let template = request.template { return Content(.template(sid: template.sid, variables: template.variables)) }
    if !request.media.isEmpty { return Content(.media(caption: request.body)) }
    return Content(.text(request.body ?? ""))
  }

  private func body(of request: SendRequest, _ content: Content, on channel: ConfiguredChannel) -> String? {
    if let body = request.body { return body }
    if case .text(let text) = content.kind { return text }
    return InteractiveRequest.text(of: content, on: channel)
  }
}

/// When a message is taken, and when it leaves if nothing comes between.
struct DepartureTimes: Sendable, Hashable {
  var now: Timestamp
  var leavesAt: Timestamp

  init(now: Timestamp, _ departure: Departure) {
    self.now = now
    leavesAt = departure.scheduledAt ?? now
  }
}

/// Whether an address can be a recipient's.
enum AddressCheck {
  /// What is wrong with it, as a sentence's end; nil: nothing.
  static func problem(_ address: String, _ capabilities: ChannelCapabilities) -> String? {
    capabilities.recipients.problem(with: address)
  }
}
