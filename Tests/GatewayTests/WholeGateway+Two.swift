// Two gateways on one database, and a look into it.

import ChannelProtocol
import Foundation
import Postgres
import Testing

@testable import Gateway
@testable import Storage

extension WholeGateway {
  /// The private PostgreSQL of this gateway.
  private var databaseURL: String {
    get async throws {
      let store = try #require(store as? PostgresMessageStore)
      return try await store.run { connection in
        let row = try connection.execute(
          Statement(
            "where_am_i",
            """
            SELECT 'host=' || current_setting('unix_socket_directories') || ' port=' || current_setting('port')
              || ' dbname=' || current_database() || ' user=' || current_user
            """)
        ).single()
        return try row.text(0)
      }
    }
  }

  /// Runs a second node on the database of a first one; both take the same key.
  static func runTwo(_ body: @escaping @Sendable (WholeGateway, WholeGateway) async throws -> Void) async throws {
    let secret = "a secret that both nodes know"
    try await run(settings: {
      $0.apiKeySecret = secret
      $0.webhookSigningSecret = secret
    }) { first in
      let url = try await first.databaseURL
      try await run(settings: {
        $0.configuration.database = .url(Secret(url))
        $0.apiKeySecret = secret
        $0.webhookSigningSecret = secret
      }) { second in
        var second = second
        second.key = first.key
        try await body(first, second)
      }
    }
  }

  /// Runs a statement on the gateway's database.
  func query(_ sql: String) async throws {
    let store = try #require(store as? PostgresMessageStore)
    try await store.run { try $0.simple(sql) }
  }

  /// How many messages to an address there are.
  func bodies(to address: String) async throws -> Int {
    let contacts = try await call("GET", "/api/contacts?search=\(address.replacing("+", with: "%2B"))")
    let contact = contacts.json["data"]?.arrayValue?.first?["id"]?.stringValue ?? ""
    return try await call("GET", "/api/messages?contact=\(contact)").json["data"]?.arrayValue?.count ?? -1
  }
}
