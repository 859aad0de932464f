// Attempts over TLS: who is trusted, and for which name.

import ChannelProtocol
import Foundation
import NIOSSL
import Testing

@testable import Sinks

@Suite("webhook TLS")
struct WebhookTLSTests {
  /// A certificate for hook.test and 127.0.0.1 that signs itself, made with the system's `openssl`.
  private struct Certificate {
    let directory: URL
    var file: String { directory.appendingPathComponent("certificate.pem").path }
    var key: String { directory.appendingPathComponent("key.pem").path }

    static let tool = ["/usr/bin/openssl", "/usr/local/bin/openssl", "/opt/homebrew/bin/openssl"].first {
      FileManager.default.isExecutableFile(atPath: $0)
    }

    init() async throws {
      directory = FileManager.default.temporaryDirectory.appendingPathComponent("webhook-tls-\(UUID().uuidString)")
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      let process = Process()
      process.executableURL = URL(fileURLWithPath: try #require(Self.tool))
      process.arguments = [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
        "/CN=hook.test", "-addext", "subjectAltName=DNS:hook.test,IP:127.0.0.1", "-keyout", key, "-out", file,
      ]
      process.standardError = FileHandle.nullDevice
      process.standardOutput = FileHandle.nullDevice
      // Not `waitUntilExit`: it would hold one of the pool's threads.
      let ended = AsyncStream.makeStream(of: Void.self)
      process.terminationHandler = { _ in ended.continuation.finish() }
      try process.run()
      for await _ in ended.stream {}
      try #require(process.terminationStatus == 0)
    }

    func serverContext() throws -> NIOSSLContext {
      try NIOSSLContext(
        configuration: .makeServerConfiguration(
          certificateChain: try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) },
          privateKey: .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))))
    }

    func remove() { try? FileManager.default.removeItem(at: directory) }
  }

  private static func resolver() -> HostResolver { HostResolver { _ in [.v4(0x7F00_0001)] } }

  @Test(
    "a trusted certificate counts for the names it holds, and for no others", .enabled(if: Certificate.tool != nil),
    arguments: [("hook.test", true), ("127.0.0.1", true), ("other.test", false), ("hook.test.evil.test", false)])
  func names(host: String, isTrusted: Bool) async throws {
    let certificate = try await Certificate()
    defer { certificate.remove() }
    let server = try await WebhookScriptedServer(tls: certificate.serverContext()) { _, _ in .status(200) }
    defer { server.close() }
    let configuration = WebhookFixtures.configuration(authorities: certificate.file)
    try await WebhookFixtures.withSender(configuration, resolver: Self.resolver()) { sender in
      let endpoint = WebhookFixtures.endpoint("https://\(host):\(server.port)/")
      let attempt = await sender.attempt(endpoint, event: WebhookFixtures.event(1))
      #expect(attempt.status == (isTrusted ? 200 : nil))
      #expect(attempt.error == (isTrusted ? nil : "tls_failed"))
      if isTrusted {
        #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(2)).status == 200)
        #expect(server.connections == 1)
      } else {
        #expect(server.requests.isEmpty)
      }
    }
  }

  @Test(
    "a certificate's name matches the host, one label by a wildcard, and nothing wider",
    arguments: [
      ("hook.test", "hook.test", true), ("HOOK.test.", "hook.test", true), ("*.hook.test", "a.hook.test", true),
      ("*.hook.test", "hook.test", false), ("*.hook.test", "a.b.hook.test", false), ("*.test", "hook.test", false),
      ("*", "hook", false), ("a*.hook.test", "ab.hook.test", false), ("hook.test", "evil-hook.test", false),
      ("", "hook.test", false), ("*.hook.test", ".hook.test", false),
    ])
  func patterns(pattern: String, host: String, isMatch: Bool) {
    #expect(CertificateNames.matches(pattern, host: host) == isMatch)
  }

  @Test("a certificate nobody vouches for is refused", .enabled(if: Certificate.tool != nil))
  func untrusted() async throws {
    let certificate = try await Certificate()
    defer { certificate.remove() }
    let server = try await WebhookScriptedServer(tls: certificate.serverContext()) { _, _ in .status(200) }
    defer { server.close() }
    try await WebhookFixtures.withSender(resolver: Self.resolver()) { sender in
      let endpoint = WebhookFixtures.endpoint("https://hook.test:\(server.port)/")
      #expect(await sender.attempt(endpoint, event: WebhookFixtures.event(1)).error == "tls_failed")
      #expect(server.requests.isEmpty)
    }
  }

  @Test("a server that speaks no TLS fails as TLS does, and gets no request")
  func plain() async throws {
    let server = try await WebhookScriptedServer { _, _ in .status(200) }
    defer { server.close() }
    try await WebhookFixtures.withSender(resolver: Self.resolver()) { sender in
      let endpoint = WebhookFixtures.endpoint("https://hook.test:\(server.port)/")
      let attempt = await sender.attempt(endpoint, event: WebhookFixtures.event(1))
      #expect(["tls_failed", "connection_failed"].contains(attempt.error))
      #expect(server.requests.isEmpty)
    }
  }

  @Test("authorities that cannot be read end the start")
  func missingAuthorities() {
    #expect(throws: ConfigurationProblem.self) {
      try WebhookSender(
        configuration: WebhookFixtures.configuration(authorities: "/nowhere/authorities.pem"), clock: SystemClock())
    }
  }
}
