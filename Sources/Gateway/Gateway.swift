// The engine, assembled: the way in, the way out, the log's reader, the sinks, and the API in front of them.

import ChannelProtocol
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import Metrics
import NIOCore
import Postgres
import ServiceLifecycle
import Sinks
import Storage
import UnixSignals

struct Gateway: Sendable {
  private let settings: GatewaySettings
  private let store: PostgresMessageStore
  private let services: APIServices
  private let webhooks: ProviderWebhooks
  private let journal: Journal
  private let tail: TailReader
  private let senders: SenderService
  private let media: MediaFetcher
  private let sinks: [any Sink]
  private let hasher: APIKeyHasher

  init(
    settings: GatewaySettings, directory: ChannelDirectory, store: PostgresMessageStore, journal: Journal,
    database: PostgresConfiguration, secrets: GatewaySecrets, publicURL: String
  ) async throws {
    self.settings = settings
    let metrics = settings.metrics
    self.store = store
    self.journal = journal
    let clock = settings.clock
    let logger = settings.logger
    hasher = APIKeyHasher(secret: secrets.apiKey)
    let authentication = Authentication(store: store, hasher: hasher)
    let shelf = MediaShelf(
      store: store, channels: directory, choice: settings.configuration.media.store,
      disk: MediaDirectory(path: settings.configuration.media.path))
    let links = MediaLinks(secret: secrets.apiKey, publicURL: publicURL)
    let intake = MessageIntake(store: store, directory: directory, clock: clock)
    services = APIServices(
      store: store, intake: intake, authentication: authentication, directory: directory, secrets: secrets.box,
      webhookAddresses: try WebhookAddressCheck(sinks: settings.configuration.sinks),
      templates: TemplateSync(store: store, catalogs: directory.templateCatalogs, clock: clock, logger: logger),
      media: MediaServices(
        answer: MediaAnswer(store: store, shelf: shelf, logger: logger), shelf: shelf, links: links),
      clock: clock)
    webhooks = ProviderWebhooks(
      directory: directory, store: store, journal: journal, clock: clock, logger: logger, metrics: metrics)
    // Enough for readers that are nearly up to date; whoever is further behind reads the table.
    let ring = EventRing(byteLimit: 3 << 20)
    tail = TailReader(
      store: store, ring: ring,
      listener: Listener(configuration: database, channels: ["fractal_events"], logger: logger), logger: logger,
      metrics: metrics)
    try await tail.prepare()
    senders = SenderService(
      lanes: directory.senders,
      context: SendingContext(
        store: store, directory: directory, publicURL: publicURL, policy: settings.sendPolicy, clock: clock,
        logger: logger, metrics: metrics, mediaLinks: links),
      ring: ring, node: clock.makeIdentifier())
    media = MediaFetcher(
      store: store, shelf: shelf, ring: ring, policy: settings.mediaPolicy, logger: logger, metrics: metrics)
    sinks = try Self.makeSinks(
      settings,
      SinkContext(
        ring: ring, log: store, deliveries: store,
        gateway: RealtimeBridge(authentication: authentication, intake: intake, logger: logger), clock: clock,
        logger: logger))
  }

  private static func makeSinks(_ settings: GatewaySettings, _ context: SinkContext) throws -> [any Sink] {
    var problems: [ConfigurationError.Located] = []
    var sinks: [any Sink] = []
    for entry in settings.configuration.sinks {
      do throws(ConfigurationProblem) {
        sinks.append(try settings.sinks.make(entry, context: context))
      } catch {
        problems.append(entry.locate(error))
      }
    }
    guard problems.isEmpty else { throw ConfigurationError(file: settings.configuration.file, problems: problems) }
    return sinks
  }

