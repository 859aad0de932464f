// What error codes mean, for a person: the provider's table and our own few words.

import Storage
import Twilio

enum ErrorWords {
  static let explain: @Sendable (String) -> ErrorExplanation? = { code in
    if let ours = ours[code] { return ours }
    guard let known = TwilioErrorCode(code) else { return nil }
    return ErrorExplanation(
      message: known.name, explanation: known.advice.isEmpty ? known.class.advice : known.advice,
      isRetryable: known.class.isRetryable,
      isOptOut: known.class == .optOut)
  }

  /// Whether a message failed because its sender was too fast.
  static func saysTooFast(_ code: String) -> Bool { Int(code).map(TwilioErrorCode.queueErrors.contains) ?? false }

  private static let ours: [String: ErrorExplanation] = [
    "expired": ErrorExplanation(
      message: "The message's validity ended before it could be sent.",
      explanation: "The sender was too busy, or the gateway was down, for longer than validFor.", isRetryable: true),
    "unknown_outcome": ErrorExplanation(
      message: "It could not be found out whether the message was sent.",
      explanation: "Look at the provider's log before you send it again.", isRetryable: false),
    "unknown_channel": ErrorExplanation(
      message: "The channel is no longer in the configuration.", explanation: "Send it on another channel.",
      isRetryable: false),
    "outside_window": ErrorExplanation(
      message: "The contact's window closed while the message waited.",
      explanation: "Send a template, or wait until they write again.", isRetryable: false),
    "opted_out": ErrorExplanation(
      message: "The recipient has opted out.", explanation: "Wait until they opt in again.", isRetryable: false),
  ]
}
