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

  private func candidates(
    _ request: MessageRequest, _ messages: [TwilioMessage], complete: Bool = true
  ) -> [TwilioMessage]? {
    SentMessageSearch(for: request, attemptedAt: attempt)
      .candidates(in: MessageListing(messages: messages, isComplete: complete))
  }

  @Test("a message of the same addresses, text and time is the one")
  func found() throws {
    let same = try message("SM1")
    #expect(candidates(request(), [same]) == [same])
    let trial = try message("SM2", ["body": "Sent from your Twilio trial account - Hello"])
    #expect(candidates(request(), [trial]) == [trial])
  }

  @Test(
    "a message that differs in one thing is another",
    arguments: [
      ["body": "hello"], ["to": "+14155550102"], ["from": "+15005550007"], ["direction": "inbound"],
      ["date_created": "Wed, 30 Sep 2026 15:40:00 +0000"], ["date_created": "Wed, 30 Sep 2026 15:43:02 +0000"],
      ["num_media": "1"],
    ] as [[String: JSONValue]])
  func absent(changes: [String: JSONValue]) throws {
    #expect(candidates(request(), [try message("SM1", changes)]) == [])
  }

  @Test("of texts that a normalisation would make equal each is itself")
  func normalisation() throws {
    #expect(candidates(request(body: "caf\u{E9}"), [try message("SM1", ["body": "cafe\u{301}"])]) == [])
  }

  @Test("of several alike all are candidates, the oldest first")
  func alike() throws {
    let second = try message("SM2", ["date_created": "Wed, 30 Sep 2026 15:42:10 +0000"])
    let first = try message("SM1", ["date_created": "Wed, 30 Sep 2026 15:42:05 +0000"])
    #expect(candidates(request(), [second, first]) == [second, first])
    #expect(SentMessageSearch(for: request(), attemptedAt: attempt).ranked([second, first]) == [first, second])
  }

  @Test("a pool's message has the pool's id and any sender, or none yet")
  func pool() throws {
    let pool = request(pool: "MG1")
    let waiting = try message("SM1", ["messaging_service_sid": "MG1", "from": nil])
    #expect(candidates(pool, [waiting]) == [waiting])
    #expect(candidates(pool, [try message("SM1", ["messaging_service_sid": nil])]) == [])
  }

  @Test("a template's text is not compared, for Twilio makes it")
  func template() throws {
    var template = request(body: nil)
    template.contentSID = "HX1"
    let sent = try message("MM1", ["body": "Dear Alex", "num_media": "1"])
    #expect(candidates(template, [sent]) == [sent])
    let later = try message("MM2", ["body": "Dear Alex", "date_created": "Wed, 30 Sep 2026 15:43:02 +0000"])
    #expect(candidates(template, [later]) == [])
  }

  @Test("of two template messages in one minute each is found by what it says, as far as Twilio shows it")
  func templatesApart() throws {
    var template = request(body: nil)
    template.contentSID = "HX1"
    func found(_ texts: [String], _ messages: [TwilioMessage]) -> [String]? {
      let search = SentMessageSearch(for: template, attemptedAt: attempt, renderedTexts: texts)
      return search.candidates(in: MessageListing(messages: messages, isComplete: true))
        .map { search.ranked($0).map { search.likeness(of: $0) == .doubtful ? "\($0.sid)?" : $0.sid } }
    }
    let alex = try message("MM1", ["body": "Dear Alex, your code is 12"])
    let sam = try message("MM2", ["body": "Dear Sam, your code is 34"])
    #expect(found(["Dear Sam, your code is 34"], [sam, alex]) == ["MM2", "MM1?"])
    #expect(found(["Dear Kim, your code is 56"], [sam, alex]) == ["MM1?", "MM2?"], "neither seems to be Kim's")
    // One of several contents was sent, and what surrounds it is Twilio's or the template's.
    let framed = try message("MM3", ["body": "NEWS\nDear  Alex, it\u{2019}s here\nReply STOP"])
    #expect(found(["Choose:", "Dear Alex, it's here"], [framed, sam]) == ["MM3", "MM2?"])
    // What shows no text yet may be anybody's, unless another one is certainly ours.
    let silent = try message("MM4", ["body": ""])
    let gaps = try message("MM5", ["body": "Dear {{1}}"])
    #expect(found(["Dear Alex, your code is 12"], [silent, gaps, sam]) == ["MM4", "MM5", "MM2?"])
    #expect(found(["Dear Alex, your code is 12"], [silent, gaps, alex]) == ["MM1", "MM4", "MM5"])
    #expect(found([], [alex, silent]) == ["MM1", "MM4"], "of a template that nobody knows all are possible")
    let listed = try message("MM6", ["body": "Dear Alex, your code is 12", "content_sid": "HX2"])
    #expect(found(["Dear Alex, your code is 12"], [listed]) == [])
  }

  @Test("a list cut off before it reaches back to the attempt proves nothing")
  func cutOff() throws {
    let other = try message("SM1", ["body": "other"])
    #expect(candidates(request(), [other], complete: false) == nil)
    let older = try message("SM2", ["date_created": "Wed, 30 Sep 2026 15:00:00 +0000"])
    #expect(candidates(request(), [other, older], complete: false) == [])
  }
}
