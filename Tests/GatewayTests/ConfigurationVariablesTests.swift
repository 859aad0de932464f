// `${VAR}` and `${VAR:-default}`.

import Testing

@testable import Gateway

@Suite("variables are put into values")
struct ConfigurationVariablesTests {
  @Test(
    "a text with variables",
    arguments: [
      ("plain", "plain"), ("", ""), ("${A}", "one"), ("${A}-${B:-two}", "one-two"), ("x${A}y${A}z", "xoneyonez"),
      ("${EMPTY}", ""), ("${EMPTY:-full}", "full"), ("${NONE:-}", ""), ("${NONE:-a:-b}", "a:-b"),
      ("$$", "$"), ("$${A}", "${A}"), ("$$${A}", "$one"), ("pa$word", "pa$word"), ("5$", "5$"), ("${NONE:-$$}", "$$"),
      ("${A:-${B}}", "one}"),
    ])
  func expansion(source: String, text: String) {
    let expansion = VariableExpansion(source, environment: ["A": "one", "EMPTY": ""])
    #expect(expansion.problems == [])
    #expect(expansion.text == text)
  }

  @Test(
    "what is no variable is told",
    arguments: [
      ("${MISSING}", "variable MISSING is not set and has no default"),
      ("${PROT}", "variable PROT is not set and has no default; did you mean `PORT`?"),
      ("${A", "`${` is not closed; write `${NAME}`, or `$${` for the characters themselves"),
      ("${}", "`${}` is not a variable; write `${NAME}` or `${NAME:-default}`"),
      ("${1A}", "`${1A}` is not a variable; write `${NAME}` or `${NAME:-default}`"),
      ("${A-b}", "`${A-b}` is not a variable; write `${NAME}` or `${NAME:-default}`"),
      ("${A:=b}", "`${A:=b}` is not a variable; write `${NAME}` or `${NAME:-default}`"),
    ])
  func refusal(source: String, problem: String) {
    #expect(VariableExpansion(source, environment: ["A": "one", "PORT": "1"]).problems == [problem])
  }

  @Test("a value with several missing variables names each of them")
  func several() {
    #expect(
      ConfigurationFixture.errors(after: "server: { host: \"${X_ONE}.${Y_TWO}\" }") == [
        "channels.yaml:3:17: variable X_ONE is not set and has no default",
        "channels.yaml:3:17: variable Y_TWO is not set and has no default",
      ])
  }

  @Test("a variable's value is text: it cannot bring structure, further variables or YAML into the file")
  func inert() throws {
    let configuration = try ConfigurationFixture.parse(
      ConfigurationFixture.accounts + ConfigurationFixture.channels + "server: { host: \"${H}\" }",
      ["H": "${A}: {x: 1} # $$"])
    #expect(configuration.server.host == "${A}: {x: 1} # $$")
  }

  @Test("a value takes the type that its key wants, quoted or from a variable")
  func typed() throws {
    let yaml = """
      accounts: [{ id: main, accountSID: sandbox }]
      channels: [{ id: sms, type: sms, from: [+15005550006, 12345], optOut: { refuse: "${REFUSE}" } }]
      server: { port: "${PORT:-3000}", host: 0 }
      """
    let configuration = try ConfigurationFixture.parse(yaml, ["PORT": "8080", "REFUSE": "false"])
    #expect(configuration.server.port == 8_080)
    #expect(configuration.server.host == "0")
    let options = configuration.channels[0].options
    #expect(options["from"]?.list?.map(\.string) == ["+15005550006", "12345"])
    #expect(options["optOut"]?["refuse"]?.boolean == false)
  }

  @Test("a wrong value from a variable names the variable")
  func origin() {
    #expect(
      ConfigurationFixture.errors(after: "server: { port: \"${PORT:-3000}\" }", ["PORT": "abc"]) == [
        "channels.yaml:3:17: port must be a whole number from 0 to 65535, not \"abc\" (from PORT)"
      ])
  }

  @Test("an optional key with an empty value counts as left out, a required one is an error")
  func empty() throws {
    let yaml = """
      accounts: [{ id: main, accountSID: sandbox, baseURL: "${NONE:-}" }]
      channels: [{ id: sms, type: sms, mps: "${NONE:-}", messagingService: "" }]
      server: { publicURL: "", port: "${NONE:-}", host: }
      limits:
      """
    let configuration = try ConfigurationFixture.parse(yaml)
    #expect(configuration.server == .init(host: "0.0.0.0", port: 3_000, publicURL: nil))
    #expect(configuration.accounts[0].baseURL == nil)
    #expect(configuration.channels[0].options.members == [])
    #expect(
      ConfigurationFixture.errors("accounts: [{ id: main, accountSID: \"${SID}\" }]\nchannels: []", ["SID": ""]) == [
        "channels.yaml:1:36: accountSID must not be empty (from SID)"
      ])
  }
}
