// The one place where everything is wired: from the settings to a running gateway, by explicit arguments.

import ChannelProtocol
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import Metrics
import NIOCore
import NIOPosix
import Postgres
import ServiceLifecycle
import Sinks
public import Storage
import TwilioSandbox

/// A gateway, from its first connection to its last.
public struct GatewayApplication: Sendable {
  let settings: GatewaySettings

  public init(_ settings: GatewaySettings) { self.settings = settings }

  /// Starts everything, in order, serves until the task is cancelled or a signal asks to stop, and stops everything
  /// in reverse.
  ///
  /// - Parameters:
  ///   - handlesSignals: stop on SIGTERM and SIGINT.
  ///   - ready: called once the gateway serves.
  /// - Throws: ``StartupFailure`` and ``ConfigurationError`` with words for a person; anything else is a defect.
  public func run(
    handlesSignals: Bool = false, ready: @escaping @Sendable (RunningGateway) async -> Void = { _ in }
  ) async throws {
    let state = StateDirectory(path: settings.directory)
    try state.make()
    let server = settings.configuration.server
    let port = try await ListeningPort.check(host: server.host, port: server.port)
    if settings.configuration.accounts.contains(where: { $0.accountSID == nil }), settings.sandboxPort != 0 {
      guard (1...65_535).contains(settings.sandboxPort) else {
        throw StartupFailure("FRACTAL_SANDBOX_PORT is no port: give a number from 1 to 65535")
      }
      _ = try await ListeningPort.check(
        host: "127.0.0.1", port: settings.sandboxPort, variable: "FRACTAL_SANDBOX_PORT")
    }
    let publicURL = server.publicURL ?? "http://localhost:\(port)"
    let secrets = try GatewaySecrets(settings: settings, state: state)
    try await checkConfiguration(publicURL: publicURL)
    try await withDatabase(state) { database in
      try await withSandbox { sandbox in
        try await serve(
          state: state, secrets: secrets, database: database, sandbox: sandbox, port: port, publicURL: publicURL,
          handlesSignals: handlesSignals, ready: ready)
      }
    }
  }

