// The endpoints of those who run the gateway, and their bad bodies.

import Storage

extension EndpointRulesTests {
  private static let nothing = [(body: #"{"x":1}"#, field: "x")]

  static let furtherEndpoints: [Endpoint] =
    [
      .init(
        method: "POST", path: "/api/messages/template", scope: .send,
        bad: [
          (#"{"to":"+14155550100"}"#, "templateSid"), (#"{"to":"+14155550100","templateSid":" "}"#, "templateSid"),
          (#"{"to":"+14155550100","templateSid":"HX1","body":"x"}"#, "body"),
          (#"{"to":"+14155550100","templateSid":"HX1","variables":{"1":1}}"#, "variables.1"),
        ], needsBody: true),
      .init(method: "GET", path: "/api/templates", scope: .read),
      .init(method: "GET", path: "/api/templates/:id", scope: .read),
      .init(method: "GET", path: "/api/templates/sync", scope: .read),
      .init(method: "POST", path: "/api/templates/sync", scope: .manage, bad: nothing),
      .init(method: "POST", path: "/api/media", scope: .send),
      .init(method: "GET", path: "/api/media/:id", scope: .read),
      .init(method: "GET", path: "/api/events", scope: .read),
      .init(method: "GET", path: "/api/channels", scope: .read),
      .init(method: "GET", path: "/api/channels/:id", scope: .read),
      .init(method: "GET", path: "/api/opt-outs", scope: .read),
      .init(
        method: "POST", path: "/api/opt-outs", scope: .manage,
        bad: [
          ("{}", "channelType"), (#"{"channelType":"sms","address":"+14155550100"}"#, "optedOut"),
          (#"{"channelType":"pigeon","address":"+14155550100","optedOut":true}"#, "channelType"),
          (#"{"channelType":"sms","address":"555","optedOut":true}"#, "address"),
          (#"{"channelType":"whatsapp","address":"not one","optedOut":true}"#, "address"),
          (#"{"channelType":"sms","address":"whatsapp:+14155550100","optedOut":true}"#, "address"),
          (#"{"channelType":"sms","address":"+14155550100","optedOut":"yes"}"#, "optedOut"),
        ], needsBody: true),
    ] + keys + webhooks

  private static let keys: [Endpoint] = [
    .init(method: "GET", path: "/api/keys", scope: .manage),
    .init(method: "GET", path: "/api/keys/:id", scope: .manage),
    .init(
      method: "POST", path: "/api/keys", scope: .manage,
      bad: [
        (#"{"scopes":["read"]}"#, "name"), (#"{"name":" ","scopes":["read"]}"#, "name"),
        (#"{"name":"k"}"#, "scopes"), (#"{"name":"k","scopes":[]}"#, "scopes"),
        (#"{"name":"k","scopes":["write"]}"#, "scopes[0]"),
        (#"{"name":"k","scopes":["read"],"expiresAt":"2020-01-01T00:00:00Z"}"#, "expiresAt"),
        (#"{"name":"k","scopes":["read"],"expiresAt":"soon"}"#, "expiresAt"),
        (#"{"name":"k","scopes":["read"],"owner":"x"}"#, "owner"),
      ], needsBody: true),
    .init(method: "DELETE", path: "/api/keys/:id", scope: .manage, bad: nothing),
  ]

  private static let webhookFaults: [(body: String, field: String)] = [
    (#"{"url":"ftp://example.com"}"#, "url"), (#"{"url":7}"#, "url"),
    (#"{"url":"http://127.0.0.1:1/","events":["message.lost"]}"#, "events[0]"),
    (#"{"url":"http://127.0.0.1:1/","channels":["pigeon"]}"#, "channels[0]"),
    (#"{"url":"http://127.0.0.1:1/","headers":{"X":1}}"#, "headers.X"),
    (#"{"url":"http://127.0.0.1:1/","timeout":0}"#, "timeout"),
    (#"{"url":"http://127.0.0.1:1/","concurrency":1.5}"#, "concurrency"),
    (#"{"url":"http://127.0.0.1:1/","secret":"x"}"#, "secret"),
  ]

  private static let webhooks: [Endpoint] = [
    .init(method: "GET", path: "/api/webhooks", scope: .manage),
    .init(method: "GET", path: "/api/webhooks/:id", scope: .manage),
    .init(
      method: "POST", path: "/api/webhooks", scope: .manage,
      bad: webhookFaults + [("{}", "url"), (#"{"url":null}"#, "url")], needsBody: true),
    .init(
      method: "PATCH", path: "/api/webhooks/:id", scope: .manage,
      bad: webhookFaults + [(#"{"url":null}"#, "url"), (#"{"events":null}"#, "events")], needsBody: true),
    .init(method: "DELETE", path: "/api/webhooks/:id", scope: .manage, bad: nothing),
    .init(method: "POST", path: "/api/webhooks/:id/test", scope: .manage, bad: nothing),
    .init(method: "POST", path: "/api/webhooks/:id/rotate-secret", scope: .manage, bad: nothing),
    .init(
      method: "POST", path: "/api/webhooks/:id/replay", scope: .manage,
      bad: [("{}", "since"), (#"{"since":"soon"}"#, "since"), (#"{"since":"2099-01-01T00:00:00Z"}"#, "until")],
      needsBody: true),
    .init(method: "GET", path: "/api/webhooks/:id/deliveries", scope: .manage),
    .init(method: "POST", path: "/api/deliveries/:id/retry", scope: .manage, bad: nothing),
  ]
}
