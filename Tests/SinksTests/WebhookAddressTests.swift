// Which URLs are read as what, and which addresses may be reached.

import ChannelProtocol
import Sinks
import Testing

@Suite("webhook addresses")
struct WebhookAddressTests {
  static let blockedAddresses = [
    "0.0.0.0", "0.255.255.255", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1",
    "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
    "240.0.0.1", "255.255.255.255", "::", "::1", "fc00::1", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1",
    "100::1", "2001:db8::1", "3fff::1", "3fff:fff::1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b:1::1", "5f00::1",
    "2001::1", "2001:0:7f00:1::", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "::ffff:0:0", "4000::1", "e000::1",
  ]

  static let permittedAddresses = [
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.88.98.255", "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2001:200::1", "2001:db7:ffff::", "2003::1", "3ffe::1",
    "::ffff:8.8.8.8",
  ]

  @Test("an address that is not global is blocked", arguments: blockedAddresses)
  func blocked(text: String) throws {
    let address = try #require(IPAddress(text))
    #expect(try AddressRules().permits(address) == false)
  }

  @Test("a global address is permitted", arguments: permittedAddresses)
  func permitted(text: String) throws {
    let address = try #require(IPAddress(text))
    #expect(try AddressRules().permits(address))
  }

  @Test("the allow-list opens what it names and nothing beside it")
  func allowList() throws {
    let rules = try AddressRules(allow: ["", "10.1.0.0/16, loopback", "192.168.7.9,fd00:1::/32", " "])
    for text in ["10.1.2.3", "127.9.9.9", "::1", "192.168.7.9", "fd00:1:2::3", "::ffff:10.1.2.3", "::ffff:127.0.0.1"] {
      #expect(rules.permits(try #require(IPAddress(text))), "\(text)")
    }
    for text in ["10.2.0.1", "192.168.7.8", "fd00:2::1", "::2", "169.254.169.254"] {
      #expect(!rules.permits(try #require(IPAddress(text))), "\(text)")
    }
    let mapped = try AddressRules(allow: ["::ffff:10.0.0.0/104"])
    #expect(mapped.permits(try #require(IPAddress("10.200.0.1"))))
  }

  @Test(
    "a word that is no address ends the start", arguments: ["10.0.0.0/33", "10/8", "host", "::/129", "10.0.0.0/", "/8"])
  func badAllow(text: String) {
    #expect(throws: ConfigurationProblems.self) { try AddressRules(allow: [text]) }
  }

  @Test(
    "the one IPv4 address behind every spelling",
    arguments: [
      "http://127.0.0.1/", "http://127.0.0.1./", "http://127.1/", "http://2130706433/", "http://0x7f.0.0.1/",
      "http://0177.0.0.1/", "http://0x7F000001/", "http://017700000001/", "http://127.0.1", "HTTP://0177.0x0.1:80",
    ])
  func loopbackSpellings(text: String) throws {
    let url = try EndpointURL(text)
    #expect(url.host == .address(.v4(0x7F00_0001)))
    #expect(try AddressRules().permits(url) == false)
    #expect(url.authority == "127.0.0.1")
  }

  @Test(
    "URLs are taken apart",
    arguments: [
      ("https://Example.COM", "example.com", 443, "/", "example.com"),
      ("https://example.com.:8443/a/b?c=d#e", "example.com", 8443, "/a/b?c=d", "example.com:8443"),
      ("http://example.com:80?x", "example.com", 80, "/?x", "example.com"),
      ("http://example.com:/y", "example.com", 80, "/y", "example.com"),
      ("http://[::1]:8080/x", "::1", 8080, "/x", "[::1]:8080"),
      ("http://[::FFFF:7f00:1]/", "::ffff:127.0.0.1", 80, "/", "[::ffff:127.0.0.1]"),
      ("https://a_b.example/é", "a_b.example", 443, "/%C3%A9", "a_b.example"),
      ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
    ])
  func parts(text: String, host: String, port: Int, target: String, authority: String) throws {
    let url = try EndpointURL(text)
    #expect(url.hostText == host)
    #expect(url.port == port)
    #expect(url.target == target)
    #expect(url.authority == authority)
  }

  @Test(
    "what is no endpoint is refused for its reason",
    arguments: [
      ("", EndpointURLProblem.scheme), ("example.com", .scheme), ("ftp://example.com", .scheme),
      ("file:///etc/passwd", .scheme), ("http:/example.com", .malformed), ("http:example.com", .malformed),
      ("http://exa mple.com", .malformed), ("http://example.com\\@evil", .malformed), ("http://a\r\nb/", .malformed),
      ("http://user:pw@example.com", .userInfo), ("http://127.0.0.1@example.com", .userInfo), ("http://", .host),
      ("http:///x", .host), ("http://.", .host), ("http://a..b", .host), ("http://[::1", .host),
      ("http://[::1%25lo]/", .host),
      ("http://[127.0.0.1]/", .host), ("http://[::1]x/", .host), ("http://::1/", .host), ("http://256.0.0.1/", .host),
      ("http://1.2.3.4.5/", .host), ("http://4294967296/", .host), ("http://a.09/", .host), ("http://a.0x/", .host),
      ("http://bücher.example", .host), ("http://a%2eb/", .host), ("http://a:0/", .port), ("http://a:65536/", .port),
      ("http://a:+80/", .port), ("http://a:8a/", .port),
    ])
  func refused(text: String, problem: EndpointURLProblem) {
    #expect(throws: problem) { try EndpointURL(text) }
  }
}
