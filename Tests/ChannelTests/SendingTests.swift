// What each channel asks of Twilio, and what it makes of the answer.

import ChannelProtocol
import ChannelSMS
import ChannelWhatsApp
import Foundation
import HTTPTypes
import Testing
import Twilio

extension OutboundMessage {
  /// A message with what a case needs, from our number to a contact.
  static func test(
    _ type: ChannelType = .sms, from: String = "+15005550006", to: String = "+14155550101", body: String? = nil,
    content: Content.Kind? = nil, media: [String] = [], template: TemplateReference? = nil, validity: Duration? = nil,
    statusCallback: String = ""
  ) -> OutboundMessage {
    OutboundMessage(
      id: Identifier(at: Sample.now, randomness: 1), from: from, to: to, channelType: type, body: body,
      content: Content(content ?? .text(body ?? "")), mediaURLs: media, template: template, validity: validity,
      statusCallback: statusCallback)
  }
}

private let pool = "MGfeedc0de000000000000000000000001"

@Suite struct SendingTests {
  private func channels(_ transport: ScriptedTransport, pool: String? = nil) throws -> (
    sms: SMSChannel, mms: MMSChannel, whatsapp: WhatsAppChannel
  ) {
    let context = ChannelContext.test(transport: transport)
    let senders = TwilioSenders(from: pool == nil ? ["+15005550006"] : [], messagingService: pool)
    return (
      try SMSChannel(configuration: SMSConfiguration(senders: senders), context: context),
      try MMSChannel(configuration: MMSConfiguration(senders: senders), context: context),
      try WhatsAppChannel(configuration: WhatsAppConfiguration(senders: senders), context: context)
    )
  }

  /// Checks that a call was exactly the one a fixture records, and returns what it answered.
  private func sends(
    _ fixture: String, pool: String? = nil, _ message: OutboundMessage
  ) async throws -> SendReceipt {
    let transport = ScriptedTransport([try .init(fixture: fixture)])
    let channels = try channels(transport, pool: pool)
    let receipt =
      switch message.channelType {
      case .mms: try await channels.mms.send(message)
      case .whatsapp: try await channels.whatsapp.send(message)
      default: try await channels.sms.send(message)
      }
    let request = try #require(try Fixtures.json("api/\(fixture)")["request"])
    let asked = try #require(transport.asked.first)
    #expect(transport.asked.count == 1)
    #expect(asked.url == request["url"]?.stringValue)
    let pairs = FormFields(urlEncoded: asked.body).pairs.map { [$0.name, $0.value] }
    let expected = request["form"]?.arrayValue?.map { $0.arrayValue?.compactMap(\.stringValue) ?? [] }
    #expect(pairs == expected)
    return receipt
  }

  @Test("a text over SMS is the recorded request, and its receipt says what Twilio has")
  func text() async throws {
    let receipt = try await sends("create_sms_201_queued.json", .test(body: "Hello"))
    #expect(receipt.providerSID == "SMfeedc0de000000000000000000000101")
    #expect(receipt.status == .accepted && receipt.providerStatus == "queued" && receipt.segmentCount == 1)
    #expect(receipt.from == "+15005550006")
    #expect(try JSONValue(receipt.raw)["sid"]?.stringValue == receipt.providerSID)
  }

  @Test("a pool sends under its own id, and the sender is told when it is picked")
  func messagingService() async throws {
    let callback = "https://gateway.example.com/twilio/status"
    let receipt = try await sends(
      "create_sms_201_accepted_messaging_service.json", pool: pool,
      .test(from: pool, body: "Hello", statusCallback: callback))
    #expect(receipt.from == nil && receipt.segmentCount == nil && receipt.providerStatus == "accepted")
  }

  @Test("files over MMS repeat their key")
  func files() async throws {
    let media = ["https://cdn.example.com/a.jpg", "https://cdn.example.com/b.png"]
    let receipt = try await sends(
      "create_mms_201_queued_multi_media.json", .test(.mms, content: .media(caption: nil), media: media))
    #expect(receipt.providerSID.hasPrefix("MM"))
  }

