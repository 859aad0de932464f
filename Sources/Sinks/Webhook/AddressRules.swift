// Which addresses an outbound webhook may reach: the guard against server-side request forgery.

public import ChannelProtocol

/// Public addresses, and those that the configuration allows besides.
public struct AddressRules: Sendable, Hashable {
  private let allowed: [AddressBlock]

  /// - Parameter allow: blocks (`10.0.0.0/8`), single addresses, or the word `loopback`; a string may hold several,
  ///   separated by commas; empty ones are ignored.
  /// - Throws: all that is anything else.
  public init(allow: [String] = []) throws(ConfigurationProblems) {
    var blocks: [AddressBlock] = []
    var problems: [ConfigurationProblem] = []
    let words = allow.enumerated().flatMap { index, text in text.split(separator: ",").map { (index, $0) } }
    for (index, word) in words {
      let word = word.drop { $0 == " " }.prefix { $0 != " " }
      if word.isEmpty { continue }
      if word == "loopback" {
        blocks += [
          AddressBlock(base: .v4(0x7F00_0000), prefixLength: 8), AddressBlock(base: .v6(1), prefixLength: 128),
        ]
      } else if let block = AddressBlock(word) {
        blocks.append(block)
      } else {
        problems.append(
          ConfigurationProblem(
            path: ["allow", "\(index)"],
            "\"\(word)\" is no address, no block such as 10.0.0.0/8, and not the word loopback."))
      }
    }
    try ConfigurationProblems.check(problems)
    allowed = blocks
  }

  /// Whether a connection may be made to `address`. An IPv4-mapped address is judged as the IPv4 address it is.
  public func permits(_ address: IPAddress) -> Bool {
    let address = address.unwrapped
    if allowed.contains(where: { $0.contains(address) }) { return true }
    switch address {
    case .v4: return !Self.blockedV4.contains { $0.contains(address) }
    case .v6:
      // Only 2000::/3 is given out as global unicast; the list holds what is special inside of it and what is named.
      return Self.globalV6.contains(address) && !Self.blockedV6.contains { $0.contains(address) }
    }
  }

  /// Whether `url` may be called as far as its text tells: false where its host is an address that is not permitted.
  public func permits(_ url: EndpointURL) -> Bool {
    if case .address(let address) = url.host { permits(address) } else { true }
  }

  private static let blockedV4 = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4",
  ].compactMap { AddressBlock($0) }

  private static let globalV6 = AddressBlock(base: .v6(0x2000 << 112), prefixLength: 3)

  /// 2001::/23 holds Teredo, which wraps an IPv4 address, and other protocol assignments.
  private static let blockedV6 = [
    "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8", "100::/64", "2001::/23", "2001:db8::/32", "3fff::/20",
    "2002::/16", "64:ff9b::/96", "64:ff9b:1::/48", "5f00::/16",
  ].compactMap { AddressBlock($0) }
}
