// Short-lived signed URLs for media files, where Twilio has a content delivery network.

import Crypto

/// Makes and checks `/sandbox/content/{ME}?Expires=…&Signature=…`; its key lives as long as the sandbox.
struct ContentURLSigner: Sendable {
  private let key = SymmetricKey(size: .bits256)

  func path(_ sid: String, expires: UTCTime) -> String {
    let seconds = expires.microseconds / 1_000_000
    return "/sandbox/content/\(sid)?Expires=\(seconds)&Signature=\(Self.hex(code(sid, seconds)))"
  }

  func isValid(_ sid: String, query: FormFields, now: UTCTime) -> Bool {
    guard let expires = query["Expires"].flatMap(Int64.init), let signature = query["Signature"] else { return false }
    return expires >= now.microseconds / 1_000_000 && signature == Self.hex(code(sid, expires))
  }

  private func code(_ sid: String, _ expires: Int64) -> HMAC<SHA256>.MAC {
    HMAC<SHA256>.authenticationCode(for: Array("\(sid) \(expires)".utf8), using: key)
  }

  private static func hex(_ code: HMAC<SHA256>.MAC) -> String {
    code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
