// /api/webhooks

import ChannelProtocol
import HTTPTypes
import Hummingbird
import Sinks
import Storage

extension APIRouter {
  /// - Parameter sink: nil: no webhook sink is configured; endpoints can be registered, and nothing is sent to them.
  mutating func addWebhooks(_ services: APIServices, sink: WebhookSink?) {
    on(.get, "/api/webhooks", scope: .manage) { request, _ in
      var query = QueryReader(request)
      let page = query.page(services.cursors)
      try query.finish()
      return .page(try await services.store.webhooks(page: page.request), of: page) { $0.write(to: &$1) }
    }

    on(.get, "/api/webhooks/:id", scope: .manage) { request, context in
      var query = QueryReader(request)
      try query.finish()
      let id = try context.identifier("id", of: "webhook")
      guard let webhook = try await services.store.webhook(id) else { throw Problem.notFound("webhook") }
      return Response { webhook.write(to: &$0) }
    }

    on(.post, "/api/webhooks", scope: .manage) { request, context in
      let changes = try WebhookChanges(try await BodyReader.read(request), services, mustHaveURL: true)
      let now = services.clock.now()
      var webhook = Webhook(id: context.makeIdentifier(services.clock), url: "", createdAt: now)
      changes.apply(to: &webhook)
      let secret = WebhookSecret.random()
      try await services.store.createWebhook(webhook, secret: services.secrets.seal(secret.key))
      await sink?.refresh()
      return Response(
        .created, headers: [.location: "/api/webhooks/\(webhook.id)", .cacheControl: "no-store"]
      ) { [webhook] writer in
        webhook.write(to: &writer) { $0.member("secret", secret.plaintext) }
      }
    }

    on(.patch, "/api/webhooks/:id", scope: .manage) { request, context in
      let id = try context.identifier("id", of: "webhook")
      let changes = try WebhookChanges(try await BodyReader.read(request), services, mustHaveURL: false)
      let expected = try await services.expectedWebhook(id, context)
      let webhook = try await services.store.updateWebhook(id, at: services.clock.now(), ifStill: expected) {
        changes.apply(to: &$0)
      }
      guard let webhook else { throw Problem.notFound("webhook") }
      await sink?.refresh()
      return Response { webhook.write(to: &$0) }
    }

    on(.delete, "/api/webhooks/:id", scope: .manage) { _, context in
      let id = try context.identifier("id", of: "webhook")
      let expected = try await services.expectedWebhook(id, context)
      guard try await services.store.deleteWebhook(id, ifStill: expected) else { throw Problem.notFound("webhook") }
      await sink?.refresh()
      return Response(status: .noContent)
    }

    addWebhookActions(services, sink: sink)
    addDeliveries(services, sink: sink)
  }

  private mutating func addWebhookActions(_ services: APIServices, sink: WebhookSink?) {
    on(.post, "/api/webhooks/:id/test", scope: .manage, readsBody: false) { _, context in
      let id = try context.identifier("id", of: "webhook")
      guard let endpoint = try await services.store.webhookEndpoint(id) else { throw Problem.notFound("webhook") }
      guard let sink else {
        throw Problem(.conflict, "no_webhook_sink", "No sink of the type webhook is configured: nothing is sent.")
      }
      let attempt = await sink.sender.attempt(endpoint, event: .test(of: id, clock: services.clock))
      return Response { attempt.write(to: &$0) }
    }

    on(.post, "/api/webhooks/:id/rotate-secret", scope: .manage, readsBody: false) { _, context in
      let id = try context.identifier("id", of: "webhook")
      let secret = WebhookSecret.random()
      let now = services.clock.now()
      let webhook = try await services.store.rotateSecret(
        of: id, to: services.secrets.seal(secret.key), until: now + .seconds(86_400), at: now)
      guard let webhook else { throw Problem.notFound("webhook") }
      await sink?.refresh()
      return Response(.ok, headers: [.cacheControl: "no-store"]) { writer in
        webhook.write(to: &writer) { $0.member("secret", secret.plaintext) }
      }
    }

    on(.post, "/api/webhooks/:id/replay", scope: .manage) { request, context in
      let id = try context.identifier("id", of: "webhook")
      var reader = try await BodyReader.read(request)
      let since = reader.timestamp("since")
      let until = reader.timestamp("until") ?? services.clock.now()
      if since == nil, !reader.errors.contains(where: { $0.field == "since" }) {
        reader.errors.append(.init(field: "since", message: "is required"))
      }
      if let since, since >= until {
        reader.errors.append(.init(field: "until", message: "must be after since, and since in the past"))
      }
      try reader.finish()
      guard try await services.store.webhook(id) != nil else { throw Problem.notFound("webhook") }
      let count = try await services.store.replayWebhook(
        id, since: since ?? until, until: until, as: context.makeIdentifier(services.clock))
      sink?.replayAsked()
      return Response(.accepted) { writer in writer.object { $0.member("count", count) } }
    }
  }

  private mutating func addDeliveries(_ services: APIServices, sink: WebhookSink?) {
    on(.get, "/api/webhooks/:id/deliveries", scope: .manage) { request, context in
      var query = QueryReader(request)
      let states = query.choices("state", Delivery.State.self)
      let page = query.page(services.cursors)
      try query.finish()
      let id = try context.identifier("id", of: "webhook")
      guard try await services.store.webhook(id) != nil else { throw Problem.notFound("webhook") }
      let found = try await services.store.deliveries(of: id, states: Set(states), page: page.request)
      return .page(found, of: page) { $0.write(to: &$1) }
    }

    on(.post, "/api/deliveries/:id/retry", scope: .manage, readsBody: false) { _, context in
      switch try await services.store.retryDelivery(context.identifier("id", of: "delivery")) {
      case .due(let delivery):
        sink?.deliveryAsked()
        return Response(.accepted) { delivery.write(to: &$0) }
      case .unknown: throw Problem.notFound("delivery")
      case .eventGone:
        throw Problem(.conflict, "event_gone", "The event is older than what is kept: there is nothing left to send.")
      }
    }
  }
}

extension APIServices {
  fileprivate func expectedWebhook(_ id: Identifier, _ context: APIContext) async throws -> Webhook? {
    try await context.expected({ try await store.webhook(id) }, { webhook in Response { webhook.write(to: &$0) } })
  }
}

extension Event {
  /// What a test sends; it is in no log.
  fileprivate static func test(of webhook: Identifier, clock: any WallClock) -> Event {
    var writer = JSONWriter(capacity: 128)
    writer.object { $0.member("webhookId", webhook) }
    return Event(
      seq: 0, id: clock.makeIdentifier(), type: EventType(rawValue: "webhook.test"), at: clock.now(),
      conversationID: nil, channel: nil, data: writer.bytes)
  }
}
