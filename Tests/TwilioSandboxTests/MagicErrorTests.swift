// Every error that there is a word for can be had on demand.

import Testing

@testable import TwilioSandbox

@Suite("Errors by number")
struct MagicErrorTests {
  private static let service = "MG" + String(repeating: "a", count: 32)

  /// Every number of the shared table.
  private static func codes() throws -> [Int] {
    let table = try Fixture.json("error_codes")
    let entries = table.array ?? table["codes"]?.array ?? []
    return entries.compactMap { $0["code"]?.integer }
  }

  /// What a message meets: the refusal of the request, or how the message ends.
  private struct Outcome: Equatable {
    var refused: Int?
    var ends: Int?
  }

  private static func outcome(_ pairs: KeyValuePairs<String, String>) throws -> Outcome {
    var state = SandboxState(.test)
    let account = state.accounts[0]
    do {
      let sid = try state.create(FormFields(pairs), account: account, now: .now).message.sid
      while let due = state.nextDue { _ = state.advance(to: due) }
      return Outcome(ends: state.log[sid]?.errorCode)
    } catch {
      return Outcome(refused: error.code)
    }
  }

  @Test("each number of the table is met, by the recipient and by the text")
  func everyCode() throws {
    let codes = try Self.codes()
    try #require(codes.count > 100)
    for code in codes {
      let byNumber = try Self.outcome(["To": "+150000\(code)", "From": "+15005550006", "Body": "x"])
      let byText = try Self.outcome(["To": "+14155550101", "From": "+15005550006", "Body": "#\(code)"])
      #expect(byNumber == byText, "\(code)")
      // What Twilio's debugger alone shows is no error of a message.
      let expected: Int? = code < 20_000 ? nil : code
      #expect((byNumber.refused ?? byNumber.ends) == expected, "\(code)")
      #expect(
        byNumber.refused == nil || code < 30_000 || [30409, 63007, 63031].contains(code) || code > 35_000, "\(code)")
    }
  }

  @Test("behind a prefix and through a Messaging Service they come as at Twilio")
  func elsewhere() throws {
    let whatsapp = try Self.outcome(["To": "whatsapp:+15000063024", "From": "whatsapp:+14155238886", "Body": "x"])
    #expect(whatsapp == Outcome(ends: 63024))
    let messenger = try Self.outcome(["To": "messenger:15000063013", "MessagingServiceSid": Self.service, "Body": "x"])
    #expect(messenger.refused == nil)
    for (code, isLater) in [(21610, true), (21703, true), (21617, false)] {
      let outcome = try Self.outcome(["To": "+150000\(code)", "MessagingServiceSid": Self.service, "Body": "x"])
      #expect(outcome == (isLater ? Outcome(ends: code) : Outcome(refused: code)), "\(code)")
    }
  }

  @Test("the answer's status is the error's own")
  func statuses() async throws {
    try await Sandbox.withRunning(.test) { sandbox in
      let client = SandboxClient(sandbox: sandbox)
      for (code, status) in [
        (21610, 400), (20003, 401), (20404, 404), (20429, 429), (20500, 500), (20503, 503), (63007, 400), (30003, 201),
      ] {
        let answer = try await client.create(["To": "+150000\(code)", "From": "+15005550006", "Body": "x"])
        #expect(answer.status == status, "\(code)")
        if status < 500, status != 201 { #expect(try answer.json["code"] == .integer(code)) }
      }
    }
  }

  @Test("a text that only looks like one is a text", arguments: ["#2161", "#216100", "21610", "#abcde", "a#21610", ""])
  func texts(body: String) {
    #expect(MagicErrors.code(to: Address("+14155550101"), body: body) == nil)
  }
}
