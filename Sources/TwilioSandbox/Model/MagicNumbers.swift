// Numbers that make something happen.
//
// Twilio's own, for errors of the request (test credentials have the same):
//
//   To   +15005550001  21211 not a valid number          From +15005550001  21212 not a valid number
//   To   +15005550002  21612 no route                    From +15005550007  21606 not owned
//   To   +15005550003  21408 no permission               From +15005550008  21611 queue full
//   To   +15005550004  21610 opted out
//   To   +15005550009  21614 not a mobile
//
// With a Messaging Service 21408, 21610, 21612 and 21614 come as `failed` callbacks, as at Twilio.
//
// The sandbox's own, for what becomes of an accepted message: To `+1500555 01NN`, bare or behind a channel prefix.
// NN are the last two digits of the error, 300NN for phone numbers and 630NN for WhatsApp, RCS and Messenger:
//
//   SMS, MMS   01 failed 30001 queue overflow            channels   03 undelivered 63003 not found
//              03 undelivered 30003 unreachable                     16 failed 63016 outside the window
//              05 undelivered 30005 unknown number                  18 failed 63018 rate limit
//              06 undelivered 30006 landline                        24 undelivered 63024 invalid recipient
//              07 undelivered 30007 filtered                        49 undelivered 63049 withheld by Meta
//              08 undelivered 30008 unknown error
//              34 failed 30034 unregistered number
//
//   everywhere 90 stays `queued`      91 stays `sent` (no receipt)      92 `delivered`, never `read`

/// What the numbers above stand for.
enum MagicNumbers {
  /// How an accepted message ends.
  enum Outcome: Sendable, Equatable {
    case read
    case delivered
    case sent
    case queued
    case undelivered(Int)
    case failed(Int)
  }

  /// The error of the request for this recipient; `isService`: those that a Messaging Service reports later are left out.
  static func error(to: Address, from: Address?, isService: Bool) -> TwilioError? {
    guard to.channel == .sms else { return nil }
    if to.text == "+15005550001" { return .invalidTo(to.text) }
    return isService ? nil : deferrable(to: to, from: from)
  }

  /// The error that a Messaging Service reports by callback.
  static func deferrable(to: Address, from: Address?) -> TwilioError? {
    guard to.channel == .sms else { return nil }
    switch to.text {
    case "+15005550002": return .noRoute(to: to.text, from: from?.text ?? "")
    case "+15005550003": return .noPermission(to: to.text)
    case "+15005550004": return .optedOut
    case "+15005550009": return .notMobile
    default: return nil
    }
  }

  /// The error of the request for this sender.
  static func error(from: Address) -> TwilioError? {
    switch from.text {
    case "+15005550001": .invalidFrom(from.text)
    case "+15005550007": .notOwned(from.text)
    case "+15005550008": .queueFull
    default: nil
    }
  }

  /// What becomes of an accepted message.
  static func outcome(to: Address) -> Outcome {
    let best: Outcome = to.channel == .sms || to.channel == .messenger ? .delivered : .read
    guard to.bare.hasPrefix("+150055501"), to.bare.utf8.count == 12, let ending = Int(to.bare.suffix(2)) else {
      return best
    }
    switch (to.channel, ending) {
    case (_, 90): return .queued
    case (_, 91): return .sent
    case (_, 92): return .delivered
    case (.sms, 1), (.sms, 34): return .failed(30000 + ending)
    case (.sms, 3), (.sms, 5), (.sms, 6), (.sms, 7), (.sms, 8): return .undelivered(30000 + ending)
    case (.sms, _): return best
    case (_, 16), (_, 18): return .failed(63000 + ending)
    case (_, 3), (_, 24), (_, 49): return .undelivered(63000 + ending)
    default: return best
    }
  }

  /// `error_message` and `ErrorMessage` of phone errors; Twilio gives none for the others.
  static func text(of code: Int) -> String? {
    switch code {
    case 30001: "Queue overflow"
    case 30003: "Unreachable destination handset"
    case 30005: "Unknown destination handset"
    case 30006: "Landline or unreachable carrier"
    case 30007: "Message filtered"
    case 30008: "Unknown error"
    case 30034: "Message from an Unregistered Number"
    default: nil
    }
  }

  /// `ChannelStatusMessage`: the provider's own number and words, as observed.
  static func channelStatus(of code: Int) -> String? {
    switch code {
    case 63003: "1013 User is not valid"
    case 63016:
      "470 Message failed to send because more than 24 hours have passed since the customer last replied to this number"
    case 63018: "1015 Rate limit hit"
    case 63024: "1026 Receiver is incapable of receiving this message"
    case 63049: "131049 This message was not delivered to maintain healthy ecosystem engagement"
    default: nil
    }
  }
}
