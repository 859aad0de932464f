// How the sandbox reads and writes form fields.

import Testing

@testable import TwilioSandbox

@Suite("Form fields")
struct FormFieldsTests {
  @Test("plus is a space, percent sequences are bytes, broken ones stay, repeated names keep their order")
  func decodes() {
    let form = FormFields(decoding: "Body=a+b%20c%2B&MediaUrl=1&MediaUrl=2&Empty=&Bare&Broken=%zz%4&Emoji=%F0%9F%91%8B")
    #expect(form["Body"] == "a b c+")
    #expect(form.values("MediaUrl") == ["1", "2"])
    #expect(form["Empty"] == "")
    #expect(form["Bare"] == "")
    #expect(form["Broken"] == "%zz%4")
    #expect(form["Emoji"] == "👋")
    #expect(form["Missing"] == nil)
  }

  @Test("what is encoded decodes to the same bytes, composed and decomposed letters apart")
  func roundTrip() {
    let form = FormFields([
      .init(name: "e\u{301}", value: " +&=%\u{0}\n"), .init(name: "\u{e9}", value: "“quoted” 👩‍👩‍👧"),
    ])
    let decoded = FormFields(decoding: form.encoded)
    #expect(decoded.fields.map { Array($0.name.utf8) } == form.fields.map { Array($0.name.utf8) })
    #expect(decoded.fields.map { Array($0.value.utf8) } == form.fields.map { Array($0.value.utf8) })
    #expect(decoded["\u{e9}"] == "“quoted” 👩‍👩‍👧")
  }
}