  @Test("a text and a template over WhatsApp are the recorded requests")
  func whatsapp() async throws {
    let text = try await sends("create_whatsapp_text_201.json", .test(.whatsapp, to: "+447700900123", body: "Hi 👋"))
    #expect(text.from == "+15005550006")
    let template = TemplateReference(
      sid: "HXfeedc0de000000000000000000000001", variables: ["1": "Alex", "2": "4711"])
    let sent = try await sends(
      "create_whatsapp_template_201.json", pool: pool,
      .test(.whatsapp, from: pool, to: "+447700900123", template: template))
    #expect(sent.status == .accepted)
  }

  private func form(_ message: OutboundMessage) throws -> [[String]] {
    let channels = try channels(ScriptedTransport([]))
    let request =
      switch message.channelType {
      case .mms: try channels.mms.request(for: message)
      case .whatsapp: try channels.whatsapp.request(for: message)
      default: try channels.sms.request(for: message)
      }
    return request.fields.map { [$0.name, $0.value] }
  }

  @Test("a place over WhatsApp is a persistent action with a text")
  func location() throws {
    let place = Location(latitude: 37.78, longitude: -122.41, label: "Pier|39")
    #expect(
      try form(.test(.whatsapp, content: .location(place))) == [
        ["To", "whatsapp:+14155550101"], ["From", "whatsapp:+15005550006"], ["Body", "Pier|39"],
        ["PersistentAction", "geo:37.78,-122.41|Pier 39"],
      ])
    let bare = try form(.test(.whatsapp, content: .location(Location(latitude: 0.000012, longitude: -0.00001))))
    #expect(bare[2...] == [["Body", "0.000012,-0.000010"], ["PersistentAction", "geo:0.000012,-0.000010"]])
  }

  @Test("callback and validity go along, within Twilio's limits")
  func options() throws {
    let message = OutboundMessage.test(
      body: "x", validity: .milliseconds(1_500), statusCallback: "https://gw/status?message=1")
    #expect(try form(message)[3...] == [["StatusCallback", "https://gw/status?message=1"], ["ValidityPeriod", "2"]])
    #expect(try form(.test(body: "x", validity: .seconds(100_000))).last == ["ValidityPeriod", "36000"])
    #expect(try form(.test(body: "x", validity: .zero)).last == ["ValidityPeriod", "1"])
  }

  @Test("a template without values sends an empty object, so that no sample values reach a person")
  func templateWithoutVariables() throws {
    let fields = try form(.test(template: TemplateReference(sid: "HX1", variables: [:])))
    #expect(fields[2...] == [["ContentSid", "HX1"], ["ContentVariables", "{}"]])
  }

  @Test(
    "what a channel cannot carry is refused before any call",
    arguments: [
      .test(content: .location(Location(latitude: 1, longitude: 1))), .test(body: ""), .test(content: .sticker),
      .test(.mms, content: .media(caption: nil), media: (0..<11).map { "https://m/\($0)" }),
      .test(.whatsapp, content: .media(caption: "two"), media: ["https://m/1", "https://m/2"]),
      .test(.whatsapp, content: .reaction(emoji: "x", messageID: nil, providerMessageSID: nil)), .test(.whatsapp),
    ] as [OutboundMessage])
  func unsupported(message: OutboundMessage) async throws {
    let transport = ScriptedTransport([])
    let channels = try channels(transport)
    let failure = await #expect(throws: SendFailure.self) {
      switch message.channelType {
      case .mms: try await channels.mms.send(message)
      case .whatsapp: try await channels.whatsapp.send(message)
      default: try await channels.sms.send(message)
      }
    }
    #expect(failure?.kind == .rejected && failure?.code == "unsupported_content")
    #expect(transport.asked.isEmpty)
  }

  @Test("every recorded error is the failure its code stands for, and explains itself")
  func failures() async throws {
    let kinds: [String: SendFailure.Kind] = [
      "error_401_20003": .misconfigured, "error_400_21211": .rejected, "error_400_21212": .misconfigured,
      "error_400_21408": .misconfigured, "error_400_21610": .optedOut, "error_400_21614": .rejected,
      "error_400_21612": .rejected, "error_400_21606": .misconfigured,
      "error_400_21611": .throttled(retryAfter: nil), "error_400_21617": .rejected, "error_400_21609": .rejected,
      "error_400_21603": .rejected, "error_400_63007": .misconfigured,
      "error_429_20429": .throttled(retryAfter: nil), "error_500_20500": .unknownOutcome,
      "error_503_no_json": .unknownOutcome,
    ]
    for (file, kind) in kinds {
      // The second is for the account's second token, where the first is refused.
      let answer = try ScriptedTransport.Answer(fixture: "\(file).json")
      let transport = ScriptedTransport([answer, answer])
      let channel = try channels(transport).sms
      let failure = await #expect(throws: SendFailure.self) { try await channel.send(.test(body: "x")) }
      #expect(failure?.kind == kind, "\(file)")
      #expect(failure?.explanation != nil || file == "error_503_no_json", "\(file)")
      #expect(transport.asked.count == (file == "error_401_20003" ? 2 : 1), "one call, and only one")
    }
  }

  @Test("a call without an answer is unknown where it may have arrived, and transient where it cannot have")
  func noAnswer() async throws {
    for mayHaveArrived in [true, false] {
      let failed = ScriptedTransport.Answer(failure: TransportFailure(mayHaveArrived: mayHaveArrived, message: "x"))
      let channel = try channels(ScriptedTransport([failed])).whatsapp
      let failure = await #expect(throws: SendFailure.self) { try await channel.send(.test(.whatsapp, body: "x")) }
      #expect(failure?.kind == (mayHaveArrived ? .unknownOutcome : .transient))
    }
  }
}

