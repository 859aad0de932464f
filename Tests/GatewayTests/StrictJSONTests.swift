// JSON as requests may write it.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("Strict JSON")
struct StrictJSONTests {
  private func parse(_ text: String) throws(StrictJSON.Failure) -> JSONValue { try StrictJSON.parse(Array(text.utf8)) }

  @Test(
    "what is well-formed is read",
    arguments: [
      (#"{}"#, JSONValue.object([:])), (" [ ] ", .array([])), ("null", .null), ("-0", .integer(0)),
      ("9223372036854775807", .integer(.max)), ("1.5e2", .number(150)), ("9223372036854775808", .number(0x1p63)),
      (
        #"{"a":[true,false,{"b":"\u00e9\ud83d\ude00\n\/"}]}"#,
        .object(["a": .array([true, false, .object(["b": "é😀\n/"])])])
      ),
      (#""é\"""#, "é\""),
    ] as [(String, JSONValue)])
  func reads(text: String, value: JSONValue) throws {
    #expect(try parse(text) == value)
  }

  @Test(
    "what is not is refused",
    arguments: [
      "", "{", "[1,]", #"{"a":1,}"#, #"{a:1}"#, "01", "1.", ".5", "+1", "1e", "tru", "nul", "'a'", "\"a", "\"\t\"",
      #""\x""#, #""\u12g4""#, #""\ud800""#, #""\ud800\u0041""#, #""\udc00""#, "1 2", "NaN", "\u{FEFF}{}", "[1 2]",
      #"{"a" 1}"#, "--1", "/**/1",
    ])
  func refuses(text: String) {
    #expect {
      try parse(text)
    } throws: { error in
      if case .malformed = error as? StrictJSON.Failure { true } else { false }
    }
  }

  @Test("bytes that are no UTF-8 are malformed")
  func encoding() {
    #expect(throws: StrictJSON.Failure.malformed(0)) { try StrictJSON.parse([0x22, 0xFF, 0x22]) }
  }

  @Test("a name that stands twice, a number that does not fit and nesting without end are told by name")
  func unambiguous() {
    #expect(throws: StrictJSON.Failure.repeated("a.b")) { try parse(#"{"a":{"b":1,"\u0062":2}}"#) }
    #expect(throws: StrictJSON.Failure.outOfRange("a.1")) { try parse(#"{"a":[1,1e400]}"#) }
    #expect(throws: StrictJSON.Failure.tooDeep) { try parse(String(repeating: "[", count: 100_000)) }
    let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(throws: Never.self) { try parse(deepest) }
  }
}