  /// On a laptop there is a key from the start: made once, kept beside the private database.
  /// - Returns: the file it is in; nil where the database is not ours.
  func firstKey(in state: StateDirectory) async throws -> String? {
    guard settings.configuration.database == .embedded else { return nil }
    let file = "\(state.path)/api-key"
    let kept = (try? String(contentsOfFile: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
    if let kept, try await store.key(hash: hasher.hash(kept)) != nil { return file }
    let key = APIKeyHasher.makeKey()
    let made = FileManager.default.createFile(
      atPath: file, contents: Data((key + "\n").utf8), attributes: [.posixPermissions: 0o600])
    guard made else { throw StartupFailure("cannot write \(file)") }
    try await store.createKey(
      APIKey(
        id: settings.clock.makeIdentifier(), name: "first key", scopes: Set(APIKey.Scope.allCases),
        createdAt: settings.clock.now()), hash: hasher.hash(key))
    return file
  }

  /// Serves until it is stopped; what takes requests is stopped first.
  func serve(
    host: String, port: Int, handlesSignals: Bool, ready: @escaping @Sendable () async -> Void
  ) async throws {
    let durations = RequestDurations(settings.metrics)
    let handlers = pipelineHandlers(durations)
    let application = Application(
      responder: responder(durations), server: .http1(configuration: .init(additionalChannelHandlers: handlers())),
      configuration: .init(address: .hostname(host, port: port), serverName: nil),
      onServerRunning: { _ in await ready() }, logger: Self.quiet(settings.logger))
    let drain = JournalDrain(journal: journal, webhooks: webhooks, logger: settings.logger)
    let maintenance = Maintenance(store: store, logger: settings.logger)
    let templates = self.services.templates
    let backlog = BacklogGauge(
      store: store, senders: services.directory.senders, metrics: settings.metrics, journal: journal,
      logger: settings.logger)
    // In the order of their start; a graceful shutdown goes through them backwards.
    var services: [any Service] = [
      Running("tail") { [tail] in try await tail.run() },
      Running("maintenance") { try await maintenance.run() },
      Running("backlog") { try await backlog.run() },
      Running("templates") { try await templates.run() },
    ]
    services += sinks.map { sink in Running("sink \(type(of: sink).type)") { try await sink.run() } }
    services.append(
      Running("senders") { [senders] in
        try await senders.run()
        await senders.release()
      })
    services.append(Running("media") { [media] in await media.run() })
    services.append(Running("journal") { try await drain.run() })
    services.append(application)
    var configuration = ServiceGroupConfiguration(
      services: services, gracefulShutdownSignals: handlesSignals ? [.sigterm, .sigint] : [],
      logger: Self.quiet(settings.logger))
    configuration.maximumGracefulShutdownDuration = .seconds(15)
    try await ServiceGroup(configuration: configuration).run()
    await senders.release()
  }

  private func responder(_ durations: RequestDurations) -> GatewayResponder {
    var routes = APIRouter(authentication: services.authentication, logger: settings.logger)
    routes.addMessages(services)
    routes.addConversations(services)
    routes.addContacts(services)
    routes.addOptOuts(services)
    routes.addTemplates(services)
    routes.addMedia(services)
    routes.addWebhooks(services)
    routes.addOps(readiness: Readiness(store: store, journal: journal), metrics: settings.metrics)
    return GatewayResponder(
      routes: routes.finish().buildResponder(), clock: settings.clock, durations: durations)
  }

  /// What is decided on each connection before the router: providers' requests, and the sinks' own.
  private func pipelineHandlers(_ durations: RequestDurations) -> @Sendable () -> [any RemovableChannelHandler] {
    let providers = ProviderEndpoint(
      webhooks: webhooks, paths: services.directory.paths, clock: settings.clock, durations: durations)
    let upgrading = sinks.compactMap { $0 as? any HTTPUpgradingSink }
    return { [ProviderRequestHandler(endpoint: providers)] + upgrading.map { $0.makeUpgradeHandler() } }
  }

  /// The frameworks' own words are for whoever debugs them.
  private static func quiet(_ logger: Logger) -> Logger {
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    return quiet
  }
}

/// A part that runs until its task is cancelled, as a service that a graceful shutdown cancels.
private struct Running: Service {
  let name: String
  let body: @Sendable () async throws -> Void

  init(_ name: String, _ body: @escaping @Sendable () async throws -> Void) {
    self.name = name
    self.body = body
  }

  func run() async throws {
    do {
      try await cancelWhenGracefulShutdown(body)
    } catch is CancellationError {
      // That is how it ends.
    }
  }
}
