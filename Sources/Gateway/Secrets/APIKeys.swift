// The text of an API key and what is kept of it.

import ChannelProtocol
import Crypto
import Foundation

/// Makes keys and hashes them. Only the hash, keyed by `API_KEY_SECRET`, is stored: a copy of the database alone
/// opens nothing and cannot be searched for keys.
struct APIKeyHasher: Sendable {
  private let secret: SymmetricKey

  init(secret: [UInt8]) { self.secret = SymmetricKey(data: secret) }

  /// A new key: `fk_` and 32 random bytes, base64url.
  static func makeKey() -> String {
    var random = SystemRandomNumberGenerator()
    let bytes = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &random) }
    let text = Data(bytes).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    return "fk_" + text
  }

  func hash(_ key: String) -> [UInt8] {
    Array(HMAC<SHA256>.authenticationCode(for: Data(key.utf8), using: secret))
  }
}
