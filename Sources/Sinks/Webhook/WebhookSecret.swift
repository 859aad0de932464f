// An endpoint's signing secret and its text form (Standard Webhooks 1.0.0).

import Foundation

/// A secret as raw key bytes; shown as `whsec_` and base64. Its descriptions never show it.
public struct WebhookSecret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible {
  /// The key of the HMAC.
  public let key: [UInt8]

  private static let prefix = "whsec_"

  /// - Returns: nil for an empty key.
  public init?(key: [UInt8]) {
    guard !key.isEmpty else { return nil }
    self.key = key
  }

  /// Reads base64, padded or not, with the prefix `whsec_` or without it; nil for anything else and for no bytes.
  public init?(_ text: some StringProtocol) {
    var base64 = text.hasPrefix(Self.prefix) ? String(text.dropFirst(Self.prefix.count)) : String(text)
    let missing = (4 - base64.utf8.count % 4) % 4
    guard missing < 3 else { return nil }
    base64 += String(repeating: "=", count: missing)
    guard let bytes = Data(base64Encoded: base64) else { return nil }
    self.init(key: Array(bytes))
  }

  /// A new secret of 32 random bytes.
  public static func random() -> WebhookSecret {
    var generator = SystemRandomNumberGenerator()
    return WebhookSecret(bytes: (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
  }

  private init(bytes: [UInt8]) { key = bytes }

  /// `whsec_…`, for the one answer that shows it.
  public var plaintext: String { Self.prefix + Data(key).base64EncodedString() }

  public var description: String { "[secret]" }
  public var debugDescription: String { "[secret]" }
}
