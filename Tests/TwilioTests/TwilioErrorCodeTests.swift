// The error table, and what each failure means for a send.

import ChannelProtocol
import Testing

@testable import Twilio

@Suite struct TwilioErrorCodeTests {
  @Test("the table holds every code of the reference, with its class")
  func table() throws {
    let codes = try ["error_codes.json", "error_codes_added.json"].flatMap {
      try Fixtures.json($0)["codes"]?.arrayValue ?? []
    }
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

  /// Every number that the fact sheet on Twilio names.
  private static let named = [
    11205, 11243, 12100, 12200, 12300, 14107, 20003, 20005, 20009, 20249, 20429, 20500, 20503, 21211, 21212, 21214,
    21408, 21606, 21608, 21609, 21610, 21611, 21612, 21614, 21617, 21620, 21623, 21655, 21656, 21659, 21660, 21664,
    21666, 21667, 21669, 21703, 21704, 30001, 30002, 30003, 30004, 30005, 30006, 30007, 30008, 30009, 30011, 30016,
    30017, 30018, 30019, 30020, 30021, 30022, 30023, 30027, 30032, 30034, 30035, 30036, 30037, 30038, 30409, 30410,
    30450, 30610, 30640, 35115, 35118, 35125, 63001, 63003, 63005, 63007, 63009, 63010, 63012, 63013, 63014, 63015,
    63016, 63017, 63018, 63019, 63020, 63021, 63024, 63027, 63028, 63029, 63030, 63031, 63032, 63033, 63034, 63035,
    63036, 63038, 63040, 63041, 63042, 63049, 63051, 63112,
  ]

  @Test("every code that a person may meet has words and says what to do", arguments: named)
  func words(number: Int) throws {
    let code = try #require(TwilioErrorCode(number))
    #expect(!code.name.isEmpty && !code.explanation.isEmpty && !code.class.advice.isEmpty)
  }

  @Test("the table is in order, and no number is in it twice")
  func order() {
    let numbers = TwilioErrorCode.all.map(\.number)
    #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
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
