// /health, /ready, /metrics: for whoever keeps the gateway running. No key.

import ChannelProtocol
import Hummingbird
import NIOCore
import Storage

/// What readiness is judged by.
struct Readiness: Sendable {
  let store: any MessageStore
  let journal: Journal

  struct Check: Sendable {
    var name: String
    var isGood: Bool
    var detail: String?
  }

  func checks() async -> [Check] {
    var database = Check(name: "database", isGood: true)
    var migrations = Check(name: "migrations", isGood: true)
    do {
      try await store.check()
    } catch {
      if StorageFailure.isPassing(error) {
        database = Check(name: "database", isGood: false, detail: "the database does not answer")
        migrations = Check(name: "migrations", isGood: false, detail: "unknown while the database is away")
      } else {
        migrations = Check(name: "migrations", isGood: false, detail: "the schema is not this program's")
      }
    }
    let full = journal.bytes >= journal.maximumBytes - ProviderRequestHandler.maximumBody
    let journalCheck = Check(
      name: "journal", isGood: !full, detail: full ? "full: providers' requests are refused" : nil)
    return [database, migrations, journalCheck]
  }
}

extension APIRouter {
  mutating func addOps(readiness: Readiness, metrics: PrometheusRegistry) {
    on(.get, "/health", scope: nil) { _, _ in
      Response { writer in writer.object { $0.member("status", "ok") } }
    }

    on(.get, "/ready", scope: nil) { _, _ in
      let checks = await readiness.checks()
      let isReady = checks.allSatisfy(\.isGood)
      return Response(isReady ? .ok : .serviceUnavailable) { writer in
        writer.object { writer in
          writer.member("status", isReady ? "ready" : "unavailable")
          writer.member("checks") { writer in
            writer.object { writer in
              for check in checks {
                writer.key(check.name)
                writer.object { writer in
                  writer.member("ok", check.isGood)
                  writer.member("detail", check.detail)
                }
              }
            }
          }
        }
      }
    }

    on(.get, "/metrics", scope: nil) { _, _ in
      Response(
        status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
        body: ResponseBody(byteBuffer: ByteBuffer(bytes: metrics.exposition())))
    }
  }
}
