// The header fields of an outbound webhook: ours first, the endpoint's own beside them.

/// Which header fields an attempt carries.
public enum WebhookHeaders {
  /// Names that an endpoint's own headers may not use: what frames the request, and what we say about it.
  private static let reserved: Set<String> = [
    "connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive", "te",
    "trailer", "transfer-encoding", "upgrade", "user-agent",
  ]

  /// What is wrong with a header that an endpoint wants sent, as a sentence; nil: nothing.
  public static func problem(name: String, value: String) -> String? {
    guard !name.isEmpty, name.utf8.count <= 128, name.utf8.allSatisfy(isToken) else {
      return "A header's name is letters, digits and !#$%&'*+-.^_`|~, at most 128 of them."
    }
    let lowered = name.lowercased()
    guard !reserved.contains(lowered), !lowered.hasPrefix("webhook-"), !lowered.hasPrefix("proxy-") else {
      return "The header \(lowered) is set by the gateway."
    }
    guard value.utf8.count <= 4_096, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
      return "A header's value holds no control characters and at most 4096 bytes."
    }
    return nil
  }

  /// The fields of one attempt, in order. Own headers with a problem are left out: the API refuses them, but a row may
  /// be older than a rule.
  static func fields(
    id: String, timestamp: Int64, signature: String, custom: [String: String]
  ) -> [(name: String, value: String)] {
    var fields = [
      (name: "content-type", value: "application/json"), (name: "user-agent", value: "Fractal/0.1"),
      (name: "webhook-id", value: id), (name: "webhook-timestamp", value: String(timestamp)),
      (name: "webhook-signature", value: signature),
    ]
    for (name, value) in custom.sorted(by: { $0.key < $1.key }) where problem(name: name, value: value) == nil {
      fields.append((name: name, value: value))
    }
    return fields
  }

  /// RFC 9110 section 5.6.2.
  private static func isToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }
}