  private func serve(
    state: StateDirectory, secrets: GatewaySecrets, database: PostgresConfiguration, sandbox: Sandbox?, port: Int,
    publicURL: String, handlesSignals: Bool, ready: @escaping @Sendable (RunningGateway) async -> Void
  ) async throws {
    let logger = settings.logger
    let transport = HTTPClientTransport(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
    let directory = try makeDirectory(
      publicURL: publicURL, transport: settings.transport ?? transport, sandboxURL: sandbox?.baseURL)
    let store = PostgresMessageStore(
      configuration: database,
      context: ResourceContext(
        publicURL: publicURL, windows: directory.windows,
        channelTypes: Dictionary(uniqueKeysWithValues: directory.channels.map { ($0.id, $0.type.contactType) }),
        explain: ErrorWords.explain),
      clock: settings.clock, openSecret: { secrets.box.open($0) }, logger: logger, metrics: settings.metrics)
    let journal = try await openJournal(state)
    do {
      try store.start()
      // Nobody else uses a private database: what a killed predecessor held is free.
      if settings.configuration.database == .embedded { try await store.releaseAllLeases() }
      let gateway = try await Gateway(
        settings: settings, directory: directory, store: store, journal: journal, database: database,
        secrets: secrets, publicURL: publicURL)
      if let incoming = directory.channels.first?.path(for: .incoming) {
        sandbox?.setWebhooks(SandboxWebhooks(incoming: publicURL + incoming))
      }
      let key = try await gateway.firstKey(in: state)
      let running = RunningGateway(
        publicURL: publicURL, port: port, sandboxURL: sandbox?.baseURL, firstKeyFile: key, store: store,
        routes: gateway.router().routes)
      try await gateway.serve(
        host: settings.configuration.server.host, port: port, handlesSignals: handlesSignals
      ) {
        await ready(running)
      }
    } catch {
      await close(store: store, journal: journal, transport: transport)
      throw error
    }
    await close(store: store, journal: journal, transport: transport)
  }

  private func close(store: PostgresMessageStore, journal: Journal, transport: HTTPClientTransport) async {
    await store.close()
    await journal.close()
    await transport.close()
  }

  // MARK: The leaves

  /// The database of the configuration, at this program's schema; a private cluster is stopped afterwards.
  private func withDatabase(_ state: StateDirectory, _ body: (PostgresConfiguration) async throws -> Void) async throws
  {
    let database = try await DatabaseStart.open(settings.configuration.database, state: state, logger: settings.logger)
    let watch = Task { [logger = settings.logger] in await database.keepRunning(logger: logger) }
    let result: Result<Void, any Error>
    do {
      try await database.migrate(logger: settings.logger)
      result = .success(try await body(database.configuration))
    } catch {
      result = .failure(error)
    }
    watch.cancel()
    await watch.value
    await database.stop()
    try result.get()
  }

  /// The built-in sandbox, where an account asks for it.
  private func withSandbox(_ body: (Sandbox?) async throws -> Void) async throws {
    guard settings.configuration.accounts.contains(where: { $0.accountSID == nil }) else { return try await body(nil) }
    var configuration = SandboxConfiguration()
    configuration.port = settings.sandboxPort
    var account = SandboxAccount(senders: sandboxSenders())
    account.services = sandboxServices()
    configuration.accounts = [account]
    configuration.logger = settings.logger
    // It is cancelled at the end, which its server would call an error.
    configuration.logger.logLevel = .critical
    let sandbox = Sandbox(configuration)
    let task = Task { try await sandbox.run() }
    do {
      _ = try await sandbox.started()
    } catch {
      task.cancel()
      throw StartupFailure("the sandbox cannot listen on port \(settings.sandboxPort): set FRACTAL_SANDBOX_PORT")
    }
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(sandbox))
    } catch {
      result = .failure(error)
    }
    task.cancel()
    _ = await task.result
    try result.get()
  }

  /// What the configuration's channels send from, as the provider writes it: each once, in the order of the file.
  private func sandboxSenders() -> [String] {
    var seen: Set<String> = []
    return settings.configuration.channels.flatMap(Self.sandboxSenders).filter { seen.insert($0).inserted }
  }

  private static func sandboxSenders(of entry: ChannelEntry) -> [String] {
    let type = ChannelType(entry.type).contactType
    let from = entry.options["from"]?.list?.compactMap(\.string) ?? []
    // A pool's numbers need not be named here: it has the sandbox's.
    if from.isEmpty {
      return SandboxAccount.defaultSenders.filter { (Address.split($0).type ?? .sms).contactType == type }
    }
    return from.map { address in
      let bare = Address.split(address).value
      return type == .sms ? bare : "\(type):\(bare)"
    }
  }

  /// The pools that the channels name, with the numbers that they name beside.
  private func sandboxServices() -> [String: [String]] {
    var services: [String: [String]] = [:]
    for entry in settings.configuration.channels {
      guard let service = entry.options["messagingService"]?.string else { continue }
      for sender in Self.sandboxSenders(of: entry) where !(services[service] ?? []).contains(sender) {
        services[service, default: []].append(sender)
      }
    }
    return services
  }

  private func openJournal(_ state: StateDirectory) async throws -> Journal {
    do {
      return try await Journal.open(
        directory: state.journal, maximumBytes: 256 << 20, segmentBytes: 8 << 20, logger: settings.logger)
    } catch {
      throw StartupFailure("the journal in \(state.journal) cannot be opened: \(error)")
    }
  }

  /// Before anything is started: what adapters and sinks refuse, they refuse at once.
  private func checkConfiguration(publicURL: String) async throws {
    let transport = HTTPClientTransport(eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
    let result = Result {
      try makeDirectory(publicURL: publicURL, transport: transport, sandboxURL: "http://127.0.0.1:1")
    }
    await transport.close()
    _ = try result.get()
  }

  /// - Throws: ``ConfigurationError`` with what the adapters and the sinks refuse, at its place in the file.
  func makeDirectory(
    publicURL: String, transport: any HTTPTransport, sandboxURL: String?
  ) throws -> ChannelDirectory {
    let configuration = settings.configuration
    var problems: [ConfigurationError.Located] = []
    var channels: [ConfiguredChannel] = []
    for entry in configuration.channels {
      guard let account = configuration.account(of: entry) else { continue }
      let context = ChannelContext(
        channelID: entry.id, account: account.account ?? .sandbox(account, baseURL: sandboxURL),
        publicURL: publicURL, transport: transport, clock: settings.clock, logger: settings.logger)
      do throws(ConfigurationProblems) {
        let adapter = try settings.channels.make(entry, context: context)
        channels.append(
          ConfiguredChannel(
            id: entry.id, adapter: adapter, account: context.account, quietHours: entry.quietHours))
      } catch {
        problems += entry.locate(error)
      }
    }
    guard problems.isEmpty else { throw ConfigurationError(file: configuration.file, problems: problems) }
    return ChannelDirectory(channels)
  }
}

/// A gateway that serves.
public struct RunningGateway: Sendable {
  public let publicURL: String
  public let port: Int
  /// nil: the gateway talks to Twilio.
  public let sandboxURL: String?
  /// Where the key is that was made at the first start; nil: keys are made by `fractal keys create`.
  public let firstKeyFile: String?
  public let store: any MessageStore
  /// What is served.
  let routes: [APIRoute]
}

extension Account {
  static func sandbox(_ entry: AccountEntry, baseURL: String?) -> Account {
    Account(
      id: entry.id, accountSID: SandboxAccount.defaultSID, authTokens: [Secret(SandboxAccount.defaultAuthToken)],
      baseURL: baseURL)
  }
}
