// Whether a message without an answer is in Twilio's list.

import ChannelProtocol
import Testing

@testable import Twilio

@Suite struct SentMessageSearchTests {
  private let attempt = Timestamp(rfc3339: "2026-09-30T15:42:00.500Z") ?? Timestamp(seconds: 0)

  private func request(body: String? = "Hello", media: [String] = [], pool: String? = nil) -> MessageRequest {
    var request = MessageRequest(to: "+14155550101")
    request.from = pool == nil ? "+15005550006" : nil
    request.messagingServiceSID = pool
    request.body = body
    request.mediaURLs = media
    return request
  }

  private func message(_ sid: String, _ changes: [String: JSONValue] = [:]) throws -> TwilioMessage {
    var json = try #require(try Fixtures.json("api/create_sms_201_queued.json")["response"]?["body"]?.objectValue)
    json["sid"] = .string(sid)
    for (name, value) in changes { json[name] = value }
    return try #require(TwilioMessage(.object(json)))
  }

  private func judge(
    _ request: MessageRequest, _ messages: [TwilioMessage], complete: Bool = true, adopted: Set<String> = []
  ) -> SentMessageSearch.Verdict {
    SentMessageSearch(for: request, attemptedAt: attempt, excluding: adopted)
      .judge(MessageListing(messages: messages, isComplete: complete))
  }

  @Test("a message of the same addresses, text and time is the one")
  func found() throws {
    let same = try message("SM1")
    #expect(judge(request(), [same]) == .found(same))
    #expect(judge(request(), [same, same]) == .found(same))
    let trial = try message("SM2", ["body": "Sent from your Twilio trial account - Hello"])
    #expect(judge(request(), [trial]) == .found(trial))
  }

  @Test(
    "a message that differs in one thing is another",
    arguments: [
      ["body": "hello"], ["to": "+14155550102"], ["from": "+15005550007"], ["direction": "inbound"],
      ["date_created": "Wed, 30 Sep 2026 15:40:00 +0000"], ["date_created": "Wed, 30 Sep 2026 16:42:00 +0000"],
      ["num_media": "1"],
    ] as [[String: JSONValue]])
  func absent(changes: [String: JSONValue]) throws {
    #expect(judge(request(), [try message("SM1", changes)]) == .absent)
  }

  @Test("of texts that a normalisation would make equal each is itself")
  func normalisation() throws {
    #expect(judge(request(body: "caf\u{E9}"), [try message("SM1", ["body": "cafe\u{301}"])]) == .absent)
  }

  @Test("of two alike none is chosen, unless another message of ours holds one already")
  func ambiguous() throws {
    let first = try message("SM1")
    let second = try message("SM2")
    #expect(judge(request(), [first, second]) == .undecided("Twilio has 2 messages that look like this one"))
    #expect(judge(request(), [first, second], adopted: ["SM1"]) == .found(second))
    #expect(judge(request(), [first, second], adopted: ["SM1", "SM2"]) == .absent)
  }

  @Test("a pool's message has the pool's id and any sender, or none yet")
  func pool() throws {
    let pool = request(pool: "MG1")
    let waiting = try message("SM1", ["messaging_service_sid": "MG1", "from": nil])
    #expect(judge(pool, [waiting]) == .found(waiting))
    #expect(judge(pool, [try message("SM1", ["messaging_service_sid": nil])]) == .absent)
  }

  @Test("a template's text is not compared, for Twilio makes it")
  func template() throws {
    var template = request(body: nil)
    template.contentSID = "HX1"
    let sent = try message("MM1", ["body": "Dear Alex", "num_media": "1"])
    #expect(judge(template, [sent]) == .found(sent))
  }

  @Test("a list cut off before it reaches back to the attempt proves nothing")
  func cutOff() throws {
    let other = try message("SM1", ["body": "other"])
    #expect(judge(request(), [other], complete: false) == .undecided("Twilio lists more messages than were read"))
    let older = try message("SM2", ["date_created": "Wed, 30 Sep 2026 15:00:00 +0000"])
    #expect(judge(request(), [other, older], complete: false) == .absent)
  }
}
