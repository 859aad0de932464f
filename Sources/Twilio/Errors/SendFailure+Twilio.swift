// What a failed call to Twilio means for a message that was to be sent.

public import ChannelProtocol

extension SendFailure {
  /// No call of the account's succeeds: wrong credentials, an account that is not active.
  private static let accountErrors: Set<Int> = [20003, 20005]

  public init(_ failure: TwilioFailure) {
    switch failure {
    case .transport(let failure):
      self.init(failure)
    case .unreadable(let status, let message):
      self.init(
        .unknownOutcome, code: "unknown_outcome", message: "Twilio answered \(status): \(message)",
        explanation: "Twilio may have taken the message; it is looked up before anything is sent again.")
    case .api(let error):
      self.init(error)
    }
  }

  /// An exchange that did not end in an answer: only one that provably never left may be repeated.
  public init(_ failure: TransportFailure) {
    if failure.mayHaveArrived {
      self.init(
        .unknownOutcome, code: "unknown_outcome", message: failure.message,
        explanation: "The call to Twilio ended without an answer; the message is looked up before it is sent again.")
    } else {
      self.init(
        .transient, code: "connection_failed", message: failure.message,
        explanation: "Twilio could not be reached; the message was not sent and is tried again.")
    }
  }

  public init(_ error: TwilioAPIError) {
    let known = error.code.flatMap { TwilioErrorCode($0) }
    let code = error.code.map(String.init) ?? "http_\(error.status)"
    self.init(
      Self.kind(of: error, known: known), code: code,
      message: error.message ?? known?.name ?? "Twilio answered \(error.status)", explanation: known?.explanation)
    if kind == .transient, known?.class == .transientOnce { maximumRepeats = 1 }
    if kind == .misconfigured, error.status == 401 || error.code.map(Self.accountErrors.contains) ?? false {
      senderPause = .seconds(60)
    }
  }

  private static func kind(of error: TwilioAPIError, known: TwilioErrorCode?) -> Kind {
    if error.status == 429 || error.code == 20429 { return .throttled(retryAfter: error.retryAfter) }
    // A timeout of a proxy in between says nothing of what lies behind it.
    if error.status >= 500 || error.status == 408 { return .unknownOutcome }
    if let code = error.code, TwilioErrorCode.queueErrors.contains(code) {
      return .throttled(retryAfter: error.retryAfter)
    }
    if let known { return known.class.failureKind }
    switch error.status {
    case 401, 403, 405, 300..<400: return .misconfigured
    default: return .rejected
    }
  }
}
