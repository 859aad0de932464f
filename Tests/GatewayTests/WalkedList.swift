// A list of the API, and how rows come into it.

import ChannelProtocol
import Foundation
import Testing

@testable import Gateway

struct WalkedList: Sendable {
  struct ShownPage: Sendable {
    var ids: [String]
    var next: String?
  }

  let gateway: WholeGateway
  let path: String
  /// A filter of the list's.
  let filter: String
  var idName = "id"
  /// The log goes on by number.
  var cursorName = "cursor"
  /// Adds rows, or moves some, given what a walk has seen.
  let insert: @Sendable (_ seen: [String]) async throws -> Void

  func page(_ query: String, _ cursor: String?) async throws -> ShownPage {
    let place = cursor.map { "&\(cursorName)=\($0)" } ?? ""
    let answer = try await gateway.call("GET", "\(path)?\(query)\(place)")
    try #require(answer.status == 200, "\(path): \(answer.text)")
    let ids = (answer.json["data"]?.arrayValue ?? []).compactMap { $0[idName]?.stringValue }
    if cursorName == "cursor" { return ShownPage(ids: ids, next: answer.json["nextCursor"]?.stringValue) }
    // Its end is where nothing is left of before; these walks are not that long.
    return ShownPage(ids: ids, next: ids.isEmpty ? nil : answer.json["last"]?.integerValue.map(String.init))
  }

  func ids(_ query: String) async throws -> [String] { try await page(query, nil).ids }

  // MARK: The lists

  static let numbers = OrderedNumbers()

  /// Each with some rows in it.
  static func all(_ gateway: WholeGateway) async throws -> [WalkedList] {
    let webhook = try await post(gateway, "/api/webhooks", #"{"url":"http://127.0.0.1:1/"}"#)
    let made = [
      WalkedList(gateway: gateway, path: "/api/contacts", filter: "label=a") { _ in
        _ = try await post(gateway, "/api/contacts", #"{"labels":["a"]}"#)
      },
      WalkedList(gateway: gateway, path: "/api/messages", filter: "direction=outbound") { _ in
        try await send(gateway, to: numbers.next())
      },
      WalkedList(gateway: gateway, path: "/api/webhooks", filter: "limit=3&x=1") { _ in
        _ = try await post(gateway, "/api/webhooks", #"{"url":"http://127.0.0.1:1/","events":["contact.updated"]}"#)
      },
      WalkedList(gateway: gateway, path: "/api/keys", filter: "limit=3&x=1") { _ in
        _ = try await post(gateway, "/api/keys", #"{"name":"k","scopes":["read"]}"#)
      },
      WalkedList(gateway: gateway, path: "/api/opt-outs", filter: "address=%2B14155550000") { _ in
        let opting = "{\"channelType\":\"sms\",\"address\":\"\(numbers.next())\",\"optedOut\":true}"
        _ = try await gateway.call("POST", "/api/opt-outs", json: opting)
      },
      WalkedList(gateway: gateway, path: "/api/templates", filter: "language=en", idName: "sid") { _ in
        try await addTemplate(gateway)
      },
    ]
    for list in made { for _ in 0..<7 { try await list.insert([]) } }
    return made + [
      try await conversations(gateway, count: 7), try await deliveries(gateway, of: webhook), events(gateway),
    ]
  }

  /// - Parameter count: how many there are at least.
  static func conversations(_ gateway: WholeGateway, count: Int) async throws -> WalkedList {
    for _ in 0..<count {
      try await send(gateway, to: numbers.next())
    }
    return WalkedList(gateway: gateway, path: "/api/conversations", filter: "unread=false") { seen in
      // Those that come last move to the front, past the walk, and so do some that it has seen.
      let all = try await gateway.call("GET", "/api/conversations?limit=200").json["data"]?.arrayValue ?? []
      let ids = all.compactMap { $0["id"]?.stringValue }
      for id in ids.filter({ !seen.contains($0) }).suffix(2) + seen.prefix(1) {
        try await send(gateway, toConversation: id, "x")
      }
      try await send(gateway, to: numbers.next())
    }
  }

  private static func deliveries(_ gateway: WholeGateway, of webhook: String) async throws -> WalkedList {
    let path = "/api/webhooks/\(webhook)/deliveries"
    @Sendable func newest() async throws -> String? {
      try await gateway.call("GET", "\(path)?limit=1").json["data"]?.arrayValue?.first?["id"]?.stringValue
    }
    _ = try await gateway.eventually("\(path)?limit=200") { ($0["data"]?.arrayValue?.count ?? 0) > 6 }
    return WalkedList(gateway: gateway, path: path, filter: "state=pending") { _ in
      let before = try await newest()
      try await send(gateway, to: numbers.next())
      _ = try await gateway.eventually("\(path)?limit=1") {
        $0["data"]?.arrayValue?.first?["id"]?.stringValue != before
      }
    }
  }

  private static func events(_ gateway: WholeGateway) -> WalkedList {
    let (made, count) = (numbers, SharedCount())
    return WalkedList(
      gateway: gateway, path: "/api/events", filter: "types=message.new", cursorName: "after"
    ) { seen in
      // Not for ever: a log that grows as fast as it is read has no end.
      guard count.next() < 20 else { return }
      try await send(gateway, to: made.next())
    }
  }

  private static func addTemplate(_ gateway: WholeGateway) async throws {
    _ = try await gateway.atSandbox(
      "POST", "/v1/Content",
      "{\"friendly_name\":\"t\(numbers.next().dropFirst())\",\"language\":\"en\",\"types\":{\"twilio/text\":{\"body\":\"x\"}}}"
    )
    let synced = try await gateway.call("POST", "/api/templates/sync")
    #expect(synced.status == 200 || synced.status == 409, "\(synced.text)")
  }

  /// Walks are many requests.
  @Sendable static func withoutRates(_ settings: inout GatewaySettings) {
    settings.configuration.limits.requestsPerSecond = 0
  }

  // MARK: Rows

  private static func post(_ gateway: WholeGateway, _ path: String, _ json: String) async throws -> String {
    let answer = try await gateway.call("POST", path, json: json)
    return try #require(answer.status == 201 ? answer.json["id"]?.stringValue : nil, "\(path): \(answer.text)")
  }

  static func send(_ gateway: WholeGateway, to number: String, _ text: String = "x") async throws {
    let json = "{\"to\":\"\(number)\",\"channel\":\"sms\",\"body\":\"\(text)\"}"
    let answer = try await gateway.call("POST", "/api/messages", json: json)
    try #require(answer.status == 202, "\(answer.text)")
  }

  static func send(_ gateway: WholeGateway, toConversation id: String, _ text: String) async throws {
    let answer = try await gateway.call("GET", "/api/conversations/\(id)").json
    let channels = answer["contact"]?["channels"]?.arrayValue ?? []
    try await send(gateway, to: try #require(channels.first?["address"]?.stringValue), text)
  }
}
