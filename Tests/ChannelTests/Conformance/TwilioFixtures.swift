// Twilio as the conformance suite needs it: the payloads under Tests/Fixtures, its answers, its error numbers.

import ChannelProtocol
import Foundation
import GatewayTesting
import HTTPTypes
import Testing
import Twilio

extension AdapterFixtures where Adapter: TwilioChannel {
  /// Every payload of a channel, and every refusal that Twilio is known for.
  /// - Parameters:
  ///   - channels: whose payloads, by the words of the fixtures' index.
  ///   - files: further payloads, which name no address of the channel's.
  static func twilio(
    _ configuration: Adapter.Configuration, payloads channels: Set<String>, and files: [String] = [],
    recipient: String, refusals: [ProviderFailure]? = nil
  ) throws -> AdapterFixtures {
    let index = try Fixtures.json("index.json")["fixtures"]?.arrayValue ?? []
    let requests = try index.compactMap { try SampleRequest(twilio: $0, channels: channels, files: files) }
    var foreign = try #require(requests.first)
    foreign.name += " of another account"
    for index in foreign.fields.indices where foreign.fields[index].name == "AccountSid" {
      foreign.fields[index].value = "ACfeedc0de000000000000000000000999"
    }
    return AdapterFixtures(
      configuration: configuration, account: .test, publicURL: Sample.publicURL, requests: requests,
      foreign: [foreign],
      sign: { sample in
        .signed(sample.fields.map { ($0.name, $0.value.stringValue ?? "") }, target: sample.target)
      },
      signatureFields: [.xTwilioSignature], recipient: recipient,
      accepted: .json(try TwilioAnswers.body("create_sms_201_queued.json"), status: 201),
      failures: try refusals ?? TwilioAnswers.refusals() + TwilioAnswers.numbers(),
      interactive: (Adapter.self as? any TwilioInteractiveChannel.Type)?.interactiveRules.types.map(\.sample) ?? [],
      deposited: .json(try TwilioAnswers.body("content_create_201.json"), status: 201))
  }
}

extension SampleRequest {
  /// An entry of the index; nil where it is of another channel.
  fileprivate init?(twilio entry: JSONValue, channels: Set<String>, files: [String]) throws {
    guard let file = entry["file"]?.stringValue, let kind = entry["kind"]?.stringValue,
      let channel = entry["channel"]?.stringValue, channels.contains(channel) || files.contains(file)
    else { return nil }
    let isStatus = kind == "status"
    let isUnknown = file == "inbound_whatsapp_unsupported_empty.json"
    // Twilio passes on what it cannot make a number of, and nothing can be sent there.
    let origin = entry["expect"]?["from_kind"]?.stringValue
    self.init(
      file, target: isStatus ? "/webhooks/twilio/status?message=1" : "/webhooks/twilio/incoming",
      fields: try Fixtures.fields(file).map { Field($0.name, .string($0.value)) },
      expected: [isStatus ? .status : isUnknown ? .unknown : .message],
      claim: files.contains(file) ? .account : .kind,
      isAnswerable: origin != "short_code" && origin != "raw_digits")
  }
}

enum TwilioAnswers {
  static func body(_ file: String) throws -> String {
    let body = try #require(try Fixtures.json("api/\(file)")["response"]?["body"])
    return String(decoding: try JSONEncoder().encode(body), as: UTF8.self)
  }

  /// The recorded refusals.
  static func refusals() throws -> [ProviderFailure] {
    let kinds: [(String, Int, SendFailure.Kind)] = [
      ("error_401_20003", 401, .misconfigured), ("error_400_21211", 400, .rejected),
      ("error_400_21408", 400, .misconfigured), ("error_400_21610", 400, .optedOut),
      ("error_400_21611", 400, .throttled(retryAfter: nil)), ("error_400_21617", 400, .rejected),
      ("error_400_63007", 400, .misconfigured), ("error_429_20429", 429, .throttled(retryAfter: nil)),
      ("error_500_20500", 500, .unknownOutcome), ("error_problem_json_rfc9457", 400, .rejected),
    ]
    return try kinds.map { ProviderFailure($0, .json(try body("\($0).json"), status: $1), $2) }
  }

  /// Every number of the reference, answered to a send.
  static func numbers() throws -> [ProviderFailure] {
    let kinds: [String: SendFailure.Kind] = [
      "transient_safe": .throttled(retryAfter: nil), "transient": .transient, "transient_once": .transient,
      "transient_next_day": .transient, "transient_window": .transient, "unknown_outcome": .unknownOutcome,
      "permanent": .rejected, "permanent_for_channel": .rejected, "no_immediate_retry": .rejected,
      "opt_out": .optedOut, "config": .misconfigured, "alert": .rejected,
    ]
    // The sender is too fast, or its queue is full (FACTS section 12).
    let queues: Set<Int64> = [21611, 30001, 30022, 63017, 63018]
    return try (Fixtures.json("error_codes.json")["codes"]?.arrayValue ?? []).map { reference in
      let number = try #require(reference["code"]?.integerValue)
      let kind = try #require(reference["class"]?.stringValue.flatMap { kinds[$0] })
      return ProviderFailure(
        "error \(number)", .json(#"{"code":\#(number),"message":"No","status":400}"#, status: 400),
        queues.contains(number) ? .throttled(retryAfter: nil) : kind)
    }
  }
}

extension InteractiveType {
  /// Content of the kind, with all that it may have.
  fileprivate var sample: Content.Kind {
    let reply: JSONValue = ["type": "QUICK_REPLY", "title": "This one", "id": "this"]
    let link: JSONValue = ["type": "URL", "title": "Look", "url": "https://example.com/look"]
    let call: JSONValue = ["type": "PHONE_NUMBER", "title": "Call", "phone": "+14155550123"]
    let picture: JSONValue = "https://example.com/picture.png"
    let data: JSONValue =
      switch self {
      case .quickReply: ["body": "Shall we?", "actions": [reply, ["title": "Another", "id": "other"]]]
      case .listPicker:
        [
          "body": "Where to?", "button": "Choose",
          "items": [
            ["item": "New York", "id": "nyc", "description": "Twice a day"], ["item": "Denver", "id": "den"],
          ],
        ]
      case .callToAction: ["body": "Come and see", "actions": [link, call]]
      case .card: ["title": "A card", "subtitle": "Of ours", "media": [picture], "actions": [reply, link]]
      case .carousel:
        [
          "body": "Several",
          "cards": [["title": "First", "body": "Words", "media": picture, "actions": [reply, call]]],
        ]
      case .whatsAppCard: ["body": "Words", "header_text": "Above", "footer": "Below", "actions": [reply]]
      case .authentication: [:]
      }
    return .interactive(type: rawValue, data: data)
  }
}
