// The templates that every account of the sandbox has from the start: one of each kind a client must be ready for.

extension SandboxTemplate {
  /// `order_update`: approved, utility, two variables.
  public static let orderUpdateSID = sampleSID(1)
  /// `summer_sale`: marketing, still pending.
  public static let summerSaleSID = sampleSID(2)
  /// `prize_draw`: rejected, with the reason.
  public static let prizeDrawSID = sampleSID(3)
  /// `login_code`: approved, authentication.
  public static let loginCodeSID = sampleSID(4)
  /// `appointment`: approved, with quick replies.
  public static let appointmentSID = sampleSID(5)
  /// `menu`: a list picker, for the window only: it cannot be approved.
  public static let menuSID = sampleSID(6)

  private static func sampleSID(_ number: Int) -> String { "HX" + String(repeating: "5a4db0c\(number)", count: 4) }

  static func samples(of account: String) -> [SandboxTemplate] {
    let samples = [
      orderUpdate(account), summerSale(account), prizeDraw(account), loginCode(account), appointment(account),
      menu(account),
    ]
    return samples.enumerated().map { index, sample in
      var sample = sample
      // A minute apart, from New Year 2026 on.
      sample.created = UTCTime(microseconds: 1_767_225_600_000_000) + .seconds(60 * index)
      sample.updated = sample.created
      return sample
    }
  }

  private init(
    _ sid: String, _ account: String, _ name: String, _ variables: KeyValuePairs<String, JSONValue>,
    _ types: KeyValuePairs<String, JSONValue>, _ status: Approval.Status, _ category: String = "", reason: String = ""
  ) {
    self.init(
      sid: sid, accountSID: account, friendlyName: name, language: "en",
      variables: variables.map { .init(name: $0.key, value: $0.value) },
      types: types.map { .init(name: $0.key, value: $0.value) },
      approval: Approval(
        status: status, name: status == .unsubmitted ? "" : name, category: category, rejectionReason: reason),
      created: UTCTime(microseconds: 0), updated: UTCTime(microseconds: 0))
  }

  private static func orderUpdate(_ account: String) -> SandboxTemplate {
    .init(
      orderUpdateSID, account, "order_update", ["1": .string("Alex"), "2": .string("4711")],
      ["twilio/text": .object(["body": .string("Hi {{1}}, your order {{2}} is on its way.")])], .approved, "UTILITY")
  }

  private static func summerSale(_ account: String) -> SandboxTemplate {
    .init(
      summerSaleSID, account, "summer_sale", ["1": .string("Alex"), "2": .string("sale.png")],
      [
        "twilio/media": .object([
          "body": .string("Hello {{1}}, everything must go this summer."),
          "media": .array([.string("https://example.com/{{2}}")]),
        ])
      ], .pending, "MARKETING")
  }

  private static func prizeDraw(_ account: String) -> SandboxTemplate {
    .init(
      prizeDrawSID, account, "prize_draw", ["1": .string("Alex")],
      ["twilio/text": .object(["body": .string("{{1}}, you have won!")])], .rejected, "MARKETING",
      reason: "The message template contains variables at the start or the end.")
  }

  private static func loginCode(_ account: String) -> SandboxTemplate {
    .init(
      loginCodeSID, account, "login_code", ["1": .string("123456")],
      [
        "whatsapp/authentication": .object([
          "add_security_recommendation": .bool(true), "code_expiration_minutes": .integer(10),
          "actions": .array([.object(["type": .string("COPY_CODE"), "copy_code_text": .string("Copy code")])]),
        ])
      ], .approved, "AUTHENTICATION")
  }

  private static func appointment(_ account: String) -> SandboxTemplate {
    .init(
      appointmentSID, account, "appointment", ["1": .string("Alex"), "2": .string("Monday")],
      [
        "twilio/quick-reply": .object([
          "body": .string("Hi {{1}}, shall we see you on {{2}} as agreed?"),
          "actions": .array([
            .object(["type": .string("QUICK_REPLY"), "title": .string("Yes"), "id": .string("yes")]),
            .object(["type": .string("QUICK_REPLY"), "title": .string("Another day"), "id": .string("another_day")]),
          ]),
        ]),
        "twilio/text": .object(["body": .string("Hi {{1}}, shall we see you on {{2}} as agreed? YES or NO")]),
      ], .approved, "UTILITY")
  }

  private static func menu(_ account: String) -> SandboxTemplate {
    .init(
      menuSID, account, "menu", [:],
      [
        "twilio/list-picker": .object([
          "body": .string("What can we do for you?"), "button": .string("Choose"),
          "items": .array([
            .object(["item": .string("Orders"), "id": .string("orders"), "description": .string("Where is it?")]),
            .object(["item": .string("Returns"), "id": .string("returns"), "description": .string("Send it back")]),
          ]),
        ])
      ], .unsubmitted)
  }
}
