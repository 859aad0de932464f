// Parts of a text: GSM-7 and UCS-2.

import ChannelProtocol
import Testing

@testable import Twilio

@Suite struct SegmentCountTests {
  @Test(
    "parts are counted with their alphabets' lengths",
    arguments: [
      ("", 1, .gsm7, 0), (String(repeating: "a", count: 160), 1, .gsm7, 160),
      (String(repeating: "a", count: 161), 2, .gsm7, 161), (String(repeating: "a", count: 306), 2, .gsm7, 306),
      (String(repeating: "a", count: 307), 3, .gsm7, 307), (String(repeating: "я", count: 70), 1, .ucs2, 70),
      (String(repeating: "я", count: 71), 2, .ucs2, 71), (String(repeating: "я", count: 134), 2, .ucs2, 134),
      (String(repeating: "я", count: 135), 3, .ucs2, 135), (String(repeating: "€", count: 80), 1, .gsm7, 160),
      (String(repeating: "€", count: 81), 2, .gsm7, 162), (String(repeating: "👍", count: 35), 1, .ucs2, 70),
      (String(repeating: "👍", count: 36), 2, .ucs2, 72), ("naïve", 1, .ucs2, 5), ("\r\n", 1, .gsm7, 2),
    ] as [(String, Int, Segments.Encoding, Int)])
  func counts(text: String, count: Int, encoding: Segments.Encoding, units: Int) {
    let segments = SegmentCount(text)
    #expect(segments.count == count && segments.encoding == encoding && segments.units == units)
    #expect(segments.segments == Segments(count: count, encoding: encoding))
  }

  @Test("an escape and its character are not split between parts")
  func escapePairs() {
    // 152 septets leave one free in the first part: the pair moves on whole.
    let text = String(repeating: "a", count: 152) + "€" + String(repeating: "b", count: 151)
    let segments = SegmentCount(text)
    #expect(segments.units == 305 && segments.count == 2 && segments.remaining == 0)
    #expect(SegmentCount(text + "c").count == 3)
  }

  @Test("a pair of surrogates is not split between parts")
  func surrogatePairs() {
    let text = String(repeating: "я", count: 66) + "👍" + String(repeating: "я", count: 65)
    #expect(SegmentCount(text).units == 133 && SegmentCount(text).count == 2)
    #expect(SegmentCount(text + "я").count == 3)
  }

  @Test("every character of the GSM alphabet stays GSM-7, its neighbours do not")
  func alphabet() {
    let basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ÄÖÑÜ§¿äöñüà"
    #expect(SegmentCount(basic).encoding == .gsm7)
    #expect(SegmentCount(basic).units == basic.unicodeScalars.count)
    #expect(SegmentCount("\u{0C}^{}\\[~]|€").units == 20)
    for character in ["`", "ç", "á", "“", "”", "‘", "’", "–", "—", "…", "\u{A0}", "\t", "\0"] {
      #expect(SegmentCount(character).encoding == .ucs2, "\(character)")
    }
  }

  @Test("the characters that force UCS-2 are named once, with code point and place")
  func forcing() {
    let forcing = SegmentCount("it’s a 👍, isn’t it").forcing
    #expect(forcing.map(\.character) == ["’", "👍"])
    #expect(forcing.map(\.codePoint) == ["U+2019", "U+1F44D"])
    #expect(forcing.map(\.index) == [2, 7])
    #expect(SegmentCount("plain").forcing.isEmpty)
  }

  @Test("what remains is what the last part still takes")
  func remaining() {
    #expect(SegmentCount("abc").remaining == 157)
    #expect(SegmentCount(String(repeating: "a", count: 161)).remaining == 145)
    #expect(SegmentCount("я").remaining == 69)
  }

  @Test("Twilio's own count of a received text is ours")
  func fixture() throws {
    let fields = try Fixtures.json("inbound_sms_long_concatenated.json")
    #expect(SegmentCount(fields["Body"]?.stringValue ?? "").count == 9)
  }
}
