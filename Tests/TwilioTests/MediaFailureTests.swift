// What Twilio's answers to a fetch mean for a further one.

import ChannelProtocol
import Testing

@testable import Twilio

@Suite("Fetches that fail")
struct MediaFailureTests {
  @Test(
    "what may be there later is transient, what is refused or gone is not",
    arguments: [
      (404, "not_found", true), (401, "refused", true), (408, "provider_error", true), (429, "provider_error", true),
      (500, "provider_error", true), (503, "provider_error", true), (403, "refused", false), (410, "gone", false),
      (413, "too_large", false), (400, "provider_error", false), (415, "provider_error", false),
    ])
  func statuses(status: Int, code: String, isTransient: Bool) {
    let failure = MediaFailure(.api(TwilioAPIError(status: status)))
    #expect(failure.code == code)
    #expect((failure.kind == .transient(retryAfter: nil)) == isTransient)
  }

  @Test("an answer that is too large to be taken would be so again")
  func tooLarge() {
    let failure = TransportFailure(mayHaveArrived: true, message: "too much", isTooLarge: true)
    #expect(MediaFailure(.transport(failure)).kind == .permanent)
    #expect(MediaFailure(.transport(failure)).code == "too_large")
  }

  @Test("no answer is transient; what Twilio says of when to come back is kept")
  func pauses() {
    let silent = MediaFailure(.transport(TransportFailure(mayHaveArrived: true, message: "timeout")))
    #expect(silent == MediaFailure(.transient(retryAfter: nil), code: "no_answer", message: "timeout"))
    let busy = MediaFailure(.api(TwilioAPIError(status: 429, retryAfter: .seconds(7))))
    #expect(busy.kind == .transient(retryAfter: .seconds(7)))
  }
}
