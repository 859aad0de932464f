// The life of an outbound message: which status follows, after how long, with which error.

/// Twilio's order: accepted or scheduled → queued → sending → sent → delivered → read, with its early ends.
enum MessageLife {
  /// One step ahead.
  struct Step: Sendable, Equatable {
    var delay: Duration
    var status: SandboxMessage.Status
    var errorCode: Int?
  }

  /// The step after this status; nil: the message rests.
  static func step(
    after status: SandboxMessage.Status, outcome: MagicNumbers.Outcome, timings: SandboxConfiguration.Timings
  ) -> Step? {
    switch (status, outcome) {
    case (.accepted, _), (.scheduled, _): Step(delay: timings.queued, status: .queued)
    case (.queued, .queued): nil
    case (.queued, .failed(let code)): Step(delay: timings.sending, status: .failed, errorCode: code)
    case (.queued, _): Step(delay: timings.sending, status: .sending)
    case (.sending, _): Step(delay: timings.sent, status: .sent)
    case (.sent, .sent): nil
    case (.sent, .undelivered(let code)): Step(delay: timings.delivered, status: .undelivered, errorCode: code)
    case (.sent, _): Step(delay: timings.delivered, status: .delivered)
    case (.delivered, .read): timings.read.map { Step(delay: $0, status: .read) }
    default: nil
    }
  }
}
