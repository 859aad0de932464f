// Whether a certificate is for the host that was asked for.

import NIOCore
import NIOSSL

/// Host names against the DNS names of a certificate (RFC 9525 section 6.3).
///
/// NIOSSL's own check also takes a certificate that names the connected IP address, whatever host was asked for.
/// Whoever can forge a DNS answer may point the name at an address of theirs and hold an honest certificate for that
/// address; so for a name, a DNS name must match as well.
enum CertificateNames {
  /// - Parameters:
  ///   - pattern: a DNS name of the certificate; `*` may stand for the whole first label.
  ///   - host: lower case, without a trailing dot.
  static func matches(_ pattern: some StringProtocol, host: String) -> Bool {
    var pattern = pattern.lowercased()
    if pattern.hasSuffix(".") { pattern.removeLast() }
    if !pattern.hasPrefix("*.") { return pattern.utf8.elementsEqual(host.utf8) }
    let parent = pattern.dropFirst()
    // `*.example.com` yes, `*.com` no: a whole top-level domain is nobody's.
    guard parent.dropFirst().contains("."), let dot = host.firstIndex(of: "."), dot > host.startIndex
    else { return false }
    return parent.utf8.elementsEqual(host[dot...].utf8)
  }

  /// A TLS handler for `host` that demands a matching DNS name besides all that NIOSSL checks.
  static func handler(context: NIOSSLContext, host: String) throws -> NIOSSLClientHandler {
    // The underscored calls are the only way to a certificate's names that NIOSSL offers.
    try NIOSSLClientHandler._makeSSLClientHandler(context: context, serverHostname: host) { certificate, channel in
      let isMatch = certificate._subjectAlternativeNames().contains { name in
        name.nameType == .dnsName && matches(String(decoding: name.contents, as: UTF8.self), host: host)
      }
      return isMatch
        ? channel.eventLoop.makeSucceededVoidFuture() : channel.eventLoop.makeFailedFuture(WebhookFailure.tlsFailed)
    }
  }
}
