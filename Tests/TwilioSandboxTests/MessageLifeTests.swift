// Decisions of the state, without a network and without waiting.

import Testing

@testable import TwilioSandbox

@Suite("The life of a message")
struct MessageLifeTests {
  private static let service = "MG" + String(repeating: "a", count: 32)
  private static let start = UTCTime(microseconds: 1_790_783_000_000_000)

  private static func state(_ change: (inout SandboxConfiguration) -> Void = { _ in }) -> SandboxState {
    var configuration = SandboxConfiguration.test
    configuration.timings = .init()
    change(&configuration)
    return SandboxState(configuration)
  }

  private static func create(
    _ state: inout SandboxState, _ pairs: KeyValuePairs<String, String>, at now: UTCTime = start
  ) throws -> SandboxMessage {
    var form = FormFields(pairs)
    form.append("StatusCallback", "http://127.0.0.1:1/status")
    let account = state.accounts[0]
    return try state.create(form, account: account, now: now).message
  }

  /// The statuses told until nothing is due any more.
  private static func statuses(_ state: inout SandboxState) -> [String] {
    var told: [String] = []
    while let due = state.nextDue { told += state.advance(to: due).map(\.status.rawValue) }
    return told
  }

  @Test(
    "every kind of message tells its statuses in Twilio's order, never its first one",
    arguments: [
      ("+14155550101", "+15005550006", "queued", ["sending", "sent", "delivered"]),
      ("whatsapp:+447700900123", "whatsapp:+14155238886", "queued", ["sending", "sent", "delivered", "read"]),
      ("+15005550101", "+15005550006", "queued", ["failed"]),
      ("+15005550134", "+15005550006", "queued", ["failed"]),
      ("+15005550103", "+15005550006", "queued", ["sending", "sent", "undelivered"]),
      ("+15005550190", "+15005550006", "queued", []),
      ("+15005550191", "+15005550006", "queued", ["sending", "sent"]),
      ("whatsapp:+15005550192", "whatsapp:+14155238886", "queued", ["sending", "sent", "delivered"]),
      ("whatsapp:+15005550116", "whatsapp:+14155238886", "queued", ["failed"]),
      ("whatsapp:+15005550124", "whatsapp:+14155238886", "queued", ["sending", "sent", "undelivered"]),
      ("+14155550101", service, "accepted", ["queued", "sending", "sent", "delivered"]),
      ("+15005550004", service, "accepted", ["queued", "failed"]),
      ("messenger:2000000000000002", service, "accepted", ["queued", "failed"]),
    ])
  func order(to: String, from: String, first: String, expected: [String]) throws {
    var state = Self.state()
    let message =
      from == Self.service
      ? try Self.create(&state, ["To": to, "MessagingServiceSid": from, "Body": "x"])
      : try Self.create(&state, ["To": to, "From": from, "Body": "x"])
    #expect(message.status.rawValue == first)
    #expect(Self.statuses(&state) == expected)
    #expect(state.log[message.sid]?.status.rawValue == expected.last ?? first)
  }

  @Test("errors stand in the resource and in the callback, with code and words")
  func errors() throws {
    var state = Self.state()
    let sid = try Self.create(&state, ["To": "+15005550103", "From": "+15005550006", "Body": "x"]).sid
    var last: OutgoingWebhook?
    while let due = state.nextDue { last = state.advance(to: due).last ?? last }
    #expect(last?.form["ErrorCode"] == "30003")
    #expect(state.log[sid]?.json["error_code"] == .integer(30003))
    #expect(state.log[sid]?.json["error_message"] == .string("Unreachable destination handset"))
    #expect(state.log[sid]?.json["price"] == .null)
  }

  @Test("a Messaging Service names no sender until the message is queued")
  func sender() throws {
    var state = Self.state()
    let message = try Self.create(
      &state, ["To": "whatsapp:+447700900123", "MessagingServiceSid": Self.service, "Body": "x"])
    #expect(message.json["from"] == .null)
    #expect(message.json["num_segments"] == .string("0"))
    _ = Self.statuses(&state)
    #expect(state.log[message.sid]?.from == "whatsapp:+14155238886")
    #expect(state.log[message.sid]?.json["price"] == .string("-0.00500"))
  }

