// /api/channels

import ChannelProtocol
import Hummingbird
import Storage

extension APIRouter {
  mutating func addChannels(_ services: APIServices) {
    on(.get, "/api/channels", scope: .read) { request, _ in
      var query = QueryReader(request)
      try query.finish()
      let now = services.clock.now()
      let others = try await services.health.others()
      return .list(services.directory.channels) { channel, writer in
        channel.write(to: &writer, health: services.health.health.record(channel.id, others: others), at: now)
      }
    }

    on(.get, "/api/channels/:id", scope: .read) { request, context in
      var query = QueryReader(request)
      try query.finish()
      guard let channel = context.parameters.get("id").flatMap({ services.directory[$0] }) else {
        throw Problem.notFound("channel")
      }
      let health = services.health.health.record(channel.id, others: try await services.health.others())
      let now = services.clock.now()
      return Response { channel.write(to: &$0, health: health, at: now) }
    }
  }
}

extension ConfiguredChannel {
  /// Writes the Channel resource of `API.md`.
  fileprivate func write(to writer: inout JSONWriter, health: HealthRecord, at now: Timestamp) {
    let verdict = health.verdict(at: now)
    writer.object { writer in
      writer.member("id", id)
      writer.member("type", type.rawValue)
      writer.member("addresses", .array(senders.map { .string($0.address) }))
      writer.key("capabilities")
      capabilities.write(to: &writer)
      writer.member("limits") { writer in
        writer.object { writer in
          writer.member("bodyCharacters", capabilities.maximumBodyLength)
          writer.member("media", capabilities.maximumMedia)
          writer.member("messagesPerSecond", .number(senders.map(\.messagesPerSecond).max() ?? 0))
        }
      }
      writer.member("health") { writer in
        writer.object { writer in
          writer.member("status", verdict.status.rawValue)
          writer.member("detail", verdict.detail)
          writer.member("lastSuccessAt", health.report.lastSuccessAt)
          writer.key("lastError")
          guard let error = health.report.lastError else { return writer.value(JSONValue.null) }
          writer.object { writer in
            writer.member("code", error.code)
            writer.member("at", error.at)
          }
        }
      }
    }
  }
}
