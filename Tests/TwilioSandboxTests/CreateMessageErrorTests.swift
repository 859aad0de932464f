// What Create Message refuses, and the exact answers of the fixtures.

import Testing

@testable import TwilioSandbox

@Suite("Errors of Create Message")
struct CreateMessageErrorTests {
  private static let hello: KeyValuePairs = ["To": "+14155550101", "From": "+15005550006", "Body": "x"]

  private static func error(_ form: FormFields) throws -> TwilioError? {
    var state = SandboxState(.test)
    let account = state.accounts[0]
    do {
      _ = try state.create(form, account: account, now: .now)
      return nil
    } catch {
      return error
    }
  }

  @Test(
    "the fixture's request gets the fixture's answer",
    arguments: [21211, 21212, 21408, 21603, 21606, 21609, 21610, 21611, 21612, 21614, 63007])
  func fixture(code: Int) throws {
    let fixture = try Fixture.json("api/error_400_\(code)")
    let pairs = try #require(fixture["request"]?["form"]?.array)
    let form = FormFields(pairs.map { .init(name: $0.array?[0].string ?? "", value: $0.array?[1].string ?? "") })
    let error = try #require(try Self.error(form))
    let body = try #require(fixture["response"]?["body"])
    for name in ["code", "message", "more_info", "status"] { #expect(error.json[name] == body[name]) }
  }

  @Test(
    "each fault has its code",
    arguments: [
      (["To": ""], 21604), (["Body": ""], 21602), (["Body": String(repeating: "é", count: 1601)], 21617),
      (["To": "4155550101"], 21211), (["To": "+1415555010x"], 21211), (["To": "whatsapp: +14155550101"], 21211),
      (["To": "+15005550006"], 21211), (["To": "whatsapp:+14155550101"], 63007),
      (["To": "whatsapp:+14155238886", "From": "whatsapp:+14155238886"], 63031),
      (["From": "+14155559999"], 21606), (["From": "no*name"], 21212), (["From": "Acme"], 21612),
      (["StatusCallback": "/relative"], 21609), (["MediaUrl": "file.png"], 21620), (["ValidityPeriod": "36001"], 21624),
      (["MessagingServiceSid": "MGx"], 21705), (["ContentSid": "HX1"], 21655), (["ContentVariables": "{}"], 21654),
      (["ContentSid": "HX0123456789abcdef0123456789abcdef", "ContentVariables": "no"], 21656),
      (["ScheduleType": "fixed"], 35118), (["FallbackFrom": "+15005550006"], 21664),
      (["ScheduleType": "fixed", "MessagingServiceSid": "MG0123456789abcdef0123456789abcdef"], 35111),
      (
        [
          "ScheduleType": "fixed", "MessagingServiceSid": "MG0123456789abcdef0123456789abcdef",
          "SendAt": "2020-01-01T00:00:00Z",
        ], 35114
      ),
    ])
  func table(change: [String: String], code: Int) throws {
    var form = FormFields(Self.hello)
    for (name, value) in change { form.set(name, value) }
    #expect(try Self.error(form)?.code == code)
  }

  @Test("sixteen hundred characters, ten media and an alphanumeric sender abroad are fine; eleven media are not")
  func limits() throws {
    var form = FormFields(Self.hello)
    form.set("Body", String(repeating: "é", count: 1600))
    for number in 0..<10 { form.append("MediaUrl", "https://example.com/\(number).png") }
    #expect(try Self.error(form) == nil)
    form.append("MediaUrl", "https://example.com/10.png")
    #expect(try Self.error(form) == .tooManyMedia)
    #expect(try Self.error(FormFields(["To": "+447700900123", "From": "Acme 24", "Body": "x"])) == nil)
    #expect(
      try Self.error(FormFields(["To": "whatsapp:US.1349abc", "From": "whatsapp:+14155238886", "Body": "x"])) == nil)
  }

  @Test("segments are counted in septets and in UTF-16 units, and pairs are not split")
  func segments() {
    #expect(Segments.count("") == 1)
    #expect(Segments.count(String(repeating: "a", count: 160)) == 1)
    #expect(Segments.count(String(repeating: "a", count: 161)) == 2)
    #expect(Segments.count(String(repeating: "€", count: 80)) == 1)
    #expect(Segments.count(String(repeating: "€", count: 81)) == 2)
    #expect(Segments.count(String(repeating: "a", count: 152) + "€" + String(repeating: "a", count: 152)) == 3)
    #expect(Segments.count(String(repeating: "ł", count: 70)) == 1)
    #expect(Segments.count(String(repeating: "ł", count: 71)) == 2)
    #expect(Segments.count(String(repeating: "👋", count: 35)) == 1)
    #expect(Segments.count(String(repeating: "👋", count: 67)) == 3)
  }
}
