// From frames to messages, as a table of RFC 6455's rules.

import NIOCore
import NIOWebSocket
import Testing

@testable import SocketIO

@Suite struct WebSocketAssemblerTests {
  static func frame(
    _ text: String, _ opcode: WebSocketOpcode = .text, fin: Bool = true, masked: Bool = true,
    reserved: WebSocketFrame.ReservedBits = []
  ) -> WebSocketFrame {
    frame(Array(text.utf8), opcode, fin: fin, masked: masked, reserved: reserved)
  }

  static func frame(
    _ bytes: [UInt8], _ opcode: WebSocketOpcode, fin: Bool = true, masked: Bool = true,
    reserved: WebSocketFrame.ReservedBits = []
  ) -> WebSocketFrame {
    let mask: WebSocketMaskingKey = [1, 2, 3, 4]
    var data = ByteBuffer(bytes: bytes)
    if masked { data.webSocketMask(mask) }
    var frame = WebSocketFrame(fin: fin, opcode: opcode, maskKey: masked ? mask : nil, data: data)
    frame.reservedBits = reserved
    return frame
  }

  static func codes(_ frames: [WebSocketFrame]) -> [Int] {
    var assembler = WebSocketMessageAssembler(maximumSize: 10)
    return frames.map {
      switch assembler.receive($0) {
      case .nothing: 0
      case .text, .binary: 1
      case .ping: 2
      case .pong: 3
      case .close(let close), .violation(let close): Int(close.code.rawValue)
      }
    }
  }

  @Test("fragments become one message, with control frames between them")
  func fragments() {
    var assembler = WebSocketMessageAssembler(maximumSize: 10)
    let frames = [
      Self.frame("ab", fin: false), Self.frame("now", .ping), Self.frame("", .continuation, fin: false),
      Self.frame("cd", .continuation), Self.frame("next"),
    ]
    let outputs = frames.map { assembler.receive($0) }
    #expect(
      outputs == [
        .nothing, .ping(ByteBuffer(string: "now")), .nothing, .text(ByteBuffer(string: "abcd")),
        .text(ByteBuffer(string: "next")),
      ])
  }

  @Test(
    "what a client may not send ends the connection with the code for it",
    arguments: [
      ([frame("a", masked: false)], [1002]),
      ([frame("a", reserved: .rsv1)], [1002]),
      ([frame("a", .continuation)], [1002]),
      ([frame("a", fin: false), frame("b")], [0, 1002]),
      ([frame("a", .binary)], [1003]),
      ([frame("a", .binary, fin: false)], [1003]),
      ([frame("123456", fin: false), frame("12345", .continuation)], [0, 1009]),
      ([frame("123456", fin: false), frame("1234", .continuation)], [0, 1]),
      ([frame([], .connectionClose)], [1000]),
      ([frame([3], .connectionClose)], [1002]),
      ([frame([0x03, 0xE9], .connectionClose)], [1001]),
      ([frame([0x03, 0xED], .connectionClose)], [1002]),
      ([frame([0x03, 0xE8, 0xFF], .connectionClose)], [1007]),
      ([frame([0x0F, 0xA0], .connectionClose)], [4000]),
      ([frame("", .pong)], [3]),
    ])
  func rules(frames: [WebSocketFrame], codes: [Int]) {
    #expect(Self.codes(frames) == codes)
  }

  @Test("an opcode that nobody defined is a fault")
  func unknownOpcode() throws {
    let opcode = try #require(WebSocketOpcode(encodedWebSocketOpcode: 3))
    #expect(Self.codes([Self.frame("a", opcode)]) == [1002])
  }

  @Test("a close frame never grows beyond what a control frame may hold")
  func longReason() {
    let frame = ByteBuffer.webSocketCloseFrame(
      WebSocketClose(.normal, String(repeating: "é", count: 100)))
    #expect(Array(frame.readableBytesView.prefix(4)) == [0x88, 124, 0x03, 0xE8])
    #expect(frame.readableBytes == 126)
  }
}
