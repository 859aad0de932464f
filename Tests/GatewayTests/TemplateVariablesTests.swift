// A template's gaps and what may fill them, as tables.

import ChannelProtocol
import Testing

@testable import Gateway

@Suite("Template variables")
struct TemplateVariablesTests {
  @Test(
    "placeholders are found wherever they stand, and what only looks like one is text",
    arguments: [
      ("Hi {{1}}, order {{2}}.", ["1", "2"]), ("{{1}}{{1}}", ["1", "1"]), ("{{ name }}", ["name"]),
      ("{{order_id}}", ["order_id"]), ("", []), ("{1} {{}} {{ }}", []), ("{{1", []), ("1}} {{2}}", ["2"]),
      ("{{{1}}}", ["1"]), ("{{a {{2}}", ["2"]), ("{{a b}} {{c}}", ["c"]), ("{{é}}", []),
      ("{{12345678901234567}} {{1234567890123456}}", ["1234567890123456"]),
    ])
  func placeholders(text: String, expected: [String]) {
    #expect(TemplateVariables.placeholders(in: text) == expected)
  }

  @Test("every text of every type counts, however deep")
  func nested() {
    let variables = TemplateVariables(
      of: .sample(
        types: [
          "twilio/carousel": [
            "body": "{{1}}",
            "cards": [
              ["title": "{{2}}", "media": "https://example.com/{{3}}", "actions": [["url": "https://x/{{4}}"]]]
            ],
          ],
          "twilio/text": ["body": "{{5}}", "length": 3, "flag": true, "none": nil],
        ], variables: ["1": "a", "6": "never shown"]))
    #expect(variables.required == ["1", "2", "3", "4", "5"])
    #expect(variables.known == ["1", "2", "3", "4", "5", "6"])
  }

  @Test("an authentication template needs its code, though its text is not shown")
  func authentication() {
    let variables = TemplateVariables(of: .sample(types: ["whatsapp/authentication": ["code_expiration_minutes": 10]]))
    #expect(variables.required == ["1"])
  }

  struct Case: Sendable {
    var values: [String: String]
    var wrong: [String]
    var isWhatsApp = true
  }

  @Test(
    "missing, unknown, empty and unfit values are named, in order",
    arguments: [
      Case(values: ["1": "a", "2": "b"], wrong: []),
      Case(values: [:], wrong: ["1", "2"]),
      Case(values: ["2": "b"], wrong: ["1"]),
      Case(values: ["1": "a", "2": "b", "3": "c", "10": "d", "name": "e"], wrong: ["3", "10", "name"]),
      Case(values: ["1": "", "2": "  "], wrong: ["1", "2"]),
      Case(values: ["1": "a\nb", "2": "a\tb"], wrong: ["1", "2"]),
      Case(values: ["1": "a\r\nb", "2": "a     b"], wrong: ["1", "2"]),
      Case(values: ["1": "a    b", "2": "b"], wrong: []),
      Case(values: ["1": "a\nb", "2": "a     b\t"], wrong: [], isWhatsApp: false),
      Case(
        values: ["1": String(repeating: "x", count: 1_600), "2": String(repeating: "x", count: 1_601)], wrong: ["2"]),
      Case(values: ["extra": "is known by its sample", "1": "a", "2": "b"], wrong: []),
    ])
  func values(_ given: Case) {
    let variables = TemplateVariables(
      of: .sample(types: ["twilio/text": ["body": "Hi {{2}} and {{1}}."]], variables: ["extra": "x"]))
    let problems = variables.problems(given.values, isWhatsApp: given.isWhatsApp)
    #expect(problems.map(\.variable) == given.wrong)
    #expect(problems.allSatisfy { !$0.message.isEmpty })
  }
}

extension TemplateRecord {
  fileprivate static func sample(types: [String: JSONValue], variables: [String: String] = [:]) -> TemplateRecord {
    TemplateRecord(sid: "HX1", name: "n", language: "en", types: types, variables: variables)
  }
}
