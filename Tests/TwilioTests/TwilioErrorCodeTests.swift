// The error table, and what each failure means for a send.

import ChannelProtocol
import Testing

@testable import Twilio

@Suite struct TwilioErrorCodeTests {
  @Test("the table holds every code of the reference, with its class")
  func table() throws {
    let codes = try Fixtures.json("error_codes.json")["codes"]?.arrayValue ?? []
    #expect(codes.count == TwilioErrorCode.all.count)
    let classes: [String: TwilioErrorCode.Class] = [
      "transient_safe": .transientSafe, "transient": .transient, "transient_once": .transientOnce,
      "transient_next_day": .transientNextDay, "transient_window": .transientWindow,
      "unknown_outcome": .unknownOutcome, "permanent": .permanent, "permanent_for_channel": .permanentForChannel,
      "no_immediate_retry": .noImmediateRetry, "opt_out": .optOut, "config": .configuration, "alert": .alert,
    ]
    #expect(classes.count == TwilioErrorCode.Class.allCases.count)
    for reference in codes {
      let number = try #require(reference["code"]?.integerValue)
      let code = try #require(TwilioErrorCode(Int(number)), "\(number)")
      #expect(code.name == reference["name"]?.stringValue)
      #expect(code.class == reference["class"]?.stringValue.flatMap { classes[$0] }, "\(number)")
      #expect(code.advice.isEmpty == reference["action"]?.stringValue?.isEmpty, "\(number)")
      #expect(code.explanation.hasSuffix("."))
    }
  }

  @Test("unknown numbers of carriers and channels may work a second time, all others never")
  func unknownNumbers() {
    #expect(TwilioErrorCode.class(of: 30_999) == .transientOnce)
    #expect(TwilioErrorCode.class(of: 63_999) == .transientOnce)
    #expect(TwilioErrorCode.class(of: 21_999) == .permanent)
    #expect(TwilioErrorCode("30003")?.number == 30_003 && TwilioErrorCode("x") == nil)
  }

  @Test(
    "what a refusal means for the sender",
    arguments: [
      (400, 21211, .rejected), (400, 21610, .optedOut), (400, 21611, .throttled(retryAfter: nil)),
      (401, 20003, .misconfigured), (403, nil, .misconfigured), (404, 20404, .rejected), (404, nil, .rejected),
      (429, 20429, .throttled(retryAfter: nil)), (429, nil, .throttled(retryAfter: nil)),
      (500, 20500, .unknownOutcome), (503, nil, .unknownOutcome), (503, 21211, .unknownOutcome),
      (408, nil, .unknownOutcome), (400, 21408, .misconfigured), (400, 63007, .misconfigured),
      (400, 63016, .rejected), (400, 99_999, .rejected), (400, 30_999, .rejected), (302, nil, .misconfigured),
      (400, 63038, .transient),
    ] as [(Int, Int?, SendFailure.Kind)])
  func refusals(status: Int, code: Int?, kind: SendFailure.Kind) {
    let failure = SendFailure(TwilioAPIError(status: status, code: code))
    #expect(failure.kind == kind)
    #expect(failure.code == code.map { String($0) } ?? "http_\(status)")
    #expect(!failure.message.isEmpty)
  }

  @Test("what may have been delivered is looked up, what is worth one repeat says so, and an account's fault too")
  func narrowed() {
    func failure(_ status: Int, _ code: Int?) -> SendFailure { SendFailure(TwilioAPIError(status: status, code: code)) }
    #expect(failure(400, 30_410).kind == .unknownOutcome && !TwilioErrorCode.class(of: 30_410).isRetryable)
    #expect(failure(400, 30_008).kind == .transient && failure(400, 30_008).maximumRepeats == 1)
    #expect(failure(400, 30_003).kind == .transient && failure(400, 30_003).maximumRepeats == nil)
    #expect(failure(401, 20_003).senderPause != nil && failure(403, 20_005).senderPause != nil)
    #expect(failure(400, 63_007).senderPause == nil && failure(400, 21_211).senderPause == nil)
  }

  @Test("a call that may have arrived is never transient, one that never left always is")
  func transport() {
    #expect(SendFailure(TransportFailure(mayHaveArrived: true, message: "timeout")).kind == .unknownOutcome)
    #expect(SendFailure(TransportFailure(mayHaveArrived: false, message: "refused")).kind == .transient)
  }

  @Test("a delay that Twilio asks for is kept, within an hour")
  func retryAfter() {
    let error = TwilioAPIError(status: 429, retryAfter: .seconds(7))
    #expect(SendFailure(error).kind == .throttled(retryAfter: .seconds(7)))
  }

  @Test("an error reported by callback explains itself, known or not")
  func messageErrors() {
    let known = MessageError(twilioCode: "30003", message: nil)
    #expect(known.isRetryable && known.message.hasPrefix("Unreachable handset") && known.explanation != nil)
    let unknown = MessageError(twilioCode: "12345", message: "as Twilio says")
    #expect(!unknown.isRetryable && unknown.message == "as Twilio says" && unknown.explanation == nil)
    #expect(!MessageError(twilioCode: "21610", message: nil).isRetryable)
  }
}
