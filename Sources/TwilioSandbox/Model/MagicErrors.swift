// Any error of Twilio's on demand, by its number.
//
// A message to `+150000NNNNN` (bare, or behind a channel's prefix), or one whose whole text is `#NNNNN`, meets the
// error NNNNN where Twilio would tell it:
//
//   2NNNN, 351NN, 92NNN, 30409, 63007, 63031   in the answer to the request; with a Messaging Service those about the
//                                              recipient come as `failed` callbacks, as at Twilio
//   30NNN, 63NNN                               in a callback, `failed` where the message never left Twilio, else
//                                              `undelivered`
//   1NNNN                                      nowhere: what Twilio's debugger alone shows is no error of a send

/// What an error's number does to a message.
enum MagicErrors {
  enum Effect: Sendable, Equatable {
    case refused(TwilioError)
    case ends(MagicNumbers.Outcome)
  }

  /// The number that a message asks for.
  static func code(to: Address, body: String) -> Int? {
    let digits = to.bare.hasPrefix("+") ? to.bare.dropFirst() : Substring(to.bare)
    if digits.utf8.count == 11, digits.hasPrefix("150000") { return Int(digits.dropFirst(6)) }
    guard body.utf8.count == 6, body.hasPrefix("#") else { return nil }
    return Int(body.dropFirst())
  }

  /// Nil: nothing happens to the message.
  static func effect(of code: Int, isService: Bool) -> Effect? {
    switch code {
    case _ where isService && reportedLater.contains(code): .ends(.failed(code))
    case 63007, 63031, 30409, 20_000...29_999, 35_100...35_199, 92_000...92_999: .refused(error(code))
    case 30_000...39_999, 63_000...63_999: .ends(neverLeft.contains(code) ? .failed(code) : .undelivered(code))
    default: nil
    }
  }

  /// About the recipient or the pool: a service accepts first and finds out afterwards.
  private static let reportedLater: Set<Int> = [21408, 21610, 21611, 21612, 21614, 21703, 21704]

  private static let neverLeft: Set<Int> = [
    30001, 30002, 30010, 30016, 30018, 30020, 30021, 30022, 30023, 30024, 30027, 30032, 30033, 30034, 30035, 30036,
    30037,
    30038,
    30450, 30610, 30640, 63001, 63002, 63008, 63015, 63016, 63017, 63018, 63020, 63027, 63035, 63038, 63040, 63041,
    63042,
    63051, 63112,
  ]

  private static func error(_ code: Int) -> TwilioError {
    let status =
      switch code {
      case 20003: 401
      case 20005: 403
      case 20404: 404
      case 20009: 409
      case 20429: 429
      case 20500: 500
      case 20503: 503
      default: 400
      }
    return TwilioError(status: status, code: code, message: "Error \(code), as the message asked for")
  }
}
