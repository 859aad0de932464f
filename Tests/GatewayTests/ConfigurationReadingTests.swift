// Durations, numbers and nearest words, as tables.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("scalars are read as people write them")
struct ConfigurationReadingTests {
  @Test(
    "a duration is a number with a unit",
    arguments: [
      ("500ms", 0.5), ("5s", 5), ("30m", 1_800), ("2h", 7_200), ("7d", 604_800), ("1.5h", 5_400), ("0s", 0),
      ("36500d", 3_153_600_000),
    ])
  func duration(text: String, seconds: Double) {
    #expect(ConfigurationDuration.seconds(text) == seconds)
  }

  @Test(
    "what is no duration is refused",
    arguments: [
      "", "5", "s", "5 s", "-5s", "+5s", "5S", "5sec", "1h30m", "1.s", ".5s", "1.2.3s", "1e3s", "36600d", "٥s",
      "99999999999999999999s", "0x5s", "infs", "nand",
    ])
  func noDuration(text: String) {
    #expect(ConfigurationDuration.seconds(text) == nil)
  }

  @Test(
    "booleans are true and false only",
    arguments: [
      ("yes", "; write `true`"), ("On", "; write `true`"), ("TRUE", "; write `true`"), ("1", "; write `true`"),
      ("no", "; write `false`"), ("off", "; write `false`"), ("False", "; write `false`"),
      ("ture", "; did you mean `true`?"), ("maybe", ""),
    ])
  func booleans(text: String, hint: String) {
    #expect(ScalarReading.read(text, as: .boolean) == .refused(hint: hint))
    #expect(ScalarReading.read("true", as: .boolean) == .value(.boolean(true)))
    #expect(ScalarReading.read("false", as: .boolean) == .value(.boolean(false)))
  }

  @Test("numbers are decimal, finite and within their range")
  func numbers() {
    for text in ["nan", "inf", "0x1p3", "1_000", "", " 1", "1e999", "2,5", "11"] {
      #expect(ScalarReading.read(text, as: .number(0...10)) == .refused(hint: ""))
    }
    #expect(ScalarReading.read("2.5", as: .number(0...10)) == .value(.number(2.5)))
    #expect(ScalarReading.read("1e1", as: .number(0...10)) == .value(.number(10)))
    for text in ["1.0", "1_0", "0x1", "", "99999999999999999999", "11"] {
      #expect(ScalarReading.read(text, as: .integer(0...10)) == .refused(hint: ""))
    }
    #expect(ScalarReading.read("+7", as: .integer(0...10)) == .value(.integer(7)))
  }

  @Test("a range is put into words without the bounds that are none")
  func ranges() {
    let kinds: [ConfigurationKey.Kind] = [
      .integer(.min ... .max), .integer(1 ... .max), .integer(.min...5), .number(-.infinity ... .infinity),
      .number(0.5 ... .infinity), .number(0...2),
    ]
    #expect(
      kinds.map(\.words) == [
        "a whole number", "a whole number from 1 up", "a whole number up to 5", "a number", "a number from 0.5 up",
        "a number from 0 to 2",
      ])
  }

  @Test(
    "the nearest word is the one that was meant",
    arguments: [
      ("form", "from"), ("fro", "from"), ("mian", "main"), ("prot", "port"), ("account_sid", "accountSID"),
      ("accountsid", "accountSID"), ("acount", "account"), ("tokens", "authTokens"), ("messagingServiceSid", nil),
      ("messagingservcie", "messagingService"), ("xyz", nil), ("", nil), ("a", nil), ("policy", nil),
    ] as [(String, String?)])
  func nearest(word: String, meant: String?) {
    let words = ["from", "main", "port", "account", "accountSID", "authTokens"]
    let candidates = meant == nil ? words : words + ["messagingService"]
    #expect(NearestWord.find(word, among: candidates) == meant)
  }

  @Test("the distance counts insertions, deletions, replacements and swaps")
  func distance() {
    let pairs = [
      ("", "", 0), ("", "ab", 2), ("ab", "", 2), ("ab", "ba", 1), ("kitten", "sitting", 3), ("ca", "abc", 3),
      ("from", "from", 0), ("abcd", "acbd", 1),
    ]
    for (left, right, expected) in pairs {
      #expect(NearestWord.distance(from: Array(left), to: Array(right)) == expected)
      #expect(NearestWord.distance(from: Array(right), to: Array(left)) == expected)
    }
  }
}
