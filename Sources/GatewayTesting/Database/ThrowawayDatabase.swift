// A real, migrated PostgreSQL database for one test.

import Glibc
public import Logging
public import Postgres
import Storage
import Synchronization

/// A database of a server that lives as long as the test process: made from a migrated template, so that each test
/// has one of its own within some hundredths of a second.
public struct ThrowawayDatabase: Sendable {
  /// How to reach it; sessions are set up as in production.
  public let configuration: PostgresConfiguration
  public let name: String
  private let server: ThrowawayServer

  /// - Parameter migrated: false gives an empty database, without the schema.
  public static func make(migrated: Bool = true) async throws -> ThrowawayDatabase {
    let server = try await ThrowawayServer.shared()
    let name = try await server.create(template: migrated ? ThrowawayServer.template : "template0")
    return ThrowawayDatabase(configuration: server.configuration(database: name), name: name, server: server)
  }

  /// Ends all sessions with it and removes it. What is left out goes with the server, at the end of the process.
  public func drop() async throws { try await server.drop(name) }

  /// A logger that says nothing.
  public static let silentLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

/// The one server of a test process.
private final class ThrowawayServer: Sendable {
  static let template = "fractal_template"
  /// Each test has a few connections, and many tests run at once.
  private static let settings = ["max_connections": "300"]

  private static let starting = Task { try await ThrowawayServer() }
  private static let cluster = Mutex<EmbeddedCluster?>(nil)

  static func shared() async throws -> ThrowawayServer { try await starting.value }

  private let cluster: EmbeddedCluster
  private let administration: SessionPool
  private let count = Atomic<Int>(0)

  private init() async throws {
    let cluster = try await EmbeddedCluster.throwaway(settings: Self.settings)
    Self.cluster.withLock { $0 = cluster }
    atexit { ThrowawayServer.cluster.withLock { $0 }?.stopBlocking(timeout: .seconds(3)) }
    self.cluster = cluster
    administration = SessionPool(
      configuration: cluster.configuration, size: 2, queueLimit: 1_024, logger: ThrowawayDatabase.silentLogger)
    try administration.start()
    try await run("CREATE DATABASE \(Self.template) TEMPLATE template0")
    try await Migrator(
      configuration: configuration(database: Self.template), logger: ThrowawayDatabase.silentLogger
    ).run()
  }

  func configuration(database: String) -> PostgresConfiguration {
    var configuration = cluster.configuration(database: database)
    configuration.sessionSettings = ["plan_cache_mode": "force_generic_plan", "jit": "off"]
    return configuration
  }

  func create(template: String) async throws -> String {
    let name = "test_\(count.wrappingAdd(1, ordering: .relaxed).newValue)"
    try await run("CREATE DATABASE \(name) TEMPLATE \(template)")
    return name
  }

  func drop(_ name: String) async throws {
    try await run("DROP DATABASE \(name) WITH (FORCE)")
  }

  private func run(_ sql: String) async throws {
    try await administration.run(deadline: .seconds(60)) { try $0.simple(sql) }
  }
}
