// Server frames as bytes (RFC 6455 section 5.2): unmasked, so the same bytes serve every connection.

package import NIOCore
package import NIOWebSocket

/// The header of an unfragmented server frame.
package struct WebSocketFrameHeader {
  package var opcode: WebSocketOpcode
  package var payloadLength: Int

  package init(opcode: WebSocketOpcode, payloadLength: Int) {
    self.opcode = opcode
    self.payloadLength = payloadLength
  }

  /// Two bytes and the longest extended length; a server's frame has no mask.
  package static let maximumLength = 10

  package func write(to buffer: inout ByteBuffer) {
    buffer.writeInteger(0x80 | UInt8(webSocketOpcode: opcode))
    switch payloadLength {
    case ...125:
      buffer.writeInteger(UInt8(payloadLength))
    case ...Int(UInt16.max):
      buffer.writeInteger(126 as UInt8)
      buffer.writeInteger(UInt16(payloadLength))
    default:
      buffer.writeInteger(127 as UInt8)
      buffer.writeInteger(UInt64(payloadLength))
    }
  }
}

extension ByteBuffer {
  /// A whole server frame around a payload.
  package static func webSocketFrame(_ opcode: WebSocketOpcode, _ payload: some Collection<UInt8>) -> ByteBuffer {
    var frame = ByteBuffer()
    frame.reserveCapacity(payload.count + WebSocketFrameHeader.maximumLength)
    WebSocketFrameHeader(opcode: opcode, payloadLength: payload.count).write(to: &frame)
    frame.writeBytes(payload)
    return frame
  }

  /// A close frame; a reason that does not fit into a control frame's 125 bytes is cut at a character.
  package static func webSocketCloseFrame(_ close: WebSocketClose) -> ByteBuffer {
    var payload: [UInt8] = [UInt8(close.code.rawValue >> 8), UInt8(close.code.rawValue & 0xFF)]
    for character in close.reason {
      guard payload.count + character.utf8.count <= 125 else { break }
      payload.append(contentsOf: character.utf8)
    }
    return webSocketFrame(.connectionClose, payload)
  }
}
