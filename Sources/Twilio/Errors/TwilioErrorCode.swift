// Twilio's error numbers: what each means for a message, and for a person.

public import ChannelProtocol

/// One number of Twilio's error dictionary (twilio.com/docs/api/errors).
public struct TwilioErrorCode: Sendable, Hashable {
  /// What may be done about it.
  public enum Class: String, Sendable, Hashable, CaseIterable {
    /// Not processed: repeat with back-off.
    case transientSafe
    /// May work later: repeat with back-off and an end.
    case transient
    /// Repeat once.
    case transientOnce
    /// Repeat after the daily reset.
    case transientNextDay
    /// Repeat when a window opens.
    case transientWindow
    /// May have been processed: look it up, never repeat blindly.
    case unknownOutcome
    /// Never repeat the same request.
    case permanent
    /// Never on this channel; another may do.
    case permanentForChannel
    /// Not our fault; days must pass.
    case noImmediateRetry
    /// Send nothing more to this contact until they opt in.
    case optOut
    /// Somebody must mend the configuration first.
    case configuration
    /// Shown in Twilio's debugger only.
    case alert
  }

  public let number: Int
  public let `class`: Class
  /// A few words, ours: Twilio's texts change.
  public let name: String
  /// What to do; empty where nothing is to be said.
  public let advice: String

  init(_ number: Int, _ class: Class, _ name: String, _ advice: String = "") {
    self.number = number
    self.class = `class`
    self.name = name
    self.advice = advice
  }

  /// The table's entry; nil for a number it does not hold.
  public init?(_ number: Int) {
    guard let code = Self.byNumber[number] else { return nil }
    self = code
  }

  /// As a callback spells it.
  public init?(_ text: String) {
    guard let number = Int(text) else { return nil }
    self.init(number)
  }

  /// Twilio's queue errors, in an answer or a callback: the sender is too fast, not the message wrong (FACTS section 12).
  public static let queueErrors: Set<Int> = [21611, 30001, 30022, 63017, 63018]

  /// Every number known, in order.
  public static let all: [TwilioErrorCode] = requestCodes + deliveryCodes

  private static let byNumber = Dictionary(uniqueKeysWithValues: all.map { ($0.number, $0) })
}

extension TwilioErrorCode {
  /// The class of any number: of one not in the table, what carriers (3xxxx) and channels (63xxx) report may work a
  /// second time, the rest never.
  public static func `class`(of number: Int) -> Class {
    if let code = TwilioErrorCode(number) { return code.class }
    return (30_000...39_999).contains(number) || (63_000...63_999).contains(number) ? .transientOnce : .permanent
  }

  /// Name and advice in one, for a person.
  public var explanation: String { advice.isEmpty ? "\(name)." : "\(name). \(advice)" }

  /// Whether the same message may succeed when it is sent again later.
  public var isRetryable: Bool { `class`.isRetryable }
}

extension TwilioErrorCode.Class {
  /// What to do about an error that the table gives no advice for.
  public var advice: String {
    switch self {
    case .transientSafe: "It was not processed: it may be sent again at once, more slowly."
    case .transient: "It may be sent again later."
    case .transientOnce: "It may be sent once more."
    case .transientNextDay: "It may be sent again the next day."
    case .transientWindow: "It may be sent again within the allowed hours."
    case .unknownOutcome: "Look at Twilio's log before you send it again."
    case .permanent: "The same message would fail again: change it or its recipient."
    case .permanentForChannel: "Send it on another channel."
    case .noImmediateRetry: "Do not send it again for some days."
    case .optOut: "Send nothing more until they opt in again."
    case .configuration: "Mend the account or the sender at Twilio first."
    case .alert: "See Twilio's debugger."
    }
  }

  public var isRetryable: Bool {
    switch self {
    case .transientSafe, .transient, .transientOnce, .transientNextDay, .transientWindow: true
    case .unknownOutcome, .permanent, .permanentForChannel, .noImmediateRetry, .optOut, .configuration, .alert: false
    }
  }

  /// What a refusal of this class means to the sender.
  var failureKind: SendFailure.Kind {
    switch self {
    case .transientSafe: .throttled(retryAfter: nil)
    case .transient, .transientOnce, .transientNextDay, .transientWindow: .transient
    case .unknownOutcome: .unknownOutcome
    case .optOut: .optedOut
    case .configuration: .misconfigured
    case .permanent, .permanentForChannel, .noImmediateRetry, .alert: .rejected
    }
  }
}

extension MessageError {
  /// The error of a message that failed at Twilio, as a callback or a fetched message reports it.
  public init(twilioCode code: String, message: String?) {
    let known = TwilioErrorCode(code)
    self.init(
      code: code, message: message ?? known?.name ?? "Error \(code)", explanation: known?.explanation,
      isRetryable: Int(code).map { TwilioErrorCode.class(of: $0).isRetryable } ?? false)
  }
}
