// Forms, friendly and hostile.

import ChannelProtocol
import Foundation
import Testing

@testable import Twilio

@Suite struct FormFieldsTests {
  private func form(_ text: String) -> FormFields { FormFields(urlEncoded: Array(text.utf8)) }

  @Test("pairs are decoded in order, plus is a blank, and a name without a value is empty")
  func decodes() {
    let fields = form("Body=a+b%2Bc%20d%3D&&Empty=&Flag&=x&Body=second&To=%2B1500&q=a=b")
    #expect(fields.pairs.map(\.name) == ["Body", "Empty", "Flag", "", "Body", "To", "q"])
    #expect(fields.pairs.map(\.value) == ["a b+c d=", "", "", "x", "second", "+1500", "a=b"])
    #expect(fields["Body"] == "a b+c d=")
    #expect(fields["Empty"] == "" && fields.nonEmpty("Empty") == nil && fields["None"] == nil)
  }

  @Test(
    "a percent sign without two digits stands for itself",
    arguments: [("a=%", "%"), ("a=%4", "%4"), ("a=%zz%41", "%zzA"), ("a=100%+x", "100% x"), ("a=%4g", "%4g")])
  func badPercent(text: String, value: String) {
    #expect(form(text)["a"] == value)
  }

  @Test("invalid UTF-8 becomes a replacement character in the model and is remembered")
  func invalidUTF8() {
    let fields = form("a=%FF%FEok&b=%C3%A9")
    #expect(fields["a"] == "\u{FFFD}\u{FFFD}ok")
    #expect(fields["b"] == "é")
    #expect(!fields.isValidUTF8)
    #expect(form("b=%C3%A9").isValidUTF8)
    // Two broken halves are no whole, although they meet in memory.
    #expect(!form("a%C3=%A9").isValidUTF8)
  }

  @Test("a NUL never reaches the model's texts and stays an escape in the raw payload")
  func nul() throws {
    let fields = form("Body=a%00b&c%00=d")
    #expect(fields.hasNUL)
    #expect(fields["Body"] == "a\u{FFFD}b")
    #expect(fields.pairs.allSatisfy { !$0.name.utf8.contains(0) && !$0.value.utf8.contains(0) })
    let raw = RawPayload(fields)
    #expect(!raw.json.contains(0))
    #expect(String(decoding: raw.json, as: UTF8.self) == #"{"Body":"a\u0000b","c\u0000":"d"}"#)
    #expect(!form("Body=ab").hasNUL)
  }

  @Test("every ASCII character of a name or value survives in the raw payload")
  func controlCharacters() throws {
    let text = String(String.UnicodeScalarView((0..<128).compactMap { Unicode.Scalar($0) }))
    let raw = RawPayload(FormFields(pairs: [(name: text, value: text), (name: "b", value: "\u{E9}\u{1F44D}")]))
    #expect(try JSONValue(raw) == .object([text: .string(text), "b": "\u{E9}\u{1F44D}"]))
    #expect(!raw.json.contains { $0 < 0x20 })
  }

  @Test("names that differ in bytes only are two names, and both values are found in the raw payload")
  func normalisationForms() {
    let fields = form("caf%C3%A9=nfc&cafe%CC%81=nfd")
    #expect(fields["caf\u{E9}"] == "nfc")
    #expect(fields["cafe\u{301}"] == "nfd")
    let raw = String(decoding: RawPayload(fields).json, as: UTF8.self)
    #expect(raw.utf8.elementsEqual("{\"caf\u{E9}\":\"nfc\",\"cafe\u{301}\":\"nfd\"}".utf8))
  }

  @Test("a repeated name becomes an array in the raw payload, in its first place")
  func repeatedNames() {
    let raw = RawPayload(form("a=1&Tag=x&b=2&Tag=y&Tag=x"))
    #expect(String(decoding: raw.json, as: UTF8.self) == #"{"a":"1","Tag":["x","y","x"],"b":"2"}"#)
    let many = RawPayload(FormFields(pairs: (0..<200).map { (name: "n\($0 % 150)", value: "\($0)") }))
    #expect(String(decoding: many.json, as: UTF8.self).hasPrefix(#"{"n0":["0","150"],"n1":["1","151"],"#))
  }

  @Test("a form of ten thousand fields is cut off and says so")
  func tooManyFields() {
    let fields = form((0..<10_000).map { "f\($0)=v" }.joined(separator: "&"))
    #expect(fields.isTruncated)
    #expect(fields.count == FormFields.maximumCount)
    #expect(!form((0..<1_000).map { "f\($0)=v" }.joined(separator: "&")).isTruncated)
  }

  @Test("a value of 64 KiB arrives whole")
  func longValue() {
    let value = String(repeating: "ü", count: 32 * 1_024)
    let fields = FormFields(urlEncoded: FormEncoding.encode([(name: "Body", value: value), (name: "To", value: "x")]))
    #expect(fields["Body"]?.utf8.count == 65_536)
    #expect(fields["To"] == "x")
  }

  @Test("random bytes never crash the parser, and its raw payload is always JSON")
  func randomBytes() throws {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    let alphabet = Array("%%%&&==+0aF".utf8) + [0, 0xC3, 0xA9, 0xED, 0xA0, 0xFF, 0x22, 0x5C]
    for _ in 0..<2_000 {
      var bytes: [UInt8] = []
      for _ in 0..<24 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        bytes.append(alphabet[Int(state >> 33) % alphabet.count])
      }
      let fields = FormFields(urlEncoded: bytes)
      let raw = RawPayload(fields)
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(raw.json)) }
      #expect(fields.pairs.count == fields.count)
    }
  }

  @Test(
    "encoding and decoding a form gives the same pairs", arguments: ["a b+c&d=e%f", "Grüße 👍🏽\n\t\"\\", "*-._~", ""])
  func roundTrip(value: String) {
    let fields = FormFields(urlEncoded: FormEncoding.encode([(name: value, value: value), (name: "x", value: "y")]))
    #expect(fields.pairs.last?.value == "y")
    #expect(fields[value] == value)
  }
}
