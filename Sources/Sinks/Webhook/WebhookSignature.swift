// The signature of an outbound webhook (Standard Webhooks 1.0.0, scheme v1).

import Crypto
import Foundation

/// Signs `id.timestamp.body` with HMAC-SHA256.
public enum WebhookSignature {
  /// The value of `webhook-signature`: one `v1,<base64>` per secret, separated by blanks, so that a receiver may
  /// verify with the old or the new one while a secret is rotated.
  /// - Parameters:
  ///   - id: the event's id, the same on every attempt; holds no `.`.
  ///   - timestamp: Unix seconds of this attempt.
  ///   - body: the bytes exactly as they are sent.
  ///   - secrets: raw keys, newest first.
  public static func header(id: String, timestamp: Int64, body: [UInt8], secrets: [[UInt8]]) -> String {
    var signed = Array("\(id).\(timestamp).".utf8)
    signed.reserveCapacity(signed.count + body.count)
    signed.append(contentsOf: body)
    return secrets.map { secret in
      let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: secret))
      return "v1," + Data(code).base64EncodedString()
    }.joined(separator: " ")
  }
}
