// Twilio's default handling of STOP, START and HELP on phone numbers.

/// The default keywords and Twilio's own answers to them.
enum OptOut {
  /// What a text asks for.
  enum Request: Sendable, Equatable {
    case stop, start, help

    /// `OptOutType`
    var word: String {
      switch self {
      case .stop: "STOP"
      case .start: "START"
      case .help: "HELP"
      }
    }

    /// What Twilio answers by itself.
    var reply: String {
      switch self {
      case .stop:
        "You have successfully been unsubscribed. You will not receive any more messages from this number."
          + " Reply START to resubscribe."
      case .start:
        "You have successfully been re-subscribed to messages from this number. Reply HELP for help."
          + " Reply STOP to unsubscribe. Msg&Data Rates May Apply."
      case .help: "Reply STOP to unsubscribe. Msg&Data Rates May Apply."
      }
    }
  }

  /// The whole trimmed text must be the word, in any case.
  static func request(_ body: String) -> Request? {
    var word = body.uppercased()[...]
    while word.first?.isWhitespace == true { word.removeFirst() }
    while word.last?.isWhitespace == true { word.removeLast() }
    switch word {
    case "STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT": return .stop
    case "START", "YES", "UNSTOP": return .start
    case "HELP", "INFO": return .help
    default: return nil
    }
  }

  /// A blocked pair of addresses.
  struct Pair: Sendable, Hashable {
    var accountSID: String
    var ours: String
    var theirs: String
  }
}
