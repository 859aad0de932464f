// Keeps small secrets encrypted at rest.

import Crypto
import Foundation

/// AES-256-GCM under a key derived from `WEBHOOK_SIGNING_SECRET`; a sealed box is nonce, ciphertext and tag.
struct SecretBox: Sendable {
  private let key: SymmetricKey

  init(secret: [UInt8]) {
    key = HKDF<SHA256>.deriveKey(
      inputKeyMaterial: SymmetricKey(data: secret), info: Data("fractal webhook endpoint secrets".utf8),
      outputByteCount: 32)
  }

  func seal(_ plaintext: [UInt8]) throws -> [UInt8] {
    guard let sealed = try AES.GCM.seal(plaintext, using: key).combined else { throw CryptoKitError.incorrectKeySize }
    return Array(sealed)
  }

  /// nil where it was sealed under another key, or changed.
  func open(_ sealed: [UInt8]) -> [UInt8]? {
    guard let box = try? AES.GCM.SealedBox(combined: sealed), let plaintext = try? AES.GCM.open(box, using: key)
    else { return nil }
    return Array(plaintext)
  }
}
