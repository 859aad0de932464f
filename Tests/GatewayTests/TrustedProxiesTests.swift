// Who is behind a proxy, and who only says so.

import ChannelProtocol
import Foundation
import HTTPTypes
import Sinks
import Testing

@testable import Gateway

@Suite("Trusted proxies")
struct TrustedProxiesTests {
  private static let proxies = TrustedProxies(
    ["10.0.0.0/8", "2001:db8:ffff::/48", "::1"].compactMap { AddressBlock($0) })

  private func client(_ peer: String?, _ fields: [(String, String)] = [], _ proxies: TrustedProxies = proxies) -> String
  {
    var headers = HTTPFields()
    for (name, value) in fields { headers.append(HTTPField(name: HTTPField.Name(name)!, value: value)) }
    return proxies.client(peer: peer, fields: headers).map { "\($0)" } ?? "none"
  }

  @Test("nobody's word is taken unless the configuration says so")
  func nobody() {
    let forged = [("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.1")]
    #expect(client("203.0.113.9", forged) == "203.0.113.9")
    #expect(client("10.1.2.3", forged, TrustedProxies()) == "10.1.2.3")
    #expect(client(nil, forged) == "none" && client("no address", forged) == "none")
  }

  @Test(
    "the client is the first address from the right that is no trusted proxy's",
    arguments: [
      ("192.0.2.1", "192.0.2.1"), ("1.1.1.1, 192.0.2.1", "192.0.2.1"), ("1.1.1.1,192.0.2.1 , 10.9.9.9", "192.0.2.1"),
      ("10.0.0.7", "10.0.0.7"), ("10.0.0.8, 10.0.0.7", "10.0.0.8"), ("192.0.2.1:4711", "192.0.2.1"),
      ("2001:DB8::17", "2001:db8::17"), ("[2001:db8::17]:4711", "2001:db8::17"), ("[2001:db8::17]", "2001:db8::17"),
      ("1.1.1.1, 2001:db8:ffff::5", "1.1.1.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("unknown", "10.1.2.3"),
      ("192.0.2.1, unknown", "10.1.2.3"), ("192.0.2.1, unknown, 10.0.0.7", "10.0.0.7"), ("", "10.1.2.3"),
      ("192.0.2.1,", "10.1.2.3"), ("300.1.1.1", "10.1.2.3"), ("[2001:db8::17", "10.1.2.3"),
    ])
  func forwardedFor(header: String, client expected: String) {
    #expect(client("10.1.2.3", [("X-Forwarded-For", header)]) == expected)
  }

  @Test(
    "Forwarded says the same in its own form",
    arguments: [
      ("for=192.0.2.1", "192.0.2.1"), ("for=192.0.2.1;proto=https;by=10.0.0.1", "192.0.2.1"),
      ("proto=https; For=\"192.0.2.1:80\"", "192.0.2.1"), ("for=\"[2001:db8::17]:4711\"", "2001:db8::17"),
      ("for=1.1.1.1, for=192.0.2.1, for=10.9.9.9", "192.0.2.1"), ("for=_hidden", "10.1.2.3"),
      ("proto=https", "10.1.2.3"),
      ("for=192.0.2.1, for=unknown", "10.1.2.3"), ("for=\"", "10.1.2.3"),
    ])
  func forwarded(header: String, client expected: String) {
    #expect(client("10.1.2.3", [("Forwarded", header)]) == expected)
  }

  @Test("several lines of a header are one list; a proxy over IPv6 is one too, with its zone or without")
  func lines() {
    let lines = [("X-Forwarded-For", "1.1.1.1"), ("X-Forwarded-For", "192.0.2.1, 10.0.0.2")]
    #expect(client("2001:db8:ffff::1", lines) == "192.0.2.1")
    #expect(client("::1", lines) == "192.0.2.1" && client("2001:db8:ffff::1%eth0", lines) == "192.0.2.1")
    #expect(client("2001:db8:fffe::1", lines) == "2001:db8:fffe::1")
    #expect(client("::ffff:10.0.0.1", lines) == "192.0.2.1")
  }

  @Test("where the two headers differ, one is made up, and the proxy itself counts")
  func both() {
    let alike = [("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.1")]
    #expect(client("10.1.2.3", alike) == "192.0.2.1")
    #expect(client("10.1.2.3", [("X-Forwarded-For", "192.0.2.1"), ("Forwarded", "for=192.0.2.2")]) == "10.1.2.3")
  }

  @Test("a chain without end is read to a bound")
  func bound() {
    let long = (["192.0.2.1"] + Array(repeating: "10.0.0.1", count: 100)).joined(separator: ",")
    #expect(client("10.1.2.3", [("X-Forwarded-For", long)]) == "10.0.0.1")
  }

  @Test("what is no address is refused where it stands; nothing written trusts nobody")
  func configuration() throws {
    func parse(_ proxies: String) throws -> [AddressBlock] {
      let text = """
        server: { trustedProxies: \(proxies) }
        accounts: [{ id: main, accountSID: sandbox }]
        channels: [{ id: sms, type: sms, from: ["+15005550006"] }]
        """
      let parts = OptionFile.parts
      return try GatewayConfiguration.parse(text, file: "channels.yaml", environment: [:], schema: parts.schema).server
        .trustedProxies
    }
    #expect(try parse(#"["10.0.0.0/8", "", "2001:db8::/32"]"#).count == 2)
    #expect(try parse("[]").isEmpty)
    for wrong in ["[10.0.0.0/33]", "[proxy.example]", "[10.0.0]"] {
      let error = #expect(throws: ConfigurationError.self) { try parse(wrong) }
      #expect(
        "\(error.map { "\($0)" } ?? "")".contains("trustedProxies must be addresses such as 10.0.0.0/8"), "\(wrong)")
    }
  }
}
