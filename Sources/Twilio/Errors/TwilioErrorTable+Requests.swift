// Twilio's error numbers below 30000: what its API and its webhooks complain of. Generated from
// `Tests/Fixtures/twilio/error_codes.json` and `error_codes_added.json`; a test holds them together.

extension TwilioErrorCode {
  static let requestCodes: [TwilioErrorCode] = [
    .init(11200, .alert, "Twilio could not fetch our webhook", "Our endpoint failed (5xx/4xx, DNS, TLS)."),
    .init(11205, .alert, "Connection to our webhook failed (timeouts)"),
    .init(
      11243, .alert, "A connection override in our webhook's URL is not valid",
      "Enter the URL again as `fractal check` prints it."),
    .init(12100, .alert, "TwiML parse failure"),
    .init(12200, .alert, "TwiML schema warning"),
    .init(12300, .alert, "Invalid Content-Type in our answer", "Send text/xml."),
    .init(14107, .alert, "SMS loop protection: too many replies", "Auto-reply loop between two bots."),
    .init(
      20003, .configuration, "Permission denied / authenticate",
      "Stop all sends for the account, alert; wrong token, key of another region, or Standard key "
        + "on /Accounts or /Keys."),
    .init(20005, .configuration, "Account not active", "Stop sends, alert."),
    .init(20009, .transient, "Resource not complete yet (delete)", "Retry the delete after at least a minute."),
    .init(
      20249, .configuration, "Too many senders registered (10 in 72 hours)",
      "Register no further sender for three days."),
    .init(20404, .permanent, "Not found", "Wrong SID, wrong account or wrong region; never retry."),
    .init(
      20429, .transientSafe, "Too many requests (API concurrency)",
      "Request was not processed: retry with exponential back-off and jitter."),
    .init(20500, .unknownOutcome, "Internal server error", "Do not resend blindly: reconcile first."),
    .init(20503, .unknownOutcome, "Service unavailable", "Do not resend blindly: reconcile first."),
    .init(21211, .permanent, "Invalid 'To' number", "Mark the address invalid; also raised when To equals From."),
    .init(21212, .configuration, "Invalid 'From'", "Fix configuration."),
    .init(21214, .permanent, "'To' cannot be reached", "Do not retry."),
    .init(
      21408, .configuration, "Geo permission missing for the destination country",
      "Enable the country in Console; permanent until then."),
    .init(21602, .permanent, "Body (or media/content) required", "Bug in caller."),
    .init(21603, .permanent, "From or MessagingServiceSid required", "Bug in caller."),
    .init(21604, .permanent, "To required", "Bug in caller."),
    .init(21606, .configuration, "From not message-capable for this destination", "Choose another sender."),
    .init(21608, .configuration, "Trial account: To not verified", "Verify number or upgrade."),
    .init(21609, .permanent, "Invalid StatusCallback URL", "E.g. underscore in host name."),
    .init(21610, .optOut, "Recipient has opted out (STOP)", "Set local suppression, never retry until START."),
    .init(21611, .transient, "From has too many queued messages", "Back-pressure: slow this sender down."),
    .init(21612, .permanent, "No route From -> To", "Other sender may work."),
    .init(21614, .permanent, "'To' is not a mobile number", "Mark as not SMS capable."),
    .init(21616, .configuration, "From matches several numbers", "Use full E.164 or Messaging Service."),
    .init(21617, .permanent, "Body longer than 1600 characters", "Split before sending."),
    .init(21618, .permanent, "Body cannot be sent", "Check characters."),
    .init(21619, .permanent, "Unable to create record (empty or invalid parameters)", "Bug in caller."),
    .init(21620, .permanent, "Invalid media URL", "Media must be public, correct Content-Type."),
    .init(21621, .configuration, "From not MMS enabled", "Choose another sender or send a link."),
    .init(21622, .configuration, "MMS not enabled for account"),
    .init(21623, .permanent, "Too many media (max 10)", "Split."),
    .init(21624, .permanent, "Invalid ValidityPeriod", "1-36000 s."),
    .init(21654, .permanent, "ContentSid required"),
    .init(21655, .permanent, "ContentSid invalid", "SID belongs to another account or does not exist."),
    .init(
      21656, .permanent, "ContentVariables invalid",
      "JSON string of string->string; no newlines/tabs for WhatsApp."),
    .init(21657, .configuration, "Sender ID invalid"),
    .init(21658, .permanent, "A parameter exceeds its character limit"),
    .init(21659, .configuration, "From is not a Twilio number / short-code country mismatch"),
    .init(21660, .configuration, "From does not belong to the account", "Sub-account / key mismatch."),
    .init(21664, .permanent, "FallbackFrom cannot be combined with From", "Use a Messaging Service."),
    .init(21666, .permanent, "FallbackFrom requires MessagingServiceSid"),
    .init(21667, .configuration, "FallbackFrom requires an RCS sender in the service"),
    .init(21669, .configuration, "Region of number and Messaging Service differ"),
    .init(21701, .configuration, "Messaging Service does not exist"),
    .init(
      21703, .configuration, "Messaging Service has no sender for this message",
      "Add a sender of the right kind/country."),
    .init(21704, .configuration, "Messaging Service is empty"),
    .init(21705, .configuration, "Messaging Service invalid"),
  ]
}
