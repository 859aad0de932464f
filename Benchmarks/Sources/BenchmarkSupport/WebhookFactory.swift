// Signed webhooks as Twilio sends them: each a different message, none ever repeated.

import Crypto
import Foundation
package import NIOCore

/// Makes whole HTTP requests. Shares no code with the gateway.
package struct WebhookFactory: Sendable {
  package let accountSID: String
  package let authToken: String
  package let publicURL: String
  package let host: String
  /// Distinct contacts that the messages come from.
  package let contacts: Int
  private let path = "/webhooks/twilio/incoming"

  package init(accountSID: String, authToken: String, publicURL: String, host: String, contacts: Int) {
    self.accountSID = accountSID
    self.authToken = authToken
    self.publicURL = publicURL
    self.host = host
    self.contacts = contacts
  }

  /// The `number`-th request of a run. Run 0, the warming up, comes from one contact after the other, so that it has met
  /// all of them; the others come from contacts at random.
  package func request(run: Int, number: Int) -> ByteBuffer {
    let sid =
      "SM" + hexadecimal(UInt64(run) &* 0x9E37_79B9_7F4A_7C15 ^ mix(UInt64(number)), 16)
      + hexadecimal(UInt64(run) << 40 | UInt64(number), 16)
    let contact = run == 0 ? number % contacts : Int(mix(UInt64(number) &+ 77) % UInt64(contacts))
    let fields: [(String, String)] = [
      ("AccountSid", accountSID), ("ApiVersion", "2010-04-01"), ("Body", "Message \(number): the quick brown fox, ok?"),
      ("From", "+1415\(5_000_000 + contact)"), ("FromCity", "SAN FRANCISCO"), ("FromCountry", "US"),
      ("FromState", "CA"), ("FromZip", "94105"), ("MessageSid", sid), ("NumMedia", "0"), ("NumSegments", "1"),
      ("SmsMessageSid", sid), ("SmsSid", sid), ("SmsStatus", "received"), ("To", "+15005550006"), ("ToCity", ""),
      ("ToCountry", "US"), ("ToState", ""), ("ToZip", ""),
    ]
    let body = fields.map { "\($0.0)=\(encode($0.1))" }.joined(separator: "&")
    let signed = publicURL + path + fields.map { $0.0 + $0.1 }.joined()
    let code = HMAC<Insecure.SHA1>.authenticationCode(
      for: Data(signed.utf8), using: SymmetricKey(data: Data(authToken.utf8)))
    var buffer = ByteBuffer()
    buffer.writeString(
      """
      POST \(path) HTTP/1.1\r
      Host: \(host)\r
      Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r
      Content-Length: \(body.utf8.count)\r
      X-Twilio-Signature: \(Data(code).base64EncodedString())\r
      User-Agent: TwilioProxy/1.1\r
      Accept: */*\r
      \r

      """)
    buffer.writeString(body)
    return buffer
  }

  private func mix(_ value: UInt64) -> UInt64 {
    var z = value &+ 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  private func hexadecimal(_ value: UInt64, _ digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  private func encode(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      case UInt8(ascii: " "): encoded += "+"
      default: encoded += "%" + hexadecimal(UInt64(byte), 2).uppercased()
      }
    }
    return encoded
  }
}
