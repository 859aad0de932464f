// The operations of those who run the gateway: webhooks, keys, health.

import ChannelProtocol
import HTTPTypes
import Storage

extension APIOperations {
  static let webhooks: [APIOperation] = [
    APIOperation(
      method: .get, path: "/api/webhooks", name: "listWebhooks", summary: "List webhooks", tag: .webhooks,
      scope: .manage, parameters: APIOperation.Parameter.page,
      answers: [.page("Newest first.", of: APISchemas.webhook.reference)]),
    APIOperation(
      method: .get, path: "/api/webhooks/:id", name: "getWebhook", summary: "Get a webhook", tag: .webhooks,
      scope: .manage, parameters: [.path("id", "The webhook's id.")],
      answers: [.ok("The webhook.", APISchemas.webhook.reference)], problems: [404]),
    APIOperation(
      method: .post, path: "/api/webhooks", name: "createWebhook", summary: "Register a webhook",
      detail: "Deliveries follow Standard Webhooks.", tag: .webhooks, scope: .manage,
      body: .init(schema: APISchemas.webhookRequest.reference),
      answers: [.created("The webhook, with its secret.", APISchemas.webhookWithSecret)]),
    APIOperation(
      method: .patch, path: "/api/webhooks/:id", name: "changeWebhook", summary: "Change a webhook", tag: .webhooks,
      scope: .manage, parameters: [.path("id", "The webhook's id.")], body: .init(schema: APISchemas.webhookChange),
      answers: [.ok("The webhook.", APISchemas.webhook.reference)], problems: [404, 412]),
    APIOperation(
      method: .delete, path: "/api/webhooks/:id", name: "deleteWebhook", summary: "Remove a webhook", tag: .webhooks,
      scope: .manage, parameters: [.path("id", "The webhook's id.")], answers: [.noContent], problems: [404, 412]),
    APIOperation(
      method: .post, path: "/api/webhooks/:id/test", name: "testWebhook", summary: "Send a test event", tag: .webhooks,
      scope: .manage, parameters: [.path("id", "The webhook's id.")],
      answers: [.ok("How the attempt went.", APISchemas.attempt.reference)], problems: [404]),
    APIOperation(
      method: .post, path: "/api/webhooks/:id/rotate-secret", name: "rotateWebhookSecret", summary: "Get a new secret",
      detail: "The old one keeps signing beside it for 24 hours; of several, the last seven.", tag: .webhooks,
      scope: .manage, parameters: [.path("id", "The webhook's id.")],
      answers: [.ok("The webhook, with its secret.", APISchemas.webhookWithSecret)], problems: [404]),
    APIOperation(
      method: .post, path: "/api/webhooks/:id/replay", name: "replayWebhook", summary: "Deliver a span of time again",
      tag: .webhooks, scope: .manage, parameters: [.path("id", "The webhook's id.")],
      body: .init(
        schema: .object([("since", .time), ("until", Schema.time.optional.like(.null))], isClosed: true)),
      answers: [
        .accepted("How many are delivered again.", .object([("count", .whole(7))]), hasLocation: false)
      ], problems: [404]),
    APIOperation(
      method: .get, path: "/api/webhooks/:id/deliveries", name: "listDeliveries", summary: "List deliveries",
      tag: .webhooks, scope: .manage,
      parameters: [
        .path("id", "The webhook's id."),
        .query(
          "state", "One state, or several by comma.",
          .text("dead", pattern: "^(pending|held|delivered|dead)(,(pending|held|delivered|dead))*$")),
      ] + APIOperation.Parameter.page,
      answers: [.page("Newest first.", of: APISchemas.delivery.reference)], problems: [404]),
    APIOperation(
      method: .post, path: "/api/deliveries/:id/retry", name: "retryDelivery", summary: "Deliver once more",
      tag: .webhooks, scope: .manage, parameters: [.path("id", "The delivery's id.")],
      answers: [.accepted("The delivery.", APISchemas.delivery.reference, hasLocation: false)], problems: [404]),
  ]

  static let keys: [APIOperation] = [
    APIOperation(
      method: .get, path: "/api/keys", name: "listKeys", summary: "List API keys", tag: .keys, scope: .manage,
      parameters: APIOperation.Parameter.page,
      answers: [.page("Newest first.", of: APISchemas.key.reference)]),
    APIOperation(
      method: .get, path: "/api/keys/:id", name: "getKey", summary: "Get an API key", tag: .keys, scope: .manage,
      parameters: [.path("id", "The key's id.")], answers: [.ok("The key.", APISchemas.key.reference)],
      problems: [404]),
    APIOperation(
      method: .post, path: "/api/keys", name: "createKey", summary: "Make an API key", tag: .keys, scope: .manage,
      body: .init(schema: APISchemas.keyRequest),
      answers: [.created("The key, with its text.", APISchemas.keyWithText)]),
    APIOperation(
      method: .delete, path: "/api/keys/:id", name: "revokeKey", summary: "Take an API key back",
      detail: "It holds at once, on every node.", tag: .keys, scope: .manage,
      parameters: [.path("id", "The key's id.")], answers: [.noContent], problems: [404, 412]),
  ]

  private static let check = Schema.object([("ok", .flag(true)), ("detail", Schema.text("").orNull.like(.null))])
  private static let readiness = Schema.object([
    ("status", .text("ready")),
    ("checks", .object([("database", check), ("migrations", check), ("journal", check)])),
  ])

  static let operations: [APIOperation] = [
    APIOperation(
      method: .get, path: "/health", name: "getHealth", summary: "Whether the process lives", tag: .operations,
      answers: [.ok("It does.", .object([("status", .text("ok"))]))]),
    APIOperation(
      method: .get, path: "/ready", name: "getReadiness", summary: "Whether it can serve", tag: .operations,
      answers: [
        .ok("It can.", readiness), .init(status: 503, description: "It cannot.", schema: readiness),
      ]),
    APIOperation(
      method: .get, path: "/metrics", name: "getMetrics", summary: "Metrics for Prometheus", tag: .operations,
      answers: [.init(status: 200, description: "Text.", schema: nil, type: "text/plain")]),
    APIOperation(
      method: .get, path: "/openapi.json", name: "getDescription", summary: "This description", tag: .operations,
      answers: [
        .ok("OpenAPI 3.1.", .anyObject()), .init(status: 304, description: "You have it.", schema: nil),
      ]),
    APIOperation(
      method: .get, path: "/docs", name: "getDocumentation", summary: "This description, to read", tag: .operations,
      answers: [.init(status: 200, description: "A page.", schema: nil, type: "text/html")]),
  ]
}
