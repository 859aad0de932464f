// The words that contacts opt out and in with.

import ChannelProtocol
import Foundation
import Testing

@testable import Twilio

@Suite("Opt-out keywords")
struct OptOutKeywordsTests {
  @Test(
    "the whole text must be the word, blanks around it and case aside",
    arguments: [
      ("STOP", OptOutSignal.stop), (" stop \n", .stop), ("StopAll", .stop), ("start", .start), ("Yes", .start),
      ("INFO", .help), ("please stop", nil), ("STOP.", nil), ("", nil), ("stoppp", nil),
      ("STOP" + String(repeating: " x", count: 100), nil),
    ])
  func standard(text: String, signal: OptOutSignal?) {
    #expect(OptOutKeywords.standard.signal(of: text) == signal)
  }

  @Test("each language brings its words; where they disagree, the word stops")
  func languages() {
    let keywords = OptOutKeywords(languages: [
      "fr": .init(stop: ["ARRÊT"], start: ["DÉBUT"]), "de": .init(stop: ["STOPP", "ja"], start: ["START"]),
      "xx": .init(start: ["JA"]),
    ])
    #expect(keywords.signal(of: "arrêt") == .stop)
    #expect(keywords.signal(of: "Début") == .start)
    #expect(keywords.signal(of: "JA") == .stop)
    #expect(keywords.signal(of: "STOP") == nil, "a list of one's own takes the place of the standard")
  }

  @Test("the entry in channels.yaml: refuse and the words by language")
  func options() throws {
    let options = try JSONDecoder().decode(
      OptOutOptions.self, from: Data(#"{"refuse":false,"keywords":{"es":{"stop":["BAJA"]}}}"#.utf8))
    #expect(!options.refuse)
    #expect(options.keywords.signal(of: "baja") == .stop)
    let plain = try JSONDecoder().decode(OptOutOptions.self, from: Data("{}".utf8))
    #expect(plain.refuse && plain.keywords == .standard)
  }
}