@Suite struct LookUpTests {
  private let attempt = Timestamp(rfc3339: "2026-09-30T15:42:00Z") ?? Timestamp(seconds: 0)

  private func channel(_ answers: [ScriptedTransport.Answer]) throws -> (SMSChannel, ScriptedTransport) {
    let transport = ScriptedTransport(answers)
    let configuration = SMSConfiguration(senders: TwilioSenders(from: ["+15005550006"]))
    return (try SMSChannel(configuration: configuration, context: .test(transport: transport)), transport)
  }

  @Test("a message that Twilio has is adopted with its state")
  func found() async throws {
    let (channel, transport) = try channel([
      try .init(fixture: "list_200_last_page.json"), try .init(fixture: "list_200_empty.json"),
    ])
    let receipts = try await channel.lookUp(.test(body: "Hello"), attemptedAt: attempt)
    #expect(receipts.map(\.providerSID) == ["SMfeedc0de000000000000000000000112"])
    #expect(receipts.first?.status == .sent)
    #expect(transport.asked.count == 2)
    #expect(transport.asked[0].request.path?.contains("DateSent%3E=2026-09-30") == true)
  }

  @Test("a message is provably absent only when the unsent ones were looked through as well")
  func absent() async throws {
    let empty = try ScriptedTransport.Answer(fixture: "list_200_empty.json")
    let (channel, transport) = try channel([empty, empty])
    #expect(try await channel.lookUp(.test(body: "Hello"), attemptedAt: attempt).isEmpty)
    #expect(transport.asked.count == 2)
    #expect(transport.asked[1].request.path?.contains("DateSent") == false)
  }

  @Test("of several that look alike all are candidates")
  func ambiguous() async throws {
    let (channel, _) = try channel([
      try ScriptedTransport.Answer(fixture: "list_200_page1.json"), try .init(fixture: "list_200_last_page.json"),
      try .init(fixture: "list_200_empty.json"),
    ])
    let receipts = try await channel.lookUp(.test(body: "Hello"), attemptedAt: attempt)
    #expect(
      Set(receipts.map(\.providerSID)) == [
        "SMfeedc0de000000000000000000000110", "SMfeedc0de000000000000000000000112",
      ])
  }

  @Test("where Twilio cannot be asked nothing is known")
  func unreachable() async throws {
    let (channel, _) = try channel([.init(failure: TransportFailure(mayHaveArrived: false, message: "refused"))])
    let failure = await #expect(throws: SendFailure.self) {
      try await channel.lookUp(.test(body: "Hello"), attemptedAt: attempt)
    }
    #expect(failure?.kind == .transient)
  }

  @Test("a fetched message is a report that settles, with its error's number and Twilio's time")
  func status() async throws {
    let (channel, _) = try channel([try .init(fixture: "fetch_200_undelivered_error.json")])
    let update = try await channel.status(ofProviderSID: "SMfeedc0de000000000000000000000107")
    #expect(update.report.status == .undelivered && update.report.source == .poll)
    #expect(update.report.errorCode == "30003" && update.report.errorMessage != nil)
    #expect(update.report.at == Timestamp(rfc3339: "2026-09-30T15:42:05Z"))
    #expect(update.from == "+15005550006" && update.messageID == nil)
  }
}
