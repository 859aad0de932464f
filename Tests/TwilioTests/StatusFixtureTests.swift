// Every status payload, the words, and what is refused.

import ChannelProtocol
import Foundation
import HTTPTypes
import Testing

@testable import Twilio

@Suite struct StatusFixtureTests {
  private func status(_ fields: [(name: String, value: String)], target: String) throws -> StatusUpdate? {
    guard case .status(let update) = try TwilioLine.test().receive(.signed(fields, target: target)).first
    else { return nil }
    return update
  }

  @Test("every status fixture is read as its reference says, and no field is lost")
  func allFixtures() throws {
    let fixtures = try Fixtures.index(kind: "status")
    #expect(fixtures.count > 20)
    for fixture in fixtures {
      let file = try #require(fixture["file"]?.stringValue)
      let expect = try #require(fixture["expect"])
      let comment = Comment(rawValue: file)
      let update = try #require(try status(try Fixtures.fields(file), target: "/webhooks/twilio/status"), comment)
      let word = try #require(expect["status"]?.stringValue)
      #expect(
        update.accountSID == Sample.accountSID && update.providerSID == expect["message_sid"]?.stringValue, comment)
      #expect(update.report.providerStatus == word && update.report.source == .callback, comment)
      #expect(update.report.status == DeliveryStatus(twilioStatus: word), comment)
      #expect(update.report.errorCode == expect["error_code"]?.integerValue.map { String($0) }, comment)
      #expect((update.report.errorMessage != nil) == (update.report.errorCode != nil), comment)
      #expect(update.from == expect["from"]?.stringValue.map { Address.split($0).value }, comment)
      #expect(update.messageID == nil && update.report.at == Sample.now, comment)
      #expect(try JSONValue(update.raw) == Fixtures.json(file), comment)
    }
  }

  @Test("our own id is read from the callback's URL, whatever else stands there")
  func messageID() throws {
    let id = Identifier(at: Sample.now, randomness: 7)
    let fields = try Fixtures.fields("status_sms_sent.json")
    #expect(try status(fields, target: "/webhooks/twilio/status?a=b&message=\(id)")?.messageID == id)
    #expect(try status(fields, target: "/webhooks/twilio/status?message=42")?.messageID == nil)
  }

  @Test("a status at the URL for messages and a message at the URL for statuses are understood by their fields")
  func swappedURLs() throws {
    let update = try status(try Fixtures.fields("status_sms_sent.json"), target: "/webhooks/twilio/incoming")
    #expect(update?.report.status == .sent)
    let request = WebhookRequest.signed(
      try Fixtures.fields("inbound_sms_basic.json"), target: "/webhooks/twilio/status?message=x")
    guard case .message = try TwilioLine.test().receive(request).first else {
      Issue.record("no message")
      return
    }
  }

  @Test(
    "Twilio's words are ours by rank, and an unknown one is nil",
    arguments: [
      ("accepted", DeliveryStatus.accepted), ("scheduled", .accepted), ("queued", .accepted), ("sending", .accepted),
      ("sent", .sent), ("delivered", .delivered), ("undelivered", .undelivered), ("failed", .failed),
      ("canceled", .canceled), ("read", .read), ("partially_delivered", nil), ("received", nil), ("", nil),
      ("Delivered", nil),
    ] as [(String, DeliveryStatus?)])
  func words(word: String, status: DeliveryStatus?) {
    #expect(DeliveryStatus(twilioStatus: word) == status)
  }

  @Test("the sequences of callbacks end where the reference says")
  func sequences() throws {
    let sequences = try #require(try Fixtures.json("status_sequences.json")["sequences"]?.arrayValue)
    #expect(sequences.count { $0["expected_final"]?.stringValue != nil } == 11)
    for sequence in sequences {
      // One has two ends that contradict each other.
      guard let final = sequence["expected_final"]?.stringValue else { continue }
      var projection = StatusProjection(status: .sending)
      for word in sequence["arrivals"]?.arrayValue?.compactMap(\.stringValue) ?? [] {
        projection.apply(
          StatusReport(
            status: DeliveryStatus(twilioStatus: word), providerStatus: word, at: Sample.now,
            source: .callback))
      }
      #expect(projection.status == DeliveryStatus(twilioStatus: final), "\(sequence["name"]?.stringValue ?? "")")
    }
  }

  @Test("complete HTTP requests are taken or refused as the examples say")
  func httpExamples() throws {
    let examples = try Fixtures.json("http_examples.json")["examples"]?.arrayValue ?? []
    #expect(examples.count == 6)
    for example in examples {
      let url = try #require(example["public_url"]?.stringValue)
      var headers = HTTPFields()
      for pair in example["headers"]?.arrayValue ?? [] {
        let name = try #require(HTTPField.Name(pair.arrayValue?[0].stringValue?.lowercased() ?? ""))
        headers[name] = pair.arrayValue?[1].stringValue
      }
      let request = WebhookRequest(
        method: example["method"]?.stringValue == "GET" ? .get : .post,
        target: String(url.dropFirst(Sample.publicURL.count)),
        headers: headers, body: Array((example["body"]?.stringValue ?? "").utf8), receivedAt: Sample.now)
      let line = try TwilioLine.test()
      let result = Result { () throws(WebhookRejection) in try line.receive(request) }
      let name = Comment(rawValue: example["name"]?.stringValue ?? "")
      switch (example["expected_status"]?.integerValue, result) {
      case (403, .failure(let rejection)): #expect(rejection == .badSignature, name)
      case (200, .success(let events)), (204, .success(let events)): #expect(events.count == 1, name)
      case (200, .failure(let rejection)):
        // Signed JSON of another product: verified, but no message.
        #expect(rejection == .notAMessage("it names no account"), name)
        #expect(headers[.contentType] == "application/json", name)
      default: Issue.record("\(name): \(result)")
      }
    }
  }
}
