// Twilio's REST errors: one place for every code the sandbox answers with.

/// An error answer: HTTP status, Twilio's code and its text.
public struct TwilioError: Error, Sendable, Equatable {
  public var status: Int
  public var code: Int
  public var message: String

  public init(status: Int = 400, code: Int, message: String) {
    self.status = status
    self.code = code
    self.message = message
  }

  /// `{"code","message","more_info","status"}`
  var json: JSONValue {
    .object([
      "code": .integer(code), "message": .string(message),
      "more_info": .string("https://www.twilio.com/docs/errors/\(code)"), "status": .integer(status),
    ])
  }

  static let unauthenticated = TwilioError(status: 401, code: 20003, message: "Authenticate")

  static func notFound(_ path: String) -> TwilioError {
    TwilioError(status: 404, code: 20404, message: "The requested resource \(path) was not found")
  }

  static let tooManyRequests = TwilioError(status: 429, code: 20429, message: "Too Many Requests")
  static let internalError = TwilioError(
    status: 500, code: 20500, message: "An internal server error has occurred")
  static let notFinished = TwilioError(
    status: 409, code: 20009, message: "Cannot delete this Message because it is not finished yet")
  static let tooLateToCancel = TwilioError(code: 30409, message: "Message cannot be canceled")

  static func invalidParameter(_ message: String) -> TwilioError { TwilioError(code: 20001, message: message) }

  // Create Message

  static let toMissing = TwilioError(code: 21604, message: "A 'To' phone number is required.")
  static let fromMissing = TwilioError(code: 21603, message: "A 'From' phone number is required.")
  static let bodyMissing = TwilioError(code: 21602, message: "Message body is required.")
  static let bodyTooLong = TwilioError(
    code: 21617, message: "The concatenated message body exceeds the 1600 character limit")
  static let tooManyMedia = TwilioError(code: 21623, message: "Number of media files exceeds allowed limit")
  static let optedOut = TwilioError(code: 21610, message: "Attempt to send to unsubscribed recipient")
  static let notMobile = TwilioError(code: 21614, message: "'To' number is not a valid mobile number")
  static let queueFull = TwilioError(
    code: 21611, message: "This From number has exceeded the maximum number of queued messages")
  static let unknownChannelSender = TwilioError(
    code: 63007, message: "Twilio could not find a Channel with the specified From address")
  static let sameChannelAddress = TwilioError(
    code: 63031, message: "Channel message cannot have same From and To")
  static let invalidService = TwilioError(code: 21705, message: "The Messaging Service Sid is invalid")
  static let invalidValidityPeriod = TwilioError(
    code: 21624, message: "The Validity Period must be an integer between 1 and 36000")
  static let contentSIDMissing = TwilioError(code: 21654, message: "ContentSid Required")
  static let contentSIDInvalid = TwilioError(code: 21655, message: "The ContentSid is Invalid")
  static let contentVariablesInvalid = TwilioError(code: 21656, message: "The ContentVariables Parameter is invalid")
  static let fallbackWithFrom = TwilioError(code: 21664, message: "FallbackFrom cannot be combined with From")
  static let fallbackWithoutService = TwilioError(code: 21666, message: "FallbackFrom requires MessagingServiceSid")
  static let sendAtMissing = TwilioError(code: 35111, message: "SendAt is required to schedule a message")
  static let sendAtOutside = TwilioError(
    code: 35114, message: "SendAt must be between 300 seconds and 35 days in the future")
  static let scheduleWithoutService = TwilioError(
    code: 35118, message: "MessagingServiceSid is required to schedule a message")

  static func invalidTo(_ to: String) -> TwilioError {
    TwilioError(code: 21211, message: "The 'To' number \(to) is not a valid phone number.")
  }

  static func invalidFrom(_ from: String) -> TwilioError {
    TwilioError(
      code: 21212,
      message: "The 'From' number \(from) is not a valid phone number, shortcode, or alphanumeric sender ID.")
  }

  static func notOwned(_ from: String) -> TwilioError {
    TwilioError(
      code: 21606,
      message: "The 'From' phone number provided (\(from)) is not a valid message-capable Twilio phone number"
        + " for this destination")
  }

  static func noRoute(to: String, from: String) -> TwilioError {
    TwilioError(
      code: 21612,
      message: "The 'To' phone number: \(to), is not currently reachable using the 'From' phone number: \(from) via SMS"
    )
  }

  static func noPermission(to: String) -> TwilioError {
    TwilioError(
      code: 21408,
      message: "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: \(to).")
  }

  static func invalidStatusCallback(_ url: String) -> TwilioError {
    TwilioError(code: 21609, message: "The StatusCallback URL \(url) is not a valid URL.")
  }

  static func invalidMediaURL(_ url: String) -> TwilioError {
    TwilioError(code: 21620, message: "Invalid media URL(s): \(url)")
  }
}
