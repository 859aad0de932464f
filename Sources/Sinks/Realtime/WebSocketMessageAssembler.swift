// From frames to messages (RFC 6455 section 5): fragments, control frames, and what a client may not send.

internal import NIOCore
internal import NIOWebSocket

struct WebSocketMessageAssembler {
  enum Output: Hashable {
    /// A fragment, kept; or nothing to do.
    case nothing
    /// A whole text message; its encoding is not checked yet.
    case text(ByteBuffer)
    case ping(ByteBuffer)
    case pong
    /// The peer closes; what to answer.
    case close(WebSocketClose)
    /// The peer broke a rule.
    case violation(WebSocketClose)
  }

  private let maximumSize: Int
  private var fragments: ByteBuffer?

  /// - Parameter maximumSize: how large a message may be, in bytes, all its fragments together.
  init(maximumSize: Int) { self.maximumSize = maximumSize }

  mutating func receive(_ frame: WebSocketFrame) -> Output {
    guard frame.reservedBits.isEmpty else { return violation("reserved bits are set") }
    guard frame.maskKey != nil else { return violation("the frame is not masked") }
    switch frame.opcode {
    case .text:
      guard fragments == nil else { return violation("a message began within another") }
      if frame.fin { return .text(frame.unmaskedData) }
      fragments = ByteBuffer()
      return append(frame)
    case .continuation:
      guard fragments != nil else { return violation("a continuation of nothing") }
      return append(frame)
    case .binary: return .violation(WebSocketClose(.unsupportedData, "only text frames are understood"))
    case .ping: return .ping(frame.unmaskedData)
    case .pong: return .pong
    case .connectionClose: return closing(frame.unmaskedData)
    default: return violation("unknown opcode")
    }
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
    return .text(message)
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