  @Test("a scheduled message waits for its time; canceled, it never leaves and says so once")
  func schedule() throws {
    var state = Self.state()
    let pairs: KeyValuePairs = [
      "To": "+14155550101", "MessagingServiceSid": Self.service, "Body": "x", "ScheduleType": "fixed",
      "SendAt": "2026-09-30T16:00:00Z",
    ]
    let sent = try Self.create(&state, pairs)
    let canceled = try Self.create(&state, pairs)
    #expect(sent.status == .scheduled)
    #expect(state.nextDue == sent.sendAt)
    let update = try state.update(canceled, form: FormFields(["Status": "canceled"]), now: Self.start)
    #expect(update.callbacks.map(\.form).map { $0["MessageStatus"] } == ["canceled"])
    #expect(update.callbacks.first?.form["From"] == "")
    #expect(throws: TwilioError.tooLateToCancel) {
      try state.update(update.message, form: FormFields(["Status": "canceled"]), now: Self.start)
    }
    #expect(Self.statuses(&state) == ["queued", "sending", "sent", "delivered"])
    #expect(state.log[canceled.sid]?.status == .canceled)
  }

  @Test("STOP blocks the pair until START; Twilio's own reply is in the log; other numbers are free")
  func optOut() throws {
    var state = Self.state()
    func receive(_ body: String) throws {
      _ = try state.receive(InboundText(from: "+14155550101", body: body), mediaBaseURL: "", now: Self.start)
    }
    try receive(" Stop\n")
    #expect(throws: TwilioError.optedOut) {
      try Self.create(&state, ["To": "+14155550101", "From": "+15005550006", "Body": "x"])
    }
    let viaService = try Self.create(&state, ["To": "+14155550101", "MessagingServiceSid": Self.service, "Body": "x"])
    #expect(Self.statuses(&state) == ["queued", "failed"])
    #expect(state.log[viaService.sid]?.errorCode == 21610)
    let isFree = try Self.create(&state, ["To": "+14155550102", "From": "+15005550006", "Body": "x"]).status == .queued
    #expect(isFree)
    #expect(state.log.newestFirst.contains { $0.direction == .outboundReply && $0.to == "+14155550101" })
    try receive("stop it")
    try receive("START")
    let isBack = try Self.create(&state, ["To": "+14155550101", "From": "+15005550006", "Body": "x"]).status == .queued
    #expect(isBack)
  }

  @Test("with the window enforced, free text outside of it fails with 63016, a template does not")
  func window() throws {
    var state = Self.state { $0.enforcesWhatsAppWindow = true }
    let pairs: KeyValuePairs = ["To": "whatsapp:+447700900123", "From": "whatsapp:+14155238886", "Body": "x"]
    let early = try Self.create(&state, pairs)
    _ = try state.receive(InboundText(from: "whatsapp:+447700900123", body: "hi"), mediaBaseURL: "", now: Self.start)
    let inside = try Self.create(&state, pairs)
    let late = try Self.create(&state, pairs, at: Self.start + .seconds(86400))
    let template = try Self.create(
      &state,
      [
        "To": "whatsapp:+447700900123", "From": "whatsapp:+14155238886",
        "ContentSid": SandboxTemplate.orderUpdateSID,
      ], at: Self.start + .seconds(86400))
    _ = Self.statuses(&state)
    #expect(state.log[early.sid]?.errorCode == 63016)
    #expect(state.log[inside.sid]?.status == .read)
    #expect(state.log[late.sid]?.errorCode == 63016)
    #expect(state.log[template.sid]?.status == .read)
    #expect(template.sid.hasPrefix("MM"))
  }

  @Test("chaos drops, doubles and delays callbacks, and the message itself goes on")
  func chaos() throws {
    for (change, expected): (@Sendable (inout Chaos) -> Void, [String]) in [
      ({ $0.dropCallbacks = 1 }, []),
      ({ $0.duplicateCallbacks = 1 }, ["sending", "sending", "sent", "sent", "delivered", "delivered"]),
      ({ $0.delayCallbacks = 1 }, ["sending", "sent", "delivered"]),
    ] {
      var state = Self.state()
      change(&state.chaos)
      let sid = try Self.create(&state, ["To": "+14155550101", "From": "+15005550006", "Body": "x"]).sid
      #expect(Self.statuses(&state) == expected)
      #expect(state.log[sid]?.status == .delivered)
    }
  }

  @Test("the log keeps the newest messages and forgets the media of the others")
  func bounds() throws {
    var state = Self.state { $0.messageLimit = 3 }
    var first: String?
    for number in 0..<5 {
      let text = InboundText(from: "+14155550101", body: "\(number)", media: [.init(contentType: "image/png")])
      let sid = try state.receive(text, mediaBaseURL: "", now: Self.start).sid
      first = first ?? state.log[sid]?.media.first?.sid
    }
    #expect(state.log.newestFirst.map(\.body) == ["4", "3", "2"])
    #expect(state.media[try #require(first)] == nil)
    #expect(state.media[try #require(state.log.newestFirst.first { _ in true }?.media.first?.sid)] != nil)
  }
}
