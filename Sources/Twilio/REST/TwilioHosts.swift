// Where Twilio's products are, and which hosts its media may come from.

public enum TwilioProduct: String, Sendable, Hashable, CaseIterable { case api, content, messaging }

/// Builds the URLs of Twilio's products, `https://{product}.{edge}.{region}.twilio.com` or one base for all.
public struct TwilioHosts: Sendable, Hashable {
  private let override: String?
  private let edge: String?
  private let region: String?

  /// - Parameters:
  ///   - baseURL: Replaces scheme and host of every product, media included; empty: none.
  ///   - edge: `dublin`, …; without a region `us1` is meant, as in Twilio's own libraries.
  ///   - region: `ie1`, …; credentials are those of the region.
  public init(baseURL: String? = nil, edge: String? = nil, region: String? = nil) {
    var base = baseURL ?? ""
    while base.hasSuffix("/") { base.removeLast() }
    override = base.isEmpty ? nil : base
    self.edge = edge
    self.region = edge != nil && region == nil ? "us1" : region
  }

  /// Without a trailing slash.
  public func baseURL(of product: TwilioProduct) -> String {
    if let override { return override }
    let parts = [product.rawValue, edge, region, "twilio.com"].compactMap { $0 }
    return "https://\(parts.joined(separator: "."))"
  }

  /// The URL to fetch a file from, in place of one that a webhook named: nil where it is not Twilio's.
  /// Only Twilio's API may be the first hop, and of it only a file of a message of the account's: it is given our
  /// credentials.
  func mediaURL(_ url: String, account: String) -> String? {
    guard let parts = SplitURL(url), Self.isMedia(parts.target, of: account), parts.userInfo == nil else { return nil }
    if let override { return override + parts.target }
    let host = parts.host.lowercased()
    guard parts.scheme.lowercased() == "https", parts.port == nil || parts.port == "443",
      host == "api.twilio.com" || (host.hasPrefix("api.") && host.hasSuffix(".twilio.com"))
    else { return nil }
    return url
  }

  /// `/2010-04-01/Accounts/AC…/Messages/MM…/Media/ME…`, of every channel (FACTS section 4).
  private static func isMedia(_ target: some StringProtocol, of account: String) -> Bool {
    let steps = target.split(separator: "/", omittingEmptySubsequences: false)
    guard steps.count == 8, steps[0].isEmpty, steps[1] == "2010-04-01", steps[2] == "Accounts", steps[3] == account,
      steps[4] == "Messages", steps[6] == "Media"
    else { return false }
    return [steps[5], steps[7]].allSatisfy { sid in
      !sid.isEmpty
        && sid.unicodeScalars.allSatisfy {
          $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
        }
    }
  }

  /// Where a redirect of the API leads, for one hop without credentials: nil where the host is none of those Twilio
  /// keeps media at, so that no answer can make us fetch from inside our own network.
  func redirectURL(_ location: String) -> String? {
    if location.hasPrefix("/"), !location.hasPrefix("//") { return baseURL(of: .api) + location }
    guard let parts = SplitURL(location), parts.target.hasPrefix("/"), parts.userInfo == nil else { return nil }
    if let override { return override + parts.target }
    let host = parts.host.lowercased()
    guard parts.scheme.lowercased() == "https", parts.port == nil || parts.port == "443",
      [".twiliocdn.com", ".twilio.com", ".amazonaws.com"].contains(where: { host.hasSuffix($0) })
    else { return nil }
    return location
  }
}
