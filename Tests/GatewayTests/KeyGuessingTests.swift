// Who tries keys, over whichever way in.

import ChannelProtocol
import Foundation
import Sinks
import Testing

@testable import Gateway

@Suite("Who tries keys", .serialized)
struct KeyGuessingTests {
  private static let proxied = WholeGateway.configuration.replacing(
    "port: 0 }", with: "port: 0, trustedProxies: [127.0.0.1] }")
  private static let upgrade = [
    ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
  ]

  /// Statuses of one more try than is allowed.
  private func guess(_ attempt: (Int) async throws -> Int) async throws -> [Int] {
    var statuses: [Int] = []
    for index in 0..<FailedAuthentications.burst + 20 {
      statuses.append(try await attempt(index))
      if statuses.last == 429 { break }
    }
    return statuses
  }

  @Test("behind a trusted proxy each client has its own count; one that makes up what stands left of it gains nothing")
  func proxies() async throws {
    try await WholeGateway.run(configuration: Self.proxied) { gateway in
      let statuses = try await guess { index in
        let forwarded = ("X-Forwarded-For", "198.51.100.\(index), 192.0.2.1")
        return try await gateway.call("GET", "/api/channels", key: "fk_\(index)", headers: [forwarded]).status
      }
      #expect(statuses.last == 429 && statuses.dropLast().allSatisfy { $0 == 401 })
      let other = try await gateway.call(
        "GET", "/api/channels", key: "fk_x", headers: [("X-Forwarded-For", "192.0.2.2")])
      #expect(other.status == 401, "another client's count")
      let forwarded = try await gateway.call(
        "GET", "/api/channels", key: "fk_x", headers: [("Forwarded", "for=192.0.2.1")])
      #expect(forwarded.status == 429, "the same client, told of in another way")
    }
  }

  @Test("without trusted proxies a header changes nothing")
  func untrusted() async throws {
    try await WholeGateway.run { gateway in
      let statuses = try await guess { index in
        let forwarded = ("X-Forwarded-For", "192.0.2.\(index)")
        return try await gateway.call("GET", "/api/channels", key: "fk_\(index)", headers: [forwarded]).status
      }
      #expect(statuses.last == 429)
    }
  }

  @Test("keys that are tried over WebSocket and Socket.IO count like those of requests")
  func realtime() async throws {
    try await WholeGateway.run(configuration: Self.proxied) { gateway in
      func webSocket(_ key: String, from client: String) async throws -> WholeGateway.Answer {
        try await WholeGateway.exchange(
          "GET", gateway.base + "/ws?token=\(key)", headers: Self.upgrade + [("X-Forwarded-For", client)])
      }
      let statuses = try await guess { try await webSocket("fk_\($0)", from: "192.0.2.1").status }
      #expect(statuses.last == 429 && statuses.dropLast().allSatisfy { $0 == 401 }, "\(statuses)")
      let refused = try await webSocket("fk_x", from: "192.0.2.1")
      #expect(refused.status == 429 && refused.headers["retry-after"] != nil && refused.json["code"] == "rate_limited")
      #expect(try await webSocket("fk_x", from: "192.0.2.2").status == 401)
      let request = try await gateway.call(
        "GET", "/api/channels", key: "fk_x", headers: [("X-Forwarded-For", "192.0.2.1")])
      #expect(request.status == 429)
      #expect(try await socketIO(gateway, "fk_x", from: "192.0.2.1").contains("rate_limited"))
      #expect(try await socketIO(gateway, "fk_x", from: "192.0.2.3").contains("unauthorized"))
    }
  }

  /// What a Socket.IO client over polling hears when it shows a key.
  private func socketIO(_ gateway: WholeGateway, _ key: String, from client: String) async throws -> String {
    let headers = [("X-Forwarded-For", client), ("Content-Type", "text/plain;charset=UTF-8")]
    let url = gateway.base + "/socket.io/?EIO=4&transport=polling"
    let opened = try await WholeGateway.exchange("GET", url, headers: headers)
    let packet = try JSONDecoder().decode(JSONValue.self, from: Data(opened.text.dropFirst().utf8))
    let session = "\(url)&sid=\(packet["sid"]?.stringValue ?? "")"
    _ = try await WholeGateway.exchange(
      "POST", session, body: "40/messaging,{\"token\":\"\(key)\"}", headers: headers)
    return try await WholeGateway.exchange("GET", session, headers: headers).text
  }
}
