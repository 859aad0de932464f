// Twilio's own header fields.

import HTTPTypes

extension HTTPField.Name {
  // Names that are valid tokens: the initialiser returns nil for nothing else.
  static let twilioSignature = HTTPField.Name("X-Twilio-Signature")!
  static let twilioSignatureSettings = HTTPField.Name("X-Twilio-Webhooks-Signature-Settings")!
  static let twilioRequestID = HTTPField.Name("Twilio-Request-Id")!
  static let acceptCharset = HTTPField.Name("Accept-Charset")!
}
