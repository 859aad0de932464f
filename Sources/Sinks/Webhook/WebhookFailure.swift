// What an exchange with an endpoint can end in.

/// Why there was no answer; the raw value is the word an attempt is recorded with.
enum WebhookFailure: String, Error, Sendable, Hashable, CaseIterable {
  case invalidURL = "invalid_url"
  case unresolvedHost = "unresolved_host"
  /// Every address of the host is one that outbound webhooks may not reach.
  case blockedAddress = "blocked_address"
  /// Not connected, or closed before any byte of an answer.
  case connectionFailed = "connection_failed"
  case tlsFailed = "tls_failed"
  case timeout
  /// The head of the answer exceeds every limit; a long body is no failure, it is cut.
  case tooLarge = "too_large"
  /// Bytes came that are no HTTP answer.
  case badResponse = "bad_response"
  /// The gateway stopped meanwhile.
  case interrupted
}

/// The head of an answer and the beginning of its body.
struct HTTPAnswer: Sendable, Hashable {
  var status: Int
  /// The value of `Retry-After`.
  var retryAfter: String?
  /// At most ``HTTPExchange/excerptLimit`` bytes.
  var excerpt: [UInt8] = []

  /// The excerpt as text that any database keeps: valid UTF-8, no NUL, no character cut in half at the end.
  var text: String? {
    if excerpt.isEmpty { return nil }
    var text = String(decoding: excerpt.filter { $0 != 0 }, as: UTF8.self)
    if excerpt.count == HTTPExchange.excerptLimit, text.unicodeScalars.last == "\u{FFFD}" {
      text.unicodeScalars.removeLast()
    }
    return text
  }
}
