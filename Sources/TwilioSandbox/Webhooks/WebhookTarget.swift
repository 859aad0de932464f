// A webhook URL taken apart: what is requested and signed, who signs in, and the overrides in its fragment.

#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

/// An absolute http or https URL whose host has no underscore.
struct WebhookTarget: Sendable, Equatable {
  /// Twilio's connection overrides (`#rc=2&rp=4xx,5xx,ct,rt&ct=…&rt=…&tt=…`).
  struct Overrides: Sendable, Equatable {
    /// Why a delivery is tried again.
    enum Reason: String, Sendable {
      case clientError = "4xx"
      case serverError = "5xx"
      case connect = "ct"
      case read = "rt"
    }

    /// Retries after the first try, 0 to 5.
    var retries = 1
    var reasons: Set<Reason> = [.connect]
    /// Milliseconds; nil: the sandbox's own settings.
    var readTimeout: Int?
    var totalTimeout: Int?
  }

  /// Without fragment and credentials, otherwise untouched: what is requested, and what is signed.
  var url: String
  /// `user:password`, for Basic authentication.
  var credentials: String?
  var overrides: Overrides

  init?(_ text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "#"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let first = parts.first, let whole = String(first), let scheme = Self.scheme(of: whole) else { return nil }
    let rest = whole.dropFirst(scheme.count)
    let authority = rest.prefix { !"/?\\".contains($0) }
    let at = authority.lastIndex(of: "@")
    let hostAndPort = at.map { authority[authority.index(after: $0)...] } ?? authority
    let host = Self.host(of: hostAndPort)
    guard !host.isEmpty, !host.contains("_"), !whole.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7f }) else {
      return nil
    }
    credentials = at.map { String(authority[..<$0]) }
    url = scheme + hostAndPort + rest.dropFirst(authority.count)
    overrides = parts.count > 1 ? Self.overrides(String(parts[1]) ?? "") : Overrides()
  }

  private static func scheme(of url: String) -> String? {
    for scheme in ["https://", "http://"] where url.lowercased().hasPrefix(scheme) {
      return String(url.prefix(scheme.count))
    }
    return nil
  }

  /// The host without its port; an IPv6 address keeps its brackets.
  private static func host(of hostAndPort: Substring) -> Substring {
    if hostAndPort.hasPrefix("["), let end = hostAndPort.firstIndex(of: "]") { return hostAndPort[...end] }
    return hostAndPort.prefix { $0 != ":" }
  }

  /// Values outside Twilio's ranges are left alone, as its debugger warnings do.
  private static func overrides(_ fragment: String) -> Overrides {
    let fields = FormFields(decoding: fragment)
    var overrides = Overrides()
    if let retries = fields["rc"].flatMap(Int.init), (0...5).contains(retries) { overrides.retries = retries }
    if let policy = fields["rp"] {
      let words = policy.split(separator: ",").map(String.init)
      overrides.reasons =
        words.contains("all")
        ? [.clientError, .serverError, .connect, .read] : Set(words.compactMap(Overrides.Reason.init))
    }
    func milliseconds(_ name: String) -> Int? {
      fields[name].flatMap(Int.init).flatMap { (100...15000).contains($0) ? $0 : nil }
    }
    overrides.readTimeout = milliseconds("rt")
    overrides.totalTimeout = milliseconds("tt")
    return overrides
  }

  /// `Basic …`
  var authorization: String? {
    credentials.map { "Basic " + Data($0.utf8).base64EncodedString() }
  }
}
