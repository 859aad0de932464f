// What would become of a message, without sending it.

import ChannelProtocol
import Storage

struct MessagePreview: Sendable {
  /// Why it would be refused; empty: it would not.
  var problems: [Problem] = []
  var channel: String?
  /// nil: no text, or a channel that does not count parts.
  var measure: TextMeasure?
  var hasWindow = false
  var windowExpiresAt: Timestamp?
  var optedOut = false

  func write(to writer: inout JSONWriter, now: Timestamp) {
    writer.object { writer in
      writer.member("valid", problems.isEmpty)
      writer.member("problems") { writer in
        writer.array { writer in for problem in problems { problem.writeEach(to: &writer) } }
      }
      writer.member("channel", channel)
      writer.key("segments")
      if let measure { measure.writeSegments(to: &writer) } else { writer.value(JSONValue.null) }
      writer.member("forcing") { writer in
        writer.array { writer in for character in measure?.forcing ?? [] { character.write(to: &writer) } }
      }
      writer.key("window")
      if hasWindow {
        writer.object { writer in
          writer.member("open", windowExpiresAt.map { $0 > now } ?? false)
          writer.member("expiresAt", windowExpiresAt)
        }
      } else {
        writer.value(JSONValue.null)
      }
      writer.member("optedOut", optedOut)
    }
  }
}

extension MessageIntake {
  /// Makes every check that ``record(of:id:)`` makes, and goes on where one of them refuses.
  /// - Throws: a storage failure.
  func preview(_ request: SendRequest) async throws -> MessagePreview {
    var preview = MessagePreview()
    let channel: ConfiguredChannel
    do {
      channel = try await self.channel(for: request)
    } catch let problem as Problem {
      preview.problems.append(problem)
      return preview
    }
    let now = clock.now()
    let address = Address(type: channel.type, value: request.to)
    let standing = try await store.standing(of: address, on: channel.line)
    preview.channel = channel.id
    preview.measure = request.body.flatMap { (channel.adapter as? any SegmentCounting)?.measure($0) }
    preview.optedOut = try await !store.optedOutScopes(of: address).isDisjoint(with: channel.optOutScopes)
    if let window = channel.capabilities.window {
      preview.hasWindow = true
      preview.windowExpiresAt = standing?.lastInboundAt.map { $0 + window }
    }
    preview.problems = try await problems(of: request, on: channel, standing, now: now)
    return preview
  }

  private func problems(
    of request: SendRequest, on channel: ConfiguredChannel, _ standing: ConversationStanding?, now: Timestamp
  ) async throws -> [Problem] {
    var request = request
    var problems: [Problem] = []
    func note(_ check: () async throws -> Void) async throws {
      do { try await check() } catch let problem as Problem { problems.append(problem) }
    }
    try await note { try check(request, channel: channel, now: now) }
    try await note { request.content = try InteractiveRequest.checked(request.content, on: channel) }
    try await note { try await checkOptOut(request, channel: channel) }
    try await note { try await checkReply(request) }
    guard let sender = StickySender.choose(from: channel.senders, for: request.to, lastUsed: standing?.ourAddress)
    else { return problems }
    let last = standing?.lastInboundAt
    let times = DepartureTimes(
      now: now,
      try await DeparturePlan(store: store, now: now).departure(
        of: request, on: channel, from: sender, lastInboundAt: last, isHeld: false))
    try await note { _ = try applyWindow(&request, channel: channel, lastInboundAt: last, times: times) }
    try await note {
      try await TemplateCheck(store: store).check(
        request, channel: channel, lastInboundAt: last, leavesAt: times.leavesAt)
    }
    try await note { _ = try await uploads(in: request) }
    return problems
  }
}

extension Problem {
  /// One entry for each field that is named; one without a field where none is.
  fileprivate func writeEach(to writer: inout JSONWriter) {
    let named: [(String?, String)] = errors.isEmpty ? [(nil, detail)] : errors.map { ($0.field, $0.message) }
    for (field, message) in named {
      writer.object { writer in
        writer.member("code", code)
        writer.member("field", field)
        // The words for a person are the problem's; those of a field only name what is wrong with it.
        writer.member("message", errors.count > 1 || code == "invalid_request" ? message : detail)
      }
    }
  }
}

extension TextMeasure {
  fileprivate func writeSegments(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("count", segments.count)
      writer.member("encoding", segments.encoding.rawValue)
      writer.member("units", units)
      writer.member("remaining", remaining)
    }
  }
}

extension TextMeasure.ForcingCharacter {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.member("character", character)
      writer.member("codePoint", codePoint)
      writer.member("index", index)
    }
  }
}
