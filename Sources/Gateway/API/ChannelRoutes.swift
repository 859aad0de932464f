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
      return .page(Page(items: services.directory.channels, next: nil)) { channel, writer in
        channel.write(to: &writer, health: services.health.verdict(channel.id, at: now))
      }
    }

    on(.get, "/api/channels/:id", scope: .read) { request, context in
      var query = QueryReader(request)
      try query.finish()
      guard let channel = context.parameters.get("id").flatMap({ services.directory[$0] }) else {
        throw Problem.notFound("channel")
      }
      let health = services.health.verdict(channel.id, at: services.clock.now())
      return Response { channel.write(to: &$0, health: health) }
    }
  }
}

extension ConfiguredChannel {
  /// Writes the Channel resource of `API.md`.
  fileprivate func write(to writer: inout JSONWriter, health: HealthRecord.Verdict) {
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
          writer.member("status", health.status.rawValue)
          writer.member("detail", health.detail)
        }
      }
    }
  }
}
