// From frames to messages (RFC 6455 section 5): fragments, control frames, and what a client may not send.

package import NIOCore
package import NIOWebSocket

package struct WebSocketMessageAssembler {
  package enum Output: Hashable {
    /// A fragment, kept; or nothing to do.
    case nothing
    /// A whole text message; its encoding is not checked yet.
    case text(ByteBuffer)
    case binary(ByteBuffer)
    case ping(ByteBuffer)
    case pong
    /// The peer closes; what to answer.
    case close(WebSocketClose)
    /// The peer broke a rule.
    case violation(WebSocketClose)
  }

  private let maximumSize: Int
  private let takesBinary: Bool
  private var fragments: ByteBuffer?
  private var isBinary = false

  /// - Parameters:
  ///   - maximumSize: how large a message may be, in bytes, all its fragments together.
  ///   - takesBinary: whether binary messages are understood as well as text.
  package init(maximumSize: Int, takesBinary: Bool = false) {
    self.maximumSize = maximumSize
    self.takesBinary = takesBinary
  }

  package mutating func receive(_ frame: WebSocketFrame) -> Output {
    guard frame.reservedBits.isEmpty else { return violation("reserved bits are set") }
    guard frame.maskKey != nil else { return violation("the frame is not masked") }
    switch frame.opcode {
    case .text: return begin(frame, isBinary: false)
    case .binary:
      guard takesBinary else { return .violation(WebSocketClose(.unsupportedData, "only text frames are understood")) }
      return begin(frame, isBinary: true)
    case .continuation:
      guard fragments != nil else { return violation("a continuation of nothing") }
      return append(frame)
    case .ping: return .ping(frame.unmaskedData)
    case .pong: return .pong
    case .connectionClose: return closing(frame.unmaskedData)
    default: return violation("unknown opcode")
    }
  }

  private mutating func begin(_ frame: WebSocketFrame, isBinary: Bool) -> Output {
    guard fragments == nil else { return violation("a message began within another") }
    if frame.fin { return isBinary ? .binary(frame.unmaskedData) : .text(frame.unmaskedData) }
    fragments = ByteBuffer()
    self.isBinary = isBinary
    return append(frame)
  }

  /// Appends in place: a copy for each fragment would let a client of tiny fragments keep a core busy.
  private mutating func append(_ frame: WebSocketFrame) -> Output {
    guard (fragments?.readableBytes ?? 0) + frame.length <= maximumSize else {
      fragments = nil
      return .violation(WebSocketClose(.messageTooBig, "a message may have \(maximumSize) bytes"))
    }
    fragments?.writeImmutableBuffer(frame.unmaskedData)
    guard frame.fin, let message = fragments else { return .nothing }
    fragments = nil
    return isBinary ? .binary(message) : .text(message)
  }

  /// Section 7.1.5 and 7.4: the peer's code is answered, unless it is one that may not be sent.
  private func closing(_ data: ByteBuffer) -> Output {
    var data = data
    guard data.readableBytes > 0 else { return .close(WebSocketClose(.normal)) }
    guard let number = data.readInteger(as: UInt16.self) else { return violation("a close code of one byte") }
    let code = WebSocketClose.Code(rawValue: number)
    guard code.isAllowedOnTheWire else { return violation("close code \(number)") }
    guard String(validating: data.readableBytesView, as: UTF8.self) != nil else {
      return .violation(WebSocketClose(.invalidPayload, "the reason is not UTF-8"))
    }
    return .close(WebSocketClose(code))
  }

  private func violation(_ reason: String) -> Output { .violation(WebSocketClose(.protocolError, reason)) }
}
