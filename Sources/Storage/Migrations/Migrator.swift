// Brings a database to this program's schema; any number of nodes may start at once.

import ChannelProtocol
public import Logging
public import Postgres

/// Runs the migrations that a database lacks, under an advisory lock.
public struct Migrator: Sendable {
  private let configuration: PostgresConfiguration
  private let logger: Logger

  public init(configuration: PostgresConfiguration, logger: Logger) {
    var configuration = configuration
    // Waiting for another node's migration is no failure.
    configuration.lockTimeout = .seconds(120)
    self.configuration = configuration
    self.logger = logger
  }

  private static let applied = Statement("applied_migrations", "SELECT version FROM fractal_migrations")
  private static let note = Statement(
    "note_migration", "INSERT INTO fractal_migrations (version, name) VALUES ($1, $2)")
  private static let lock = Statement("lock_migrations", "SELECT pg_advisory_lock(7310577382525465185)")

  /// - Parameter renamingLog: gives the event log a new epoch, so that its readers start over.
  /// - Returns: the names of the migrations that were run.
  /// - Throws: ``PostgresError``; `SchemaIsNewer` where the database is ahead of this program.
  @discardableResult
  public func run(renamingLog: Bool = false) async throws -> [String] {
    let pool = SessionPool(configuration: configuration, size: 1, queueLimit: 1, logger: logger)
    do {
      try pool.start()
      let names = try await pool.run(deadline: Self.deadline) { connection in
        let names = try Self.migrate(connection)
        if renamingLog { try connection.simple("UPDATE log_epoch SET epoch = gen_random_uuid()") }
        return names
      }
      await pool.close()
      for name in names { logger.info("migrated", metadata: ["migration": "\(name)"]) }
      return names
    } catch {
      await pool.close()
      throw error
    }
  }

  /// An index on a large table takes its time.
  private static let deadline: Duration = .seconds(3_600)

  /// Each in a transaction of its own, or in many: what is done stays done, and no table is locked for longer than its own
  /// change.
  /// The lock is the session's, which ends with the pool.
  private static func migrate(_ connection: Connection) throws -> [String] {
    try connection.execute(lock)
    var names: [String] = []
    while let name = try migrateOnce(connection) { names.append(name) }
    return names
  }

  /// - Returns: the next migration that was run; nil: there is none left.
  private static func migrateOnce(_ connection: Connection) throws -> String? {
    guard let migration = try next(connection) else { return nil }
    if migration.commitsItself { try connection.simple(migration.sql) }
    try connection.transaction { connection in
      if !migration.commitsItself { try connection.simple(migration.sql) }
      var parameters = Parameters()
      parameters.int4(Int32(migration.version))
      parameters.text(migration.name)
      try connection.execute(note, parameters)
    }
    return "\(migration.version) \(migration.name)"
  }

  private static func next(_ connection: Connection) throws -> Migration? {
    try connection.transaction { connection in
      try connection.simple(
        """
        CREATE TABLE IF NOT EXISTS fractal_migrations (
          version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())
        """)
      let done = Set(try connection.execute(applied).map { Int(try $0.int4(0)) })
      try requireKnown(done)
      return Migration.all.first { !done.contains($0.version) }
    }
  }

  static func requireKnown(_ versions: Set<Int>) throws {
    let newest = Migration.all.last?.version ?? 0
    if let found = versions.max(), found > newest { throw SchemaIsNewer(found: found, known: newest) }
  }
}

/// The database was migrated by a newer program.
public struct SchemaIsNewer: Error, CustomStringConvertible {
  public var found: Int
  public var known: Int
  public var description: String {
    "the database's schema is version \(found); this program knows version \(known) at most: use the newer program"
  }
}

extension PostgresMessageStore {
  private static let newest = Statement("newest_migration", "SELECT max(version) FROM fractal_migrations")

  public func check() async throws {
    let version = try await sessions.run(deadline: .seconds(2)) { connection in
      Int(try connection.execute(Self.newest).single().int4OrNil(0) ?? 0)
    }
    let known = Migration.all.last?.version ?? 0
    guard version == known else {
      throw PostgresError(.unexpectedResult, "the schema is version \(version), not \(known)")
    }
  }
}
