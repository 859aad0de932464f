// The conformance suite finds what is wrong, and says which rule is broken and where.

import ChannelProtocol
import ChannelWhatsApp
import GatewayTesting
import Testing
import Twilio

@Suite("The conformance suite finds flaws")
struct FlawedChannelTests {
  private func fixtures<Kind: Flaw>(_ flaw: Kind.Type) throws -> AdapterFixtures<FlawedChannel<Kind>> {
    let good = try AdapterFixtures<WhatsAppChannel>.twilio(
      WhatsAppConfiguration(senders: TwilioSenders(from: ["+14155238886"])), payloads: ["whatsapp"],
      recipient: "+447700900123", refusals: TwilioAnswers.refusals())
    return AdapterFixtures(
      configuration: good.configuration, account: good.account, publicURL: good.publicURL, requests: good.requests,
      foreign: good.foreign, sign: good.sign, signatureFields: good.signatureFields, recipient: good.recipient,
      accepted: good.accepted, failures: good.failures, interactive: good.interactive, deposited: good.deposited)
  }

  /// Checks that there are violations of these rules and of no others, and returns them.
  @discardableResult
  private func finds<Kind: Flaw>(_ flaw: Kind.Type, _ rules: Set<String>) async throws -> [String] {
    let violations = try await AdapterConformance(fixtures(flaw)).violations()
    let found = Set(violations.map { String($0.prefix { $0 != ":" }) })
    #expect(found == rules, "\(flaw): \(violations.prefix(5))")
    return violations
  }

  @Test("a channel without a flaw conforms, so that each flaw below is what is found")
  func none() async throws { try await finds(Flaws.None.self, []) }

  @Test("a dropped field is named, with the payload it is missing from")
  func lostField() async throws {
    let violations = try await finds(Flaws.DropsAField.self, ["no lost field"])
    #expect(
      violations.contains(
        "no lost field: inbound_whatsapp_text.json: the field ApiVersion is neither in the model nor in raw"))
    #expect(violations.contains { $0.contains("status_whatsapp_read.json") })
  }

  @Test("fields nobody has heard of must be kept, and must not be an error")
  func unheardOf() async throws {
    try await finds(Flaws.KeepsWhatItKnows.self, ["unknown kinds"])
    try await finds(Flaws.RefusesTheUnheardOf.self, ["unknown kinds"])
    let forgotten = try await finds(Flaws.ForgetsUnknownContent.self, ["events"])
    #expect(forgotten.allSatisfy { $0.contains("inbound_whatsapp_unsupported_empty.json") })
  }

  @Test("signatures that are not looked at, and accounts that are not ours")
  func signatures() async throws {
    let violations = try await finds(Flaws.IgnoresSignatures.self, ["signature refusal"])
    for fault in ["no signature", "a wrong signature", "contents that were not signed"] {
      #expect(violations.contains { $0.hasSuffix("inbound_whatsapp_text.json: is taken with \(fault)") })
    }
    try await finds(Flaws.TakesForeignAccounts.self, ["signature refusal"])
  }

  @Test("events that depend on more than the request")
  func purity() async throws {
    try await finds(Flaws.ReadsTheClock.self, ["purity"])
    try await finds(Flaws.RemembersClaims.self, ["purity"])
  }

  @Test("two calls in the place of one, whatever comes of them")
  func twice() async throws {
    let violations = try await finds(
      Flaws.CallsTwice.self, ["round trip", "capabilities", "failure classification"])
    #expect(violations.contains("round trip: inbound_whatsapp_text.json: an answer takes 2 calls"))
    #expect(violations.contains("failure classification: a call without an answer: takes 2 calls"))
  }

  @Test("an answer that goes to somebody else")
  func wrongRecipient() async throws { try await finds(Flaws.AnswersSomebodyElse.self, ["round trip"]) }

  @Test("capabilities that promise too much, or deny what is sent all the same")
  func capabilities() async throws {
    try await finds(Flaws.CutsTexts.self, ["capabilities"])
    try await finds(Flaws.PromisesMoreFiles.self, ["capabilities"])
    try await finds(Flaws.PromisesSegments.self, ["capabilities"])
    let denied = try await finds(Flaws.DeniesLocations.self, ["capabilities"])
    #expect(denied == ["capabilities: a location is not promised, and the provider is called for it"])
  }

  @Test("interactive content that is not checked, deposited twice, or promised and not there")
  func interactive() async throws {
    let unchecked = try await finds(Flaws.TakesAnything.self, ["capabilities"])
    #expect(unchecked.contains("capabilities: quick-reply content is taken under a name nobody knows"))
    #expect(unchecked.contains("capabilities: several contents have one digest"))
    let twice = try await finds(Flaws.DepositsTwice.self, ["capabilities"])
    #expect(twice.contains("capabilities: quick-reply content whose deposit gave no answer has an id"))
    let promised = try await finds(Flaws.PromisesCatalogs.self, ["fixtures"])
    #expect(promised == ["fixtures: catalog content is promised, and there is none to send"])
  }

  @Test("failures that would have the engine send twice, or too soon")
  func failures() async throws {
    let unknown = try await finds(Flaws.CallsUnknownOutcomesTransient.self, ["failure classification"])
    #expect(
      unknown.contains(
        "failure classification: a call without an answer: is transient, and should be unknownOutcome"))
    try await finds(Flaws.ForgetsRetryAfter.self, ["failure classification"])
  }

  @Test("fixtures too poor to check by are violations themselves")
  func poorFixtures() async throws {
    var poor = try fixtures(Flaws.None.self)
    poor.requests = []
    poor.foreign = []
    poor.failures = []
    poor.signatureFields = []
    let violations = try await AdapterConformance(poor).violations()
    #expect(violations.filter { $0.hasPrefix("fixtures: ") }.count == 4)
  }
}
