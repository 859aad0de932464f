// URLs of our files that need no key: signed, for one file, for a time.

import ChannelProtocol
import Crypto
import Foundation

/// Makes and checks `/media/:id/:token`. The token is when it ends, in seconds, and a MAC over that and the id.
struct MediaLinks: Sendable {
  private let key: SymmetricKey
  private let publicURL: String
  /// Longer than a provider may hold a message (ten hours) and come back for its files.
  var lifetime: Duration = .seconds(48 * 3_600)

  init(secret: [UInt8], publicURL: String) {
    key = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: secret), info: Data("fractal media links".utf8), outputByteCount: 32)
    self.publicURL = publicURL
  }

  func url(_ id: Identifier, now: Timestamp) -> String { "\(publicURL)/media/\(id)/\(token(id, now: now))" }

  /// Needs a key.
  func apiURL(_ id: Identifier) -> String { "\(publicURL)/api/media/\(id)" }

  func token(_ id: Identifier, now: Timestamp) -> String {
    let end = Int64((now + lifetime).microseconds / 1_000_000)
    let code = HMAC<SHA256>.authenticationCode(for: Self.signed(id, end), using: key)
    return "\(end)." + code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  func accepts(_ token: String, for id: Identifier, now: Timestamp) -> Bool {
    let parts = token.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 2, let end = Int64(parts[0]), let code = Self.bytes(parts[1]) else { return false }
    // Compared in constant time.
    return HMAC<SHA256>.isValidAuthenticationCode(code, authenticating: Self.signed(id, end), using: key)
      && now.microseconds / 1_000_000 < end
  }

  private static func signed(_ id: Identifier, _ end: Int64) -> Data { Data("\(id) \(end)".utf8) }

  private static func bytes(_ text: Substring) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count == 64 else { return nil }
    var bytes: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let byte = UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) else { return nil }
      bytes.append(byte)
    }
    return bytes
  }
}
