// X-Twilio-Signature: whether a request is Twilio's (twilio.com/docs/usage/security; FACTS section 10).

public import ChannelProtocol
import Crypto

/// The keys of one account, made ready once, and the check of a request against them.
///
/// The signature has no time stamp and covers no header: a captured request stays valid, so what is received must be
/// told apart by its own ids.
public struct RequestSignature: Sendable {
  /// What of a request's body is signed.
  public enum SignedBody: Sendable {
    /// A form posted: its fields are part of the signed text.
    case form(FormFields)
    /// A GET: the parameters are in the URL already.
    case none
    /// JSON, or anything else: the URL's first `bodySHA256` names the digest of these bytes.
    case digest([UInt8])
  }

  private enum Key: Sendable {
    case sha1(HMAC<Insecure.SHA1>)
    case sha256(HMAC<SHA256>)
  }

  /// Keyed once: a copy of the state is cheaper than two more blocks hashed for every request.
  private let tokens: [Key]
  private let sharedKeys: [String: Secret]

  /// - Parameters:
  ///   - tokens: The account's auth tokens, every one valid; empty ones are left out, for anybody can sign with them.
  ///   - sharedKeys: Keys of the newer scheme by their id (`webhooks_sharedkey_…`).
  public init(tokens: [Secret], sharedKeys: [String: Secret] = [:]) {
    self.tokens = tokens.filter { !$0.plaintext.isEmpty }
      .map { .sha1(HMAC(key: SymmetricKey(data: Array($0.plaintext.utf8)))) }
    self.sharedKeys = sharedKeys.filter { !$0.value.plaintext.isEmpty }
  }

  /// - Parameters:
  ///   - signature: The header `X-Twilio-Signature`.
  ///   - settings: The header `X-Twilio-Webhooks-Signature-Settings`; it names a shared key and the algorithm, and
  ///     without it an auth token and HMAC-SHA1 are meant. What it names decides alone: there is no way back to a token.
  ///   - url: The public URL as configured with the request's raw target, nothing decoded.
  public func isValid(_ signature: String?, settings: String? = nil, url: String, body: SignedBody) -> Bool {
    guard let signature, !signature.isEmpty else { return false }
    let keys = keys(for: settings)
    guard !keys.isEmpty else { return false }
    let expected = Array(signature.utf8)
    var suffix: [UInt8] = []
    switch body {
    case .form(let fields):
      guard !fields.isTruncated else { return false }
      suffix.reserveCapacity(fields.storage.count)
      fields.appendCanonical(to: &suffix)
    case .none: break
    case .digest(let bytes):
      guard let target = SplitURL(url)?.target, Self.hasDigest(of: bytes, in: target) else { return false }
    }
    // As it stands is nearly always as it was signed: it is not even taken apart until that has failed.
    if Self.isSigned(url, suffix, expected, keys) { return true }
    guard let parts = SplitURL(url) else { return false }
    for index in 0..<SplitURL.spellingCount {
      guard let spelling = parts.spelling(index), spelling != url else { continue }
      if Self.isSigned(spelling, suffix, expected, keys) { return true }
    }
    return false
  }

  private static func isSigned(_ url: String, _ suffix: [UInt8], _ expected: [UInt8], _ keys: [Key]) -> Bool {
    var text: [UInt8] = []
    text.reserveCapacity(url.utf8.count + suffix.count)
    text.append(contentsOf: url.utf8)
    text.append(contentsOf: suffix)
    return keys.contains { constantTimeEqual(code(of: text, $0), expected) }
  }

  private func keys(for settings: String?) -> [Key] {
    guard let settings, !settings.isEmpty else { return tokens }
    var keyID: Substring?
    var algorithm = "HMAC_SHA1"
    for part in settings.split(separator: ",") {
      guard let equals = part.firstIndex(of: "=") else { continue }
      let value = part[part.index(after: equals)...].trimmingBlanks()
      switch part[..<equals].trimmingBlanks() {
      case "key": keyID = value
      case "algorithm": algorithm = value.uppercased()
      default: break
      }
    }
    guard let keyID else { return algorithm == "HMAC_SHA1" ? tokens : [] }
    guard let secret = sharedKeys[String(keyID)] else { return [] }
    let key = SymmetricKey(data: Array(secret.plaintext.utf8))
    switch algorithm {
    case "HMAC_SHA1": return [.sha1(HMAC(key: key))]
    case "HMAC_SHA256": return [.sha256(HMAC(key: key))]
    default: return []
    }
  }

  /// Base64, as the header has it.
  private static func code(of text: [UInt8], _ key: Key) -> [UInt8] {
    switch key {
    case .sha1(var code):
      code.update(data: text)
      return Base64.encode(code.finalize())
    case .sha256(var code):
      code.update(data: text)
      return Base64.encode(code.finalize())
    }
  }

  private static func hasDigest(of body: [UInt8], in target: Substring) -> Bool {
    guard let question = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return false }
    let query = FormFields(urlEncoded: Array(target.utf8[target.utf8.index(after: question)...]))
    guard let claimed = query.bytes(of: "bodySHA256") else { return false }
    let digits = Array("0123456789abcdef".utf8)
    let digest = SHA256.hash(data: body).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 0xF)]] }
    return constantTimeEqual(digest, Array(claimed))
  }

  /// Takes the same time wherever two texts of one length differ.
  private static func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
  }
}

extension Substring {
  fileprivate func trimmingBlanks() -> Substring {
    var text = drop { $0 == " " || $0 == "\t" }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
  }
}
