// What travels in an Engine.IO connection, in both directions.

public import NIOCore
internal import Foundation
internal import NIOWebSocket

/// A message from a client.
public enum EngineMessage: Hashable, Sendable {
  /// Valid UTF-8.
  case text(ByteBuffer)
  case binary(ByteBuffer)
}

/// A packet to a client, encoded once: any number of connections share its bytes, over either transport.
public struct EngineFrame: Hashable, Sendable {
  /// The WebSocket frame, header included.
  let webSocketFrame: ByteBuffer
  private let headerLength: Int
  private let isBinary: Bool

  /// A text message.
  public init(text: some Collection<UInt8>) { self.init(.message, text) }

  /// A binary message.
  public init(binary: ByteBuffer) {
    webSocketFrame = .webSocketFrame(.binary, binary.readableBytesView)
    headerLength = webSocketFrame.readableBytes - binary.readableBytes
    isBinary = true
  }

  init(_ kind: EnginePacket.Kind, _ data: some Collection<UInt8> = EmptyCollection()) {
    var frame = ByteBuffer()
    let length = data.count + 1
    frame.reserveCapacity(length + WebSocketFrameHeader.maximumLength)
    WebSocketFrameHeader(opcode: .text, payloadLength: length).write(to: &frame)
    headerLength = frame.readableBytes
    frame.writeInteger(kind.rawValue)
    frame.writeBytes(data)
    webSocketFrame = frame
    isBinary = false
  }

  /// How much it counts against a connection's bounds.
  public var size: Int { webSocketFrame.readableBytes }

  /// Writes it as a part of a polling answer: text as it is, binary as `b` and base64.
  func writePolling(to buffer: inout ByteBuffer) {
    var payload = webSocketFrame
    payload.moveReaderIndex(forwardBy: headerLength)
    if isBinary {
      buffer.writeInteger(UInt8(ascii: "b"))
      buffer.writeBytes(Data(payload.readableBytesView).base64EncodedData())
    } else {
      buffer.writeBuffer(&payload)
    }
  }

  static let close = EngineFrame(.close)
  static let ping = EngineFrame(.ping)
  static let probeAnswer = EngineFrame(.pong, "probe".utf8)
  static let noop = EngineFrame(.noop)
}
