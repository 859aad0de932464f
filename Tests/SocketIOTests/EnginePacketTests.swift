// Engine.IO's encoding, as tables.

import NIOCore
import Testing

@testable import SocketIO

@Suite struct EnginePacketTests {
  @Test(
    "payloads decode to their packets",
    arguments: [
      ("4hello", [EnginePacket.message(.text(ByteBuffer(string: "hello")))]),
      ("3\u{1E}4a", [.pong, .message(.text(ByteBuffer(string: "a")))]),
      ("bAQIDBA==", [.message(.binary(ByteBuffer(bytes: [1, 2, 3, 4])))]),
      ("2probe", [.ping(ByteBuffer(string: "probe"))]),
      ("1", [.close]), ("5", [.upgrade]), ("6", [.noop]),
    ])
  func decodes(text: String, packets: [EnginePacket]) throws {
    #expect(try PollingPayload.decode(ByteBuffer(string: text), maximum: 16) == packets)
  }

  @Test("what is no payload is refused", arguments: ["", "abc", "4a\u{1E}", "0{}", "b#", "7", "4a\u{1E}\u{1E}4b"])
  func refuses(text: String) {
    #expect(throws: EnginePacket.Malformed()) { try PollingPayload.decode(ByteBuffer(string: text), maximum: 16) }
  }

  @Test("bytes that are no UTF-8, and more packets than may be, are refused")
  func bounds() {
    #expect(throws: EnginePacket.Malformed()) {
      try PollingPayload.decode(ByteBuffer(bytes: [0x34, 0xFF]), maximum: 16)
    }
    #expect(throws: EnginePacket.Malformed()) {
      try PollingPayload.decode(ByteBuffer(string: "4a\u{1E}4b\u{1E}4c"), maximum: 2)
    }
  }

  @Test("one frame serves both transports")
  func encodes() {
    let text = EngineFrame(text: Array("a€".utf8))
    #expect(Array(text.webSocketFrame.readableBytesView) == [0x81, 5, 0x34] + Array("a€".utf8))
    let binary = EngineFrame(binary: ByteBuffer(bytes: [1, 2, 3]))
    #expect(Array(binary.webSocketFrame.readableBytesView) == [0x82, 3, 1, 2, 3])
    #expect(String(buffer: PollingPayload.encode([text, binary, .ping])) == "4a€\u{1E}bAQID\u{1E}2")
  }
}
