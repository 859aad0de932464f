// A Socket.IO client in bytes, over a WebSocket.

import NIOCore
import Testing

/// A connection that is in the namespace of messages.
struct MessagingTestClient {
  let connection: RealtimeTestClient

  /// Connects, and asks to be let in.
  /// - Returns: the connection and the answer to its CONNECT.
  static func connect(
    _ port: Int, auth: String, fields: [String] = []
  ) async throws -> (client: MessagingTestClient, answer: String) {
    let connection = try await RealtimeTestClient.connect(port)
    try await connection.write(
      RealtimeTestClient.upgrade("/socket.io/?EIO=4&transport=websocket", fields: fields))
    let response = try await connection.response(hasBody: false)
    try #require(response.status == 101)
    let client = MessagingTestClient(connection: connection)
    let opened = try await client.packet()
    try #require(opened.hasPrefix(#"0{"sid":""#), "\(opened)")
    try await connection.send("40/messaging,\(auth)")
    return (client, try await client.packet())
  }

  /// In the namespace, and past `ready`.
  static func open(_ port: Int, after: Int64? = nil) async throws -> MessagingTestClient {
    let auth = #"{"token":"sender"\#(after.map { #","after":\#($0)"# } ?? "")}"#
    let (client, answer) = try await connect(port, auth: auth)
    try #require(answer.hasPrefix(#"40/messaging,{"sid":""#), "\(answer)")
    let ready = try await client.packet()
    try #require(ready.hasPrefix(#"42/messaging,["ready",{"epoch":""#), "\(ready)")
    return client
  }

  /// The next packet that is no ping; pings are answered.
  func packet() async throws -> String {
    while true {
      let text = try await connection.text()
      if text != "2" { return text }
      try await connection.send("3")
    }
  }

  /// The number of the next event.
  func event() async throws -> Int64 {
    let packet = try await packet()
    let isEvent = packet.hasPrefix(#"42/messaging,["message:new",{"seq":"#)
    return try #require(RealtimeTestClient.number("seq", in: isEvent ? packet : ""), "\(packet)")
  }

  /// Sends an event and waits for its acknowledgement.
  func call(_ id: Int, _ name: String, _ json: String) async throws -> String {
    try await connection.send(#"42/messaging,\#(id)["\#(name)",\#(json)]"#)
    while true {
      let packet = try await packet()
      if packet.hasPrefix("43/messaging,\(id)[") { return packet }
    }
  }
}
