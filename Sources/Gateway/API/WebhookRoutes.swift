// /api/webhooks

import ChannelProtocol
import Hummingbird
import Sinks
import Storage

extension APIRouter {
  mutating func addWebhooks(_ services: APIServices) {
    on(.get, "/api/webhooks", scope: .manage) { request, _ in
      var query = QueryReader(request)
      let page = query.page()
      try query.finish()
      return .page(try await services.store.webhooks(page: page)) { $0.write(to: &$1) }
    }

    on(.post, "/api/webhooks", scope: .manage) { request, _ in
      let webhook = try await services.webhook(from: BodyReader.read(request))
      let secret = WebhookSecret.random()
      try await services.store.createWebhook(webhook, secret: services.secrets.seal(secret.key))
      return Response(.created, headers: [.location: "/api/webhooks/\(webhook.id)"]) { writer in
        webhook.write(to: &writer) { $0.member("secret", secret.plaintext) }
      }
    }

    on(.delete, "/api/webhooks/:id", scope: .manage) { _, context in
      let id = try context.identifier("id", of: "webhook")
      guard try await services.store.deleteWebhook(id) else { throw Problem.notFound("webhook") }
      return Response(status: .noContent)
    }
  }
}

extension APIServices {
  fileprivate func webhook(from reader: BodyReader) throws(Problem) -> Webhook {
    var reader = reader
    let url = reader.required("url", maximum: 2_048)
    let description = reader.string("description", maximum: 1_000)
    let events = reader.strings("events", maximum: 100) ?? []
    let channels = reader.strings("channels", maximum: 100) ?? []
    let headers = reader.stringMap("headers", keys: 20, bytes: 8 << 10) ?? [:]
    let active = reader.boolean("active") ?? true
    if !url.isEmpty, let problem = webhookAddresses.problem(url) {
      reader.errors.append(.init(field: "url", message: problem))
    }
    let known = Set(EventType.all.map(\.rawValue))
    for (index, event) in events.enumerated() where !known.contains(event) {
      reader.errors.append(.init(field: "events[\(index)]", message: "is no event type"))
    }
    for (index, channel) in channels.enumerated() where directory[channel] == nil {
      reader.errors.append(.init(field: "channels[\(index)]", message: "is no configured channel's id"))
    }
    for (name, value) in headers {
      if let problem = webhookAddresses.headerProblem(name, value) {
        reader.errors.append(.init(field: "headers.\(name)", message: problem))
      }
    }
    try reader.finish()
    return Webhook(
      id: clock.makeIdentifier(), url: url, description: description, events: events, channels: channels,
      headers: headers, isActive: active, createdAt: clock.now())
  }
}
