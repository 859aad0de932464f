// Who is at the other end of a request that came through proxies: RFC 7239, and `X-Forwarded-For`.

import HTTPTypes
import Sinks

/// The proxies whose word is taken: `server.trustedProxies`. Nobody's: the peer itself is the client.
///
/// What a header says is believed from its right end on, as far as trusted proxies have written it: the first address
/// that is none of theirs is the client's, and whatever stands left of it anybody may have made up.
struct TrustedProxies: Sendable, Hashable {
  let blocks: [AddressBlock]

  /// Hops that are looked at; nobody has a longer chain.
  private static let reach = 32

  init(_ blocks: [AddressBlock] = []) { self.blocks = blocks }

  /// - Parameter peer: the address of the connection's other end; nil: it has none.
  func client(peer: String?, fields: HTTPFields) -> IPAddress? {
    // Without its zone, which names an interface of ours.
    guard let peer = peer.flatMap({ IPAddress($0.prefix { $0 != "%" }) })?.unwrapped else { return nil }
    guard isTrusted(peer) else { return peer }
    let told = [hops(inXForwardedFor: fields), hops(inForwarded: fields)].filter { !$0.isEmpty }
      .map { client(behind: peer, $0) }
    guard let client = told.first else { return peer }
    // A proxy writes one of the two, and hands the other on as it came: where they differ, one is made up.
    return told.allSatisfy { $0 == client } ? client : peer
  }

  private func isTrusted(_ address: IPAddress) -> Bool { blocks.contains { $0.contains(address) } }

  /// - Parameter hops: from the right; nil: one that is no address.
  private func client(behind peer: IPAddress, _ hops: [IPAddress?]) -> IPAddress {
    var client = peer
    for hop in hops {
      guard let hop else { break }
      client = hop
      guard isTrusted(hop) else { break }
    }
    return client
  }

  // MARK: Headers

  private func hops(inXForwardedFor fields: HTTPFields) -> [IPAddress?] {
    Self.elements(of: .xForwardedFor, in: fields).map(Self.address)
  }

  private func hops(inForwarded fields: HTTPFields) -> [IPAddress?] {
    Self.elements(of: .forwarded, in: fields).map { element in
      let node = element.split(separator: ";").lazy.map(Self.trimmed).first { $0.lowercased().hasPrefix("for=") }
      guard var text = node?.dropFirst(4) else { return nil }
      if text.first == "\"", text.last == "\"", text.count > 1 { text = text.dropFirst().dropLast() }
      return Self.address(text)
    }
  }

  /// The header's elements from the right, over all of its lines.
  private static func elements(of name: HTTPField.Name, in fields: HTTPFields) -> [Substring] {
    var elements: [Substring] = []
    for line in fields[values: name].reversed() {
      for element in line.split(separator: ",", omittingEmptySubsequences: false).reversed() {
        guard elements.count < reach else { return elements }
        elements.append(trimmed(element))
      }
    }
    return elements
  }

  /// An address, with a port or without: `192.0.2.1:80`, `[2001:db8::1]:80`, `2001:db8::1`.
  private static func address(_ text: Substring) -> IPAddress? {
    var text = text
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { return nil }
      text = text[text.index(after: text.startIndex)..<end]
    } else if text.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1 {
      text = text.prefix { $0 != ":" }
    }
    return IPAddress(text)?.unwrapped
  }

  private static func trimmed(_ text: Substring) -> Substring {
    let left = text.drop { $0 == " " || $0 == "\t" }
    return left.lastIndex { $0 != " " && $0 != "\t" }.map { left[...$0] } ?? ""
  }
}

extension HTTPField.Name {
  static let xForwardedFor = Self("X-Forwarded-For")!
  static let forwarded = Self("Forwarded")!
}
