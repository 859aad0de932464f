// Opens the database of the configuration: a private cluster, or one that is there already.

import ChannelProtocol
import Logging
import Postgres
import Storage

/// A database that answers.
struct DatabaseStart: Sendable {
  let configuration: PostgresConfiguration
  private let cluster: EmbeddedCluster?

  /// For a log that is written all the time: checkpoints seldom, each of which has every page that is touched next
  /// written whole.
  private static let settings = [
    "max_wal_size": "4GB", "min_wal_size": "512MB", "checkpoint_timeout": "15min", "wal_init_zero": "off",
    "shared_buffers": DatabaseMemory.sharedBuffers,
  ]

  /// - Throws: ``StartupFailure``
  static func open(
    _ database: GatewayConfiguration.Database, state: StateDirectory, logger: Logger
  ) async throws(StartupFailure) -> DatabaseStart {
    switch database {
    case .embedded:
      do {
        let cluster = try await cluster(directory: state.postgres, settings: Self.settings, logger: logger)
        return DatabaseStart(configuration: prepared(cluster.configuration), cluster: cluster)
      } catch {
        throw StartupFailure("the private PostgreSQL under \(state.postgres) does not start: \(words(error))")
      }
    case .url(let url):
      return DatabaseStart(configuration: prepared(PostgresConfiguration(url: url.plaintext)), cluster: nil)
    }
  }

  /// The private server. What others have of the machine's memory nobody knows before: where there is not enough left, it
  /// starts with what PostgreSQL itself would take.
  static func cluster(
    directory: String, settings: [String: String], logger: Logger
  ) async throws -> EmbeddedCluster {
    do {
      return try await EmbeddedCluster.start(directory: directory, settings: settings)
    } catch let error as PostgresError where error.message.contains("could not map anonymous shared memory") {
      logger.warning(
        "the private PostgreSQL cannot have the memory it should, and starts with \(DatabaseMemory.smallest) of it")
      let smaller = settings.merging(["shared_buffers": DatabaseMemory.smallest]) { $1 }
      return try await EmbeddedCluster.start(directory: directory, settings: smaller)
    }
  }

  /// Brings it to this program's schema.
  /// - Parameter renamingLog: gives the event log a new epoch.
  /// - Returns: the migrations that were run.
  @discardableResult
  func migrate(renamingLog: Bool = false, logger: Logger) async throws(StartupFailure) -> [String] {
    do {
      return try await Migrator(configuration: configuration, logger: logger).run(renamingLog: renamingLog)
    } catch let error as SchemaIsNewer {
      throw StartupFailure("\(error)")
    } catch {
      throw StartupFailure("the database cannot be used: \(Self.words(error))")
    }
  }

  /// Looks after a private server until the task is cancelled.
  func keepRunning(logger: Logger) async { await cluster?.keepRunning(logger: logger) }

  /// With the time to write down all the pages it may have changed: what stops it sooner has it recover at its next start.
  func stop() async { await cluster?.stop(timeout: .seconds(30)) }

  /// Plans that were made on empty tables must not turn bad: every hot statement is written for the generic one.
  private static func prepared(_ configuration: PostgresConfiguration) -> PostgresConfiguration {
    var configuration = configuration
    configuration.sessionSettings["plan_cache_mode"] = "force_generic_plan"
    configuration.sessionSettings["jit"] = "off"
    return configuration
  }

  private static func words(_ error: any Error) -> String {
    (error as? PostgresError)?.message ?? "\(error)"
  }
}
