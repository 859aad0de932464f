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
  private let bulks: BulkRunner
  private let sweep: MediaSweep
  private let expiry: SendExpiry
  private let polling: StatusPolling
  private let reconciler: Reconciler
  private let healthExchange: HealthExchange
  private let sinks: [any Sink]
  private let hasher: APIKeyHasher
  private let publicURL: String
  private let gates: APIGates
  private let eventWaiters: EventWaiters

  init(
    settings: GatewaySettings, directory: ChannelDirectory, store: PostgresMessageStore, journal: Journal,
    database: PostgresConfiguration, secrets: GatewaySecrets, publicURL: String
  ) async throws {
    self.settings = settings
    self.publicURL = publicURL
    let metrics = settings.metrics
    self.store = store
    self.journal = journal
    let clock = settings.clock
    let logger = settings.logger
    hasher = APIKeyHasher(secret: secrets.apiKey)
    let authentication = Authentication(store: store, hasher: hasher, clock: clock, logger: logger)
    let limits = settings.configuration.limits
    let gates = APIGates(
      authentication: authentication, limiter: RateLimiter(rate: limits.requestsPerSecond, burst: limits.burst),
      idempotency: Idempotency(store: store, box: secrets.box, clock: clock, logger: logger),
      problems: ProblemAnswers(logger: logger))
    self.gates = gates
    // Enough for readers that are nearly up to date; whoever is further behind reads the table.
    let ring = EventRing(byteLimit: 3 << 20)
    let health = ChannelHealth()
    healthExchange = HealthExchange(store: store, health: health, node: clock.makeIdentifier(), logger: logger)
    eventWaiters = EventWaiters(ring: ring)
    let shelf = MediaShelf(
      store: store, channels: directory, choice: settings.configuration.media.store,
      disk: MediaDirectory(path: settings.configuration.media.path))
    let links = MediaLinks(secret: secrets.apiKey, publicURL: publicURL)
    let intake = MessageIntake(store: store, directory: directory, clock: clock)
    services = APIServices(
      store: store, intake: intake, hasher: hasher, directory: directory, health: healthExchange,
      eventWaiters: eventWaiters, cursors: CursorSeal(secret: secrets.apiKey), secrets: secrets.box,
      webhookAddresses: try WebhookAddressCheck(sinks: settings.configuration.sinks),
      templates: TemplateSync(
        store: store, catalogs: directory.templateCatalogs, clock: clock, logger: logger,
        fallbacks: directory.fallbackTemplates),
      media: MediaServices(
        answer: MediaAnswer(store: store, shelf: shelf, logger: logger), shelf: shelf, links: links),
      clock: clock)
    webhooks = ProviderWebhooks(
      directory: directory, store: store, journal: journal, clock: clock, logger: logger, metrics: metrics)
    let revocations = PrincipalRevocations()
    tail = TailReader(
      store: store, ring: ring, revocations: revocations,
      listener: Listener(
        configuration: database, channels: ["fractal_events", APIKey.revocations], logger: logger),
      logger: logger, metrics: metrics)
    try await tail.prepare()
    senders = SenderService(
      lanes: directory.senders,
      context: SendingContext(
        store: store, directory: directory, publicURL: publicURL, policy: settings.sendPolicy, clock: clock,
        logger: logger, metrics: metrics, mediaLinks: links, health: health),
      ring: ring, node: clock.makeIdentifier())
    bulks = BulkRunner(store: store, intake: intake, node: clock.makeIdentifier(), logger: logger)
    media = MediaFetcher(
      store: store, shelf: shelf, ring: ring, policy: settings.mediaPolicy,
      limits: MediaLimits(
        maximumSize: settings.configuration.media.maxSize ?? MediaShelf.maximumSize,
        types: settings.configuration.media.types),
      logger: logger, metrics: metrics)
    sweep = MediaSweep(
      store: store, disk: shelf.disk, retention: settings.configuration.retention, logger: logger)
    expiry = SendExpiry(store: store, clock: clock, logger: logger)
    polling = StatusPolling(
      store: store, directory: directory, policy: settings.pollPolicy, clock: clock, logger: logger, metrics: metrics)
    reconciler = Reconciler(
      webhooks: webhooks, store: store,
      sources: directory.histories(
        Dictionary(
          settings.configuration.accounts.map { ($0.id, $0.reconciliation) }, uniquingKeysWith: { first, _ in first })),
      times: settings.reconciliationTimes, clock: clock, logger: logger, metrics: metrics)
    try await reconciler.noteAccounts()
    sinks = try Self.makeSinks(
      settings,
      SinkContext(
        ring: ring, log: store, deliveries: store,
        gateway: RealtimeBridge(
          authentication: authentication, intake: intake, idempotency: gates.idempotency, limiter: gates.limiter,
          proxies: TrustedProxies(settings.configuration.server.trustedProxies), logger: logger),
        revocations: revocations, clock: clock, logger: logger))
  }

  private static func makeSinks(_ settings: GatewaySettings, _ context: SinkContext) throws -> [any Sink] {
    var problems: [ConfigurationError.Located] = []
    var sinks: [any Sink] = []
    for entry in settings.configuration.sinks {
      do throws(ConfigurationProblems) {
        sinks.append(try settings.sinks.make(entry, context: context))
      } catch {
        problems += entry.locate(error)
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
    let retention = settings.configuration.retention
    let maintenance = Maintenance(
      store: store, events: retention.events, deliveries: retention.deliveries, clock: settings.clock,
      metrics: settings.metrics, logger: settings.logger)
    let templates = self.services.templates
    let backlog = BacklogGauge(
      store: store, senders: services.directory.senders, metrics: settings.metrics, journal: journal,
      logger: settings.logger)
    // In the order of their start; a graceful shutdown goes through them backwards.
    var services: [any Service] = [
      Running("tail") { [tail] in try await tail.run() },
      Running("maintenance") { await maintenance.run() },
      Running("backlog") { try await backlog.run() },
      Running("templates") { try await templates.run() },
    ]
    services += sinks.map { sink in
      let supervisor = SinkSupervisor(sink, logger: settings.logger, metrics: settings.metrics)
      return Running("sink \(type(of: sink).type)") { try await supervisor.run() }
    }
    services.append(
      Running("senders") { [senders] in
        try await senders.run()
        await senders.release()
      })
    services.append(Running("bulks") { [bulks] in try await bulks.run() })
    services.append(Running("media") { [media] in await media.run() })
    services.append(Running("media sweep") { [sweep] in try await sweep.run() })
    services.append(Running("expiry") { [expiry] in try await expiry.run() })
    services.append(Running("polling") { [polling] in try await polling.run() })
    services.append(Running("reconciler") { [reconciler] in try await reconciler.run() })
    services.append(Running("journal") { try await drain.run() })
    services.append(Running("channel health") { [healthExchange] in try await healthExchange.run() })
    services.append(application)
    // The first to be stopped: requests that wait for events would hold up the server's end.
    services.append(Running("event waiters") { [eventWaiters] in await eventWaiters.run() })
    let group = ServiceGroup(
      stopping: services, signals: handlesSignals ? [.sigterm, .sigint] : [], within: .seconds(15),
      logger: Self.quiet(settings.logger))
    try await group.runUntilCancelled { [senders, bulks, healthExchange] in
      await senders.release()
      await bulks.release()
      await healthExchange.tell()
    }
  }

  /// What is served, but for providers' requests and the sinks' own.
  func router() -> APIRouter {
    var routes = APIRouter(gates: gates)
    routes.addMessages(services)
    routes.addMessagesAgain(services)
    routes.addBulks(services)
    routes.addConversations(services)
    routes.addContacts(services)
    routes.addOptOuts(services)
    routes.addTemplates(services)
    routes.addMedia(services)
    routes.addWebhooks(services, sink: sinks.lazy.compactMap { $0 as? WebhookSink }.first)
    routes.addKeys(services)
    routes.addEvents(services)
    routes.addChannels(services)
    routes.addOps(readiness: Readiness(store: store, journal: journal), metrics: settings.metrics)
    routes.addDescription(publicURL: publicURL)
    return routes
  }

  private func responder(_ durations: RequestDurations) -> GatewayResponder {
    GatewayResponder(
      routes: router().finish().buildResponder(), clock: settings.clock, durations: durations,
      crossOrigin: CrossOrigin(origins: settings.configuration.server.corsOrigins),
      proxies: TrustedProxies(settings.configuration.server.trustedProxies), log: RequestLog(logger: settings.logger))
  }

  /// What is decided on each connection before the router: providers' requests, and the sinks' own.
  private func pipelineHandlers(_ durations: RequestDurations) -> @Sendable () -> [any RemovableChannelHandler] {
    let providers = ProviderEndpoint(
      webhooks: webhooks, paths: services.directory.paths, clock: settings.clock, durations: durations,
      logger: settings.logger)
    let upgrading = sinks.compactMap { $0 as? any HTTPUpgradingSink }
    let clock = settings.clock
    return {
      let connection = ConnectionGuard { clock.makeIdentifier().description }
      return [connection, ProviderRequestHandler(endpoint: providers, connection: connection)]
        + upgrading.flatMap { $0.makeUpgradeHandlers() }
    }
  }

  /// The frameworks' own words are for whoever debugs them.
  private static func quiet(_ logger: Logger) -> Logger {
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    return quiet
  }
}
