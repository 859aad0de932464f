// The template that a window's policy names is looked at when it comes to be known, not when somebody needs it.

import ChannelProtocol
import GatewayTesting
import Logging
import Storage
import Synchronization
import Testing

@testable import Gateway

@Suite("Templates that texts fall back to")
struct FallbackTemplateTests {
  private static let fallback = FallbackTemplate(channelID: "whatsapp", accountSID: "AC1", sid: "HX1")

  private static func record(
    _ body: String, sid: String = "HX1", variables: [String: String] = [:], status: String? = nil
  ) -> TemplateRecord {
    TemplateRecord(
      sid: sid, name: "fallback", language: "en", types: ["twilio/text": ["body": .string(body)]],
      variables: variables, approval: .init(status: status))
  }

  @Test("it must be there, take the text as its only variable, and be approved where that is known")
  func problems() {
    let cases: [([TemplateRecord], String?)] = [
      ([Self.record("You have news: {{1}}!")], nil),
      ([Self.record("You have news: {{1}}!", status: "approved")], nil),
      ([], "The account has no template HX1."),
      ([Self.record("{{1}}", sid: "HX2")], "The account has no template HX1."),
      (
        [Self.record("Hello {{name}}, {{1}}, {{2}}!")],
        "The template HX1 needs further variables than 1, which is the text: 2, name."
      ),
      ([Self.record("Hello!")], "The template HX1 has no variable 1 for the text."),
      (
        [Self.record("News: {{1}}!", status: "paused")],
        "The template HX1 is paused at WhatsApp: outside the window only an approved one can be sent."
      ),
    ]
    for (templates, problem) in cases { #expect(Self.fallback.problem(among: templates) == problem) }
  }

  @Test("each sync tells of one that cannot be sent, for the account's own channels")
  func told() async throws {
    let database = try await ThrowawayDatabase.make()
    let store = PostgresMessageStore(
      configuration: database.configuration, context: ResourceContext(publicURL: "http://localhost"),
      logger: ThrowawayDatabase.silentLogger)
    try store.start()
    let lines = LineCollector()
    var logger = Logger(label: "test") { _ in CollectingLogHandler(lines: lines) }
    logger.logLevel = .warning
    let catalog = TemplateSync.Catalog(accountSID: "AC1") { () async throws(SendFailure) in [Self.record("Hello!")] }
    let sync = TemplateSync(
      store: store, catalogs: [catalog], clock: SystemClock(), logger: logger,
      fallbacks: [Self.fallback, FallbackTemplate(channelID: "other", accountSID: "AC2", sid: "HX9")])
    let result = await Result { try await sync.syncNow() }
    await store.close()
    try? await database.drop()
    _ = try result.get()
    #expect(
      lines.all == [
        "texts outside the window will be refused whatsapp The template HX1 has no variable 1 for the text."
      ])
  }
}

private final class LineCollector: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct CollectingLogHandler: LogHandler {
  let lines: LineCollector
  var metadata: Logger.Metadata = [:]
  var logLevel: Logger.Level = .warning

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let own = event.metadata ?? [:]
    lines.add("\(event.message) \(own["channel"].map { "\($0)" } ?? "-") \(own["problem"].map { "\($0)" } ?? "-")")
  }
}

extension Result where Failure == any Error {
  fileprivate init(_ work: () async throws -> Success) async {
    do { self = .success(try await work()) } catch { self = .failure(error) }
  }
}
