// Twilio's Smart Encoding: what is replaced, and what a text then measures.

import ChannelProtocol
import Testing

@testable import Twilio

@Suite struct SmartEncodingTests {
  @Test(
    "typographic characters become their look-alikes",
    arguments: [
      ("“Hello” – it’s…", #""Hello" - it's..."#), ("«½» • ‼", #""1/2" - !!"#), ("ＡＺ０９", "AZ09"), ("a\u{200B}b", "ab"),
      ("1\u{A0}000", "1  000"), ("\u{2028}", " "), ("plain [text] {as} it is ~", "plain [text] {as} it is ~"),
      ("日本 👍 é ç", "日本 👍 é ç"), ("`x`", "'x'"), ("‹x›", ">x<"),
    ])
  func replaced(text: String, sent: String) {
    #expect(SmartEncoding.replaced(text) == sent)
  }

  @Test("a text whose characters are all replaced is GSM-7, and counted as it is sent")
  func counted() {
    let text = String(repeating: "“it’s” ", count: 22) + "…"
    let plain = SegmentCount(text)
    #expect(plain.encoding == .ucs2 && plain.count == 3)
    #expect(plain.forcing.map(\.codePoint) == ["U+201C", "U+2019", "U+201D", "U+2026"])
    let smart = SegmentCount(text, smartEncoded: true)
    #expect(smart.encoding == .gsm7 && smart.count == 1 && smart.forcing.isEmpty)
    #expect(smart.units == 157 && smart.remaining == 3)
  }

  @Test("what is left of a text that stays UCS-2 is named by its place in the text as given, and counted as sent")
  func mixed() {
    let smart = SegmentCount("wait… 👍", smartEncoded: true)
    #expect(smart.encoding == .ucs2 && smart.units == 10)
    #expect(smart.forcing == [.init(character: "👍", codePoint: "U+1F44D", index: 6)])
  }

  @Test("a replacement of GSM-7's extension table takes two septets")
  func extended() {
    #expect(SegmentCount("｛", smartEncoded: true).units == 2)
    #expect(SegmentCount("｛", smartEncoded: true).encoding == .gsm7)
  }

  @Test("a message that Twilio shows as it was sent is the one that was asked for")
  func search() throws {
    var request = MessageRequest(to: "+14155550101")
    request.body = "it’s here"
    request.smartEncoded = true
    #expect(request.fields.contains { $0 == ("SmartEncoded", "true") })
    func listed(_ body: String) throws -> TwilioMessage {
      try #require(
        TwilioMessage([
          "sid": "SM1", "status": "queued", "direction": "outbound-api", "to": "+14155550101", "body": .string(body),
        ]))
    }
    let at = Timestamp(seconds: 1_767_225_600)
    let search = SentMessageSearch(for: request, attemptedAt: at)
    let (given, sent, other) = (try listed("it’s here"), try listed("it's here"), try listed("it's there"))
    #expect(search.matches(given) && search.matches(sent) && !search.matches(other))
    request.smartEncoded = false
    #expect(!SentMessageSearch(for: request, attemptedAt: at).matches(sent))
    #expect(!request.fields.contains { $0.name == "SmartEncoded" })
  }
}
